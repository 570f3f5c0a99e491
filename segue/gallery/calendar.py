"""Who would get what when: a rehearsal as days, each with what left, what was held and what was left out.

Profile ids only; days and hours are those of the person's own zone, or the shop's where hers is unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from segue.gallery.calendar_audiences import AudienceDay
from segue.gallery.clock_changes import ClockChange

#: What became of a message on a day. `held` is said on each day on which a new reason to wait came up; the others once.
OUTCOMES: Final = ("sent", "held", "left_out", "control", "waiting", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened to one message."""

    at: datetime
    #: Her own calendar's day, hour and zone: `09:15`, `EDT`.
    day: date
    hour: str
    zone: str
    profile_id: int
    journey: str
    step: str
    outcome: str
    channel: str | None
    reason: str | None
    #: Of held ones: when it is looked at again, `Tue 12 May, 09:00`, or `09:00` on the same day.
    until: str | None = None
    #: Of those that had to wait before: why, at last, and since when.
    waited_for: str | None = None
    waited_since: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of the calendar."""

    day: date
    #: By (journey, outcome, reason, or channel of what was sent).
    counts: dict[tuple[str, str, str], int]
    #: Some of what happened, the soonest first; what was sent and held before what was left out.
    entries: tuple[Entry, ...]
    changes: tuple[ClockChange, ...] = ()

    @property
    def clocks(self) -> tuple[str, ...]:
        """Zones whose clocks change on it."""
        return tuple(change.zone for change in self.changes)

    def count(self, outcome: str, journey: str | None = None) -> int:
        """How many had this outcome."""
        return sum(n for (name, what, _), n in self.counts.items() if what == outcome and journey in (None, name))

    def reasons(self, outcome: str) -> Counter[str]:
        """Why, or on which channel."""
        found: Counter[str] = Counter()
        for (_, what, why), count in self.counts.items():
            if what == outcome:
                found[why] += count
        return found

    @property
    def total(self) -> int:
        """Everything that happened on it."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A rehearsed period."""

    since: date
    #: The day after the last one.
    until: date
    zone: str
    #: How far its facts were moved.
    shift: timedelta
    journeys: tuple[str, ...]
    #: What each is called.
    titles: Mapping[str, str]
    days: tuple[Day, ...]
    #: Messages by (journey, last outcome); they add up to `considered`.
    ends: dict[tuple[str, str], int]
    #: Messages that had to wait, by (why, last outcome); one that waited for two reasons is in both.
    waited: dict[tuple[str, str], int]
    #: SHA-256 over what became of every message; people are in it as the shop calls them, hashed.
    digest: str
    #: What whoever gave the facts should know about them, in sentences.
    notes: tuple[str, ...] = ()
    #: With which settings of the journeys, in a sentence.
    played: str = ""
    #: Ad audiences by evening; none where they were not rehearsed.
    audiences: tuple[AudienceDay, ...] = ()

    @property
    def considered(self) -> int:
        """Messages that anything was decided about."""
        return sum(self.ends.values())

    def ended(self, outcome: str, journey: str | None = None) -> int:
        """How many messages ended so."""
        return sum(n for (name, what), n in self.ends.items() if what == outcome and journey in (None, name))

    def held(self, journey: str | None = None) -> int:
        """How often a message had to wait."""
        return sum(day.count("held", journey) for day in self.days)
