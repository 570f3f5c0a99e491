"""When a month begins, by the clock on her wall: at a civil hour of its first day, in every zone there is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any

from sqlalchemy import ColumnElement, case, literal

from segue.policy.zones import find_zone
from segue.store.sql import among
from segue.store.types import UtcTime

#: From the first of a month it leads into the next one.
_MONTH = timedelta(days=31)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """The instant (UTC) at which `month` (`2026-11`) has begun in these zones."""

    at: datetime
    month: str
    zones: tuple[str, ...]


@lru_cache(maxsize=64)
def month_turns(year: int, month: int, hour: int) -> tuple[Turn, ...]:
    """Return when the first of `month` reaches `hour` o'clock, the earliest zones first; all zones of `tzdata`."""
    found: defaultdict[datetime, list[str]] = defaultdict(list)
    for name in files("tzdata").joinpath("zones").read_text(encoding="utf-8").split():
        zone = find_zone(name)
        if zone is not None:
            found[datetime.combine(datetime(year, month, 1), time(hour), zone).astimezone(UTC)].append(name)  # noqa: DTZ001 - the zone is joined to it
    return tuple(Turn(at, f"{year:04}-{month:02}", tuple(zones)) for at, zones in sorted(found.items()))


def turns_by(now: datetime, hour: int) -> tuple[Turn, ...]:
    """Return the turns of the month that began last anywhere by `now` (UTC); in some zones it may not have begun."""
    first = datetime(now.year, now.month, 1, tzinfo=UTC)
    for start in (first + _MONTH, first, first - _DAY):
        turns = month_turns(start.year, start.month, hour)
        if turns[0].at <= now:
            return turns
    raise AssertionError("the month before has always begun")


def turns_after(now: datetime, hour: int) -> tuple[Turn, ...]:
    """Return all turns after `now` (UTC) within the next month, the soonest first."""
    first = datetime(now.year, now.month, 1, tzinfo=UTC)
    later = first + _MONTH
    months = (first, later, later.replace(day=1) + _MONTH)
    return tuple(turn for one in months for turn in month_turns(one.year, one.month, hour) if turn.at > now)


def turn_case(turns: tuple[Turn, ...], zone: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return, in SQL, when the month turns for a column of zones; where a zone is unknown, once it did everywhere.

    The zones are written out, since no two databases know them alike.
    """
    last = literal(turns[-1].at, UtcTime)
    return case(*((among(None, zone, turn.zones), literal(turn.at, UtcTime)) for turn in turns[:-1]), else_=last)
