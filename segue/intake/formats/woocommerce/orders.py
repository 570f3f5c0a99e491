"""The orders report of WooCommerce's Analytics: what was sold when, and what was paid back.

It says little: customers by name only, no SKU and no price of a line. So its orders have no lines and no buyer, and are
worth their net sales (after discounts, before tax and shipping). A refund is a row of its own with the order's number
and negative amounts; one whose order is not in the file is counted as left out, since nobody knows its sale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.formats.cells import Cells, fingerprint, needed_currency, text_of
from segue.intake.formats.door import RowDoor
from segue.intake.formats.format import Options
from segue.intake.report import Tally
from segue.intake.rows import Row, Table

#: Status -> whether it is paid. `refunded` was paid once; `on-hold` waits for a bank.
_PAID = {
    "completed": True,
    "processing": True,
    "refunded": True,
    "pending": False,
    "pending payment": False,
    "on-hold": False,
    "on hold": False,
    "cancelled": False,
    "failed": False,
}


@dataclass(slots=True)
class _Sale:
    """What the rows with one number say."""

    head: tuple[bytes, r.Order] | None = None
    #: Line and amount, below or equal 0, of each row that takes back.
    refunds: list[tuple[int, int]] = field(default_factory=list)


class OrdersReportDoor(RowDoor):
    """Reads the report; yields at the end of the file, when every refund is known."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__()
        self._cells = Cells(table.columns, (), options)
        self._currency = needed_currency(options)
        self._sales: dict[str, _Sale] = {}

    def order_of(self, row: Row) -> str:
        """Return the order's number."""
        number = self._cells.hard(row, "Order #", values.parse_id).removeprefix("#")
        if not number:
            raise BadValueError("missing_key", "Order #")
        return number

    def read(self, row: Row, tally: Tally) -> Iterable[r.Fact]:
        """Take a row; it says nothing yet."""
        cells = self._cells
        number = self.order_of(row)
        at = cells.time(row, "Date")
        if at is None:
            raise BadValueError("bad_date", "Date")
        sign = cells.options.decimal_sign
        net = cells.hard(row, "Net Sales", lambda text: values.parse_signed_money(text, self._currency, sign))
        sold = cells.given(row, "Items sold", values.parse_whole) or 0
        sale = self._sales.setdefault(number, _Sale())
        if net < 0 or sold < 0:
            sale.refunds.append((row.line, min(net, 0)))
            return ()
        said = fingerprint(row.cells)
        if sale.head is not None:
            tally.warn(row.line, "duplicate" if sale.head[0] == said else "superseded")
        sale.head = (said, self._order(row, number, at, net, tally))
        return ()

    def _order(self, row: Row, number: str, at: datetime, net: int, tally: Tally) -> r.Order:
        cells = self._cells
        status = cells.raw(row, "Status").casefold().removeprefix("wc-")
        if status not in _PAID:
            tally.warn(row.line, "unknown_state", "Status")
        return r.Order(
            line=row.line,
            external_id=number,
            cart=None,
            number=number,
            sales_channel="web",
            currency=self._currency,
            total_minor=net,
            discount_code=cells.soft(row, "Coupon(s)", text_of(255), tally),
            occurred_at=at,
            paid_at=at if _PAID.get(status) else None,
            # The report does not say when: no earlier than it was ordered.
            cancelled_at=at if status == "cancelled" else None,
            overwrites=True,
        )

    def finish(self, tally: Tally) -> Iterator[r.Fact]:
        """Yield every order with what was paid back of it."""
        for number, sale in self._sales.items():
            if sale.head is None:
                for line, _ in sale.refunds:
                    tally.skip(line, "orphan_line", "Order #")
            elif number not in self.spoilt:
                refunded = -sum(amount for _, amount in sale.refunds)
                yield replace(sale.head[1], refunded_minor=refunded if sale.refunds else None)
            else:
                tally.skipped["order_rejected"] += 1 + len(sale.refunds)
        if self._sales:
            tally.notes.append("the report names neither buyers nor lines, and its net sales hold no tax and shipping")
