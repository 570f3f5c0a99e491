"""`segue print`: the waiting cards onto paper, or some of them once more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from segue.cli.opened import opened

if TYPE_CHECKING:
    from segue.service import PrintReport

_out = Console(soft_wrap=True)


def print_cards(
    *,
    location: Annotated[
        str | None, typer.Option(help="Only the cards packed here, as the shop calls the place; else all.")
    ] = None,
    again: Annotated[
        list[str] | None,
        typer.Option(help="Order numbers, separated by commas: print their cards once more, and nothing else."),
    ] = None,
) -> None:
    """Print the cards that wait, one PDF and pick list a location; or cards again, with the same codes.

    Run it at the pick wave: orders cancelled or packed meanwhile are taken out, and what the brake holds waits. Twice
    prints nothing twice.
    """
    orders = [number.strip() for given in again or () for number in given.replace(";", ",").split(",")]
    if again is not None and (location is not None or not any(orders)):
        raise ValueError("write `segue print --again 1001,1002`: order numbers, wherever they were packed")
    with opened() as segue:
        if again is not None:
            _out.print(f"Printed again: {escape(str(segue.reprint(orders)))}", highlight=False)
            return
        reports = segue.print_run(location)
    if not reports:
        _out.print(f"Nothing was waiting to be printed{'' if location is None else f' in {escape(location)}'}.")
        return
    _out.print(_table(reports))
    for report in reports:
        for file in report.files:
            _out.print(escape(str(file)), highlight=False)
    if troubled := [report for report in reports if report.problem]:
        for report in troubled:
            _out.print(f"[red]{escape(report.location)} was not printed:[/red] {escape(report.problem or '')}")
        raise typer.Exit(1)


def _table(reports: Sequence[PrintReport]) -> Table:
    from segue.service import words

    table = Table(title="Printed, in packing order")
    table.add_column("location")
    table.add_column("cards", justify="right")
    table.add_column("taken out")
    if any(report.held for report in reports):
        table.add_column("held")
    for report in reports:
        out = ", ".join(f"{count:,} {words.reason(reason)}" for reason, count in report.taken_out.items())
        held = ", ".join(f"{count:,}: {words.standing(name)}" for name, count in report.held.items())
        table.add_row(
            escape(report.location), f"{report.pages:,}", out, *([escape(held)] if len(table.columns) > 3 else [])
        )
    return table
