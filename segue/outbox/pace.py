"""The pace: how much a connector may take a second, over all workers together.

Wherever a second begins, no more leaves in it than the pace allows: text messages count by their segments, all else
by the piece. What is larger than a second's room leaves alone, and its time is waited out. `channel_state` keeps what
left within the last second, and its row is the lock that workers share.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from segue.contract import Content, Message, MessageConnector, SmsContent
from segue.store.tables import channel_state
from segue.store.types import from_micros, to_micros

_SECOND = timedelta(seconds=1)
#: Rates are floats; what fits to the last bit fits.
_HAIR = 1e-9
#: The longest a message waits for its turn before the pace, which may have changed, is asked again.
PACE_WAIT = timedelta(minutes=5)
_ROW = (
    select(channel_state.c.pace_per_second, channel_state.c.pace_taken)
    .where(channel_state.c.name == bindparam("connector"))
    .with_for_update()
)


class _Taken(NamedTuple):
    """What left at one instant."""

    at: datetime
    size: int

    def until(self, rate: float) -> datetime:
        """From when on it takes no room any more."""
        return self.at + max(_SECOND, timedelta(seconds=self.size / rate))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Which messages may leave now (positions in what was asked for), and what the others wait for."""

    leaves: tuple[int, ...]
    #: Have to wait for room.
    waits: tuple[int, ...]
    #: There is room, but they could not be through before the reader's window closes.
    ends: tuple[int, ...]
    #: When there is room again.
    free_at: datetime
    rate: float


def set_pace(connection: Connection, connector: str, *, per_second: float | None, now: datetime) -> None:
    """Let `connector` take at most `per_second` (above 0), over all workers; None: what it declares itself.

    Of text messages these are segments. Raises ValueError for a pace that is none.
    """
    if per_second is not None and not per_second > 0:
        raise ValueError("a pace is more than nothing a second; to stop a connector, pause it")
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    values = {"pace_per_second": per_second, "changed_at": now}
    connection.execute(
        insert(channel_state)
        .values(name=f"connector:{connector}", paused=False, **values)
        .on_conflict_do_update(index_elements=["name"], set_=values)
    )


def pace_of(connection: Connection, connector: MessageConnector) -> float | None:
    """How much `connector` takes a second: the pace that was set, else the one it declares; None: it has none."""
    is_its = channel_state.c.name == f"connector:{connector.name}"
    rate = connection.scalar(select(channel_state.c.pace_per_second).where(is_its))
    return rate or connector.capabilities.pace_per_second or None


def size_of(content: Content | None) -> int:
    """What a message takes of the pace: its segments, or 1."""
    return max(content.segments, 1) if isinstance(content, SmsContent) else 1


def through_at(now: datetime, ahead: int, size: int, rate: float) -> datetime:
    """When a message is through that has so much before it."""
    return now + timedelta(seconds=(ahead + size) / rate)


def reserve(
    connection: Connection, connector: MessageConnector, messages: Sequence[Message], *, now: datetime
) -> Grant | None:
    """Take room for as many of `messages` as may leave now; None where the connector has no pace.

    The pace is the one that was set, else the one the connector declares. First come, first served: what does not fit
    lets nothing smaller pass.
    """
    name = f"connector:{connector.name}"
    declared = connector.capabilities.pace_per_second
    row = connection.execute(_ROW, {"connector": name}).first()
    if row is None and declared is None:
        return None
    if row is None:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        connection.execute(
            insert(channel_state).values(name=name, paused=False, changed_at=now).on_conflict_do_nothing()
        )
        row = connection.execute(_ROW, {"connector": name}).one()
    rate = row.pace_per_second or declared
    if not rate:
        return None
    taken = [_Taken(from_micros(at), size) for at, size in row.pace_taken or ()]
    taken = [one for one in taken if one.until(rate) > now]
    grant, size = _grant(messages, sum(one.size for one in taken), float(rate), now)
    if size:
        taken.append(_Taken(now, size))
        log = [[to_micros(one.at), one.size] for one in taken]
        connection.execute(update(channel_state).where(channel_state.c.name == name).values(pace_taken=log))
    leaves, waits, ends = grant
    free_at = min((one.until(rate) for one in taken), default=now)
    return Grant(leaves=leaves, waits=waits, ends=ends, free_at=free_at, rate=float(rate))


def _grant(
    messages: Sequence[Message], used: int, rate: float, now: datetime
) -> tuple[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]], int]:
    """Positions that leave, wait for room, and come too late; and how much leaves."""
    room = max(rate, 1.0) + _HAIR
    leaves: list[int] = []
    waits: list[int] = []
    ends: list[int] = []
    before = used
    for place, message in enumerate(messages):
        size = size_of(message.content)
        closes = message.valid_until
        if closes is not None and through_at(now, used, size, rate) > closes:
            ends.append(place)
        elif waits or (used and used + size > room):
            waits.append(place)
        else:
            leaves.append(place)
            used += size
    return (tuple(leaves), tuple(waits), tuple(ends)), used - before


class Turns:
    """Hands out turns to what waits for one connector, so that few are judged again for nothing."""

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._size = 0

    def give(
        self, grant: Grant, messages: Sequence[Message], *, now: datetime, called: Collection[int] = ()
    ) -> list[datetime]:
        """When each of `messages` is worth another look: a second's worth at a time, after all that waited before.

        `called` are positions whose turn this was. The room that a moment's lateness cost them comes at once: a
        second's worth of them keeps its place, since at the end of the queue they would leave their second unused.
        """
        if self._at is None or self._at < grant.free_at:
            self._at, self._size = max(grant.free_at, now), 0
        room, latest = max(grant.rate, 1.0) + _HAIR, now + PACE_WAIT
        turns, kept = [], 0
        for place, message in enumerate(messages):
            size = size_of(message.content)
            if place in called and (not kept or kept + size <= room):
                kept += size
                turns.append(min(max(grant.free_at, now), latest))
                continue
            if self._size and self._size + size > room:
                self._at += max(_SECOND, timedelta(seconds=self._size / grant.rate))
                self._size = 0
            self._at = min(self._at, latest)
            self._size += size
            turns.append(self._at)
        return turns
