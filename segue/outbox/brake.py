"""The brake: asked before every batch leaves.

`channel_state` names what stands still: `all`, `journey:x`, `run:7`, `channel:sms`, `connector:smtp`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from segue.contract import Channel
from segue.store.tables import channel_state

_PAUSED = select(channel_state.c.name).where(channel_state.c.paused)


def paused_names(connection: Connection) -> set[str]:
    """Everything that stands still right now."""
    return set(connection.scalars(_PAUSED))


def names_over(journey: str, *, channel: str | None, connector: str | None, run_id: int | None) -> tuple[str, ...]:
    """Every name that holds a message when it stands still, the widest first; what is not known yet is left out."""
    names = ("all", f"journey:{journey}", f"run:{run_id}" if run_id else None)
    ways = (channel and f"channel:{channel}", connector and f"connector:{connector}")
    return tuple(name for name in (*names, *ways) if name)


def held_by(
    paused: Collection[str], journey: str, *, channel: str | None, connector: str | None, run_id: int | None
) -> str | None:
    """What holds such a message, of the names that stand still; None where nothing does."""
    names = names_over(journey, channel=channel, connector=connector, run_id=run_id) if paused else ()
    return next((name for name in names if name in paused), None)


class BrakeError(ValueError):
    """What was asked for at once is held by the brake; ask again once it is let go of."""


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


def check_free(connection: Connection, held: Collection[str | None], what: str) -> None:
    """Raise BrakeError where anything of `held` names what stands still, with why and how to let it go on."""
    names = {name for name in held if name is not None}
    standing = [one for one in standing_still(connection) if one.name in names]
    if standing:
        told = ", ".join(
            f"{one.name} is paused ({one.reason})" if one.reason else f"{one.name} is paused" for one in standing
        )
        cure = " and ".join(f"`segue resume {one.name}`" for one in standing)
        raise BrakeError(
            f"{what}: {told}. Let it go on with {cure} or *Pause or resume* in the Prefect pages, then ask again"
        )


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
