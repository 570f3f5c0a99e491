"""The day on which journeys got into each other's way most: who was wanted by several, what left, what had to wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from segue.gallery.considered import day_in
from segue.gallery.facts import Entry
from segue.gallery.timeline import Timeline

#: The reasons with which the budget holds and drops.
_BUDGET: Final = {"budget", "over_budget"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A person on that day: what left for her, what waits, what was dropped."""

    timeline: Timeline
    sent: tuple[Entry, ...]
    held: tuple[Entry, ...]
    dropped: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BusiestDay:
    """A day of the shop's calendar, and everybody whose budget was asked for more than it held."""

    day: date
    people: tuple[Wanted, ...]

    @property
    def held(self) -> int:
        """Messages that wait for room."""
        return sum(len(one.held) for one in self.people)

    @property
    def dropped(self) -> int:
        """Messages that were dropped for good."""
        return sum(len(one.dropped) for one in self.people)


def busiest_day(timelines: Iterable[Timeline], *, zone: str, journey_of: Mapping[int, str]) -> BusiestDay | None:
    """Return the day of `zone` on which most people had something held or dropped for their budget; None without one.

    Counted is who was wanted by two journeys or more that day; `journey_of` says whose a message is, by its id. Of
    days alike it is the one on which more was dropped, then the later one.
    """
    told = list(timelines)
    people: Counter[date] = Counter()
    dropped: Counter[date] = Counter()
    for one in told:
        crowded = _crowded(one, zone, journey_of)
        ruled = [(day_in(entry.at, zone), entry) for entry in one.entries if entry.reason in _BUDGET]
        ruled = [(day, entry) for day, entry in ruled if day in crowded]
        people.update({day for day, _ in ruled})
        dropped.update(day for day, entry in ruled if entry.reason == "over_budget")
    if not people:
        return None
    day = max(people, key=lambda one: (people[one], dropped[one], one))
    found = [_wanted(one, day, zone) for one in told if day in _crowded(one, zone, journey_of)]
    wanted = [one for one in found if one.held or one.dropped]
    wanted.sort(key=lambda one: (-len(one.dropped), -len(one.sent), one.timeline.profile_id))
    return BusiestDay(day=day, people=tuple(wanted))


def _crowded(timeline: Timeline, zone: str, journey_of: Mapping[int, str]) -> set[date]:
    """The days on which two journeys or more wrote to her, or would have."""
    wanting: dict[date, set[str]] = {}
    for entry in timeline.entries:
        journey = journey_of.get(entry.message_id or 0)
        if journey is not None and (entry.group == "accepted" or entry.reason in _BUDGET):
            wanting.setdefault(day_in(entry.at, zone), set()).add(journey)
    return {day for day, journeys in wanting.items() if len(journeys) > 1}


def _wanted(timeline: Timeline, day: date, zone: str) -> Wanted:
    today = [entry for entry in timeline.entries if entry.message_id is not None and day_in(entry.at, zone) == day]
    held = {entry.message_id: entry for entry in today if entry.reason == "budget"}
    return Wanted(
        timeline=timeline,
        sent=tuple(entry for entry in today if entry.kind == "message" and entry.group == "accepted"),
        held=tuple(held.values()),
        dropped=tuple(entry for entry in today if entry.reason == "over_budget"),
    )
