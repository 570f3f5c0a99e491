"""The brake and the pace: asked before every batch leaves.

`channel_state` names what stands still (`all`, `journey:x`, `run:7`, `channel:sms`, `connector:smtp`) and how fast
a connector may go over all workers together.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from segue.contract import Channel
from segue.store.tables import channel_state

_PAUSED = select(channel_state.c.name).where(channel_state.c.paused)
_PACE = (
    select(channel_state.c.pace_per_second, channel_state.c.pace_free_at)
    .where(channel_state.c.name == bindparam("connector"), channel_state.c.pace_per_second.is_not(None))
    .with_for_update()
)


def paused_names(connection: Connection) -> set[str]:
    """Everything that stands still right now."""
    return set(connection.scalars(_PAUSED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Something that stands still, why, and since when."""

    name: str
    reason: str | None
    since: datetime


def standing_still(connection: Connection) -> list[Standing]:
    """Everything that stands still right now, with its reason, by name."""
    columns = (channel_state.c.name, channel_state.c.reason, channel_state.c.changed_at)
    rows = connection.execute(select(*columns).where(channel_state.c.paused).order_by(channel_state.c.name))
    return [Standing(name=name, reason=reason, since=since) for name, reason, since in rows]


def check_name(name: str, *, journeys: Collection[str], connectors: Collection[str]) -> None:
    """Raise ValueError with the choice where `name` is nothing that could stand still."""
    kind, _, one = name.partition(":")
    choice: dict[str, Collection[str]] = {"journey": journeys, "channel": list(Channel), "connector": connectors}
    if name == "all" or (kind == "run" and one.isascii() and one.isdigit()) or one in choice.get(kind, ()):
        return
    names = [f"{kind}:{one}" for kind, ones in choice.items() for one in sorted(ones)]
    raise ValueError(f"nothing is named {name}; choose all, run:7 (its number), {', '.join(names)}")


def set_paused(connection: Connection, name: str, *, paused: bool, reason: str | None, now: datetime) -> None:
    """Pause or resume `name`."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    values = {"paused": paused, "reason": reason, "changed_at": now}
    connection.execute(
        insert(channel_state).values(name=name, **values).on_conflict_do_update(index_elements=["name"], set_=values)
    )


def set_pace(connection: Connection, connector: str, *, per_second: float | None, now: datetime) -> None:
    """Let `connector` take at most `per_second` messages, over all workers; None lifts the limit."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    values = {"pace_per_second": per_second, "pace_free_at": None, "changed_at": now}
    connection.execute(
        insert(channel_state)
        .values(name=f"connector:{connector}", paused=False, **values)
        .on_conflict_do_update(index_elements=["name"], set_=values)
    )


@dataclass(frozen=True, slots=True)
class Grant:
    """How many messages may leave now, and how long each of the others waits for the one before it."""

    count: int
    gap: timedelta


def reserve(connection: Connection, connector: str, count: int, *, now: datetime) -> Grant:
    """Reserve room for up to `count` messages.

    The room of one second may be used at once; what does not fit waits. Locks the pace's row, so workers
    share one pace.
    """
    row = connection.execute(_PACE, {"connector": f"connector:{connector}"}).first()
    if row is None:
        return Grant(count, timedelta(0))
    rate = float(row.pace_per_second)
    free_at = max(row.pace_free_at or now, now)
    room = int((timedelta(seconds=1) - (free_at - now)).total_seconds() * rate)
    granted = max(0, min(count, max(room, 1) if free_at == now else room))
    free_at += timedelta(seconds=granted / rate)
    connection.execute(
        update(channel_state).where(channel_state.c.name == f"connector:{connector}").values(pace_free_at=free_at)
    )
    return Grant(granted, timedelta(seconds=1 / rate))
