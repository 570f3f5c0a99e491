"""Orphans: rows that a worker marked and never answered, found by whoever takes its buckets over.

If the old worker is certainly dead, its journal tells: what was answered is recorded, what left unanswered is
uncertain, what never left goes back in the queue. If it may still be alive (or ran on another host, or before
a reboot, which no journal is sure to survive whole), all of it is uncertain. Nothing is resent that may have
arrived, unless its step says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from segue.contract import Key, Result, uncertain
from segue.outbox.journal import Diary, discard, read_if_dead
from segue.outbox.lease import Leases
from segue.outbox.record import Answer, record
from segue.outbox.states import HANDED_OVER
from segue.store.engine import read, write
from segue.store.sql import among
from segue.store.tables import message

Settle = Callable[[Any, Result, datetime], Answer]
"""Turns a result for a message row into what becomes of the row (retry, give up, repeat)."""


def adopt(
    engine: Engine, buckets: Collection[int], *, journals: Path, leases: Leases, now: datetime, settle: Settle
) -> int:
    """Settle every orphan in `buckets`, which `leases` has just taken; return how many there were.

    Written behind the fence: rows of a bucket that was lost meanwhile are the new holder's.
    """
    if not buckets:
        return 0
    with read(engine) as connection:
        rows = connection.execute(
            select(
                message.c.id,
                message.c.key,
                message.c.bucket,
                message.c.worker,
                message.c.epoch,
                message.c.journey,
                message.c.step,
                message.c.attempts,
            )
            .where(message.c.state == HANDED_OVER, among(connection, message.c.bucket, sorted(buckets)))
            .where(message.c.worker != leases.owner)
            .order_by(message.c.worker)
        ).all()
    adopted = 0
    for old, group in groupby(rows, key=lambda row: row.worker):
        orphans = list(group)
        diary = read_if_dead(journals, old)
        with write(engine) as connection:
            held = leases.fence(connection, {row.bucket for row in orphans})
            answers = [_fate(row, diary, now, settle) for row in orphans if row.bucket in held]
            record(connection, answers, worker=old, now=now)
            open_rows = connection.scalar(
                select(func.count()).where(message.c.worker == old, message.c.state == HANDED_OVER)
            )
        if diary is not None and not open_rows:
            discard(journals, old)
        adopted += len(answers)
    return adopted


def _fate(row: Any, diary: Diary | None, now: datetime, settle: Settle) -> Answer:
    key = Key(row.key)
    if diary is None:
        return settle(row, uncertain(key, "worker_lost"), now)
    answer = diary.answer(key)
    if answer is not None:
        return settle(row, answer, now)
    if diary.has_left(key):
        return settle(row, uncertain(key, "worker_died"), now)
    return Answer(
        message_id=row.id, epoch=row.epoch, state="queued", reason=None, provider_id=None, not_before=now, unburned=True
    )
