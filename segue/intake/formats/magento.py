"""What Magento 2 exports from its order grid and its customer grid; its product export is read by a mapping file.

The grid holds the columns its user chose, and no lines: an order without lines is an order. Amounts are the shop's base
currency, which the caller names. Nothing there says yes or no to news, so nobody gets a consent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.formats.cells import Cells, needed_currency, text_of
from segue.intake.formats.channels import channel_of
from segue.intake.formats.columns import Columns
from segue.intake.formats.door import RowDoor
from segue.intake.formats.format import Format, Options
from segue.intake.formats.methods import is_fetched, is_paid_at_once
from segue.intake.report import Tally
from segue.intake.rows import Row, Table

_TOTALS = ("Grand Total (Base)", "Grand Total (Purchased)")
#: Status, by code and by label -> whether it is paid; None: only the payment method can tell.
_PAID: dict[str, bool | None] = {
    "complete": True,
    "closed": True,
    "processing": None,
    "pending": False,
    "pending payment": False,
    "payment review": False,
    "pending paypal": False,
    "paypal reversed": False,
    "paypal canceled reversal": False,
    "canceled": False,
    "holded": False,
    "on hold": False,
    "fraud": False,
    "suspected fraud": False,
}
_YEAR = re.compile(r"(?<!\d)(19\d\d|20\d\d)(?!\d)")


class OrdersDoor(RowDoor):
    """Reads the order grid."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__()
        self._cells = Cells(table.columns, (), options)
        self._currency = needed_currency(options)

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Yield the order of a row, and that it left if it did."""
        order = self._order(row, tally)
        yield order
        if _status(self._cells.raw(row, "Status")) == "complete" and order.delivery in {"ship", "pickup"}:
            yield r.Fulfilment(
                line=row.line,
                order=order.external_id,
                kind="shipped" if order.delivery == "ship" else "picked_up",
                occurred_at=order.occurred_at,  # no earlier than it was ordered: that is all the grid says
            )

    def order_of(self, row: Row) -> str:
        """Return the order's id."""
        key = self._cells.hard(row, "ID", values.parse_id)
        if not key:
            raise BadValueError("missing_key", "ID")
        return key

    def _order(self, row: Row, tally: Tally) -> r.Order:
        cells = self._cells
        key = self.order_of(row)
        at = _time(cells, row, "Purchase Date")
        if at is None:
            raise BadValueError("bad_date", "Purchase Date")
        total, is_foreign = self._total(row)
        refunded = self._money(row, "Total Refunded") if cells.raw(row, "Total Refunded") else None
        if is_foreign:  # what was refunded is in the buyer's currency, which nobody names
            tally.warn(row.line, "bad_currency", _TOTALS[1])
            refunded = None
        email = cells.soft(row, "Customer Email", values.parse_email, tally)
        channel, marketplace = channel_of(cells.raw(row, "Purchase Point"))
        status = _status(cells.raw(row, "Status"))
        if status not in _PAID:
            tally.warn(row.line, "unknown_state", "Status")
        return r.Order(
            line=row.line,
            names=() if email is None else (("email", email),),
            external_id=key,
            cart=None,
            number=key,
            sales_channel=channel if marketplace else "web",
            marketplace=marketplace,
            delivery=self._delivery(row),
            currency=self._currency,
            total_minor=total,
            refunded_minor=refunded,
            occurred_at=at,
            paid_at=at if self._is_paid(status, cells.raw(row, "Payment Method")) else None,
            cancelled_at=at if status == "canceled" else None,
            overwrites=True,
        )

    def _total(self, row: Row) -> tuple[int, bool]:
        """Return what the order is worth in the shop's currency, and whether its buyer paid in another one."""
        names = [name for name in _TOTALS if self._cells.raw(row, name)] or _TOTALS[:1]
        known = [self._money(row, name) for name in names]
        return known[0], known[0] != known[-1]

    def _money(self, row: Row, name: str) -> int:
        return self._cells.money(row, name, self._currency)

    @staticmethod
    def _is_paid(status: str, method: str) -> bool:
        """`processing` is invoiced or shipped: with money that comes later it may be the second without the first."""
        said = _PAID.get(status, False)
        return is_paid_at_once(method) if said is None else said

    def _delivery(self, row: Row) -> str | None:
        cells = self._cells
        method = cells.raw(row, "Shipping Information")
        if cells.raw(row, "Pickup Location Code") or is_fetched(method):
            return "pickup"
        if method or cells.raw(row, "Shipping Address"):
            return "ship"
        # Downloads and services have neither; a grid without both columns does not say.
        return "none" if cells.has("Shipping Information") and cells.has("Shipping Address") else None


class CustomersDoor(RowDoor):
    """Reads the customer grid."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__()
        self._cells = Cells(table.columns, (), options)

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Yield who the row is about."""
        cells = self._cells
        email = cells.soft(row, "Email", values.parse_email, tally)
        shop_id = cells.given(row, "ID", values.parse_id)
        phone = cells.phone(row, "Phone", tally)
        given = (("email", email), ("shop", shop_id), ("phone", phone))
        names = tuple((kind, value) for kind, value in given if value is not None)
        if names:
            yield r.Profile(line=row.line, names=names, traits=self._traits(row, tally))
        else:
            tally.skip(row.line, "missing_key", "Email")

    def _traits(self, row: Row, tally: Tally) -> dict[str, Any]:
        cells = self._cells
        born = _YEAR.search(cells.raw(row, "Date of Birth"))
        # First and last name are both demanded, so two words are those; of three nobody knows which is which.
        words = (cells.soft(row, "Name", text_of(200), tally) or "").split()
        first, last = words if len(words) == 2 else (None, None)
        traits = {
            "first_name": first,
            "last_name": last,
            "country": cells.soft(row, "Country", values.parse_country, Tally()),  # a name we do not know is no fault
            "birth_year": int(born[1]) if born and int(born[1]) <= cells.options.now.year else None,
        }
        return {name: value for name, value in traits.items() if value is not None}


def _status(text: str) -> str:
    return " ".join(text.replace("_", " ").casefold().split())


def _time(cells: Cells, row: Row, name: str) -> datetime | None:
    """Read a time as the admin's language writes it: newer systems set a comma and a narrow space into it."""
    zone, order = cells.options.time_zone, cells.options.date_order
    return cells.given(
        row,
        name,
        lambda text: values.parse_local_time(re.sub(r"(\d{4}),\s", r"\1 ", " ".join(text.split())), zone, order),
    )


def _is_orders(columns: tuple[str, ...], _file: str) -> bool:
    named = Columns(columns)
    return all(map(named.has, ("ID", "Purchase Date", "Status"))) and any(map(named.has, _TOTALS))


def _is_customers(columns: tuple[str, ...], _file: str) -> bool:
    named = Columns(columns)
    return all(map(named.has, ("ID", "Email", "Customer Since"))) and any(map(named.has, ("Web Site", "Group")))


FORMATS = (
    Format(
        name="magento-orders",
        title="Magento orders",
        needed=("ID", "Purchase Date", _TOTALS, "Status"),
        recognises=_is_orders,
        door=OrdersDoor,
        money=(*_TOTALS, "Subtotal", "Shipping and Handling", "Total Refunded"),
        times=("Purchase Date",),
        known=(
            "ID", "Purchase Point", "Purchase Date", "Bill-to Name", "Ship-to Name", *_TOTALS, "Status",
            "Billing Address", "Shipping Address", "Shipping Information", "Customer Email", "Customer Group",
            "Subtotal", "Shipping and Handling", "Customer Name", "Payment Method", "Total Refunded",
            "Allocated sources", "Pickup Location Code",
        ),
    ),
    Format(
        name="magento-customers",
        title="Magento customers",
        needed=(("Email", "ID"),),
        recognises=_is_customers,
        door=CustomersDoor,
        known=(
            "ID", "Name", "Email", "Group", "Phone", "ZIP", "Country", "State/Province", "Customer Since", "Web Site",
            "Confirmed email", "Account Created in", "Billing Address", "Shipping Address", "Date of Birth",
            "Tax VAT Number", "Gender",
        ),
    ),
)  # fmt: skip
