"""`segue vouchers`: how the personal codes stand, taking some back, and settling them with the shop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from segue.cli.opened import opened

if TYPE_CHECKING:
    from segue.service import CodeCount, Segue

_out = Console()


def vouchers(
    codes: Annotated[list[str] | None, typer.Argument(help="The codes that --revoke takes back.")] = None,
    *,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Take these codes back: no message names them, the shop is to refuse them.")
    ] = False,
    settle: Annotated[
        bool,
        typer.Option(
            "--settle", help="Tell the shop of new codes, have it take out revoked ones, and read what was used."
        ),
    ] = False,
) -> None:
    """Count personal codes and what they are worth; take codes back; settle them with the shop."""
    if revoke != bool(codes):
        raise ValueError("write `segue vouchers --revoke CODE CODE ...`, or no code to see how all of them stand")
    with opened() as segue:
        if codes:
            _revoke(segue, codes)
        if settle:
            _settle(segue)
        _out.print(_table(segue.codes()))
        _say_what_is_refused(segue)


def _say_what_is_refused(segue: Segue) -> None:
    from segue.service import words

    for one in segue.refused_by_the_shop():
        since = f"{one.since:%Y-%m-%d %H:%M} UTC"
        _out.print(f"[red]{words.refused(one.verb, one.shop)}[/red] since {since}: {escape(one.reason)}")


def _revoke(segue: Segue, codes: list[str]) -> None:
    asked = len({code.strip().upper() for code in codes})
    taken = segue.revoke(codes)
    others = f"; {asked - taken} were taken back before or are none of ours" if taken < asked else ""
    _out.print(f"{taken} of {asked} taken back{others}.")


def _settle(segue: Segue) -> None:
    done = segue.settle_offers()
    used = done.redemptions
    _out.print(
        f"The shop took {done.published} new codes and took out {done.withdrawn}; it told of {used.seen} uses of our"
        f" codes, {used.new} of them new."
    )
    if done.unfinished:
        _out.print(f"[red]{done.unfinished} wait still[/red]: the shop did not take them; they are told again later.")


def _table(count: CodeCount) -> Table:
    from segue.render.wording import money

    table = Table(title="Personal codes")
    table.add_column("what")
    table.add_column("how many", justify="right")
    for what, number in (
        ("minted", count.minted),
        ("live", count.live),
        ("  known to the shop", count.live_published),
        ("  not yet known to the shop", count.live - count.live_published),
        ("  end within 7 days", count.live_ending),
        ("published", count.published),
        ("redeemed", count.redeemed),
        ("revoked", count.revoked),
        ("  withdrawn by the shop", count.withdrawn),
        ("  not yet withdrawn", count.standing),
    ):
        table.add_row(what, f"{number:,}")
    table.add_section()
    for currency, minor in count.at_stake.items():
        table.add_row(f"at stake in {currency}", money(minor, currency))
    for percent, number in count.percentages.items():
        table.add_row(f"at stake: {percent}% of an order", f"{number:,}")
    if not count.live:
        table.add_row("at stake", "nothing")
    return table
