"""A rehearsal's calendar as one page that needs no other file: a month grid, and behind each day whom and why."""

from __future__ import annotations

from calendar import Calendar as Weeks
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from segue.gallery import words
from segue.gallery.calendar import OUTCOMES, Calendar, Day
from segue.gallery.chart import COLOURS
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
    #: How long its bar is, in percent: the busiest day's fills the cell.
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
    shown = [what for what in OUTCOMES if what != "held" and calendar.ended(what)]
    return jinja.get_template("rehearsal.html.j2").render(
        calendar=calendar,
        brand=brand,
        words=words,
        colours=COLOURS,
        hues=_HUES,
        hue={name: place % len(_HUES) for place, name in enumerate(calendar.journeys)},
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
        holds=reasons(calendar, "held"),
        left=reasons(calendar, "left_out"),
    )


def reasons(calendar: Calendar, outcome: str) -> list[tuple[str, int]]:
    """Every reason for an outcome and how often it was given, the most frequent first."""
    found = sum((day.reasons(outcome) for day in calendar.days), Counter[str]())
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


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
    return _Cell(number=one.day, day=day, width=max(6, round(100 * day.count("sent") / most)) if day else 0)


def _said(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"


def _cities(day: Day) -> str:
    """The places whose clocks change, as people call them: `New York, Toronto`."""
    return ", ".join(words.plain(zone.rpartition("/")[2]) for zone in day.clocks)


def _outcomes(day: Day) -> str:
    parts = [f"{count:,} {OUTCOME_WORDS[what].lower()}" for what in OUTCOMES if (count := day.count(what))]
    return ", ".join(parts) or "nothing"
