"""Shopify's `checkouts_export`: carts that somebody began to pay for and left.

The file says neither whether she came back nor where the cart can be found again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.formats.cells import Cells, needed_currency
from segue.intake.formats.channels import channel_of
from segue.intake.formats.format import Options
from segue.intake.formats.shopify.headers import ORDER_ALIASES
from segue.intake.formats.shopify.lines import read_price, read_quantity, read_variant
from segue.intake.formats.shopify.rows_of_orders import OrderRows
from segue.intake.report import Tally
from segue.intake.rows import Row, Table


@dataclass(frozen=True, slots=True)
class Head:
    """What the first row says of a checkout."""

    currency: str
    said: r.CartEvent


@dataclass(frozen=True, slots=True)
class Line:
    """One thing in the cart."""

    variant: r.Variant
    quantity: int


class CheckoutsDoor(OrderRows[Head, Line]):
    """Reads abandoned checkouts."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__(Cells(table.columns, ORDER_ALIASES, options))
        if not self.cells.has("Currency"):
            needed_currency(options)
        self._begun: dict[str, r.CartEvent] = {}

    def currency_of(self, head: Head) -> str:
        """Return the checkout's currency."""
        return head.currency

    def read_head(self, row: Row, tally: Tally) -> Head:
        """Read whose checkout it is, and when it began."""
        cells = self.cells
        at: datetime | None = cells.time(row, "Created at")
        if at is None:
            raise BadValueError("bad_date", "Created at")
        key = cells.hard(row, "Id" if cells.has("Id") else "Name", values.parse_id)
        began = r.CartEvent(
            line=row.line,
            names=cells.buyer(row, tally),
            cart=f"checkout:{key}",
            kind="checkout_started",
            sku=None,
            quantity=0,
            occurred_at=at,
            dedupe=f"shopify:checkout:{key}",
            sales_channel=channel_of(cells.raw(row, "Source"))[0],
        )
        return Head(cells.currency(row), began)

    def read_line(self, row: Row, currency: str, tally: Tally) -> Line:
        """Read a line item."""
        price = read_price(self.cells, row, currency)
        return Line(read_variant(self.cells, row, price, currency, tally), read_quantity(self.cells, row))

    def say(self, key: str, head: Head, lines: list[Line], tally: Tally) -> Iterator[r.Fact]:  # noqa: ARG002 - as declared
        """Yield what was put in, then that the checkout began."""
        self._begun[key] = replace(head.said, names=head.said.names[:1])
        for position, line in enumerate(lines, start=1):
            yield from self.say_late(key, line, position)
        yield head.said

    def say_late(self, key: str, line: Line, position: int) -> Iterator[r.Fact]:
        """Yield one thing that was put in; a quantity of 0 put nothing in."""
        yield line.variant
        if line.quantity:
            began = self._begun[key]
            yield replace(
                began,
                line=line.variant.line,
                kind="added",
                sku=line.variant.sku,
                line_name=line.variant.line_name,
                quantity=line.quantity,
                dedupe=f"{began.dedupe}:{position}",
            )
