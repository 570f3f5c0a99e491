"""Instants as people read them: in their own zone, with its name beside the hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True)
class Local:
    """An instant in somebody's zone, in the pieces a page is set from."""

    #: ISO 8601 with its offset, for machines.
    iso: str
    #: `Tue 12 May 2026`
    day: str
    #: `18:50`
    hour: str
    #: `EDT`
    zone: str

    def __str__(self) -> str:
        return f"{self.day}, {self.hour} {self.zone}"


def local(at: datetime, zone: str | None, home: str = "UTC") -> Local:
    """Set `at` in `zone`; in `home` where the zone is unknown or no zone at all."""
    there = at.astimezone(_zone(zone, home))
    return Local(
        iso=there.isoformat(timespec="seconds"),
        day=f"{there:%a} {there.day} {there:%b %Y}",
        hour=f"{there:%H:%M}",
        zone=there.tzname() or "",
    )


@lru_cache(maxsize=512)
def _zone(name: str | None, home: str) -> ZoneInfo:
    """A zone comes from a shop's export, so it may be anything."""
    try:
        return ZoneInfo(name or home)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(home)
