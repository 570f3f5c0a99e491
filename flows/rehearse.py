"""Rehearse a period on the desk: a calendar of counts, and the reasons. Nothing leaves, nothing is written down.

Counts and profile ids only.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.settings import PREFECT_UI_URL
from pydantic import Field, field_validator

from flows import pictures
from flows.choices import chosen, drop_down
from flows.errors import without_personal_data
from flows.markdown import escaped
from flows.planned import planned_campaigns
from flows.rehearsed_days import days_page
from flows.saved import saved_briefs
from flows.typed import FILE, Form
from segue.journeys.campaign import JOURNEY as CAMPAIGN
from segue.service import journey_choices, open_segue, rehearsal, words
from segue.service.rehearsal import (
    AUDIENCES_PLAYED,
    OUTCOME_WORDS,
    OUTCOMES,
    Calendar,
    Day,
    Rehearsal,
    audience_sums,
    changes_said,
    reasons,
    rule_lines,
    whys_said,
    write_calendar,
)

#: Days of which a few ids are shown.
_EXAMPLES = 3
_BARS = 18
#: Journeys that can be played, by what the drop-down shows.
JOURNEYS: Final = {words.title(name): name for name in journey_choices()}


def _a_day(schema: dict[str, Any]) -> None:
    """Of a day that may be left out: Prefect's form shows a choice of types else."""
    schema.pop("anyOf", None)
    schema.pop("default", None)
    schema |= {"type": "string", "format": "date"}


class RehearseForm(Form, title="Rehearse a period"):
    """Play a period on a clock of its own, and see who would get what when."""

    first_day: date = Field(
        ...,
        title="First day",
        description="A period that is over is played with its own facts, any other with those of 52 weeks earlier.",
    )
    days: int = Field(60, ge=1, le=366, title="How many days", description="A season; sixty take some minutes.")
    journeys: tuple[str, ...] = Field(
        (),
        title="Only these journeys",
        description="None chosen: those that are switched on.",
        json_schema_extra={"items": {"type": "string", **drop_down(JOURNEYS)}, "uniqueItems": True},
    )
    facts: str = Field(
        "",
        pattern=FILE,
        max_length=500,
        title="Folder of expected facts",
        description="On the machine where Segue runs: files to take instead of what the shop knew in the period. "
        "orders.toml beside orders.csv is its mapping. Empty: the shop's own facts.",
    )
    facts_from: date | None = Field(
        None,
        title="Facts begin on",
        description="To play the facts of another time, moved by whole weeks. Empty: as said under the first day.",
        json_schema_extra=_a_day,
    )
    seed: int = Field(
        0, ge=0, title="Seed", description="Another number holds other people back to measure; 0 the real ones."
    )

    @field_validator("journeys")
    @classmethod
    def _are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(chosen(one, JOURNEYS) for one in value)


@flow(name="rehearse")
def rehearse(brief: RehearseForm) -> int:
    """Rehearse, and leave the calendar on the run's page. Returns how many messages would leave."""
    asked = Rehearsal(
        since=brief.first_day,
        days=brief.days,
        journeys=tuple(JOURNEYS[one] for one in brief.journeys),
        seed=brief.seed,
        facts=Path(brief.facts.strip()) if brief.facts.strip() else None,
        facts_from=brief.facts_from,
    )
    with without_personal_data("The rehearsal"), open_segue() as segue:
        saved = saved_briefs({name: one for name, one in segue.journeys.items() if name != CAMPAIGN.name})
        planned = planned_campaigns(*asked.period(segue)) if asked.plays(CAMPAIGN.name) else ()
        calendar = rehearsal.rehearse(segue, replace(asked, briefs=saved, planned=planned))
        file = write_calendar(segue, calendar, segue.settings.home / "rehearsals")
    leaving = f"{calendar.ended('sent'):,} messages would leave"
    days = None
    if calendar.considered or calendar.audiences:
        days = create_markdown_artifact(days_page(calendar), key="rehearsal-days", description=f"{leaving}: whom, when")
    create_markdown_artifact(page(calendar, str(file), days), key="rehearsal", description=leaving)
    return calendar.ended("sent")


def page(calendar: Calendar, file: str, days: object = None) -> str:
    """Write the calendar as Markdown: a chart, a line a week, the reasons, some ids; `days` is the other page's id."""
    last = calendar.until - timedelta(days=1)
    parts = [f"# Rehearsal, {calendar.since} to {last}: nothing was sent"]
    if not calendar.considered:
        nobody = "Only ad audiences would change" if calendar.audiences else "Nobody would get anything"
        parts.append(f"**{nobody}.** No journey found an occasion for a message in these facts.")
        parts += [f"*{note}*" for note in calendar.notes]
        parts += [escaped(calendar.played), *_by_day(days), *_audiences(calendar)]
        return "\n\n".join(parts) + "\n"
    terms = [f"{calendar.ended(what):,} {OUTCOME_WORDS[what].lower()}" for what in OUTCOMES if calendar.ended(what)]
    parts.append(f"**{calendar.considered:,} considered** = {' + '.join(terms)}; {calendar.held():,} waits on the way.")
    if calendar.shift:
        parts.append(f"Played with the facts of {calendar.shift.days // 7} weeks earlier.")
    parts += [f"*{note}*" for note in calendar.notes]
    parts.append(escaped(calendar.played))
    parts += _by_day(days)
    weeks = _weeks(calendar)
    bars = [
        pictures.Bar(f"Week of {begins.day} {begins:%b}", sum(day.count("sent") for day in days), "accepted")
        for begins, days in list(weeks.items())[:_BARS]
    ]
    parts.append(f"![What would leave, week by week]({pictures.bars('What would leave, week by week', bars)})")
    parts += ["## Week by week", _calendar(calendar, weeks), *_clocks(calendar)]
    parts += ["## What the rules did", _rules(calendar), "## Why, and for whom", _reasons(calendar)]
    parts += _audiences(calendar)
    parts.append(f"The same as a calendar lies on the machine: `{file}`. Digest: `{calendar.digest}`.")
    return "\n\n".join(parts) + "\n"


def _by_day(page_id: object) -> list[str]:
    """The link to the other page, if there is one."""
    if page_id is None:
        return []
    return [f"**[Day by day: who would get what when]({PREFECT_UI_URL.value() or ''}/artifacts/artifact/{page_id})**"]


def _weeks(calendar: Calendar) -> dict[date, list[Day]]:
    found: dict[date, list[Day]] = {}
    for day in calendar.days:
        found.setdefault(day.day - timedelta(days=day.day.weekday()), []).append(day)
    return found


def _calendar(calendar: Calendar, weeks: dict[date, list[Day]]) -> str:
    """A list: a table with a column a journey is wider than the page, which cuts it."""
    lines = []
    for begins, days in weeks.items():
        sent, held, out = (sum(day.count(what) for day in days) for what in ("sent", "held", "left_out"))
        counts = {calendar.titles[name]: sum(day.count("sent", name) for day in days) for name in calendar.journeys}
        of_them = ", ".join(f"{title} {count:,}" for title, count in counts.items() if count)
        whole = f"**{begins}: {sent:,} sent**, {held:,} held, {out:,} left out"
        lines.append(f"- {whole}{f'. {of_them}' if of_them else ''}")
    return "\n".join(lines)


def _clocks(calendar: Calendar) -> list[str]:
    """A sentence for each night in which clocks change, and how many waited through it."""
    return [f"⇄ {day.day}: {said}" for day in calendar.days for said in changes_said(day)]


def _rules(calendar: Calendar) -> str:
    """A list, since a table's long lines are cut on the run's page."""
    return "\n".join(f"- **{rule.title}: {rule.count:,}**: {rule.said}" for rule in rule_lines(calendar))


def _reasons(calendar: Calendar) -> str:
    lines = ["| How many | What | Why | Profile ids |", "| --: | :-- | :-- | :-- |"]
    seen: dict[tuple[str, str], list[str]] = {}
    for entry in (one for day in calendar.days for one in day.entries):
        ids = seen.setdefault((entry.outcome, entry.reason or ""), [])
        if len(ids) < _EXAMPLES and str(entry.profile_id) not in ids:
            ids.append(str(entry.profile_id))
    for what in ("held", "left_out"):
        counts = Counter(dict(reasons(calendar, what)))
        for why, count in counts.most_common():
            examples = ", ".join(seen.get((what, why), []))
            lines.append(_line([f"{count:,}", OUTCOME_WORDS[what], words.reason(why), examples]))
    return "\n".join(lines)


def _audiences(calendar: Calendar) -> list[str]:
    """Who comes into each ad audience and who goes out, and why, in the whole period."""
    if not calendar.audiences:
        return []
    heads = ["Audience", "Before", "Come in", "Go out", "At the end"]
    table = [_line(heads), _line([":--", *["--:"] * (len(heads) - 1)])]
    whys = []
    for one in audience_sums(calendar.audiences):
        table.append(_line([one.title, *(f"{count:,}" for count in (one.before, one.came, one.gone, one.members))]))
        if one.went:
            whys.append(f"- **{one.title}**, out: {whys_said(one.went)}")
        if one.left_out or one.control:
            held = {"holdout_journey": one.control} if one.control else {}
            whys.append(f"- **{one.title}**, left out on the last day: {whys_said({**one.left_out, **held})}")
    parts = ["## Ad audiences", "\n".join(table), "\n".join(whys), escaped(AUDIENCES_PLAYED)]
    return [part for part in parts if part]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
