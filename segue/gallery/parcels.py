"""What became of what was bought and promised: parcels on their way, cards printed, codes used and taken back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from segue.gallery.facts import Entry, Told
from segue.store.sql import among
from segue.store.tables import fulfilment, message, order, print_page, print_run, redemption, voucher

_HANDLED: Final = {
    "packed": "Parcel packed",
    "shipped": "Parcel shipped",
    "delivered": "Parcel delivered",
    "picked_up": "Order picked up",
}


def parcels(connection: Connection, people: Collection[int], *, until: datetime) -> Told:
    """Fulfilments, printed cards, redemptions and revoked codes of these people up to `until`, in no order."""
    yield from _fulfilments(connection, people, until)
    yield from _prints(connection, people, until)
    yield from _uses(connection, people, until)


def _fulfilments(connection: Connection, people: Collection[int], until: datetime) -> Told:
    for row in connection.execute(
        select(order.c.profile_id, fulfilment.c.kind, fulfilment.c.occurred_at)
        .join(fulfilment, fulfilment.c.order_id == order.c.id)
        .where(
            order.c.profile_id.is_not(None),
            among(connection, order.c.profile_id, people),
            fulfilment.c.occurred_at <= until,
        )
    ):
        yield row.profile_id, Entry(at=row.occurred_at, kind="order", title=_HANDLED[row.kind])


def _prints(connection: Connection, people: Collection[int], until: datetime) -> Told:
    for row in connection.execute(
        select(message.c.profile_id, print_page.c.position, print_run.c.location, print_run.c.closed_at)
        .select_from(
            message.join(print_page, print_page.c.message_id == message.c.id).join(
                print_run, print_run.c.id == print_page.c.print_run_id
            )
        )
        .where(
            among(connection, message.c.profile_id, people),
            print_page.c.position.is_not(None),
            print_run.c.closed_at <= until,
        )
    ):
        detail = f"page {row.position} of the print run in {row.location}"
        # Beside the entry that shows the card: this one only says when it became paper.
        yield row.profile_id, Entry(at=row.closed_at, kind="order", title="Card printed", detail=detail)


def _uses(connection: Connection, people: Collection[int], until: datetime) -> Told:
    mine = select(voucher.c.id, voucher.c.profile_id, voucher.c.code, voucher.c.revoked_at).where(
        among(connection, voucher.c.profile_id, people)
    )
    owned = {row.id: row for row in connection.execute(mine)}
    for row in owned.values():
        if row.revoked_at is not None and row.revoked_at <= until:
            yield row.profile_id, Entry(at=row.revoked_at, kind="code", title=f"The code {row.code} was taken back")
    if not owned:
        return
    for row in connection.execute(
        select(redemption).where(among(connection, redemption.c.voucher_id, owned), redemption.c.redeemed_at <= until)
    ):
        code = owned[row.voucher_id]
        said = "was used" if row.counts else "was used once more, which counts for nothing"
        title = f"The code {code.code} {said}"
        yield code.profile_id, Entry(at=row.redeemed_at, kind="code", title=title, detail=f"order {row.order_ref}")
