"""Orders as they are rung up, online and in the stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from segue.sample.baskets import Item, total
from segue.sample.dice import chance
from segue.sample.people import Person
from segue.sample.places import WAREHOUSE
from segue.sample.rows import OrderLineRow, money
from segue.sample.stock import StockBook
from segue.sample.year import iso

CURRENCY: Final = "USD"

#: Codes of the shop's own campaigns, with the percentage they take off.
CODES: Final = {"HELLO15": 15, "TIDE10": 10, "HARVEST20": 20}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A finished order."""

    order_id: str
    customer_id: str
    cart_id: str
    channel: str
    location: str
    items: tuple[Item, ...]
    code: str
    gift: bool
    at: datetime
    cancelled_at: datetime | None
    #: Rung up for Sarah's story, where nothing is left to chance.
    is_story: bool = False

    @property
    def discount(self) -> int:
        """US cents taken off."""
        return total(self.items) * CODES[self.code] // 100 if self.code else 0

    @property
    def paid(self) -> int:
        """US cents paid."""
        return total(self.items) - self.discount


class Till:
    """Rings up orders: numbers them, takes the items off the shelf."""

    def __init__(self, rng: Random, book: StockBook) -> None:
        self._rng = rng
        self._book = book
        self.orders: list[Order] = []

    def ring(
        self,
        at: datetime,
        items: tuple[Item, ...],
        *,
        person: Person | None,
        channel: str = "web",
        location: str = "",
        cart_id: str = "",
        code: str = "",
        gift: bool = False,
        may_cancel: bool = False,
    ) -> Order:
        """Record an order of `items` at `at`; `person` None is a guest whom nobody knows."""
        for item in items:
            self._book.take(at, item.variant.sku, location or WAREHOUSE, item.quantity)
        cancelled = may_cancel and chance(self._rng, 0.025)
        order = Order(
            order_id=f"SM-{100001 + len(self.orders)}",
            customer_id=person.customer_id if person else "",
            cart_id=cart_id,
            channel=channel,
            location=location,
            items=items,
            code=code,
            gift=gift,
            at=at,
            is_story=person is not None and person.is_story,
            cancelled_at=at + timedelta(minutes=20 + self._rng.random() * 900) if cancelled else None,
        )
        self.orders.append(order)
        return order

    def line_rows(self) -> Iterator[OrderLineRow]:
        """Yield the lines of the orders, in the orders' order."""
        for order in self.orders:
            for position, item in enumerate(order.items, start=1):
                yield OrderLineRow(
                    order.order_id, position, item.variant.product_id, item.variant.sku, item.quantity,
                    money(item.variant.cents), CURRENCY, iso(order.at),
                )  # fmt: skip
