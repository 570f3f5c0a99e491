"""Segment-style calls: carts, orders, what takes them back, and everything else as events."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.intake.event_door import EventDoor
from segue.intake.reading import open_text
from segue.intake.report import Tally
from tests.search import examples

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "specs" / "segment" / "ecommerce_v2_samples.json"


def _track(name: str, /, at: str = "2026-04-01T10:00:00Z", user: str | None = "u1", **properties: object) -> dict:
    call = {"type": "track", "event": name, "timestamp": at, "messageId": f"{name}-{at}", "properties": properties}
    return {**call, "userId": user} if user else call


def _lines(*calls: dict) -> str:
    return "".join(json.dumps(call) + "\n" for call in calls)


@pytest.mark.skipif(not SAMPLES.is_file(), reason="../shared/specs/segment is missing")
def test_every_sample_of_the_specification_is_taken(events_of, rows):
    """All 25 names, in calls as a client sends them: nothing skipped, and again is once."""
    samples = json.loads(SAMPLES.read_text())
    assert len(samples) == 25
    calls = [
        {"type": "track", "userId": "u1", "anonymousId": None, "messageId": f"m{i}", "timestamp": "2026-04-01T10:00:00Z", **one}
        for i, one in enumerate(samples)
    ]  # fmt: skip
    report = events_of(_lines(*calls), zipped=True)
    assert (report.rows, dict(report.skipped)) == (25, {})
    assert rows('SELECT external_id, total_minor, discount_minor, currency FROM "order"') == [
        ("50314b8e9bcf000000000000", 2_750, 250, "USD")
    ]
    assert rows("SELECT position, quantity, unit_price_minor FROM order_line ORDER BY position") == [
        (1, 1, 1_900),
        (2, 2, 300),
    ]
    kinds = rows("SELECT kind, count(*) FROM cart_event GROUP BY kind ORDER BY kind")
    assert kinds == [("added", 2), ("removed", 1), ("viewed", 1)]
    assert rows('SELECT count(*) FROM "order" WHERE cancelled_at IS NULL') == [(0,)]
    assert rows("SELECT count(*) FROM order_line WHERE returned_at IS NULL") == [(0,)]
    again = events_of(_lines(*calls))
    assert (dict(again.taken), dict(again.updated), dict(again.skipped)) == ({}, {}, {})


def test_an_order_empties_the_cart_it_names(events_of, rows):
    """By cart_id, or by a checkout_id that a cart goes by, even if the cart stands later in the file."""
    add = {"sku": "A", "price": 5, "quantity": 2}
    report = events_of(
        _lines(
            _track("Order Completed", "2026-04-01T11:00:00Z", order_id="o1", cart_id="k1", total=10),
            _track("Order Completed", "2026-04-01T12:00:00Z", order_id="o2", checkout_id="k2", total=10),
            _track("Order Completed", "2026-04-01T13:00:00Z", order_id="o3", checkout_id="nobody", total=10),
            _track("Checkout Started", "2026-04-01T10:30:00Z", checkout_id="k2"),
            _track("Checkout Step Viewed", "2026-04-01T10:30:00Z", checkout_id="nobody"),
            _track("Product Added", "2026-04-01T10:00:00Z", cart_id="k1", **add),
            _track("Product Added", "2026-04-01T10:01:00Z", cart_id="k2", **add),
        )
    )
    happened = rows(
        "SELECT c.external_id, e.kind, e.dedupe FROM cart_event e JOIN cart c ON c.id = e.cart_id ORDER BY 1, occurred_at"
    )
    assert [row[:2] for row in happened] == [
        ("k1", "added"), ("k1", "ordered"), ("k2", "added"), ("k2", "checkout_started"), ("k2", "ordered"),
    ]  # fmt: skip
    assert happened[1][2] == "order:o1"
    assert rows('SELECT external_id FROM "order" WHERE cart_id IS NULL') == [("o3",)]
    assert rows("SELECT name FROM event") == [("Checkout Step Viewed",)]
    assert report.taken["cart"] == 2


def test_the_catalogue_outranks_what_a_call_says_of_a_product(events_of, table_of, rows):
    """A call makes a stand-in for an unknown product and changes nothing about a known one."""
    catalogue = """
        name = "catalogue"
        currency = "USD"
        [[record]]
        kind = "variant"
        [record.fields]
        sku = "sku"
        product = "product"
        price = "price"
        title = "title"
        size = "size"
    """
    known = "sku,product,price,title,size\nA,p,74.00,Tide leggings,8\n"
    call = _lines(_track("Product Added", cart_id="k", sku="A", product_id="p", price=1, name="?", quantity=1))
    events_of(call)
    assert rows("SELECT price_minor FROM variant") == [(100,)]
    report = table_of(known, catalogue)
    assert dict(report.updated) == {"product": 1, "variant": 1}
    events_of(call.replace("?", "!"))
    statement = "SELECT v.price_minor, v.size, p.title FROM variant v JOIN product p ON p.id = v.product_id"
    assert rows(statement) == [(7_400, "8", "Tide leggings")]


def test_only_the_lines_that_came_back_are_returned(events_of, rows):
    """A refund names its lines; without any it means them all; an unknown order is counted."""
    lines = [{"sku": "A", "price": 5, "quantity": 1}, {"sku": "B", "price": 6, "quantity": 1}]
    events_of(
        _lines(
            _track("Order Completed", order_id="o1", products=lines),
            _track("Order Completed", "2026-04-01T10:00:01Z", order_id="o2", products=lines),
        )
    )
    assert rows('SELECT total_minor FROM "order"') == [(1_100,), (1_100,)]
    report = events_of(
        _lines(
            _track("Order Refunded", order_id="o1", products=[{"sku": "B"}]),
            _track("Order Refunded", order_id="o2"),
            _track("Order Cancelled", order_id="o9"),
        )
    )
    assert (dict(report.skipped), dict(report.warnings)) == ({}, {"waits_for_order": 1})
    statement = (
        'SELECT o.external_id, v.sku, l.returned_at IS NOT NULL FROM order_line l JOIN "order" o ON o.id = l.order_id '
        "JOIN variant v ON v.id = l.variant_id ORDER BY 1, 2"
    )
    assert [(o, sku, bool(back)) for o, sku, back in rows(statement)] == [
        ("o1", "A", False), ("o1", "B", True), ("o2", "A", True), ("o2", "B", True),
    ]  # fmt: skip


def test_a_call_without_a_message_id_is_known_by_what_it_says(events_of, rows):
    call = _track("Products Searched", query="blue roses")
    del call["messageId"]
    events_of(_lines(call))
    assert dict(events_of(_lines(call, {**call, "properties": {"query": "red"}})).taken) == {"event": 1}
    assert rows("SELECT count(*) FROM event") == [(2,)]


def test_a_batch_body_may_stand_on_a_line(events_of):
    report = events_of(_lines({"batch": [_track("A"), _track("B")], "sentAt": "2026-04-01T10:00:00Z"}))
    assert dict(report.taken) == {"event": 2, "profile": 1}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{broken", "bad_json"),
        ("[" * 100_000, "bad_json"),
        ('{"event": "A", "properties": {"x": NaN}}', "bad_json"),
        ('"text"', "bad_json"),
        ("[1]", "bad_json"),
        ('{"type": "page", "name": "Home"}', "other_call"),
        ('{"type": "track", "event": 7}', "bad_event"),
        ('{"event": "A", "properties": []}', "bad_date"),
        ('{"event": "A", "properties": [1], "timestamp": "2026-04-01T10:00:00Z"}', "bad_event"),
        ('{"event": "A"}', "bad_date"),
        ('{"event": "A", "timestamp": "yesterday"}', "bad_date"),
        ('{"event": "A\\u0000", "timestamp": "2026-04-01T10:00:00Z"}', "bad_text"),
        ('{"event": "Order Completed", "timestamp": "2026-04-01T10:00:00Z"}', "missing_key"),
        ('{"event": "Order Completed", "timestamp": "2026-04-01T10:00:00Z", "properties": {"order_id": 1, "total": "free"}}', "bad_money"),
        ('{"event": "Product Added", "timestamp": "2026-04-01T10:00:00Z", "properties": {"cart_id": 1}}', "missing_key"),
        ('{"event": "Product Added", "timestamp": "2026-04-01T10:00:00Z", "properties": {"cart_id": 1, "sku": "a", "quantity": -1}}', "bad_quantity"),
        ('{"type": "identify", "traits": {"firstName": "Ann"}}', "missing_key"),
    ],
)  # fmt: skip
def test_one_bad_line_is_counted_and_the_next_is_taken(events_of, line: str, reason: str):
    report = events_of(line + "\n" + _lines(_track("Fine")))
    assert dict(report.skipped) == {reason: 1}
    assert report.taken["event"] == 1
    assert [(problem.line, problem.reason) for problem in report.lines if problem.reason == reason] == [(1, reason)]


def test_a_cut_last_line_is_truncated(events_of):
    assert dict(events_of(_lines(_track("A")) + '{"event": "B", "ti').skipped) == {"truncated": 1}


def test_odd_properties_survive(events_of, rows, engine):
    """Huge numbers, lone surrogates, zero characters and exact decimals neither stop a file nor change on the way."""
    odd = {"n": 10**30, "f": 0.1, "z": "a\x00b", "s": "\ud800", "deep": [[{"x": None}]]}
    report = events_of(_lines(_track("Odd", **odd)))
    assert dict(report.taken) == {"event": 1, "profile": 1}
    stored = rows("SELECT properties FROM event")[0][0]
    assert (json.loads(stored) if isinstance(stored, str) else stored) == odd


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_KEYS = [
    "cart_id",
    "checkout_id",
    "order_id",
    "sku",
    "product_id",
    "price",
    "quantity",
    "currency",
    "total",
    "products",
]
_CALL = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["identify", "track"]) | _ANY,
        "event": st.sampled_from(["Product Added", "Cart Viewed", "Checkout Started", "Order Completed", "Order Refunded"]) | _ANY,
        "properties": st.dictionaries(st.sampled_from(_KEYS), _ANY, max_size=6) | _ANY,
        "traits": st.dictionaries(st.sampled_from(["email", "phone", "address", "birthday"]), _ANY, max_size=4) | _ANY,
        "context": _ANY,
        "userId": _ANY,
        "anonymousId": _ANY,
        "messageId": _ANY,
        "timestamp": st.just("2026-04-01T10:00:00Z") | _ANY,
    },
)  # fmt: skip


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(_CALL | _ANY, max_size=4))
def test_no_call_stops_the_door(tmp_path_factory, calls: list[object]):
    """Every line either says something or is counted, whatever JSON it holds."""
    file = tmp_path_factory.mktemp("fuzz") / "e.jsonl"
    file.write_text("".join(json.dumps(call) + "\n" for call in calls) + "\n")
    door, tally = EventDoor(open_text(file)), Tally()
    for number, line in door.lines():
        skipped = tally.skipped.total()
        facts = list(door.facts(number, line, tally))
        empty_batch = '"batch": []' in line
        assert facts or tally.skipped.total() > skipped or empty_batch
