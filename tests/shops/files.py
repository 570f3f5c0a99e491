"""The facts of a story as the files a shop would bring: one table and one file of JSON lines for each telling."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.shops.story import (
    POPUP_CLOSES,
    POPUP_OPENS,
    PRICES,
    START,
    Fact,
    Story,
    account,
    guest,
    mailbox,
    phone,
)

MAPPING = Path(__file__).with_name("rows.toml")
_COLUMNS = (
    *("row", "sku", "product", "title", "category", "size", "price", "location", "what", "country", "region", "zone"),
    *("latitude", "longitude", "at", "until", "quantity", "person", "email", "phone", "year", "channel", "basis"),
    *("order", "code", "friend"),
)
#: The code an order names, if any; the code of the friend it names, if any.
Codes = Callable[[Fact], tuple[str | None, str | None]]
_AT_THE_POPUP = (40.73, -74.0)
_FAR_AWAY = (52.5, 13.4)


def write_table(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows of any kind into one CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)


def write_calls(path: Path, calls: Sequence[dict[str, Any]]) -> None:
    """Write Segment-style calls, one a line."""
    path.write_text("".join(f"{json.dumps(call)}\n" for call in calls), "utf-8")


def catalogue() -> list[dict[str, Any]]:
    """What every shop sells, and where."""
    before = (START - timedelta(days=400)).isoformat()
    rows: list[dict[str, Any]] = [{"row": "location", "location": "main", "what": "warehouse", "title": "Main"}]
    for sku, price in PRICES.items():
        name, _, size = sku.partition("-")
        rows += (
            {"row": "variant", "sku": sku, "product": name, "title": name.title(), "category": "tops", "size": size}
            | {"price": f"{price / 100:.2f}"},
            {"row": "listing", "product": name, "what": "web", "at": before},
            {"row": "stock", "sku": sku, "location": "main", "quantity": 9, "at": before},
        )
    return rows


def opening(story: Story) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows and calls of the first day: the pop-up, and who is known already."""
    popup = {
        "row": "location",
        "location": "popup",
        "what": "popup",
        "title": "Pop-up",
        "country": "US",
        "zone": "America/New_York",
        "latitude": _AT_THE_POPUP[0],
        "longitude": _AT_THE_POPUP[1],
        "at": POPUP_OPENS.isoformat(),
        "until": POPUP_CLOSES.isoformat(),
        "quantity": story.popup_places,
    }
    rows, calls = [popup], []
    for number, one in enumerate(story.people):
        country, region, zone = one.place
        home = _AT_THE_POPUP if one.is_near_popup else _FAR_AWAY
        rows.append(
            {
                "row": "profile",
                "person": account(number),
                "email": mailbox(story.people, number),
                "phone": phone(story.people, number),
                "title": f"Name{number}",
                "country": country or "",
                "region": region or "",
                "zone": zone or "",
                "year": one.birth_year or "",
                "latitude": home[0],
                "longitude": home[1],
            }
        )
        if one.has_guest:
            traits = {"email": guest(number), "firstName": f"Name{number}", "address": {}, "timezone": zone}
            traits["address"] = {"country": country, "state": region}
            calls.append(
                {"type": "identify", "messageId": f"g{number}", "timestamp": START.isoformat(), "traits": traits}
            )
    return rows, calls


def told(facts: Sequence[Fact], codes: Codes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows and calls of these facts. What is told twice stands there twice."""
    rows: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    for fact in facts:
        some_rows, some_calls = _told(fact, codes)
        rows += some_rows
        calls += some_calls * (2 if fact.twice else 1)
    return rows, calls


def cart_of(fact: Fact) -> str:
    """The cart that a fact is about."""
    return f"cart-{fact.who.partition('@')[0]}-{fact.data['which'] % 2}"


Told = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def _told(fact: Fact, codes: Codes) -> Told:
    if fact.kind == "order":
        return _order(fact, codes)
    row = _row(fact)
    return ([row], []) if row is not None else ([], [_call_of(fact)])


def _row(fact: Fact) -> dict[str, Any] | None:
    """What stands in the shop's tables."""
    what, at = fact.data["what"], fact.at.isoformat()
    match fact.kind:
        case "soft":
            soft = {"row": "consent", "channel": what, "what": "granted", "basis": "soft_opt_in", "at": at}
            return soft | _whom(fact)
        case "suppress":
            return {"row": "suppression", "email": fact.data["address"], "what": what, "at": at}
        case "stock":
            sku = list(PRICES)[fact.data["which"] % len(PRICES)]
            return {"row": "stock", "sku": sku, "location": "main", "quantity": what, "at": at}
        case "deliver":
            return {"row": "fulfilment", "order": fact.data["order"], "what": "delivered", "at": at}
        case _:
            return None


_CONSENTS = {"granted": "Consent Given", "confirmed": "Consent Confirmed", "denied": "Consent Withdrawn"}
_NAMES = {
    "add": "Product Added",
    "remove": "Product Removed",
    "refund": "Order Refunded",
    "cancel": "Order Cancelled",
    "follow": "Social Followed",
    "mention": "Social Mentioned",
    "share": "Referral Shared",
    "redeem": "Points Redeemed",
}


def _call_of(fact: Fact) -> dict[str, Any]:
    """What the shop's pages and tills tell."""
    what = fact.data["what"]
    if fact.kind == "consent":
        channel, _, state = what.partition(":")
        return _call(fact, _CONSENTS[state], channel=channel, source="web")
    if fact.kind == "merge":
        return _identify(fact, {"email": fact.data["address"]})
    if fact.kind == "move":
        return _identify(fact, {"address": {"country": what}})
    properties: dict[str, Any] = {}
    if fact.kind in ("add", "remove"):
        properties = {"cart_id": cart_of(fact), "sku": what, "product_id": what[:3], "price": PRICES[what] / 100}
    elif fact.kind in ("refund", "cancel"):
        properties = {"order_id": fact.data["order"]}
        if what == "first":
            properties["products"] = [{"sku": fact.data["skus"][0]}]
    elif fact.kind == "redeem":
        properties = {"points": int(what)}
    else:
        properties = {"network": what or "instagram", "post_id": fact.name}
    return _call(fact, _NAMES[fact.kind], **properties)


def _whom(fact: Fact) -> dict[str, str]:
    return {"email": fact.who} if "@" in fact.who else {"person": fact.who}


def _order(fact: Fact, codes: Codes) -> Told:
    code, friend = codes(fact)
    fact.data |= {"code": code, "friend": friend}
    skus = fact.data["skus"]
    if fact.data["what"] == "plain":
        row = {"row": "order", "order": fact.data["order"], "at": fact.at.isoformat(), "quantity": 1} | _whom(fact)
        row |= {"code": code or "", "friend": friend or ""}
        return [row | {"sku": sku, "price": f"{PRICES[sku] / 100:.2f}"} for sku in skus], []
    more: dict[str, Any] = {"cart_id": cart_of(fact)} if "cart" in fact.data["what"] else {"location": "popup"}
    more |= {"coupon": code} if code else {}
    more |= {"referral_code": friend} if friend else {}
    products = [{"sku": sku, "product_id": sku[:3], "price": PRICES[sku] / 100, "quantity": 1} for sku in skus]
    total = sum(PRICES[sku] for sku in skus) / 100
    call = _call(fact, "Order Completed", order_id=fact.data["order"], total=total, products=products, **more)
    return [], [call]


def _identify(fact: Fact, traits: dict[str, Any]) -> dict[str, Any]:
    return {"type": "identify", "timestamp": fact.at.isoformat(), "messageId": fact.name, "traits": traits} | (
        {"userId": fact.who} if "@" not in fact.who else {"traits": traits | {"email": fact.who}}
    )


def _call(fact: Fact, event: str, **properties: Any) -> dict[str, Any]:
    call: dict[str, Any] = {"type": "track", "event": event, "messageId": fact.name, "timestamp": fact.at.isoformat()}
    call["properties"] = properties
    if "@" in fact.who:
        return call | {"context": {"traits": {"email": fact.who}}}
    return call | {"userId": fact.who}
