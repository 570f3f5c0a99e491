"""`segue import`: whatever the shop's other systems export, one file after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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
from segue.gallery.visible import visible
from segue.intake import IntakeError, MappingError, OptionError, is_leaflet
from segue.service import FORMATS, Hints, ImportReport, files_of

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

    Again is once, and a file goes in whole or not at all. A refused file stops no other: the end lists the refused, and
    the exit code is 1.
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
    outcome = _Outcome()
    with opened() as segue, Progress(*_BARS, console=_out) as bars:

        def take(file: Path) -> ImportReport:
            task = bars.add_task(visible(file.name), total=None)
            try:
                return segue.import_file(
                    file, mapping, partial(advance, bars, task), format_name=format_name, hints=hints
                )
            except IntakeError:
                bars.remove_task(task)
                raise

        for given in files:
            _take_all(given, take, outcome, bars.console)
    if not outcome.tell(_out):
        raise typer.Exit(1)


@dataclass(slots=True)
class _Outcome:
    """What became of the files named."""

    read: int = 0
    refused: list[str] = field(default_factory=list)
    fruitless: list[str] = field(default_factory=list)

    def tell(self, console: Console) -> bool:
        """Say what did not go in, and why; return whether all is well."""
        if self.fruitless:
            names = ", ".join(self.fruitless)
            console.print(f"Nothing was imported from {names}: the report above says why.", style="red", markup=False)
        if self.refused:
            whole = self.read + len(self.refused)
            console.print(f"Refused, nothing of it was imported ({len(self.refused)} of {whole}):", style="red")
            for why in self.refused:
                console.print(f"  {why}", highlight=False, markup=False, soft_wrap=True)
        if not self.read and not self.refused:
            console.print("Nothing was imported: there was no file of data.", style="red")
        return bool(self.read) and not self.refused and not self.fruitless


def _take_all(given: Path, take: Callable[[Path], ImportReport], outcome: _Outcome, console: Console) -> None:
    """Import a file, or each file of a ZIP; a refused one stops no other. What is wrong for every file is raised."""
    inside = ""
    try:
        with files_of(given) as found:
            inside = "" if found == [given] else f"{given.name}: "
            for file in found:
                if is_leaflet(file):
                    console.print(visible(f"{inside}{file.name} passed over: it is no data"), markup=False)
                    continue
                try:
                    report = take(file)
                except (MappingError, OptionError):
                    raise
                except IntakeError as error:
                    outcome.refused.append(visible(f"{inside}{error}"))
                    continue
                outcome.read += 1
                console.print(visible(report.to_text(), keep="\n"), highlight=False, markup=False)
                if report.is_fruitless:
                    outcome.fruitless.append(visible(file.name))
    except (MappingError, OptionError):
        raise
    except IntakeError as error:  # the archive itself
        outcome.refused.append(visible(str(error)))


def _list_formats() -> None:
    table = Table(title="Exports that are known; a file is recognised by its header")
    table.add_column("name", no_wrap=True)  # it is typed again: whole, on one line
    for head in ("what it is", "columns it needs"):
        table.add_column(head, overflow="fold")
    for one in FORMATS:
        needed = (name if isinstance(name, str) else " or ".join(name) for name in one.needed)
        table.add_row(one.name, one.title, ", ".join(needed))
    _out.print(table)
