"""`segue rehearse`: who would get what when, played on a virtual clock; nothing leaves and nothing is written down."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from segue.cli.opened import opened
from segue.gallery.visible import visible
from segue.service.rehearsal import (
    LONGEST,
    NOT_PLAYED,
    OUTCOME_WORDS,
    OUTCOMES,
    Calendar,
    Rehearsal,
    rehearse,
    rule_lines,
    write_calendar,
)

_out = Console()
_COLUMNS = (SpinnerColumn(), TextColumn("{task.description:<38}", markup=False), BarColumn(), TimeElapsedColumn())


def rehearse_period(
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, as the shop dates.")],
    days: Annotated[int, typer.Option(min=1, max=LONGEST, help="How many days.")] = 60,
    journeys: Annotated[
        str, typer.Option(help="Only these, separated by commas; by default those that are switched on.")
    ] = "",
    facts: Annotated[
        Path | None, typer.Option(help="A folder of files to take instead of the facts this shop had in the period.")
    ] = None,
    facts_from: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Where the facts begin; by default there, or 52 weeks earlier."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed holds other people back to measure.")] = 0,
    listed: Annotated[int, typer.Option(min=1, help="Entries listed for a day and outcome.")] = 20,
    folder: Annotated[Path, typer.Option(help="Where the page goes.")] = Path("out/rehearsal"),
    home: Annotated[Path | None, typer.Option(help="Look into this home, e.g. the demo's out/home.")] = None,
) -> None:
    """Rehearse a period: show a calendar of who would get what when, and what would be held or left out."""
    asked = Rehearsal(
        since=since.date(),
        days=days,
        journeys=tuple(name for part in journeys.split(",") if (name := part.strip())),
        seed=seed,
        facts=facts,
        facts_from=facts_from.date() if facts_from is not None else None,
        listed=listed,
    )
    with opened(home) as segue:
        with Progress(*_COLUMNS, console=_out) as bars:
            tasks: dict[str, TaskID] = {}

            def tell(what: str, done: int, whole: int) -> None:
                if what not in tasks:
                    tasks[what] = bars.add_task(visible(what), total=whole)
                bars.update(tasks[what], completed=done, total=whole)

            calendar = rehearse(segue, asked, tell)
        page = write_calendar(segue, calendar, folder)
    _out.print(_weeks(calendar))
    _out.print(_sums(calendar))
    _out.print(_rules(calendar))
    for note in calendar.notes:
        _out.print(visible(note), highlight=False, markup=False, soft_wrap=True)
    _out.print(f"{calendar.played} {NOT_PLAYED}", highlight=False, markup=False, soft_wrap=True)
    _out.print(f"Digest {calendar.digest}", highlight=False, soft_wrap=True)
    _out.print(f"Open {page.resolve().as_uri()} to see whom and why, day by day.", highlight=False, soft_wrap=True)


def _weeks(calendar: Calendar) -> Table:
    """A line a day on which anything happened, a column a journey: what would leave."""
    table = Table(title="What would leave, day by day")
    table.add_column("day", no_wrap=True)
    for name in calendar.journeys:
        table.add_column(calendar.titles[name], justify="right")
    for head in ("held", "left out"):
        table.add_column(head, justify="right", style="dim")
    for day in calendar.days:
        if day.total:
            cells = [*(day.count("sent", name) for name in calendar.journeys), day.count("held"), day.count("left_out")]
            clocks = " ⇄" if day.clocks else ""
            table.add_row(f"{day.day:%a %Y-%m-%d}{clocks}", *(f"{cell:,}" if cell else "" for cell in cells))
    if any(day.clocks for day in calendar.days):
        table.caption = "⇄ clocks change"
    return table


def _sums(calendar: Calendar) -> Table:
    shown = [what for what in OUTCOMES if what != "held" and calendar.ended(what)]
    table = Table(title=f"{calendar.considered:,} considered")
    table.add_column("journey")
    for what in (*shown, "held"):
        table.add_column(OUTCOME_WORDS[what].lower(), justify="right")
    for name in calendar.journeys:
        table.add_row(
            calendar.titles[name], *(f"{calendar.ended(what, name):,}" for what in shown), f"{calendar.held(name):,}"
        )
    table.caption = "held: how often a message had to wait on its way"
    return table


def _rules(calendar: Calendar) -> Table:
    """What each rule did: how many messages, and what became of them."""
    table = Table(title="What the rules did")
    table.add_column("rule", no_wrap=True)
    table.add_column("messages", justify="right")
    table.add_column("what became of them")
    for rule in rule_lines(calendar):
        table.add_row(rule.title, f"{rule.count:,}", rule.said)
    return table
