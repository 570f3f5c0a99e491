"""`segue import`: whatever the shop's other systems export, one file after the other."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

_out = Console()


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
    from segue.cli.taking import list_formats, take_files
    from segue.intake import Hints

    if formats:
        list_formats(_out)
        return
    hints = Hints(
        calling_code=country_code.removeprefix("+") if country_code else None,
        time_zone=time_zone,
        date_order=_ORDERS[date_order] if date_order is not None else None,
        currency=currency,
    )
    if not take_files(files or (), _out, mapping=mapping, format_name=format_name, hints=hints):
        raise typer.Exit(1)
