"""What the e-commerce names of `track` calls mean.

Carts are told by `cart_id` alone; a `checkout_id` counts where a cart goes by it, known by the end of the
file. Nothing is guessed from what else somebody has in hand: a checkout call without either id is an event.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.report import Tally

_CHANGES = {
    "product added": "added",
    "product removed": "removed",
    "wishlist product added to cart": "added",
}
_VISITS = {
    "cart viewed": "viewed",
    "checkout started": "checkout_started",
    "checkout step viewed": "checkout_started",
    "checkout step completed": "checkout_started",
    "payment info entered": "checkout_started",
}
_DEFAULT_CURRENCY = "USD"  # what Segment's specification assumes
_CHANNEL = "web"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One `track` call, its envelope read."""

    line: int
    name: str
    properties: dict[str, Any]
    names: r.Names
    at: datetime
    message_id: str
    tally: Tally

    def text(self, key: str) -> str | None:
        """Return a property that is an id or a word; None if it is missing or something else."""
        return _text(self.properties, key)


def facts_of_track(call: Call) -> Iterator[r.Fact]:
    """Yield what the call says; raises BadValueError for what cannot be used."""
    name = " ".join(call.name.lower().split())
    cart = call.text("cart_id")
    if name in _CHANGES and cart is not None:
        variant = _variant(call, call.properties, _currency(call))
        yield variant
        yield _cart_event(call, cart, _CHANGES[name], variant.sku, _count(call.properties))
    elif name in _VISITS and cart is not None:
        yield _cart_event(call, cart, _VISITS[name], None, 0)
    elif name in _VISITS and (checkout := call.text("checkout_id")) is not None:
        yield replace(_cart_event(call, checkout, _VISITS[name], None, 0), otherwise=_event(call))
    elif name == "order completed":
        yield from _order(call)
    elif name in {"order cancelled", "order canceled", "order refunded"}:
        yield _reversal(call, cancelled="refunded" not in name)
    else:
        yield _event(call)


def _cart_event(call: Call, cart: str, kind: str, sku: str | None, quantity: int) -> r.CartEvent:
    return r.CartEvent(
        line=call.line,
        names=call.names,
        cart=cart,
        kind=kind,
        sku=sku,
        quantity=quantity,
        occurred_at=call.at,
        dedupe=call.message_id,
        sales_channel=_CHANNEL,
    )


def _event(call: Call) -> r.Event:
    # Decimals were kept exact for money; properties go back to what JSON calls numbers.
    plain = json.loads(json.dumps(call.properties, default=_number))
    return r.Event(
        line=call.line,
        names=call.names,
        dedupe=call.message_id,
        name=call.name,
        properties=plain,
        occurred_at=call.at,
    )


def _number(value: Any) -> float:
    number = float(value)
    if number in {float("inf"), float("-inf")}:
        raise BadValueError("bad_json")
    return number


def _order(call: Call) -> Iterator[r.Fact]:
    order = call.text("order_id")
    if order is None:
        raise BadValueError("missing_key", "order_id")
    currency = _currency(call)
    lines = []
    for position, product in enumerate(_products(call), start=1):
        variant = _variant(call, product, currency)
        lines.append(
            r.OrderLine(
                line=call.line,
                order=order,
                position=position,
                variant=variant,
                quantity=_count(product),
                unit_price_minor=_money(product, "price", currency) or 0,
            )
        )
    cart, checkout = call.text("cart_id"), call.text("checkout_id")
    total = next(
        (m for key in ("total", "revenue", "value") if (m := _money(call.properties, key, currency)) is not None), None
    )
    yield r.Order(
        line=call.line,
        names=call.names,
        external_id=order,
        cart=cart or checkout,
        makes_cart=cart is not None,
        sales_channel=_CHANNEL,
        currency=currency,
        total_minor=total,
        discount_minor=_money(call.properties, "discount", currency) or 0,
        discount_code=call.text("coupon"),
        occurred_at=call.at,
        paid_at=call.at,
    )
    yield from lines


def _reversal(call: Call, *, cancelled: bool) -> r.Reversal:
    order = call.text("order_id")
    if order is None:
        raise BadValueError("missing_key", "order_id")
    skus = frozenset(_sku(product) for product in _products(call))
    return r.Reversal(line=call.line, order=order, cancelled=cancelled, skus=skus or None, occurred_at=call.at)


def _products(call: Call) -> list[dict[str, Any]]:
    given = call.properties.get("products")
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise BadValueError("bad_event", "products")
    return given


def _sku(product: dict[str, Any]) -> str:
    """The SKU; without one, the product's id and the variant's name stand for it."""
    sku, product_id, variant = _text(product, "sku"), _text(product, "product_id"), _text(product, "variant")
    if sku is not None:
        return sku
    if product_id is None:
        raise BadValueError("missing_key", "sku")
    return product_id if variant is None else f"{product_id}:{variant}"


def _variant(call: Call, product: dict[str, Any], currency: str) -> r.Variant:
    """Stands in until the catalogue knows the product; changes nothing once it does."""
    sku = _sku(product)
    price = _money(product, "price", currency)
    if price is None:
        call.tally.warn(call.line, "unknown_price", "price")
    return r.Variant(
        line=call.line,
        sku=sku,
        product=r.Product(
            line=call.line,
            external_id=_text(product, "product_id") or sku,
            title=_text(product, "name", 500),
            category=_text(product, "category", 32),
            url=_text(product, "url", 2_000),
            image_url=_text(product, "image_url", 2_000),
        ),
        size=_text(product, "size", 16) or _text(product, "variant", 16),
        colour=_text(product, "color", 32) or _text(product, "colour", 32),
        price_minor=price,
        currency=currency,
        overwrites=False,
    )


def _text(holder: dict[str, Any], key: str, limit: int = 255) -> str | None:
    value = holder.get(key)
    if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
        try:
            return values.parse_text(str(value), limit)
        except BadValueError as error:
            if limit == 255:  # an id that cannot be kept whole is no id
                raise BadValueError(error.reason, key) from error
    return None


def _currency(call: Call) -> str:
    told = call.text("currency")
    return values.parse_currency(told) if told is not None else _DEFAULT_CURRENCY


def _money(holder: dict[str, Any], key: str, currency: str) -> int | None:
    value = holder.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, (bool, dict, list)):
        raise BadValueError("bad_money", key)
    try:
        return values.money_of(Decimal(str(value)), currency)
    except InvalidOperation as error:
        raise BadValueError("bad_money", key) from error
    except BadValueError as error:
        raise BadValueError(error.reason, key) from error


def _count(holder: dict[str, Any]) -> int:
    value = holder.get("quantity")
    if value is None:
        return 1
    if isinstance(value, (bool, dict, list)):
        raise BadValueError("bad_quantity", "quantity")
    try:
        return values.parse_count(str(value))
    except BadValueError as error:
        raise BadValueError(error.reason, "quantity") from error
