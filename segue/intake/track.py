"""What the e-commerce names of `track` calls mean.

Carts are told by `cart_id` alone; a `checkout_id` counts where a cart goes by it, known by the end of the
file. Nothing is guessed from what else somebody has in hand: a checkout call without either id is an event.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from segue.intake import records as r
from segue.intake import values
from segue.intake.call import Call, text_of
from segue.intake.errors import BadValueError
from segue.intake.track_talk import facts_of_talk, is_talk

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
    elif is_talk(name):
        yield from facts_of_talk(name, call)
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
        referral_code=call.text("referral_code"),
        location=call.text("location"),
        occurred_at=call.at,
        paid_at=call.at,
    )
    yield from lines


def _reversal(call: Call, *, cancelled: bool) -> r.Reversal:
    order = call.text("order_id")
    if order is None:
        raise BadValueError("missing_key", "order_id")
    if cancelled:
        return r.Reversal(line=call.line, order=order, cancelled=True, occurred_at=call.at)
    goods: dict[str, int | None] = {}
    for product in _products(call):
        sku, count = _sku(product), _count_back(product)
        before = goods.get(sku, 0)
        goods[sku] = None if before is None or count is None else before + count
    back = tuple((sku, count) for sku, count in goods.items() if count != 0)
    told = call.text("currency")
    return r.Reversal(
        line=call.line,
        order=order,
        cancelled=False,
        goods=back if goods else None,
        amount=_amount_back(call, is_needed=not back),
        currency=values.parse_currency(told) if told is not None else None,
        name=call.message_id,
        occurred_at=call.at,
    )


def _count_back(product: dict[str, Any]) -> int | None:
    """How many came back, with or without a minus; None: the call does not say."""
    told = product.get("quantity")
    return None if told is None or told == "" else abs(_whole(product))


def _amount_back(call: Call, *, is_needed: bool) -> Decimal | None:
    """What was refunded, with or without a minus, before anybody knows the order's currency.

    One that cannot be read is refused where it `is_needed`, else left out.
    """
    for key in ("total", "revenue", "value"):
        given = call.properties.get(key)
        if given is not None and given != "":
            try:
                amount = Decimal(str(given))
            except InvalidOperation:
                amount = Decimal("NaN")
            if amount.is_finite() and not isinstance(given, bool):
                return abs(amount)
            if is_needed:
                raise BadValueError("bad_money", key)
    return None


def _products(call: Call) -> list[dict[str, Any]]:
    given = call.properties.get("products")
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise BadValueError("bad_event", "products")
    return given


def _sku(product: dict[str, Any]) -> str:
    """The SKU; without one, the product's id and the variant's name stand for it."""
    sku, product_id, variant = text_of(product, "sku"), text_of(product, "product_id"), text_of(product, "variant")
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
            external_id=text_of(product, "product_id") or sku,
            title=text_of(product, "name", 500),
            category=text_of(product, "category", 32),
            url=text_of(product, "url", 2_000),
            image_url=text_of(product, "image_url", 2_000),
        ),
        size=text_of(product, "size", 16) or text_of(product, "variant", 16),
        colour=text_of(product, "color", 32) or text_of(product, "colour", 32),
        price_minor=price,
        currency=currency,
        overwrites=False,
    )


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
    count = _whole(holder)
    if count < 1:
        raise BadValueError("bad_quantity", "quantity")
    return count


def _whole(holder: dict[str, Any]) -> int:
    value = holder["quantity"]
    if isinstance(value, (bool, dict, list)):
        raise BadValueError("bad_quantity", "quantity")
    try:
        return values.parse_whole(str(value))
    except BadValueError as error:
        raise BadValueError(error.reason, "quantity") from error
