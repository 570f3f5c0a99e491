"""The shop site's clickstream, as an event collector writes it: identify and track calls, a line each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final
from uuid import UUID

from segue.sample.baskets import Item, total
from segue.sample.brand import BRAND
from segue.sample.catalogue import Variant
from segue.sample.dice import chance
from segue.sample.people import Person
from segue.sample.till import CURRENCY, Order
from segue.sample.year import YEAR_END, iso_millis

# Flaky networks make a browser repeat itself; the message id says that it is the same call.
_REPEATED: Final = 0.006

Properties = dict[str, object]


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser, and who is signed in there."""

    anonymous_id: str
    person: Person | None = None


def cookie(*parts: object) -> str:
    """Return a browser's id; the same parts are the same browser."""
    return str(UUID(hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:32], version=4))


def browser(person: Person, device: int = 0) -> Visitor:
    """Return one of a person's own browsers, signed in."""
    return Visitor(cookie(person.customer_id, device), person)


class Clickstream:
    """Collects calls in any order and gives them back by time; what happens after the year is not seen."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._calls: list[tuple[datetime, str]] = []
        self._introduced: set[tuple[str, str]] = set()

    def introduce(self, at: datetime, visitor: Visitor) -> None:
        """Write the identify call of a person signing in, once a browser."""
        person = visitor.person
        if person is None or (person.customer_id, visitor.anonymous_id) in self._introduced:
            return
        self._introduced.add((person.customer_id, visitor.anonymous_id))
        traits = {"email": person.email, "firstName": person.first_name, "lastName": person.last_name}
        self._write(at, visitor, {"type": "identify", "traits": {k: v for k, v in traits.items() if v}})

    def name_by_email(self, at: datetime, anonymous_id: str, email: str) -> None:
        """Write the identify call of somebody who leaves an address and does not sign in."""
        self._write(at, Visitor(anonymous_id), {"type": "identify", "traits": {"email": email}})

    def track(self, at: datetime, visitor: Visitor, event: str, properties: Mapping[str, object]) -> None:
        """Write a track call."""
        self._write(at, visitor, {"type": "track", "event": event, "properties": properties})

    def tell(
        self, at: datetime, visitor: Visitor, event: str, properties: Mapping[str, object], **context: object
    ) -> None:
        """Write a track call of what is no click in the shop, with what an ad or a network says of itself."""
        self._write(at, visitor, {"type": "track", "event": event, "properties": properties}, **context)

    def lines(self) -> Iterator[str]:
        """Yield the calls as JSON, oldest first."""
        return (line for _, line in sorted(self._calls))

    def _write(self, at: datetime, visitor: Visitor, call: Properties, **context: object) -> None:
        if at >= YEAR_END:
            return
        body: Properties = {"messageId": f"ajs-next-{self._rng.getrandbits(128):032x}"}
        body |= {
            **call,
            "userId": visitor.person.customer_id if visitor.person else None,
            "anonymousId": visitor.anonymous_id,
            "timestamp": iso_millis(at),
            "context": {"library": {"name": "analytics.js", "version": "next-1.81.0"}, **context},
        }
        line = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        self._calls.append((at, line))
        if chance(self._rng, _REPEATED):
            self._calls.append((at, line))


def product_properties(variant: Variant) -> Properties:
    """Return what the e-commerce events say about a variant; its size is the `variant`."""
    return {
        "product_id": variant.product_id,
        "sku": variant.sku,
        "name": variant.style.title,
        "category": variant.style.category,
        "brand": BRAND.name,
        "variant": variant.size,
        "price": variant.cents / 100,
        "currency": CURRENCY,
        "url": BRAND.site_url + variant.url,
        "image_url": BRAND.asset_url + variant.image_url,
    }


def item_properties(item: Item) -> Properties:
    """Return what the e-commerce events say about an item in a cart."""
    return {**product_properties(item.variant), "quantity": item.quantity}


def cart_properties(cart_id: str, items: tuple[Item, ...]) -> Properties:
    """Return what Cart Viewed and Checkout Started say."""
    return {
        "cart_id": cart_id,
        "value": total(items) / 100,
        "currency": CURRENCY,
        "products": [item_properties(item) for item in items],
    }


def order_properties(order: Order) -> Properties:
    """Return what Order Completed says: the same order that is in `orders.csv`."""
    return {
        "order_id": order.order_id,
        "cart_id": order.cart_id,
        "affiliation": f"{BRAND.name} {order.channel}",
        "total": order.paid / 100,
        "subtotal": total(order.items) / 100,
        "discount": order.discount / 100,
        "coupon": order.code or None,
        "currency": CURRENCY,
        "products": [item_properties(item) for item in order.items],
    }
