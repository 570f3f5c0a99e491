"""`segue rehearse`: who would get what when, played on a virtual clock; nothing leaves and nothing is written down."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from segue.cli.opened import opened

_out = Console()
_COLUMNS = (SpinnerColumn(), TextColumn("{task.description:<38}", markup=False), BarColumn(), TimeElapsedColumn())


def rehearse_period(
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, as the shop dates.")],
    days: Annotated[int, typer.Option(min=1, help="How many days, a year at most.")] = 60,
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
    from segue.cli.rehearsed import audiences_table, rules_table, sums_table, weeks_table
    from segue.gallery.visible import visible
    from segue.service.rehearsal import AUDIENCES_PLAYED, Rehearsal, rehearse, write_calendar

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
    _out.print(weeks_table(calendar))
    _out.print(sums_table(calendar))
    _out.print(rules_table(calendar))
    if calendar.audiences:
        _out.print(audiences_table(calendar))
        _out.print(AUDIENCES_PLAYED, highlight=False, markup=False, soft_wrap=True)
    for note in calendar.notes:
        _out.print(visible(note), highlight=False, markup=False, soft_wrap=True)
    _out.print(calendar.played, highlight=False, markup=False, soft_wrap=True)
    _out.print(f"Digest {calendar.digest}", highlight=False, soft_wrap=True)
    _out.print(f"Open {page.resolve().as_uri()} to see whom and why, day by day.", highlight=False, soft_wrap=True)
