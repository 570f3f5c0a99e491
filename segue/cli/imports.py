"""`segue import`: whatever the shop's other systems export, one file after the other."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from segue.cli.opened import opened
from segue.cli.season import advance
from segue.intake import IntakeError
from segue.service import FORMATS, Hints, files_of

_out = Console()
_BARS = (
    SpinnerColumn(),
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeRemainingColumn(),
)


class DateOrder(StrEnum):
    """Which of two numbers in a date is the day."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


_ORDERS: dict[DateOrder, Literal["day_first", "month_first"]] = {
    DateOrder.DAY_FIRST: "day_first",
    DateOrder.MONTH_FIRST: "month_first",
}


def import_files(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Exports (CSV, CSV.gz, Parquet), ZIPs of them, or JSON lines of events."),
    ] = None,
    *,
    mapping: Annotated[Path | None, typer.Option(help="What the columns of a table mean: a TOML file.")] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", help="Name of a known export; by default told from the file.")
    ] = None,
    country_code: Annotated[str | None, typer.Option(help="For phones without a country, e.g. 44.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="For times without an offset, e.g. Europe/Paris.")] = None,
    date_order: Annotated[DateOrder | None, typer.Option(help="How 07/10/2023 is meant.")] = None,
    currency: Annotated[str | None, typer.Option(help="For files that name none, e.g. EUR.")] = None,
    formats: Annotated[bool, typer.Option("--formats", help="List the known exports and end.")] = False,
) -> None:
    """Take other people's data in: known exports, any table by a mapping file, or Segment-style events.

    Again is once, and a file goes in whole or not at all; of several files, those before a refused one are in.
    """
    if formats:
        _list_formats()
        return
    if not files:
        raise IntakeError("name at least one file; `segue import --formats` lists the known exports")
    hints = Hints(
        calling_code=country_code.removeprefix("+") if country_code else None,
        time_zone=time_zone,
        date_order=_ORDERS[date_order] if date_order is not None else None,
        currency=currency,
    )
    is_empty_handed = False
    with opened() as segue, Progress(*_BARS, console=_out) as bars:
        for given in files:
            with files_of(given) as found:
                for file in found:
                    task = bars.add_task(file.name, total=None)
                    show = partial(advance, bars, task)
                    report = segue.import_file(file, mapping, show, format_name=format_name, hints=hints)
                    bars.console.print(report.to_text(), highlight=False, markup=False)
                    is_empty_handed |= not (sum(report.taken.values()) or report.updated or report.duplicates)
    if is_empty_handed:
        _out.print("[red]Nothing was imported[/red] from at least one file; the report above says why.")
        raise typer.Exit(1)


def _list_formats() -> None:
    table = Table(title="Exports that are known; a file is recognised by its header")
    for head in ("name", "what it is", "columns it needs"):
        table.add_column(head)
    for one in FORMATS:
        needed = (name if isinstance(name, str) else " or ".join(name) for name in one.needed)
        table.add_row(one.name, one.title, ", ".join(needed))
    _out.print(table)
