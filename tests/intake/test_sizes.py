"""What size somebody wears: random histories against plain arithmetic, each rule by itself, and the doors."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, select

from segue.journeys.size_rules import KNOWN, LOOKED_MOST, PRIOR
from segue.journeys.sizes import refresh_sizes
from segue.store.engine import write
from segue.store.tables import (
    cart,
    cart_event,
    event,
    order,
    order_line,
    order_return,
    product,
    profile,
    profile_size,
    variant,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
#: Product: title, category, system, and its variants' sizes in order.
CATALOGUE = {
    1: ("Crew sweater", "tops", "us_women", ("6", "8", "8", "10", "14")),
    2: ("Linen tee", "tops", "alpha", ("S", "M", "2XL", "XXL")),
    3: ("Tide leggings", "bottoms", "us_women", ("00", "0", "8")),
    4: ("Beanie", "hats", "one_size", ("One size",)),
    5: ("Gift card", None, None, ("8",)),
    6: ("Odd boots", "shoes", "house", ("narrow", "38.5", "39", None)),
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


@pytest.fixture
def shop(engine: Engine) -> Engine:
    with write(engine) as connection:
        for person in PEOPLE:
            connection.execute(insert(profile).values(id=person, created_at=NOW))
        for number, (title, category, system, _) in CATALOGUE.items():
            row = {"id": number, "external_id": f"p{number}", "title": title, "category": category}
            connection.execute(insert(product).values(**row, size_system=system, recorded_at=NOW))
        for number, (of, size) in VARIANTS.items():
            row = {"id": number, "product_id": of, "sku": f"v{number}", "size": size}
            connection.execute(insert(variant).values(**row, price_minor=1, currency="USD"))
    return engine


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


people = st.sampled_from(PEOPLE)
variants = st.sampled_from(sorted(VARIANTS))
agos = st.integers(-20, 2_500)
reasons = st.sampled_from([None, "other", "too_small", "too_large"])
lines = st.builds(
    Line, variant=variants, quantity=st.integers(0, 3), back=st.none() | agos, reason=reasons, by_document=st.booleans()
).map(lambda line: line if line.back is not None else Line(line.variant, line.quantity))
bought = st.builds(
    Bought,
    person=people,
    ago=agos,
    lines=st.lists(lines, max_size=4).map(tuple),
    gift=st.sampled_from([False, False, True]),
    cancelled=st.sampled_from([False, False, True]),
)
touches = st.tuples(st.sampled_from(["added", "added", "removed"]), variants, st.integers(0, 2), agos)
carted = st.builds(Carted, person=st.sampled_from([1, 2, None]), happened=st.lists(touches, max_size=6).map(tuple))
looked = st.builds(view, people, agos, variants) | st.builds(
    Looked,
    people,
    agos,
    st.sampled_from(["Products Searched", "product list filtered"]),
    st.sampled_from(SEARCHES).map(lambda s: s[0]),
)
strays = st.builds(Stray, person=people, variant=variants, reason=reasons, ago=agos)
histories = st.lists(bought | carted | looked | strays, max_size=14)


@contextmanager
def scratch(engine: Engine) -> Iterator[Connection]:
    """A transaction that leaves nothing behind."""
    with engine.connect().execution_options(segue_mode="write") as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


def known(connection: Connection) -> dict[Worn, tuple[float, float]]:
    rows = connection.execute(select(*list(profile_size.c)[1:])).tuples()
    return {tuple(row[:4]): pytest.approx(tuple(row[4:]), abs=1e-9) for row in rows}  # type: ignore[misc]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=histories)
def test_any_history_gives_what_plain_arithmetic_gives(shop: Engine, facts: list[Fact]) -> None:
    with scratch(shop) as connection:
        store(connection, facts)
        refresh_sizes(connection, PEOPLE, NOW)
        assert known(connection) == Reference(facts).sizes()
        refresh_sizes(connection, [1], NOW)  # one of them again, as after a merge: nothing doubles
        assert known(connection) == Reference(facts).sizes()


def sizes_of(engine: Engine, *facts: Fact, now: datetime = NOW) -> dict[tuple[str, str], tuple[float, float]]:
    """What is known of the first person, by category and size."""
    with scratch(engine) as connection:
        store(connection, list(facts))
        refresh_sizes(connection, PEOPLE, now)
        rows = connection.execute(select(profile_size).where(profile_size.c.profile_id == 1)).all()
    return {(row.category, row.size): pytest.approx((row.evidence, row.confidence), abs=1e-9) for row in rows}


SWEATER_8, SWEATER_8_OTHER_COLOUR, SWEATER_10 = 2, 3, 4
KEPT = Bought(1, 0, (Line(SWEATER_8),))


def test_one_kept_line_is_enough_to_filter_and_a_year_later_no_more(shop: Engine) -> None:
    assert sizes_of(shop, KEPT) == {("tops", "8"): (1.0, 0.5)}
    assert KNOWN <= 0.5
    later = sizes_of(shop, KEPT, now=NOW + timedelta(days=548))
    assert later == {("tops", "8"): (0.5, 0.5 / 1.5)}
    assert KNOWN > 0.5 / 1.5
    assert sizes_of(shop, KEPT, now=NOW + timedelta(days=3 * 548)) == {("tops", "8"): (0.125, 0.125 / 1.125)}


def test_gifts_and_cancelled_orders_say_nothing_and_five_pieces_say_no_more_than_one(shop: Engine) -> None:
    lines = (Line(SWEATER_10),)
    assert sizes_of(shop, Bought(1, 1, lines, gift=True), Bought(1, 2, lines, cancelled=True)) == {}
    assert sizes_of(shop, Bought(1, 0, (Line(SWEATER_8, quantity=5),))) == {("tops", "8"): (1.0, 0.5)}
    assert sizes_of(shop, Bought(1, 0, (Line(SWEATER_8, quantity=0),))) == {}


@pytest.mark.parametrize("by_document", [False, True])
@pytest.mark.parametrize(
    ("reason", "sizes"),
    [
        ("too_small", {("tops", "10"): (0.5, 0.5 / 2.5), ("tops", "6"): (1.0, 1 / 2.5)}),
        ("too_large", {("tops", "6"): (1.5, 1.5 / 2.5)}),
        ("other", {("tops", "8"): (0.5, 0.5 / 2.5), ("tops", "6"): (1.0, 1 / 2.5)}),
        (None, {("tops", "6"): (1.0, 0.5)}),
    ],
)
def test_a_return_speaks_by_its_reason(shop: Engine, reason: str | None, sizes: object, *, by_document: bool) -> None:
    """Whether the line knows of it or a document of its own does."""
    back = Bought(1, 0, (Line(SWEATER_8, back=0, reason=reason, by_document=by_document), Line(1)))
    assert sizes_of(shop, back) == sizes


def test_what_did_not_fit_outweighs_what_she_kept_of_it(shop: Engine) -> None:
    too_small = Bought(1, 0, (Line(SWEATER_8_OTHER_COLOUR, back=0, reason="too_small"),))
    assert sizes_of(shop, KEPT, too_small) == {("tops", "10"): (0.5, pytest.approx(1 / 3))}


def test_a_cart_says_less_than_an_order_and_nothing_once_ordered_or_removed(shop: Engine) -> None:
    added = ("added", SWEATER_8, 1, 5)
    assert sizes_of(shop, Carted(1, (added,)), Carted(1, (added,))) == {
        ("tops", "8"): (0.3 * faded(5), pytest.approx(0.3 * faded(5) / (1 + 0.3 * faded(5))))
    }
    assert sizes_of(shop, Carted(1, (added, ("removed", SWEATER_8, 1, 4)))) == {}
    assert sizes_of(shop, Carted(1, (added,)), Bought(1, 0, (Line(SWEATER_8),), gift=True)) == {}
    assert sizes_of(shop, Carted(1, (added,)), KEPT) == {("tops", "8"): (1.0, 0.5)}
    assert sizes_of(shop, Carted(2, (added,)), Carted(None, (added,))) == {}


def test_looking_alone_never_makes_a_size_known(shop: Engine) -> None:
    """A page opens on some size by itself; a hundred looks, views and searches together stay below the threshold."""
    looks = [view(1, 0, of) for of in (SWEATER_8, SWEATER_8_OTHER_COLOUR)] * 50
    searches = [Looked(1, 0, "Products Searched", properties) for properties, _ in SEARCHES] * 5
    found = sizes_of(shop, *looks, *searches)
    assert found[("tops", "8")] == (0.4, pytest.approx(0.4 / 1.8))  # two views and a search, beside sizes 6 and 10
    assert LOOKED_MOST / (LOOKED_MOST + PRIOR) < KNOWN


def test_no_size_is_turned_into_another_system(shop: Engine) -> None:
    """8 in numbers and M in letters stand beside each other, each with its own share."""
    assert sizes_of(shop, Bought(1, 0, (Line(SWEATER_8), Line(7)))) == {
        ("tops", "8"): (1.0, 0.5),
        ("tops", "M"): (1.0, 0.5),
    }
