"""A format of the tests' own, as small as one can be: what the core does for every format, without a vendor's ways."""

from __future__ import annotations

from collections.abc import Iterator

from segue.intake import Format, values
from segue.intake import records as r
from segue.intake.errors import BadValueError
from segue.intake.formats import Columns, Options
from segue.intake.report import Tally
from segue.intake.rows import Row, Table

HEAD = "Order,At,SKU,Quantity,Price,Total,Refunded,Paid,Cancelled,Email\n"
AT = "2026-03-07 09:12:44 -0800"


class TillDoor:
    """A row with a total is an order; every row is a line."""

    def __init__(self, table: Table, options: Options) -> None:
        self.spoilt: set[str] = set()
        self._cell = Columns(table.columns, TILL.aliases)
        self._options = options

    def facts(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        order = self._cell["Order"](row)
        if row.reason is not None:
            self.spoilt.add(order)
            return
        try:
            facts = list(self._read(row, values.parse_id(order)))
        except BadValueError as error:
            tally.skip(row.line, error.reason, error.column)
            self.spoilt.add(order)
            return
        yield from facts

    def _read(self, row: Row, order: str) -> Iterator[r.Fact]:
        if not order:
            raise BadValueError("missing_key", "Order")
        if self._cell["Total"](row):
            email = self._cell["Email"](row)
            yield r.Order(
                line=row.line,
                names=(("email", values.parse_email(email)),) if email else (),
                external_id=order,
                cart=None,
                sales_channel="till",
                currency="EUR",
                total_minor=self._money(row, "Total"),
                refunded_minor=self._money(row, "Refunded"),
                occurred_at=self._time(row, "At"),
                paid_at=self._time(row, "Paid") if self._cell["Paid"](row) else None,
                cancelled_at=self._time(row, "Cancelled") if self._cell["Cancelled"](row) else None,
                overwrites=True,
            )
        sku = values.parse_id(self._cell["SKU"](row)) or "none"
        price = self._money(row, "Price") or 0
        yield r.OrderLine(
            line=row.line,
            order=order,
            position=None,
            variant=r.Variant(
                line=row.line,
                sku=sku,
                product=r.Product(line=row.line, external_id=sku),
                price_minor=price,
                currency="EUR",
                overwrites=False,
            ),
            quantity=values.parse_quantity(self._cell["Quantity"](row)),
            unit_price_minor=price,
        )

    def _money(self, row: Row, name: str) -> int | None:
        text = self._cell[name](row)
        return values.parse_money(text, "EUR", self._options.decimal_sign) if text else None

    def _time(self, row: Row, name: str):
        return values.parse_local_time(self._cell[name](row), self._options.time_zone, self._options.date_order)

    def finish(self, _tally: Tally) -> Iterator[r.Fact]:
        return iter(())


TILL = Format(
    name="till",
    title="Till orders",
    needed=("Order", "At", "SKU", ("Quantity", "Pieces")),
    recognises=lambda columns, _name: {"Order", "SKU", "Refunded"} <= set(columns),
    door=TillDoor,
    money=("Price", "Total", "Refunded"),
    times=("At",),
    known=tuple(HEAD.strip().split(",")),
    aliases=(("Cancelled", ("Canceled",)),),
)


def first(order: str, total: str, sku: str = "A", quantity: str = "1", price: str = "5.00", **more: str) -> str:
    """A row that begins an order."""
    rest = (more.get(name, "") for name in ("refunded", "paid", "cancelled", "email"))
    return f"{order},{AT},{sku},{quantity},{price},{total},{','.join(rest)}\n"


def line(order: str, sku: str = "A", quantity: str = "1", price: str = "5.00") -> str:
    """A row that goes on with an order."""
    return f"{order},,{sku},{quantity},{price},,,,,\n"
