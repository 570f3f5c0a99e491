"""What the rules did to a rehearsal's messages: each rule, how many it touched, and what became of those."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from segue.gallery import words
from segue.gallery.calendar import OUTCOMES, Calendar

#: A rule, its reasons to hold, and its reasons to leave out or back; in the order in which a marketer asks.
_RULES: Final = (
    ("Quiet hours", ("quiet_hours",), ()),
    ("Frequency cap", ("budget",), ("over_budget",)),
    ("Expired", (), ("too_late",)),
    ("No permission", (), ("no_consent", "unconfirmed", "denied", "suppressed", "no_address", "zone_unknown")),
    ("No point any more", (), ("converted", "occasion_gone", "sold_out", "code_spent", "merged")),
    ("Comparison groups", (), ("holdout_journey", "holdout_global")),
)
#: What messages that waited did, by what became of them.
_THEN: Final = {
    "sent": "left later",
    "left_out": "left out in the end",
    "control": "held back to measure",
    "waiting": "still waiting at the end",
    "failed": "fate unknown",
}
_WAITS: Final = {"quiet_hours": "waited for the morning there", "budget": "waited for room"}
#: Days on which a rule was busiest that are named.
_BUSIEST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """One rule."""

    title: str
    #: Messages that it held, left out or held back.
    count: int
    #: What became of them, in words: `41 waited for the morning there: 39 left later, 2 left out in the end`.
    said: str
    #: The days on which it had most to do, in their order, and how much.
    busiest: tuple[tuple[date, int], ...]


def rule_lines(calendar: Calendar) -> list[RuleLine]:
    """Every rule that touched a message; reasons that are no rule's own come last."""
    known = {reason for _, holds, ends in _RULES for reason in (*holds, *ends)}
    held = {reason for reason, _ in calendar.waited} - known
    ended = {why for day in calendar.days for _, what, why in day.counts if what in ("left_out", "control")} - known
    rules = (*_RULES, ("Anything else", tuple(sorted(held)), tuple(sorted(ended - {""}))))
    return [line for title, holds, ends in rules if (line := _line(calendar, title, holds, ends)).count]


def _line(calendar: Calendar, title: str, holds: tuple[str, ...], ends: tuple[str, ...]) -> RuleLine:
    by_day: Counter[date] = Counter()
    found: Counter[str] = Counter()
    for day in calendar.days:
        for (_, what, why), count in day.counts.items():
            if (what == "held" and why in holds) or (what in ("left_out", "control") and why in ends):
                by_day[day.day] += count
            if what in ("left_out", "control") and why in ends:
                found[why] += count
    parts = [*_waits(calendar, holds), *(f"{count:,} {words.reason(why)}" for why, count in found.most_common())]
    if not holds and len(found) == 1:
        parts = [words.reason(why) for why in found]  # the count stands beside it
    waited = sum(count for (why, _), count in calendar.waited.items() if why in holds)
    most = sorted(by_day.items(), key=lambda item: (-item[1], item[0]))[:_BUSIEST]
    return RuleLine(title=title, count=waited + found.total(), said="; ".join(parts), busiest=tuple(sorted(most)))


def _waits(calendar: Calendar, holds: tuple[str, ...]) -> Iterator[str]:
    for reason in holds:
        then = {what: calendar.waited.get((reason, what), 0) for what in OUTCOMES}
        if count := sum(then.values()):
            fates = ", ".join(f"{then[what]:,} {said}" for what, said in _THEN.items() if then[what])
            yield f"{count:,} {_WAITS.get(reason, words.reason(reason))}: {fates}"
