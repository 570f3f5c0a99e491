"""One visit to the shop's site: what a browser tells the collector between the first look and the order."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from segue.sample.agenda import Agenda
from segue.sample.baskets import Item
from segue.sample.catalogue import VARIANTS
from segue.sample.clicks import (
    Clickstream,
    Visitor,
    cart_properties,
    item_properties,
    order_properties,
    product_properties,
)
from segue.sample.dice import chance, pick
from segue.sample.till import Till


class Visit:
    """A browser with a cart; `at` is the moment of its last click and moves with every one."""

    def __init__(self, rng: Random, stream: Clickstream, at: datetime, visitor: Visitor, cart_id: str = "") -> None:
        self._rng = rng
        self._stream = stream
        self.at = at
        self.visitor = visitor
        self.cart_id = cart_id
        self.items: tuple[Item, ...] = ()
        stream.introduce(at, visitor)

    def wait(self, *, seconds: float = 0, hours: float = 0) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds, hours=hours)

    def look_around(self, most: int = 3) -> None:
        """Look at some products without taking them."""
        for _ in range(int(self._rng.random() * (most + 1))):
            self.look(pick(self._rng, tuple(VARIANTS)))

    def look(self, sku: str) -> None:
        """Look at one variant."""
        self._track("Product Viewed", product_properties(VARIANTS[sku]))

    def put(self, *items: Item) -> None:
        """Look at each item and put it in the cart."""
        for item in items:
            self.look(item.variant.sku)
            self._track("Product Added", {"cart_id": self.cart_id, **item_properties(item)})
            self.items += (item,)

    def drop(self, *items: Item) -> None:
        """Take items out of the cart again."""
        for item in items:
            self._track("Product Removed", {"cart_id": self.cart_id, **item_properties(item)})
            self.items = tuple(i for i in self.items if i is not item)

    def view_cart(self) -> None:
        """Open the cart."""
        self._track("Cart Viewed", cart_properties(self.cart_id, self.items))

    def start_checkout(self) -> None:
        """Begin to check out."""
        self._track("Checkout Started", cart_properties(self.cart_id, self.items))

    def go_to_checkout(self) -> None:
        """Open the cart and begin to check out."""
        self.view_cart()
        self.start_checkout()
        self._pass()

    def buy(self, agenda: Agenda, till: Till, code: str = "") -> None:
        """Check out and order: rung up when the time comes, since others may buy in between."""
        self.go_to_checkout()
        items, visitor, cart_id = self.items, self.visitor, self.cart_id

        def ring(now: datetime) -> None:
            order = till.ring(now, items, person=visitor.person, cart_id=cart_id, code=code)
            self._stream.track(now, visitor, "Order Completed", order_properties(order))

        agenda.add(self.at, ring)
        self.items = ()

    def _track(self, event: str, properties: dict[str, object]) -> None:
        self._pass()
        self._stream.track(self.at, self.visitor, event, properties)

    def _pass(self) -> None:
        """People read, compare and get distracted."""
        seconds = self._rng.expovariate(1 / 45) + 4
        self.wait(seconds=seconds + (200 if chance(self._rng, 0.04) else 0))
