"""A rehearsal's calendar as one page that needs no other file: a month grid, and behind each day whom and why."""

from __future__ import annotations

from calendar import Calendar as Weeks
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from segue.gallery import words
from segue.gallery.calendar import OUTCOMES, Calendar, Day
from segue.gallery.calendar_audiences import AUDIENCES_PLAYED, audience_sums, move_said, moves_on, whys_said
from segue.gallery.calendar_rules import rule_lines
from segue.gallery.chart import COLOURS
from segue.gallery.clock_changes import ClockChange
from segue.render import Brand

#: What became of a message, at the start of a line.
OUTCOME_WORDS: Final = {
    "sent": "Sent",
    "held": "Held",
    "left_out": "Left out",
    "control": "Held back to measure",
    "waiting": "Still waiting at the end",
    "failed": "Fate unknown",
}
#: A journey's colour by day and by night, apart in lightness too; those beyond begin again.
_HUES: Final = (
    ("#1f7a5c", "#55b394"),
    ("#c9702b", "#eba468"),
    ("#3b5f9e", "#86a9e3"),
    ("#b8a11f", "#e0cd5e"),
    ("#8a4f8f", "#cf9bd4"),
    ("#5aa7b8", "#8fd3e2"),
    ("#a23b3b", "#e58b84"),
    ("#6b7280", "#aab1bd"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    number: int
    #: None outside the rehearsal.
    day: Day | None = None
    #: How long its bar is, in percent: the busiest day's fills the cell, others by the root, so that all can be read.
    width: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Month:
    name: str
    weeks: list[list[_Cell]]


def calendar_html(calendar: Calendar, brand: Brand) -> str:
    """Write the page."""
    jinja = Environment(
        loader=PackageLoader("segue.gallery", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    busy = [name for name in calendar.journeys if any(calendar.ended(what, name) for what in OUTCOMES)]
    shown = [what for what in OUTCOMES if what != "held" and calendar.ended(what)]
    return jinja.get_template("rehearsal.html.j2").render(
        calendar=calendar,
        brand=brand,
        words=words,
        colours=COLOURS,
        hues=_HUES,
        hue={name: place % len(_HUES) for place, name in enumerate(busy)},
        months=_months(calendar),
        said=_said,
        last=calendar.until - timedelta(days=1),
        weeks=calendar.shift.days // 7,
        sum=" + ".join(f"{calendar.ended(what):,} {OUTCOME_WORDS[what].lower()}" for what in shown),
        shown=shown,
        considered={name: sum(calendar.ended(what, name) for what in OUTCOMES) for name in calendar.journeys},
        outcome_words=OUTCOME_WORDS,
        outcomes=_outcomes,
        cities=_cities,
        changes=changes_said,
        rules=rule_lines(calendar),
        also=_also,
        busy=busy,
        idle=[calendar.titles[name] for name in calendar.journeys if name not in busy],
        first=_first(calendar),
        audiences=audience_sums(calendar.audiences),
        audiences_played=AUDIENCES_PLAYED,
        moves={day.day: moves_on(calendar.audiences, day.day) for day in calendar.days},
        move_said=move_said,
        whys=whys_said,
    )


def reasons(calendar: Calendar, outcome: str) -> list[tuple[str, int]]:
    """Every reason for an outcome and how often it was given, the most frequent first."""
    found = sum((day.reasons(outcome) for day in calendar.days), Counter[str]())
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def _first(calendar: Calendar) -> date | None:
    """The day to open with: one after whose night clocks changed, else the busiest."""
    days = [day for day in calendar.days if day.total]
    turning = [day for day in days if any(change.waiting for change in day.changes)]
    found = max(turning or days, key=lambda day: day.total, default=None)
    return found.day if found is not None else None


def _months(calendar: Calendar) -> list[_Month]:
    days = {day.day: day for day in calendar.days}
    most = max((day.count("sent") for day in calendar.days), default=0) or 1
    found = []
    for year, month in dict.fromkeys((day.year, day.month) for day in days):
        weeks = [
            [_cell(one, month, days, most) for one in week]
            for week in Weeks().monthdatescalendar(year, month)
            if any(one in days and one.month == month for one in week)
        ]
        found.append(_Month(name=f"{date(year, month, 1):%B %Y}", weeks=weeks))
    return found


def _cell(one: date, month: int, days: dict[date, Day], most: int) -> _Cell:
    if one.month != month:
        return _Cell(number=0)
    day = days.get(one)
    return _Cell(number=one.day, day=day, width=_width(day.count("sent"), most) if day else 0)


def _width(sent: int, most: int) -> int:
    return max(18, round(100 * sqrt(sent / most)))


def _said(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"


def _cities(zones: Iterable[str]) -> str:
    """Places as people call them: `New York, Toronto`."""
    return ", ".join(words.plain(zone.rpartition("/")[2]) for zone in zones)


def changes_said(day: Day) -> list[str]:
    """What clocks do on a day, a sentence for each instant: places that change together are named together."""
    together: dict[tuple[str, str], list[ClockChange]] = {}
    for change in day.changes:
        together.setdefault((change.shown, change.set_to), []).append(change)
    found = []
    for (shown, set_to), changes in together.items():
        waiting = sum(change.waiting for change in changes)
        through = f" {words.counted(waiting, 'message')} waited through that night for the morning." if waiting else ""
        turned = "forward" if set_to > shown else "back"
        where = _cities(change.zone for change in changes)
        found.append(f"Clocks in {where} go {turned} from {shown} to {set_to}.{through}")
    return found


def _also(day: Day) -> list[str]:
    """What the rules did on a day, as short as a cell is narrow."""
    held, left = day.reasons("held"), day.reasons("left_out")
    kinds = (
        ("till morning", held.pop("quiet_hours", 0)),
        ("over cap", held.pop("budget", 0) + left.pop("over_budget", 0)),
        ("expired", left.pop("too_late", 0)),
        ("held", held.total()),
        ("left out", left.total()),
    )
    return [f"{count:,} {said}" for said, count in kinds if count]


def _outcomes(day: Day) -> str:
    parts = [f"{count:,} {OUTCOME_WORDS[what].lower()}" for what in OUTCOMES if (count := day.count(what))]
    return ", ".join(parts) or "nothing"
