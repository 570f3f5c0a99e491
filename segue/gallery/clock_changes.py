"""Nights in which clocks change: when, from which hour to which, and who waited through them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockChange:
    """A night in which a zone's clocks change."""

    zone: str
    at: datetime
    #: What clocks show then, and what they are set to: `02:00`, `03:00`.
    shown: str
    set_to: str
    #: How many messages waited through it for the morning.
    waiting: int = 0


def changes_of(
    zones: Collection[str], since: date, until: date, waits: Iterable[tuple[str, datetime, datetime]]
) -> dict[date, tuple[ClockChange, ...]]:
    """By day from `since` to before `until`: the zones whose clocks go forward or back on it.

    `waits` are waits for the morning: in which zone, from when and until when.
    """
    nights: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for waits_in, begins, ends in waits:
        nights[waits_in].append((begins, ends))
    found: defaultdict[date, list[ClockChange]] = defaultdict(list)
    for name in sorted(zones):
        try:
            zone = ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # a zone of which this machine has not heard
            continue
        for number in range((until - since).days):
            day = since + timedelta(days=number)
            at = _change(day, zone)
            if at is not None:
                before = (at - timedelta(microseconds=1)).astimezone(zone).utcoffset() or timedelta(0)
                waiting = sum(begins < at < ends for begins, ends in nights[name])
                shown, set_to = f"{at + before:%H:%M}", f"{at.astimezone(zone):%H:%M}"
                found[day].append(ClockChange(zone=name, at=at, shown=shown, set_to=set_to, waiting=waiting))
    return {day: tuple(changes) for day, changes in found.items()}


def _change(day: date, zone: ZoneInfo) -> datetime | None:
    """The instant on `day` at which the zone's offset changes, to the minute; None where it does not."""
    first, end = (datetime.combine(day + timedelta(days=n), time(), tzinfo=zone).astimezone(UTC) for n in (0, 1))
    before = first.astimezone(zone).utcoffset()
    if before == end.astimezone(zone).utcoffset():
        return None
    minutes = (end - first) // timedelta(minutes=1)
    low, high = 0, minutes
    while high - low > 1:
        middle = (low + high) // 2
        if (first + timedelta(minutes=middle)).astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return first + timedelta(minutes=high)


__all__ = ["ClockChange", "changes_of"]
