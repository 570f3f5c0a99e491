"""Storing verdicts: a row's new state, and a decision whenever its verdict or reason changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, literal, select

from segue.store.sql import listed
from segue.store.tables import decision, message
from segue.store.types import UtcTime, to_micros


class Verdict(NamedTuple):
    """What was decided about one row that does not leave now."""

    message_id: int
    run_id: int | None
    #: held, skipped or control.
    state: str
    reason: str
    channel: str | None
    #: For held: when to look again.
    until: datetime | None
    #: Its last verdict said the same; only the time moved.
    is_repeat: bool = False


_WORDS = {"held": "hold", "skipped": "skip", "control": "control"}
_SQLITE = """
UPDATE message SET state = ?, reason = ?, channel = ?, not_before = coalesce(?, not_before)
WHERE id = ? AND state IN ('queued', 'held', 'deferred')
"""
# The CASE is for the planner, as in `record`.
_POSTGRESQL = """
UPDATE message SET state = v.state, reason = v.reason, channel = v.channel,
  not_before = coalesce(v.until, message.not_before)
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(channels)s::text[], %(untils)s::timestamptz[])
  AS v(id, state, reason, channel, until)
WHERE message.id = v.id AND CASE WHEN message.state IN ('queued', 'held', 'deferred') THEN true END
"""

_STANDING = select(message.c.id, message.c.state, message.c.reason).where(listed(message.c.id, "ids"))
_SENDS = insert(decision).from_select(
    ["message_id", "run_id", "verdict", "decided_at"],
    select(message.c.id, message.c.run_id, literal("send"), bindparam("now", type_=UtcTime)).where(
        listed(message.c.id, "ids")
    ),
    include_defaults=False,
)


def store(connection: Connection, verdicts: Sequence[Verdict], *, now: datetime) -> None:
    """Write `verdicts` made at `now`; the caller's transaction has passed the fence."""
    if not verdicts:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(
            _SQLITE,
            [
                (v.state, v.reason, v.channel, None if v.until is None else to_micros(v.until), v.message_id)
                for v in verdicts
            ],
        )
    else:
        connection.exec_driver_sql(
            _POSTGRESQL,
            {
                "ids": [v.message_id for v in verdicts],
                "states": [v.state for v in verdicts],
                "reasons": [v.reason for v in verdicts],
                "channels": [v.channel for v in verdicts],
                "untils": [v.until for v in verdicts],
            },
        )
    news = _in_force(connection, [v for v in verdicts if not v.is_repeat])
    if news:
        connection.execute(
            insert(decision),
            [
                {
                    "message_id": v.message_id,
                    "run_id": v.run_id,
                    "verdict": _WORDS[v.state],
                    "reason": v.reason,
                    "until": v.until,
                    "decided_at": now,
                }
                for v in news
            ],
        )


def _in_force(connection: Connection, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
    """Those whose row took them: a run may have been stopped since they were judged."""
    if not verdicts:
        return verdicts
    stands = {
        row[0]: (row[1], row[2]) for row in connection.execute(_STANDING, {"ids": [v.message_id for v in verdicts]})
    }
    return [v for v in verdicts if stands.get(v.message_id) == (v.state, v.reason)]


def store_sends(connection: Connection, message_ids: Sequence[int], *, now: datetime) -> None:
    """Write the decision `send` for rows just marked handed over."""
    connection.execute(_SENDS, {"ids": message_ids, "now": now})
