"""BigCommerce's order export in its default template: one row an order, all its lines packed into one cell.

Dates have no time, and the shop's settings decide which number is the day: the caller says so. Shops edit the template,
so every column but the order's number, date, status and total may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from html import unescape
from typing import Any

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.formats.bigcommerce_lines import lines_of
from segue.intake.formats.cells import Cells, needed_currency, text_of
from segue.intake.formats.channels import channel_of
from segue.intake.formats.columns import Columns
from segue.intake.formats.door import RowDoor
from segue.intake.formats.format import Format, Options
from segue.intake.formats.gifts import is_gift
from segue.intake.formats.methods import is_fetched, is_paid_at_once
from segue.intake.report import Tally
from segue.intake.rows import Row, Table

_TOTALS = ("Order Total (inc tax)", "Order Total (ex tax)")
#: Status -> whether it is paid; None: it is further on, but only the payment method can tell.
_PAID: dict[str, bool | None] = {
    "awaiting fulfillment": True,
    "completed": True,
    "refunded": True,
    "partially refunded": True,
    "awaiting shipment": None,
    "awaiting pickup": None,
    "partially shipped": None,
    "shipped": None,
    "pending": False,
    "awaiting payment": False,
    "manual verification required": False,
    "disputed": False,
    "declined": False,
    "cancelled": False,
    "canceled": False,
}
#: A basket that somebody began to pay for and left.
_NO_ORDER = "incomplete"
_GUEST = frozenset({"", "0"})
_COUPON = re.compile(r"Coupon Code:\s*([^,|\s]+)")
_TILL = re.compile(r"\b(?:pos|point of sale)\b")
_PARCEL = tuple(f"Shipping {part}" for part in ("Street 1", "Suburb", "Zip", "Country", "First Name", "Last Name"))


class OrdersDoor(RowDoor):
    """Reads orders."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__()
        self._cells = Cells(table.columns, (), options)
        if not self._cells.has("Order Currency Code"):
            needed_currency(options)
        #: A buyer -> her newest order of this file that tells who she is: its id, its time, and what it says.
        self._buyers: dict[r.Names, tuple[str, datetime, r.Profile]] = {}

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Yield the order of a row: who bought it, its lines, and that it left if it did. It is taken whole or not."""
        if _status(self._cells.raw(row, "Order Status")) == _NO_ORDER:
            tally.skip(row.line, "not_an_order", "Order Status")
            return
        order = self._order(row, tally)
        packed = self._cells.raw(row, "Product Details")
        lines = lines_of(packed, row.line, order, self._cells.options.decimal_sign)
        left = list(self._handed_over(row, order))  # before the buyer is noted: it may not be readable
        self._take_buyer(row, order, tally)
        yield order
        yield from lines
        yield from left

    def order_of(self, row: Row) -> str:
        """Return the order's id."""
        key = self._cells.hard(row, "Order ID", values.parse_id)
        if not key:
            raise BadValueError("missing_key", "Order ID")
        return key

    def _order(self, row: Row, tally: Tally) -> r.Order:
        cells = self._cells
        key = self.order_of(row)
        at = cells.time(row, "Order Date")
        if at is None:
            raise BadValueError("bad_date", "Order Date")
        currency = cells.currency(row, "Order Currency Code")
        if _is_exchanged(cells.raw(row, "Exchange Rate")):
            tally.warn(row.line, "bad_currency", "Exchange Rate")  # nobody knows which side the amounts stand on
        status = _status(cells.raw(row, "Order Status"))
        if status not in _PAID:
            tally.warn(row.line, "unknown_state", "Order Status")
        is_paid = _PAID.get(status, False)
        if is_paid is None:
            is_paid = is_paid_at_once(cells.raw(row, "Payment Method"))
        channel, marketplace = _channel(cells.raw(row, "Channel Name"))
        total = next(name for name in _TOTALS if cells.has(name))
        return r.Order(
            line=row.line,
            names=self._names(row, tally),
            external_id=key,
            cart=None,
            number=key,
            sales_channel=channel,
            marketplace=marketplace,
            delivery="none" if channel == "store" else self._delivery(row, status),
            currency=currency,
            total_minor=cells.money(row, total, currency),
            discount_code=self._coupon(row),
            gift=is_gift("", "", cells.raw(row, "Customer Message")),
            refunded_minor=cells.money(row, "Refund Amount", currency) if cells.raw(row, "Refund Amount") else None,
            occurred_at=at,
            paid_at=at if is_paid else None,
            cancelled_at=at if status in {"cancelled", "canceled"} else None,
            overwrites=True,
        )

    def _names(self, row: Row, tally: Tally) -> r.Names:
        """Who ordered: by her account, or as a guest by the address she pays from; never by the parcel's recipient."""
        cells = self._cells
        account = cells.hard(row, "Customer ID", values.parse_id)
        email = cells.soft(row, "Customer Email", values.parse_email, tally)
        if email is None and account in _GUEST:
            email = cells.soft(row, "Billing Email", values.parse_email, tally)
        phone = cells.phone(row, "Customer Phone", tally)
        if email is None and phone is None and account in _GUEST:
            phone = cells.phone(row, "Billing Phone", tally)
        given = (("email", email), ("shop", None if account in _GUEST else account), ("phone", phone))
        return tuple((kind, value) for kind, value in given if value is not None)

    def _delivery(self, row: Row, status: str) -> str | None:
        cells = self._cells
        if status == "awaiting pickup" or is_fetched(cells.raw(row, "Ship Method")):
            return "pickup"
        if any(cells.raw(row, name) for name in (*_PARCEL, "Date Shipped", "Ship Method")):
            return "ship"
        return None  # a download looks like an order of which the template tells no address

    def _coupon(self, row: Row) -> str | None:
        text = self._cells.raw(row, "Coupon Details")
        found = _COUPON.search(text)
        if found is None:
            return None if not text or re.search(r"[\s:|,]", text) else text_of(255)(text)
        return text_of(255)(found[1])

    def _take_buyer(self, row: Row, order: r.Order, tally: Tally) -> None:
        """Note who the buyer is as her newest order says; whoever pays under another name is not she."""
        cells, names = self._cells, order.names[:1]
        if not names or (names in self._buyers and self._buyers[names][1] >= order.occurred_at):
            return
        first = cells.soft(row, "Billing First Name", text_of(200), tally)
        last = cells.soft(row, "Billing Last Name", text_of(200), tally)
        is_she = " ".join(cells.raw(row, "Customer Name").split()) == " ".join(f"{first} {last}".split())
        given: dict[str, Any] = {
            "first_name": first if is_she else None,
            "last_name": last if is_she else None,
            "country": cells.soft(row, "Billing Country", values.parse_country, Tally()),  # many names, few we know
        }
        traits = {name: value for name, value in given.items() if value is not None}
        if traits:
            said = r.Profile(line=row.line, names=names, traits=traits, fills_only=True)
            self._buyers[names] = (order.external_id, order.occurred_at, said)

    def _handed_over(self, row: Row, order: r.Order) -> Iterator[r.Fact]:
        """Yield that goods left. Without a date they left no earlier than they were ordered."""
        at = self._cells.time(row, "Date Shipped")
        status = _status(self._cells.raw(row, "Order Status"))
        has_left = at is not None or status in {"shipped", "partially shipped", "completed"}
        if has_left and order.delivery in {"ship", "pickup"}:
            yield r.Fulfilment(
                line=row.line,
                order=order.external_id,
                kind="shipped" if order.delivery == "ship" else "picked_up",
                occurred_at=at or order.occurred_at,
            )

    def finish(self, tally: Tally) -> Iterator[r.Fact]:  # noqa: ARG002 - as declared
        """Yield who the buyers are, when it is known which orders are rejected."""
        yield from (said for key, _, said in self._buyers.values() if key not in self.spoilt)


def _status(text: str) -> str:
    return " ".join(text.casefold().split())


def _channel(name: str) -> tuple[str, bool]:
    channel, marketplace = channel_of(unescape(name))
    if marketplace:
        return channel, True
    return ("store" if _TILL.search(name.casefold()) else "web"), False


def _is_exchanged(rate: str) -> bool:
    try:
        return bool(rate) and Decimal(rate.replace(",", ".")) != 1
    except InvalidOperation:
        return True


def _is_orders(columns: tuple[str, ...], _file: str) -> bool:
    named = Columns(columns)
    return all(map(named.has, ("Order ID", "Order Date", "Order Status"))) and any(map(named.has, _TOTALS))


_ADDRESS = "First Name|Last Name|Company|Street 1|Street 2|Suburb|State|Zip|Country|Phone|Email"
_TAXED = ("Subtotal", "Shipping Cost", "Handling Cost", "Order Total")
_COLUMNS = """Order ID|Customer ID|Customer Name|Customer Email|Customer Phone|Order Date|Order Status|Tax Total
|Ship Method|Store Credit Redeemed|Gift Certificate Amount Redeemed|Gift Certificate Code
|Gift Certificate Expiration Date
|Coupon Details|Payment Method|Total Quantity|Total Shipped|Date Shipped|Order Currency Code|Exchange Rate|Order Notes
|Customer Message|Product Details|Refund Amount|Channel ID|Channel Name|Fee Details"""

FORMATS = (
    Format(
        name="bigcommerce-orders",
        title="BigCommerce orders",
        needed=("Order ID", "Order Date", "Order Status", _TOTALS),
        recognises=_is_orders,
        door=OrdersDoor,
        money=(*_TOTALS, "Subtotal (inc tax)", "Subtotal (ex tax)", "Refund Amount"),
        times=("Order Date", "Date Shipped"),
        known=(
            *(" ".join(name.split()) for name in _COLUMNS.split("|")),
            *(f"{name} ({tax} tax)" for name in _TAXED for tax in ("inc", "ex")),
            *(f"{kind} {part}" for kind in ("Billing", "Shipping") for part in _ADDRESS.split("|")),
        ),
    ),
)
