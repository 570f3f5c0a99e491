"""How an order reaches its buyer, as far as its rows say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from segue.intake import records as r
from segue.intake.formats.cells import Cells
from segue.intake.rows import Row

PICKUP, SHIP, NONE = "pickup", "ship", "none"
_SENT = frozenset({"fulfilled", "partial", "partially_fulfilled"})
_PARCEL = tuple(
    f"Shipping {part}" for part in ("Name", "Street", "Address1", "Address2", "City", "Zip", "Province", "Country")
)
#: Shipping methods that mean fetching it oneself, whatever address stands beside them.
_FETCHED = re.compile(
    r"\b(?:pick[\s-]?up|click (?:&|and|\+) collect|collect in[\s-]?store|(?:selbst)?abholung|retrait|recogida|retiro"
    r"|ritiro|afhalen|afhaling)\b"
)


def delivery_of(cells: Cells, row: Row, needs_shipping: Sequence[bool | None], *, is_till: bool) -> str | None:
    """Return ship, pickup or none (a till; services and digital goods); None where the file's columns do not tell.

    `row` is the order's first, `needs_shipping` what its lines say. A method without an address is a place's name:
    that is how local pick-up looks.
    """
    if is_till or (needs_shipping and all(needs is False for needs in needs_shipping)):
        return NONE
    method = cells.raw(row, "Shipping Method")
    if _FETCHED.search(method.casefold()):
        return PICKUP
    if any(cells.raw(row, name) for name in _PARCEL):
        return SHIP
    if not any(map(cells.has, _PARCEL)):
        return None
    return PICKUP if method else SHIP


def handed_over(cells: Cells, row: Row, order: r.Order, at: datetime | None) -> Iterator[r.Fact]:
    """Yield that an order's goods left. Without a date they left no earlier than they were ordered.

    What was taken along at a till, or was never a parcel, yields nothing.
    """
    status = cells.raw(row, "Fulfillment Status").casefold().replace(" ", "_")
    if status in _SENT and order.delivery != NONE:
        yield r.Fulfilment(
            line=row.line,
            order=order.external_id,
            kind="picked_up" if order.delivery == PICKUP else "shipped",
            occurred_at=at or order.occurred_at,
        )
