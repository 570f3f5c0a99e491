"""Shopify's `orders_export`: orders with their lines, payment, parcels and the buyer's tick for news.

Again is once, and a later file updates what it knows better. Where a buyer lives fills what is unknown: a customers
export knows it better than the address she paid from. The tick `Accepts Marketing` is a yes of that day where it
is set; where it is not, it says nothing: not ticking is no objection.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError, IntakeError
from segue.intake.formats.cells import Cells, household_of, needed_currency, region_of, text_of
from segue.intake.formats.channels import channel_of
from segue.intake.formats.format import Options
from segue.intake.formats.gifts import is_gift
from segue.intake.formats.shopify.headers import ORDER_ALIASES
from segue.intake.formats.shopify.lines import read_price, read_quantity, read_variant
from segue.intake.formats.shopify.parcels import delivery_of, handed_over
from segue.intake.formats.shopify.rows_of_orders import OrderRows
from segue.intake.report import Tally
from segue.intake.rows import Row, Table

_TILL = "store"
#: Financial Status -> whether money came in; the total of a free order is 0 and it is paid all the same.
_PAID = {
    "paid": True,
    "partially_paid": True,
    "partially_refunded": True,
    "refunded": True,
    "pending": False,
    "authorized": False,
    "voided": False,
    "expired": False,
}
_NOTHING = frozenset({"", "0", "0.00"})
_ADDS_UP = ("Subtotal", "Total", "Discount Amount", "Lineitem price", "Lineitem discount")


@dataclass(frozen=True, slots=True)
class Head:
    """What the first row says of an order."""

    row: Row
    order: r.Order
    fulfilled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line item."""

    fact: r.OrderLine
    #: None: the row does not say.
    needs_shipping: bool | None
    #: It costs less than its quantity times its price.
    is_discounted: bool


class OrdersDoor(OrderRows[Head, Line]):
    """Reads orders."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__(Cells(table.columns, ORDER_ALIASES, options))
        if not self.cells.has("Currency"):
            needed_currency(options)
        #: What orders say of their buyers waits for the end of the file, where it is known which orders are rejected.
        #: Order, its time, line, who, and what is known of where she lives.
        self._homes: list[tuple[str, datetime, int, r.Names, dict[str, str]]] = []
        #: Order, its time, line and who said yes.
        self._ticks: list[tuple[str, datetime, int, r.Names]] = []
        self._heads = self._like_checkouts = 0
        #: Whether the file says what it takes to see that an order's lines are all there.
        self._adds_up = all(self.cells.has(name) for name in _ADDS_UP)

    def currency_of(self, head: Head) -> str:
        """Return the order's currency."""
        return head.order.currency

    def read_head(self, row: Row, tally: Tally) -> Head:
        """Read what the first row says of the order."""
        cells = self.cells
        self._heads += 1
        self._like_checkouts += self._is_like_a_checkout(row)
        currency = cells.currency(row)
        at = cells.time(row, "Created at")
        if at is None:
            raise BadValueError("bad_date", "Created at")
        channel, marketplace = channel_of(cells.raw(row, "Source"))
        order = r.Order(
            line=row.line,
            names=cells.buyer(row, tally),
            external_id=cells.hard(row, "Id" if cells.has("Id") else "Name", values.parse_id),
            cart=None,
            number=cells.soft(row, "Name", text_of(255), tally),
            sales_channel=channel,
            marketplace=marketplace,
            location=cells.soft(row, "Location", values.parse_id, tally) if channel == _TILL else None,
            currency=currency,
            total_minor=cells.money(row, "Total", currency) if cells.has("Total") else None,
            discount_minor=self._amount(row, "Discount Amount", currency) or 0,
            discount_code=cells.soft(row, "Discount Code", text_of(255), tally),
            gift=is_gift(*(cells.raw(row, name) for name in ("Note Attributes", "Tags", "Notes"))),
            refunded_minor=self._amount(row, "Refunded Amount", currency),
            occurred_at=at,
            paid_at=self._paid_at(row, at, tally),
            cancelled_at=cells.time(row, "Cancelled at"),
            overwrites=True,
        )
        return Head(row, order, cells.time(row, "Fulfilled at"))

    def _is_like_a_checkout(self, row: Row) -> bool:
        """An abandoned checkout has no financial status, and is called by its id."""
        key = self.cells.raw(row, "Id")
        return bool(key) and self.cells.raw(row, "Name") == f"#{key}" and not self.cells.raw(row, "Financial Status")

    def _amount(self, row: Row, name: str, currency: str) -> int | None:
        return self.cells.money(row, name, currency) if self.cells.raw(row, name) else None

    def _paid_at(self, row: Row, at: datetime, tally: Tally) -> datetime | None:
        paid_at = self.cells.time(row, "Paid at")
        status = self.cells.raw(row, "Financial Status").casefold().replace(" ", "_")
        if status in _PAID:
            return (paid_at or at) if _PAID[status] else None
        if status:
            tally.warn(row.line, "unknown_state", "Financial Status")
        return paid_at

    def read_line(self, row: Row, currency: str, tally: Tally) -> Line:
        """Read a line item."""
        cells = self.cells
        price = read_price(cells, row, currency)
        fact = r.OrderLine(
            line=row.line,
            order="",
            position=None,
            variant=read_variant(cells, row, price, currency, tally),
            quantity=read_quantity(cells, row),
            unit_price_minor=price,
        )
        ships = cells.raw(row, "Lineitem requires shipping").casefold()
        less = cells.raw(row, "Lineitem discount") if self._adds_up else ""
        is_discounted = less not in _NOTHING and bool(less.strip("0.,"))
        return Line(fact, {"true": True, "false": False}.get(ships), is_discounted)

    def say(self, key: str, head: Head, lines: list[Line], tally: Tally) -> Iterator[r.Fact]:
        """Yield the order, where it was sold and who bought it, its lines and its parcels."""
        row, is_till = head.row, head.order.sales_channel == _TILL
        delivery = delivery_of(self.cells, row, [line.needs_shipping for line in lines], is_till=is_till)
        order = replace(head.order, delivery=delivery, whole=self._is_whole(head, lines))
        if order.location is not None:
            yield r.Location(line=row.line, external_id=order.location, kind=None, name=None)
        self._take_home(key, row, order, tally)
        self._take_tick(key, row, order, tally)
        yield order
        for line in lines:
            yield replace(line.fact, order=key)
        yield from handed_over(self.cells, row, order, head.fulfilled_at)

    def _is_whole(self, head: Head, lines: list[Line]) -> bool:
        """Whether these lines are all of it, as its own first row proves: Subtotal is what they cost less the discount.

        An order that was cut over two files, filtered or sorted does not add up; nor does one whose discount is of
        another kind (on the parcel, on one line), and then nothing is proved.
        """
        if not self._adds_up:
            return False
        cost = -head.order.discount_minor
        for line in lines:
            if line.is_discounted:
                return False
            cost += line.fact.quantity * line.fact.unit_price_minor
        try:
            return cost == self.cells.money(head.row, "Subtotal", head.order.currency)
        except BadValueError:
            return False

    def say_late(self, key: str, line: Line, position: int) -> Iterator[r.Fact]:  # noqa: ARG002 - a sorted file's means nothing
        """Yield one line."""
        yield replace(line.fact, order=key)

    def _take_home(self, key: str, row: Row, order: r.Order, tally: Tally) -> None:
        """Note where the buyer lives: the address she pays from, never the parcel's."""
        if not order.names:
            return
        country = self.cells.soft(row, "Billing Country", values.parse_country, tally)
        if country is not None:
            region = region_of(self.cells, row, "Billing Province", country)
            household = household_of(self.cells, row, "Billing", country)
            traits = {"country": country, "region": region, "household_hash": household}
            known = {name: value for name, value in traits.items() if value is not None}
            self._homes.append((key, order.occurred_at, row.line, order.names[:1], known))

    def _take_tick(self, key: str, row: Row, order: r.Order, tally: Tally) -> None:
        emails = tuple(name for name in order.names if name[0] == "email")
        if self.cells.says_yes(row, "Accepts Marketing", tally) and emails:
            self._ticks.append((key, order.occurred_at, row.line, emails))

    def _say_homes(self) -> Iterator[r.Fact]:
        """Yield where buyers live, as the newest order of each says that is not rejected."""
        newest: dict[r.Names, tuple[str, datetime, int, r.Names, dict[str, str]]] = {}
        for home in self._homes:
            key, at, _, names, _ = home
            if key not in self.spoilt and (names not in newest or newest[names][1] < at):
                newest[names] = home
        for _, _, line, names, traits in newest.values():
            yield r.Profile(line=line, names=names, traits=traits, fills_only=True)

    def _say_ticks(self) -> Iterator[r.Fact]:
        for key, at, line, emails in self._ticks:
            if key not in self.spoilt:
                yield r.Consent(
                    line=line,
                    names=emails,
                    channel="email",
                    purpose="marketing",
                    state="granted",
                    basis="opt_in",
                    source="import:shopify:orders",
                    wording=None,
                    occurred_at=at,
                )

    def finish(self, tally: Tally) -> Iterator[r.Fact]:
        """Yield what stood apart and what is known of buyers; raises IntakeError if these are abandoned checkouts."""
        yield from super().finish(tally)
        yield from self._say_homes()
        yield from self._say_ticks()
        if self._heads and self._like_checkouts == self._heads:
            raise IntakeError(
                f"{self.cells.options.file_name} holds abandoned checkouts, not orders; "
                "import it with --format shopify-checkouts"
            )
