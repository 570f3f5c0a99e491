"""The words a mapping file may use: record kinds, their fields, and how each field is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.talk import DELIVERY_KINDS

Parse = Callable[[str], Any]
#: Of `unsigned money` the sign says nothing: some files write what was given back with a minus.
Words = Literal["time", "money", "unsigned money", "phone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """How one field is read. `parse` may be a word such as `time` or `phone`: those depend on the mapping."""

    parse: Parse | Words
    required: bool = False
    #: An unreadable value costs the field (with a warning), not the record.
    forgiving: bool = False
    #: Used when the mapping does not name the field at all.
    default: str | None = None


def _text(limit: int | None = None) -> Parse:
    return lambda value: values.parse_text(value, limit)


def _word(*allowed: str) -> Parse:
    known = frozenset(allowed)

    def parse(value: str) -> str:
        word = value.strip().lower()
        if word not in known:
            raise BadValueError("unknown_value")
        return word

    return parse


def _code(value: str) -> str:
    """A code or a word of the provider's, `5.1.1`; never its sentence, which may hold an address."""
    word = value.strip()
    if len(word) > 32 or not word.replace(".", "").replace("_", "").replace("-", "").isalnum():
        raise BadValueError("unknown_value")
    return word


def _needed(parse: Parse | Words, default: str | None = None) -> Field:
    return Field(parse=parse, required=True, default=default)


def _soft(parse: Parse | Words) -> Field:
    return Field(parse=parse, forgiving=True)


_LATITUDE = values.parse_degrees(90)
_LONGITUDE = values.parse_degrees(180)
_TIME = Field(parse="time")

_NAMES = {
    "email": _soft(values.parse_email),
    "phone": _soft("phone"),
    "shop": _soft(values.parse_id),
    "loyalty": _soft(values.parse_id),
    "cookie": _soft(values.parse_id),
}
_PRODUCT = {
    "title": _soft(_text(500)),
    "category": _soft(_text(32)),
    "size_system": _soft(_text(16)),
    "url": _soft(_text(2_000)),
    "image_url": _soft(_text(2_000)),
}
_VARIANT = {"size": _soft(_text(16)), "colour": _soft(_text(32))}
_WHY = _soft(_word("too_small", "too_large", "other"))
_ORDER = {
    "number": _soft(_text(255)),
    "cart": _soft(values.parse_id),
    "sales_channel": _needed(_text(32), "web"),
    "marketplace": Field(parse=values.parse_bool),
    "location": _soft(values.parse_id),
    "delivery": Field(parse=_word("ship", "pickup", "none")),
    "currency": _needed(values.parse_currency),
    "total": Field(parse="money"),
    "refunded": Field(parse="money"),
    "discount": Field(parse="money"),
    "discount_code": _soft(_text(255)),
    "referral_code": _soft(_text(255)),
    "gift": Field(parse=values.parse_bool),
    "occurred_at": _needed("time"),
    "paid_at": _TIME,
    "cancelled_at": _TIME,
}

KINDS: Mapping[str, Mapping[str, Field]] = MappingProxyType(
    {
        "profile": {
            **_NAMES,
            "first_name": _soft(_text(200)),
            "last_name": _soft(_text(200)),
            "locale": _soft(values.parse_locale),
            "country": _soft(values.parse_country),
            "region": _soft(_text(8)),
            "zone": _soft(values.parse_zone),
            "birth_year": _soft(values.parse_year),
            "street": _soft(_text(255)),
            "postcode": _soft(_text(32)),
            "city": _soft(_text(255)),
            "home_latitude": _soft(_LATITUDE),
            "home_longitude": _soft(_LONGITUDE),
            "source": _soft(_text(64)),
            "created_at": _TIME,
        },
        "consent": {
            **_NAMES,
            "channel": _needed(_word("email", "sms", "print", "ads", "all")),
            "purpose": _needed(_text(16), "marketing"),
            "state": _needed(_word("granted", "confirmed", "denied")),
            "basis": _needed(_word("opt_in", "soft_opt_in", "legitimate_interest", "contract", "objection")),
            "source": _needed(_text(255)),
            "wording": _soft(_text(4_000)),
            "occurred_at": _needed("time"),
        },
        "suppression": {
            "address": _needed(_text(254)),
            "reason": _needed(_word("unsubscribe", "stop", "hard_bounce", "complaint", "objection")),
            "occurred_at": _needed("time"),
        },
        "product": {"external_id": _needed(values.parse_id), **_PRODUCT},
        "variant": {
            "sku": _needed(values.parse_id),
            "product": _needed(values.parse_id),
            "option_key": _soft(_text(1_000)),
            **_VARIANT,
            "price": _needed("money"),
            "currency": _needed(values.parse_currency),
            **_PRODUCT,
        },
        "relation": {
            "product": _needed(values.parse_id),
            "related": _needed(values.parse_id),
            "kind": _needed(_word("goes_with", "alternative"), "goes_with"),
            "rank": _soft(values.parse_quantity),
        },
        "listing": {
            "product": _needed(values.parse_id),
            "sales_channel": _needed(_text(32)),
            "listed_from": _needed("time"),
            "listed_until": _TIME,
        },
        "location": {
            "external_id": _needed(values.parse_id),
            "kind": _needed(_word("warehouse", "store", "popup")),
            "name": _needed(_text(255)),
            "address": _soft(_text(500)),
            "country": _soft(values.parse_country),
            "zone": _soft(values.parse_zone),
            "latitude": _soft(_LATITUDE),
            "longitude": _soft(_LONGITUDE),
            "opens_at": _TIME,
            "closes_at": _TIME,
            "capacity": _soft(values.parse_count),
        },
        "stock": {
            "sku": Field(parse=values.parse_id),
            "option_key": Field(parse=_text(1_000)),
            "location": _needed(values.parse_id),
            "quantity": _needed(values.parse_whole),
            "occurred_at": _needed("time"),
        },
        "cart_event": {
            **_NAMES,
            "cart": _needed(values.parse_id),
            "kind": _needed(_word("added", "removed", "viewed", "checkout_started", "ordered")),
            "sku": Field(parse=values.parse_id),
            "quantity": Field(parse=values.parse_count),
            "occurred_at": _needed("time"),
            "sales_channel": _needed(_text(32), "web"),
            "id": Field(parse=values.parse_id),
        },
        "order": {"external_id": _needed(values.parse_id), **_NAMES, **_ORDER},
        "order_line": {
            "order": _needed(values.parse_id),
            **_NAMES,
            **_ORDER,
            "position": Field(parse=values.parse_count),
            "sku": _needed(values.parse_id),
            "product": Field(parse=values.parse_id),
            **_VARIANT,
            **_PRODUCT,
            "quantity": _needed(values.parse_quantity),
            "unit_price": Field(parse="money"),
            "line_total": Field(parse="money"),
            "returned_at": _TIME,
            "return_reason": _WHY,
        },
        "return": {
            "document": _needed(values.parse_id),
            "order": Field(parse=values.parse_id),
            **_NAMES,
            "sku": _needed(values.parse_id),
            "product": Field(parse=values.parse_id),
            **_VARIANT,
            **_PRODUCT,
            "quantity": _needed(lambda value: abs(values.parse_whole(value))),
            "currency": _needed(values.parse_currency),
            "unit_price": Field(parse="unsigned money"),
            "total": Field(parse="unsigned money"),
            "reason": _WHY,
            "occurred_at": _needed("time"),
            "id": Field(parse=values.parse_id),
        },
        "fulfilment": {
            "order": _needed(values.parse_id),
            "kind": _needed(_word("packed", "shipped", "delivered", "picked_up")),
            "location": _soft(values.parse_id),
            "occurred_at": _needed("time"),
        },
        "discount": {
            "code": _needed(_text(255)),
            "percent": Field(parse=values.parse_percent),
            "amount": Field(parse="unsigned money"),
            "currency": Field(parse=values.parse_currency),
            "status": _soft(_word("active", "expired", "scheduled")),
            "valid_from": _TIME,
            "valid_until": _TIME,
            "times_used": _soft(values.parse_quantity),
        },
        "touchpoint": {
            **_NAMES,
            "kind": _needed(_word("landing", "click", "ad_click", "share", "follow", "mention")),
            "key": Field(parse=_text(1_000)),
            "code": _soft(_text(255)),
            "network": _soft(_text(64)),
            "campaign": _soft(_text(255)),
            "target": _soft(_text(2_000)),
            "verified": Field(parse=values.parse_bool),
            "occurred_at": _needed("time"),
            "id": Field(parse=values.parse_id),
        },
        "delivery": {
            "kind": _needed(_word(*DELIVERY_KINDS)),
            "key": Field(parse=_text(1_000)),
            "provider_id": Field(parse=values.parse_id),
            "address": _soft(_text(254)),
            "reason": _soft(_code),
            "occurred_at": _needed("time"),
            "id": Field(parse=values.parse_id),
        },
        "event": {
            **_NAMES,
            "name": _needed(_text(255)),
            "occurred_at": _needed("time"),
            "id": Field(parse=values.parse_id),
        },
    }
)
#: Kinds that need at least one of these fields, whichever.
EITHER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "stock": ("sku", "option_key"),
        "order_line": ("unit_price", "line_total"),
        "return": ("unit_price", "total"),
        "delivery": ("key", "provider_id", "address"),
    }
)
#: Kinds that need at least one field out of `email`, `phone`, `shop`, `loyalty`, `cookie`.
NAMED_KINDS = frozenset({"profile", "consent"})
