"""`segue referrals`: how referrals stand, and those that somebody has to look at before they are rewarded."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from segue.cli.opened import opened

if TYPE_CHECKING:
    from segue.service import Segue

_out = Console()


def referrals(
    *,
    approve: Annotated[
        list[int] | None, typer.Option("--approve", help="Let this referral be rewarded; may be given again.")
    ] = None,
    refuse: Annotated[
        list[int] | None, typer.Option("--refuse", help="Let this referral earn nothing; may be given again.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who looked; else whoever is logged in here.")] = None,
) -> None:
    """List referrals that look like abuse, approve or refuse them, and count how all of them stand."""
    both = set(approve or ()) & set(refuse or ())
    if both:
        raise ValueError(f"referral {min(both)} cannot be approved and refused at once; name it once")
    with opened() as segue:
        for ids, is_approved in ((approve or (), True), (refuse or (), False)):
            for one in ids:
                segue.review_referral(one, approve=is_approved, by=by or getpass.getuser())
                _out.print(f"Referral {one} is {'approved' if is_approved else 'refused'}.")
        _out.print(_queue(segue))
        _out.print(_counts(segue))


def _queue(segue: Segue) -> Table:
    table = Table(title="Referrals to look at", caption="segue explain ID tells who a profile is")
    numbers = ("id", "score", "profile", "friend")
    for head in ("id", "score", "what speaks for abuse", "profile", "friend", "order", "paid", "waits since"):
        # On a narrow terminal words are broken into lines; no date and no number is cut off.
        side: Literal["left", "right"] = "right" if head in numbers else "left"
        table.add_column(head, justify=side, overflow="fold", no_wrap=head in ("paid", "waits since"))
    for one in segue.referrals_to_review():
        signals = ", ".join(f"{name.replace('_', ' ')} {weight}" for name, weight in one.signals.items())
        ids = (str(one.profile_id), str(one.friend_id), escape(one.order_number))
        table.add_row(
            str(one.id), str(one.score), signals, *ids, f"{one.occurred_at:%Y-%m-%d}", f"{one.found_at:%Y-%m-%d}"
        )
    return table


def _counts(segue: Segue) -> Table:
    table = Table(title="Referrals")
    table.add_column("what")
    table.add_column("how many", justify="right")
    count = segue.referrals()
    for what, number in (
        ("pending", count.pending),
        ("to review", count.to_review),
        ("granted", count.granted),
        ("refused", count.refused),
    ):
        table.add_row(what, f"{number:,}")
    for why, number in count.refusals.items():
        table.add_row(f"  {why}", f"{number:,}")
    return table
