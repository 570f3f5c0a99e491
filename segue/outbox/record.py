"""Recording what a provider said: set-based, and only onto rows that this very answer still concerns."""

from __future__ import annotations

import json
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


_SQLITE = """
UPDATE message SET state = a.value ->> 2, reason = a.value ->> 3, provider_id = coalesce(a.value ->> 4, provider_id),
  answered_at = :answered_at, not_before = a.value ->> 5, attempts = attempts - (a.value ->> 6)
FROM json_each(:answers) AS a
WHERE message.id = a.value ->> 0 AND message.epoch = a.value ->> 1 AND message.worker = :worker
  AND (message.state IN ('handed_over', 'uncertain') OR message.state = 'deferred' AND a.value ->> 2 = 'accepted')
"""
# The CASE hides from the planner that the conditions are rare by its (often outdated) statistics: it would read the
# whole table for the one row it expects, and compare each of the five hundred it finds with every answer.
_POSTGRESQL = """
UPDATE message SET state = a.state, reason = a.reason, provider_id = coalesce(a.provider_id, message.provider_id),
  answered_at = %(answered_at)s, not_before = a.not_before, attempts = attempts - a.unburned
FROM unnest(%(ids)s::bigint[], %(epochs)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(provider_ids)s::text[],
  %(not_before)s::timestamptz[], %(unburned)s::int[]) AS a(id, epoch, state, reason, provider_id, not_before, unburned)
WHERE message.id = a.id AND CASE WHEN message.epoch = a.epoch AND message.worker = %(worker)s
  AND (message.state IN ('handed_over', 'uncertain') OR message.state = 'deferred' AND a.state = 'accepted')
  THEN true END
"""


def record(connection: Connection, answers: Sequence[Answer], *, worker: str, now: datetime) -> None:
    """Write `answers` of `worker`; a row that is queued again, or handed over under another epoch, is left alone.

    An acceptance also reaches a row that waits for its next try: who took the worker for dead deferred it,
    and trying again would write twice. Once the row is handed over again, its epoch is another.
    """
    if not answers:
        return
    if connection.dialect.name == "sqlite":
        listed = [
            (a.message_id, a.epoch, a.state, a.reason, a.provider_id, to_micros(a.not_before), int(a.unburned))
            for a in answers
        ]
        connection.exec_driver_sql(
            _SQLITE, {"answers": json.dumps(listed), "answered_at": to_micros(now), "worker": worker}
        )
        return
    connection.exec_driver_sql(
        _POSTGRESQL,
        {
            "answered_at": now,
            "ids": [a.message_id for a in answers],
            "epochs": [a.epoch for a in answers],
            "states": [a.state for a in answers],
            "reasons": [a.reason for a in answers],
            "provider_ids": [a.provider_id for a in answers],
            "not_before": [a.not_before for a in answers],
            "unburned": [int(a.unburned) for a in answers],
            "worker": worker,
        },
    )


def suppress(connection: Connection, address_hashes: Sequence[str], *, reason: str, now: datetime) -> None:
    """Remember addresses that must not be written to again, by their keyed hash."""
    insert_suppressions(
        connection,
        [
            {"address_hash": digest, "reason": reason, "occurred_at": now, "recorded_at": now}
            for digest in address_hashes
        ],
    )
