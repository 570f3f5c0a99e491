"""The sample shop's year, and when people in it are awake."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

YEAR_START: Final = datetime(2025, 6, 1, tzinfo=UTC)
YEAR_END: Final = datetime(2026, 6, 1, tzinfo=UTC)
#: The clickstream covers the last 30 days of the year.
SEASON_START: Final = YEAR_END - timedelta(days=30)

#: Where nobody knows a person's zone, her life still follows one: the shop's own.
SHOP_ZONE: Final = "America/New_York"

# How busy knitwear is in a month, January first: winter, gifts, the spring drop.
_MONTHS: Final = (0.9, 0.8, 0.9, 0.9, 1.0, 0.6, 0.5, 0.6, 1.0, 1.3, 1.8, 1.9)

# How likely people are to browse in an hour of their own day, 00 first: lunch and the sofa.
_ONLINE_HOURS: Final = (1, 0.4, 0.1, 0, 0, 0.2, 1, 2, 3, 4, 4, 4, 6, 6, 4, 4, 4, 5, 6, 8, 10, 10, 7, 3)
# Shops open at ten and close at seven.
_SHOP_HOURS: Final = (0,) * 10 + (2, 4, 6, 6, 5, 5, 6, 6, 4) + (0,) * 5


@cache
def zone(name: str) -> ZoneInfo:
    """Return the zone called `name`; empty means the shop's own."""
    return ZoneInfo(name or SHOP_ZONE)


def local(day: date, hour: int, minute: int, second: int, zone_name: str) -> datetime:
    """Return the UTC instant of a wall-clock time in a zone."""
    return datetime.combine(day, time(hour, minute, second), tzinfo=zone(zone_name)).astimezone(UTC)


def busy_day(rng: Random, start: datetime, end: datetime) -> date:
    """Return a day in `[start, end)`, busier months more often."""
    days = max(1, (end - start).days)
    while True:
        day = (start + timedelta(days=int(rng.random() * days))).date()
        if rng.random() * max(_MONTHS) < _MONTHS[day.month - 1]:
            return day


def human_time(rng: Random, day: date, zone_name: str, *, in_shop: bool = False) -> datetime:
    """Return an instant on that day, at an hour when people browse (or shops are open) in the zone, UTC."""
    hour = rng.choices(range(24), _SHOP_HOURS if in_shop else _ONLINE_HOURS)[0]
    return local(day, hour, int(rng.random() * 60), int(rng.random() * 60), zone_name)


def iso(at: datetime) -> str:
    """Return a UTC instant as ISO 8601 text with its offset, whole seconds."""
    return at.replace(microsecond=0).isoformat()


def iso_millis(at: datetime) -> str:
    """Return a UTC instant as event collectors write it: milliseconds and Z."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
