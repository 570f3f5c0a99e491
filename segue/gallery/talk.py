"""What Segue decided about people and said to them, as entries of a timeline."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from segue.contract import Channel
from segue.gallery import words
from segue.gallery.facts import Entry, Told
from segue.journeys.definition import Journey
from segue.outbox.summary import GROUPS
from segue.store.sql import among
from segue.store.tables import decision, message

_GROUP_OF_VERDICT = {"hold": "pending", "skip": "skipped", "control": "control"}


def channels_of(journeys: Mapping[str, Journey], journey: str, step: str) -> tuple[str, ...]:
    """The channels of a step; none for a step that is no longer in its journey."""
    if journey not in journeys:
        return ()
    return next((tuple(channel.value for channel in s.channels) for s in journeys[journey].steps if s.name == step), ())


def talk(connection: Connection, people: Collection[int], *, journeys: Mapping[str, Journey]) -> Told:
    """Every decision about these people, and what became of every message handed over."""
    rows = connection.execute(select(message).where(among(connection, message.c.profile_id, people))).all()
    by_id = {row.id: row for row in rows}
    for row in connection.execute(
        select(decision.c.message_id, decision.c.decided_at, decision.c.verdict, decision.c.reason, decision.c.until)
        .join(message, message.c.id == decision.c.message_id)
        .where(among(connection, message.c.profile_id, people))
        .order_by(decision.c.id)
    ):
        about = by_id.get(row.message_id)
        if about is not None and row.verdict in _GROUP_OF_VERDICT:
            yield about.profile_id, _decided(about, row, channels_of(journeys, about.journey, about.step))
    for row in rows:
        for entry in _became(row, channels_of(journeys, row.journey, row.step)):
            yield row.profile_id, entry


def _decided(about: Any, row: Any, channels: Sequence[str]) -> Entry:
    what = words.step(about.step)
    said = {"hold": f"{what} waits", "skip": f"No {what.lower()}", "control": f"{what} held back on purpose"}
    return Entry(
        at=row.decided_at,
        kind="decision",
        title=said[row.verdict],
        detail=words.reason(row.reason, channels),
        message_id=about.id,
        group=_GROUP_OF_VERDICT[row.verdict],
        reason=row.reason,
    )


def _became(row: Any, channels: Sequence[str]) -> Iterator[Entry]:
    """What happened at and after hand-over; nothing for a message that never left."""
    if row.handed_over_at is None or row.state in {"skipped", "control", "held", "queued"}:
        return
    what = f"{words.step(row.step)} by {words.channel(row.channel)}"
    group = GROUPS[row.state]
    told = {
        "accepted": f"{what}: sent",
        "deferred": f"{what}: tried, tried again later",
        "rejected": f"{what}: refused",
        "uncertain": f"{what}: handed over, fate unknown",
        "handed_over": f"{what}: handed over, no answer yet",
    }[row.state]
    if row.channel == Channel.PRINT and row.state == "accepted":
        told = f"{words.step(row.step)}: card ready to be printed"
    yield Entry(
        at=row.handed_over_at,
        kind="message",
        title=told,
        detail=words.reason(row.reason, channels),
        channel=row.channel,
        message_id=row.id,
        group=group,
        reason=row.reason,
    )
