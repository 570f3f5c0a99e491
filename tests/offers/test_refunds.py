"""What events tell of refunds takes back the points of what came back, told in any order and any number of times."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select

from segue.clock import VirtualClock
from segue.intake import ImportReport, import_anything
from segue.offers.kept import kept_minor
from segue.store.engine import read, write
from segue.store.tables import event, order, order_line, order_return
from tests.offers.points import book, day, held, rows

#: What three shirts and a scarf are worth; three of 10000 do not divide evenly.
SHIRTS, SCARF = 10_000, 5_000
DOCUMENTS = """
name = "warehouse"
time_zone = "UTC"
currency = "USD"
[[record]]
kind = "return"
[record.fields]
document = "document"
order = "order"
sku = "sku"
quantity = "quantity"
total = "total"
occurred_at = "at"
"""


def call(event: str, at: float, name: str, **properties: Any) -> dict[str, Any]:
    told = {"type": "track", "userId": "u1", "event": event, "messageId": name}
    return told | {"timestamp": day(at).isoformat(), "properties": {"order_id": "A1", **properties}}


ORDER = call(
    "Order Completed", 0.5, "bought", total=150, currency="USD",
    products=[{"sku": "S", "price": 33.34, "quantity": 3}, {"sku": "T", "price": 50}],
)  # fmt: skip
HER = {"type": "identify", "userId": "u1", "messageId": "i", "traits": {"email": "sarah@example.com"}}


def refund(name: str, **properties: Any) -> dict[str, Any]:
    return call("Order Refunded", 4, name, **properties)


def tell(engine: Engine, folder: Path, calls: Iterable[dict[str, Any]], mapping: Path | None = None) -> ImportReport:
    file = folder / "told.jsonl"
    file.write_text("".join(json.dumps({"timestamp": day(0).isoformat(), **one}) + "\n" for one in calls))
    return import_anything(engine, file, mapping, clock=VirtualClock(day(5)), hash_address=lambda _: "")


def told_by_the_warehouse(engine: Engine, folder: Path, quantity: int, total: str) -> None:
    (folder / "m.toml").write_text(DOCUMENTS)
    file = folder / "r.csv"
    file.write_text(f"document,order,sku,quantity,total,at\nR1,A1,S,{quantity},{total},{day(4):%Y-%m-%dT%H:%M:%S}\n")
    import_anything(engine, file, folder / "m.toml", clock=VirtualClock(day(5)), hash_address=lambda _: "")


def shirts(count: int | None) -> dict[str, Any]:
    return {"products": [{"sku": "S"} if count is None else {"sku": "S", "quantity": count}]}


@pytest.mark.parametrize(
    ("refunds", "left"),
    [
        ([refund("a", **shirts(1), total=999)], 116),
        ([refund("a", **shirts(-1))], 116),
        ([refund("a", **shirts(1)), refund("b", **shirts(1))], 83),
        ([refund("a", **shirts(1)), refund("b", **shirts(1)), refund("c", **shirts(1))], 49),
        ([refund("a", **shirts(2)), refund("b", **shirts(2))], 49),
        ([refund("a", **shirts(None)), refund("b", **shirts(1))], 49),
        ([refund("a", **shirts(0))], 150),
        ([refund("a", total=10)], 140),
        ([refund("a", total="-10.00", currency="USD"), refund("b", total=20)], 120),
        ([refund("a", total=100), refund("b", total=60)], 0),
        ([refund("a", total=40), refund("b", **shirts(1))], 110),
        ([refund("a", total=10, currency="EUR")], 150),
        ([refund("a", products=[{"sku": "Shipping", "quantity": 1}], total=10)], 140),
        ([refund("a", products=[{"sku": "Shipping"}, {"sku": "S", "quantity": 1}], total=999)], 116),
        ([refund("a")], 0),
        ([refund("a", products=[])], 0),
    ],
    ids=[
        "one_of_three", "with_a_minus", "two", "one_by_one", "more_than_there_were", "all_and_one", "none", "money",
        "money_twice", "all_the_money", "money_and_goods", "foreign_money", "shipping", "shipping_and_goods", "all",
        "no_goods",
    ],
)  # fmt: skip
def test_what_came_back_takes_its_own_points_and_no_more(
    engine: Engine, tmp_path: Path, refunds: list[dict[str, Any]], left: int
) -> None:
    tell(engine, tmp_path, [HER, ORDER])
    book(engine, 2)
    assert held(engine, 2) == (0, 150)
    tell(engine, tmp_path, [*refunds, refunds[0]])
    again = tell(engine, tmp_path, refunds)
    assert not again.taken.get("reversal")
    for _ in range(2):
        book(engine, 5)
    assert held(engine, 5) == (0, left)


def test_refunds_that_come_one_by_one_and_before_their_order_end_alike(engine: Engine, tmp_path: Path) -> None:
    parts = [refund("a", **shirts(1)), refund("b", **shirts(1)), refund("c", total=20)]
    names = ("A1", "A2", "A3", "A4", "A5", "A6")
    for name, some in zip(names, permutations([*parts[:2], ORDER]), strict=True):
        for one in [HER, *some, parts[2]]:
            told = one | {"properties": one.get("properties", {}) | {"order_id": name}}
            tell(engine, tmp_path, [told | {"messageId": f"{name}{one['messageId']}"}])
    book(engine, 5)
    assert held(engine, 5) == (0, 83 * len(names))
    assert {points for _, points in rows(engine)} == {83}
    with read(engine) as connection:
        back = connection.execute(select(order_return.c.order_id, order_return.c.quantity)).all()
        assert sorted(count for _, count in back) == [0] * 6 + [1] * 12
        assert set(connection.scalars(select(order_line.c.returned_at))) == {None}


@pytest.mark.parametrize(("count", "left"), [(1, 116), (3, 49)], ids=["a_part", "all"])
@pytest.mark.parametrize("first", ["event", "document"])
def test_a_return_that_two_doors_tell_of_is_one(
    engine: Engine, tmp_path: Path, first: str, count: int, left: int
) -> None:
    tell(engine, tmp_path, [HER, ORDER])
    total = "33.34" if count == 1 else "100.02"
    for door in ("event", "document") if first == "event" else ("document", "event"):
        if door == "event":
            tell(engine, tmp_path, [refund("a", **shirts(count))])
        else:
            told_by_the_warehouse(engine, tmp_path, count, total)
        book(engine, 5)
        assert held(engine, 5) == (0, left)


@pytest.mark.parametrize(
    ("quantities", "left"),
    [({"S": 1}, 80), ({"S": 1, "T": 1}, 40), ({"S": 3}, 40), ({"S": 3, "T": 1}, 0)],
    ids=["one", "two", "a_line", "all"],
)
def test_of_a_discounted_order_goods_come_back_at_what_was_paid_for_them(
    engine: Engine, tmp_path: Path, quantities: dict[str, int], left: int
) -> None:
    """Shirts for 120 and a scarf for 80, together for half of it."""
    goods = [{"sku": "S", "price": 40, "quantity": 3}, {"sku": "T", "price": 80}]
    order = call("Order Completed", 0.5, "bought", total=100, discount=100, currency="USD", products=goods)
    back = [{"sku": sku, "quantity": count} for sku, count in quantities.items()]
    tell(engine, tmp_path, [HER, order, refund("a", products=back)])
    book(engine, 5)
    assert held(engine, 5) == (0, left)


@pytest.mark.parametrize(("count", "left"), [(1, 6_668), (3, 0)])
def test_a_document_in_another_currency_takes_what_the_goods_cost(
    engine: Engine, tmp_path: Path, count: int, left: int
) -> None:
    """A warehouse abroad says 20 dollars of shirts that were sold for yen, of which there are no hundredths."""
    goods = [{"sku": "S", "price": 3_334, "quantity": 3}]
    tell(engine, tmp_path, [HER, call("Order Completed", 0.5, "bought", total=10_002, currency="JPY", products=goods)])
    told_by_the_warehouse(engine, tmp_path, count, "20.00")
    with read(engine) as connection:
        assert connection.scalar(select(kept_minor(day(5))).select_from(order)) == left


@pytest.mark.parametrize("is_told_again", [False, True])
def test_a_document_that_is_told_before_its_order_is_its(
    engine: Engine, tmp_path: Path, *, is_told_again: bool
) -> None:
    told_by_the_warehouse(engine, tmp_path, 1, "33.34")
    if is_told_again:  # by a version that did not keep what it names
        with write(engine) as connection:
            connection.execute(delete(event))
    tell(engine, tmp_path, [HER, ORDER])
    if is_told_again:
        told_by_the_warehouse(engine, tmp_path, 1, "33.34")
    book(engine, 5)
    assert held(engine, 5) == (0, 116)


def test_goods_came_back_once_the_money_did(engine: Engine, tmp_path: Path) -> None:
    """Sizes and looks ask the lines: an amount says nothing of them until it is all of the order's worth."""
    tell(engine, tmp_path, [HER, ORDER, refund("a", total=100)])
    for name, back in (("a", [False, False]), ("b", [True, True])):
        tell(engine, tmp_path, [refund(name, total=50 if name == "b" else 100)])
        with read(engine) as connection:
            assert [at is not None for at in connection.scalars(select(order_line.c.returned_at))] == back
