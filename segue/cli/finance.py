"""`segue finance`: open points and codes, what they are worth, and when they run out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from segue.cli.opened import opened

if TYPE_CHECKING:
    from segue.service.finance import OpenMonth, OpenPromises

_out = Console(soft_wrap=True)


def finance(
    csv: Annotated[Path | None, typer.Option(help="Write it to this file, too, a line a month and kind.")] = None,
) -> None:
    """Show open points and codes by the month in which they run out if nobody uses them."""
    from segue.service.finance import finance_csv, rewards_ahead

    with opened() as segue:
        promises = segue.finance()
        ahead = rewards_ahead(segue.referrals(), segue.settings.house.referral)
    _out.print(open_table(promises))
    if promises.foreign_orders:
        _out.print(
            f"{promises.foreign_orders:,} paid orders earned no points: they are in another currency than "
            f"{promises.currency}.",
            highlight=False,
        )
    if ahead is not None:
        _out.print(ahead, highlight=False)
    if csv is not None:
        csv.write_text(finance_csv(promises), "utf-8", newline="")
        _out.print(f"Written to {escape(str(csv))}", highlight=False)


def open_table(promises: OpenPromises) -> Table:
    """Lay out what is open as a table, a line a month."""
    table = Table(title=f"Open on {promises.at:%Y-%m-%d}, by the month it runs out")
    table.add_column("month")
    for head in ("points", "pending", "worth", "codes", "of an amount", "of a percentage"):
        table.add_column(head, justify="right")
    for month in promises.months:
        table.add_row(*_row(month, promises.currency))
    table.add_section()
    table.add_row(*_row(promises.total, promises.currency))
    return table


def _row(month: OpenMonth, currency: str) -> tuple[str, ...]:
    from segue.render.wording import money

    amounts = ", ".join(money(minor, one) for one, minor in month.voucher_minor.items())
    return (
        month.month,
        f"{month.available:,}",
        f"{month.pending:,}",
        money(month.points_minor, currency),
        f"{month.vouchers:,}",
        amounts,
        f"{month.percentages:,}",
    )
