"""The words a mapping file may use: record kinds, their fields, and how each field is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from segue.intake import values
from segue.intake.errors import BadValueError

Parse = Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """How one field is read. `parse` may be the word `time`, `money` or `phone`: those depend on the mapping."""

    parse: Parse | Literal["time", "money", "phone"]
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


def _needed(parse: Parse | Literal["time", "money"], default: str | None = None) -> Field:
    return Field(parse=parse, required=True, default=default)


def _soft(parse: Parse | Literal["phone"]) -> Field:
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
_ORDER = {
    "cart": _soft(values.parse_id),
    "sales_channel": _needed(_text(32), "web"),
    "location": _soft(values.parse_id),
    "currency": _needed(values.parse_currency),
    "total": Field(parse="money"),
    "discount": Field(parse="money"),
    "discount_code": _soft(_text(255)),
    "gift": Field(parse=values.parse_bool),
    "occurred_at": _needed("time"),
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
            **_VARIANT,
            "price": _needed("money"),
            "currency": _needed(values.parse_currency),
            **_PRODUCT,
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
            "country": _soft(values.parse_country),
            "zone": _soft(values.parse_zone),
            "latitude": _soft(_LATITUDE),
            "longitude": _soft(_LONGITUDE),
            "opens_at": _TIME,
            "closes_at": _TIME,
            "capacity": _soft(values.parse_count),
        },
        "stock": {
            "sku": _needed(values.parse_id),
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
            "quantity": _needed(values.parse_count),
            "unit_price": _needed("money"),
            "returned_at": _TIME,
        },
        "event": {
            **_NAMES,
            "name": _needed(_text(255)),
            "occurred_at": _needed("time"),
            "id": Field(parse=values.parse_id),
        },
    }
)
#: Kinds that need at least one field out of `email`, `phone`, `shop`, `loyalty`, `cookie`.
NAMED_KINDS = frozenset({"profile", "consent"})
