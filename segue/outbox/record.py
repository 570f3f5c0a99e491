"""Recording what a provider said: set-based, and only onto rows that this very answer still concerns."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from segue.store.suppressions import insert_suppressions
from segue.store.types import to_micros


class Answer(NamedTuple):
    """What becomes of one handed-over row."""

    message_id: int
    epoch: int
    state: str
    reason: str | None
    provider_id: str | None
    #: When to look at it again, for deferred and queued.
    not_before: datetime
    #: Give the attempt back: nothing was tried.
    unburned: bool = False


# What many answers share is told once; for each row there are its id, its epoch and the provider's id.
_SQLITE = """
UPDATE message SET state = :state, reason = :reason, provider_id = coalesce(a.value ->> 2, provider_id),
  answered_at = :answered_at, not_before = :not_before, attempts = attempts - :unburned
FROM json_each(:answers) AS a
WHERE message.id = a.value ->> 0 AND message.epoch = a.value ->> 1 AND message.worker = :worker
  AND (message.state IN ('handed_over', 'uncertain') OR message.state = 'deferred' AND :state = 'accepted')
"""
# The CASE hides from the planner that the conditions are rare by its (often outdated) statistics: it would read the
# whole table for the one row it expects, and compare each of the five hundred it finds with every answer.
_POSTGRESQL = """
UPDATE message SET state = %(state)s, reason = %(reason)s, provider_id = coalesce(a.provider_id, message.provider_id),
  answered_at = %(answered_at)s, not_before = %(not_before)s, attempts = attempts - %(unburned)s
FROM unnest(%(ids)s::bigint[], %(epochs)s::bigint[], %(provider_ids)s::text[]) AS a(id, epoch, provider_id)
WHERE message.id = a.id AND CASE WHEN message.epoch = a.epoch AND message.worker = %(worker)s
  AND (message.state IN ('handed_over', 'uncertain') OR message.state = 'deferred' AND %(state)s = 'accepted')
  THEN true END
"""


def record(connection: Connection, answers: Sequence[Answer], *, worker: str, now: datetime) -> None:
    """Write `answers` of `worker`; a row that is queued again, or handed over under another epoch, is left alone.

    An acceptance also reaches a row that waits for its next try: who took the worker for dead deferred it,
    and trying again would write twice. Once the row is handed over again, its epoch is another.
    """
    alike: defaultdict[tuple[str, str | None, datetime, bool], list[Answer]] = defaultdict(list)
    for answer in answers:
        alike[answer.state, answer.reason, answer.not_before, answer.unburned].append(answer)
    for (state, reason, not_before, unburned), some in alike.items():
        said = {"state": state, "reason": reason, "unburned": int(unburned), "worker": worker}
        if connection.dialect.name == "sqlite":
            rows = json.dumps([(a.message_id, a.epoch, a.provider_id) for a in some])
            times = {"answered_at": to_micros(now), "not_before": to_micros(not_before)}
            connection.exec_driver_sql(_SQLITE, {**said, **times, "answers": rows})
        else:
            ids, epochs, provider_ids = zip(*((a.message_id, a.epoch, a.provider_id) for a in some), strict=True)
            arrays = {"ids": list(ids), "epochs": list(epochs), "provider_ids": list(provider_ids)}
            connection.exec_driver_sql(_POSTGRESQL, {**said, **arrays, "answered_at": now, "not_before": not_before})


def suppress(connection: Connection, address_hashes: Sequence[str], *, reason: str, now: datetime) -> None:
    """Remember addresses that must not be written to again, by their keyed hash."""
    insert_suppressions(
        connection,
        [
            {"address_hash": digest, "reason": reason, "occurred_at": now, "recorded_at": now}
            for digest in address_hashes
        ],
    )
