"""Made-up histories of orders, returns, carts and looks, and what they say of sizes by plain arithmetic."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import Connection, insert

from segue.store.tables import cart, cart_event, event, order, order_line, order_return

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
#: Product: title, category, system, and its variants' sizes in order.
CATALOGUE = {
    1: ("Crew sweater", "tops", "us_women", ("6", "8", "8", "10", "14")),
    2: ("Linen tee", "tops", "alpha", ("S", "M", "2XL", "XXL")),
    3: ("Tide leggings", "bottoms", "us_women", ("00", "0", "8")),
    4: ("Beanie", "hats", "one_size", ("One size",)),
    5: ("Gift card", None, None, ("8",)),
    6: ("Odd boots", "shoes", "house", ("narrow", "38.5", "39", None, "M")),
    7: ("Shirt", "tops", "us_women", ("12",) * 8),
}
#: Variant id -> product id and size; a variant's SKU is `v<id>`.
VARIANTS = dict(enumerate(((p, size) for p, (_, _, _, sizes) in CATALOGUE.items() for size in sizes), start=1))
#: What each variant has next to it among its own product: worked out by hand.
BIGGER = {1: "8", 2: "10", 3: "10", 4: "14", 6: "M", 7: "2XL", 10: "0", 11: "8", 16: "39"}
SMALLER = {2: "6", 3: "6", 4: "8", 5: "10", 7: "S", 8: "M", 9: "M", 11: "00", 12: "0", 17: "38.5"}
PEOPLE = (1, 2)


@dataclass(frozen=True)
class Line:
    variant: int
    quantity: int = 1
    back: int | None = None  # days ago
    reason: str | None = None
    by_document: bool = False


@dataclass(frozen=True)
class Bought:
    person: int
    ago: int
    lines: tuple[Line, ...]
    gift: bool = False
    cancelled: bool = False


@dataclass(frozen=True)
class Carted:
    person: int | None
    happened: tuple[tuple[str, int, int, int], ...]  # kind, variant, quantity, days ago


@dataclass(frozen=True)
class Looked:
    person: int
    ago: int
    name: str
    properties: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Stray:
    person: int
    variant: int
    reason: str | None
    ago: int


Fact = Bought | Carted | Looked | Stray


def at(ago: int) -> datetime:
    return NOW - timedelta(days=ago)


def store(connection: Connection, facts: list[Fact]) -> None:
    numbers = count(1)
    for number, fact in enumerate(facts, start=1):
        stamp = {"recorded_at": NOW}
        if isinstance(fact, Bought):
            row = {"id": number, "external_id": f"o{number}", "profile_id": fact.person, "gift": fact.gift}
            when = {"occurred_at": at(fact.ago), "cancelled_at": NOW if fact.cancelled else None}
            rest = {"sales_channel": "web", "currency": "USD", "total_minor": 1}
            connection.execute(insert(order).values(**row, **when, **rest, **stamp))
            for position, line in enumerate(fact.lines):
                back = None if line.back is None else at(line.back)
                told = {} if line.by_document else {"returned_at": back, "return_reason": line.reason}
                columns = {"variant_id": line.variant, "quantity": line.quantity, "unit_price_minor": 1}
                connection.execute(insert(order_line).values(order_id=number, position=position, **columns, **told))
                if line.by_document:
                    give_back(connection, next(numbers), line.variant, line.reason, back, order_id=number)
        elif isinstance(fact, Carted):
            row = {"id": number, "external_id": f"c{number}", "profile_id": fact.person, "sales_channel": "web"}
            connection.execute(insert(cart).values(**row, **stamp))
            for kind, of, quantity, ago in fact.happened:
                row = {"cart_id": number, "kind": kind, "variant_id": of, "quantity": quantity, "occurred_at": at(ago)}
                connection.execute(insert(cart_event).values(**row, dedupe=f"e{next(numbers)}", **stamp))
        elif isinstance(fact, Looked):
            row = {"dedupe": f"e{next(numbers)}", "profile_id": fact.person, "name": fact.name}
            row |= {"properties": fact.properties, "occurred_at": at(fact.ago)}
            connection.execute(insert(event).values(**row, **stamp))
        else:
            give_back(connection, next(numbers), fact.variant, fact.reason, at(fact.ago), profile_id=fact.person)


def give_back(connection: Connection, number: int, of: int, reason: str | None, back: Any, **whose: int) -> None:
    row = {"dedupe": f"r{number}", "document": "C1", "variant_id": of, "quantity": 1, "total_minor": 1}
    row |= {"currency": "USD", "reason": reason, "occurred_at": back, "recorded_at": NOW}
    connection.execute(insert(order_return).values(**row, **whose))


def faded(ago: float) -> float:
    """The weight of evidence that old, by repeated halving rather than by shifting."""
    days = max(ago, 0)
    weight = 1.0
    while days >= 548:
        days -= 548
        weight /= 2
    return weight * (1 - days / 548 / 2)


Worn = tuple[int, str, str, str]


class Reference:
    """The same rules in plain Python, one fact after another."""

    def __init__(self, facts: list[Fact]) -> None:
        self.facts = facts
        self.sums: defaultdict[Worn, float] = defaultdict(float)

    def sizes(self) -> dict[Worn, tuple[float, float]]:
        for fact in self.facts:
            if isinstance(fact, Bought) and not fact.gift and not fact.cancelled:
                for line in fact.lines:
                    self.line(fact, line)
            elif isinstance(fact, Stray) and fact.reason in {"too_small", "too_large"}:
                self.sent_back(fact.person, fact.variant, fact.reason, fact.ago)
        self.carts()
        self.looks()
        positive = {worn: weight for worn, weight in self.sums.items() if weight > 1e-9}
        return {
            worn: (weight, weight / (1.0 + sum(rival for key, rival in positive.items() if key[:3] == worn[:3])))
            for worn, weight in positive.items()
        }

    def add(self, person: int | None, of: int, weight: float, ago: int, size: str | None = None) -> None:
        _, category, system, _ = CATALOGUE[VARIANTS[of][0]]
        worn = size or VARIANTS[of][1]
        if category and system and worn and person is not None:
            self.sums[person, category, system, worn] += weight * faded(ago)

    def sent_back(self, person: int, of: int, reason: str, ago: int) -> None:
        self.add(person, of, -1.0, ago)
        neighbour = (BIGGER if reason == "too_small" else SMALLER).get(of)
        if neighbour:
            self.add(person, of, 0.5, ago, neighbour)

    def line(self, bought: Bought, line: Line) -> None:
        said = [one for one in bought.lines if one.by_document and one.back is not None and one.variant == line.variant]
        own = None if line.by_document else line
        back = own.back if own and own.back is not None else min((one.back for one in said), default=None)
        reason = (own and own.reason) or max((one.reason for one in said if one.reason), default=None)
        if line.quantity <= 0:
            return
        if back is None:
            self.add(bought.person, line.variant, 1.0, bought.ago)
        elif reason in {"too_small", "too_large"}:
            self.sent_back(bought.person, line.variant, reason, back)
        elif reason == "other":
            self.add(bought.person, line.variant, 0.5, bought.ago)

    def carts(self) -> None:
        """Each variant once, however many carts hold it; where it was ordered since, the order speaks."""
        held: dict[tuple[int, int], int] = {}
        for fact in self.facts:
            if not isinstance(fact, Carted) or fact.person is None:
                continue
            for of in {one[1] for one in fact.happened}:
                mine = [one for one in fact.happened if one[1] == of]
                if sum(quantity if kind == "added" else -quantity for kind, _, quantity, _ in mine) > 0:
                    last = min(ago for kind, _, _, ago in mine if kind == "added")
                    held[fact.person, of] = min(last, held.get((fact.person, of), last))
        for (person, of), ago in held.items():
            since = [one for one in self.facts if isinstance(one, Bought) and one.person == person and one.ago <= ago]
            if not any(line.variant == of for one in since for line in one.lines):
                self.add(person, of, 0.3, ago)

    def looks(self) -> None:
        """Each variant and each search once, at its last time, and all of them up to a limit for one size."""
        last: dict[tuple[Worn, object, float], int] = {}
        for fact in self.facts:
            found = meant(fact) if isinstance(fact, Looked) else None
            if found and isinstance(fact, Looked):
                what, weight, worn = found
                key = ((fact.person, *worn), what, weight)
                last[key] = min(fact.ago, last.get(key, fact.ago))
        looked: defaultdict[Worn, float] = defaultdict(float)
        for (worn, _, weight), ago in last.items():
            looked[worn] += weight * faded(ago)
        for worn, weight in looked.items():
            self.sums[worn] += min(weight, 0.6)


#: Searches of the random histories, and what each can only mean.
SEARCHES: list[tuple[dict[str, Any], tuple[str, str, str] | None]] = [
    ({"query": "leggings size 8"}, ("bottoms", "us_women", "8")),
    ({"query": "Sweater, SIZE: 8"}, ("tops", "us_women", "8")),
    ({"query": "tee size xxl"}, ("tops", "alpha", "XXL")),
    ({"query": "size 8"}, None),  # tops or bottoms
    ({"query": "8"}, None),
    ({"query": "leggings size 8 size 10"}, None),
    ({"query": "trousers size 8"}, None),
    ({"query": "boots size 38.5"}, ("shoes", "house", "38.5")),
    ({"filters": [{"type": "size", "value": 8}, {"type": "category", "value": "Tops "}]}, ("tops", "us_women", "8")),
    ({"filters": [{"type": "size", "value": "8"}, {"type": "size", "value": "6"}], "query": "sweater"}, None),
    ({"filters": {"size": ["6"], "category": "tops"}, "query": ""}, ("tops", "us_women", "6")),
    ({"filters": {"size": 10}}, ("tops", "us_women", "10")),
    ({"filters": "size 8", "query": None}, None),
]  # fmt: skip


def meant(fact: Looked) -> tuple[object, float, tuple[str, str, str]] | None:
    if fact.name.lower() == "product viewed":
        of = fact.properties["number"]
        _, category, system, _ = CATALOGUE[VARIANTS[of][0]]
        size = VARIANTS[of][1]
        return (of, 0.1, (category, system, size)) if category and system and size else None
    worn = {json.dumps(p): w for p, w in SEARCHES}[json.dumps(fact.properties)]
    return ("search", 0.2, worn) if worn else None


def view(person: int, ago: int, of: int) -> Looked:
    return Looked(person, ago, "Product Viewed", {"sku": f"v{of}", "number": of})
