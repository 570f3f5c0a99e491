"""Time zones: which ones a country has, and when hours in wall time come round on both nights a clock is changed.

Rules and the list of countries come from the `tzdata` package, so every machine agrees. An instant is open when
the clock on her wall says so. In spring a skipped opening time therefore means the moment of the jump; in autumn
an hour that is lived twice is judged twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from segue.policy.hours import DAY, Hours

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: Hours repeat every week; the second one makes up for a week with a changed clock.
_HORIZON = 15 * DAY


@cache
def find_zone(name: str) -> ZoneInfo | None:
    """Return the IANA zone called `name`, None if there is none."""
    if name not in _names():
        return None
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def country_zones() -> Mapping[str, tuple[ZoneInfo, ...]]:
    """Return the zones of each country, by ISO 3166-1 alpha-2 code."""
    found: dict[str, list[ZoneInfo]] = {}
    for line in _text("zoneinfo", "zone.tab").splitlines():
        if line and not line.startswith("#"):
            country, _, name, *_ = line.split("\t")
            zone = find_zone(name)
            if zone is not None:
                found.setdefault(country, []).append(zone)
    return {country: tuple(zones) for country, zones in found.items()}


def next_open(hours: Hours, zones: Sequence[ZoneInfo], at: int) -> int | None:
    """Return the first instant from `at` on that is open in every one of `zones`; None if there is none.

    Instants are microseconds since 1970, UTC.
    """
    latest = at + _HORIZON
    while at <= latest:
        moved = at
        for zone in zones:
            found = _next_open(hours, zone, moved)
            if found is None:
                return None
            moved = found
        if moved == at or len(zones) == 1:
            return moved
        at = moved
    return None


def next_closed(hours: Hours, zones: Sequence[ZoneInfo], at: int) -> int | None:
    """Return the first instant from `at` on that is closed in at least one of `zones`; None if never."""
    closed = hours.closed()
    found = [end for zone in zones if (end := _next_open(closed, zone, at)) is not None]
    return min(found, default=None)


def _next_open(hours: Hours, zone: ZoneInfo, at: int) -> int | None:
    """Walk from one change of the clock to the next; between two of them wall time runs evenly."""
    latest = at + _HORIZON
    while at <= latest:
        offset = _offset(zone, at)
        local = hours.next_local(at + offset)
        if local is None:
            return None
        change = _clock_change(zone, at, local - offset)
        if change is None:
            return local - offset
        at = change
    return None


def _clock_change(zone: ZoneInfo, start: int, end: int) -> int | None:
    """Return the first instant in (start, end] at which the offset from UTC is another; None if it stays."""
    offset = _offset(zone, start)
    while start < end:
        # No zone changes its clock there and back within half a day.
        step = min(start + DAY // 2, end)
        if _offset(zone, step) != offset:
            before, after = start, step
            while after - before > 1:
                middle = (before + after) // 2
                if _offset(zone, middle) == offset:
                    before = middle
                else:
                    after = middle
            return after
        start = step
    return None


def _offset(zone: ZoneInfo, at: int) -> int:
    """Return how far wall time is ahead of UTC at an instant, in microseconds."""
    offset = (_EPOCH + timedelta(microseconds=at)).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // _MICROSECOND


@cache
def _names() -> frozenset[str]:
    return frozenset(_text("zones").split())


def _text(*path: str) -> str:
    return files("tzdata").joinpath(*path).read_text(encoding="utf-8")
