"""Sizes through the doors: whoever a file says anything new about is counted again, and nobody else."""

from __future__ import annotations

import json

import pytest

LINES = """
name = "orders"
currency = "USD"
[[record]]
kind = "order_line"
[record.fields]
order = "Order"
email = "Email"
occurred_at = "At"
sku = "SKU"
product = "Product"
quantity = { constant = "1" }
unit_price = { constant = "10.00" }
"""
CATALOGUE = """
name = "catalogue"
currency = "USD"
[[record]]
kind = "variant"
[record.fields]
sku = "SKU"
product = "Product"
title = "Product"
category = "Category"
size = "Size"
size_system = { constant = "us_women" }
price = { constant = "10.00" }
"""
SKUS = "SKU,Product,Category,Size\nL8,Leggings,bottoms,8\nL10,Leggings,bottoms,10\nS8,Sweater,tops,8\n"
SIZES = (
    "SELECT i.value, s.category, s.size, round(CAST(s.evidence AS numeric), 3) FROM profile_size s "
    "JOIN identifier i ON i.profile_id = s.profile_id AND i.kind IN ('email', 'shop') ORDER BY 1, 2, 3"
)
#: An hour before the import: nothing has faded yet that three places would show.
AT = "2026-05-01T11:00:00Z"


@pytest.fixture
def sizes(rows):
    """Who wears what by now: name, category, size and evidence."""
    return lambda: [(who, category, size, float(evidence)) for who, category, size, evidence in rows(SIZES)]


def _call(kind: str = "track", **said: object) -> str:
    return json.dumps({"type": kind, "timestamp": AT, "messageId": json.dumps(said, sort_keys=True), **said}) + "\n"


def _track(name: str, *, user: str | None = "u1", cookie: str | None = None, **properties: object) -> str:
    who = {key: value for key, value in (("userId", user), ("anonymousId", cookie)) if value}
    return _call(event=name, properties=properties, **who)


def test_a_catalogue_that_comes_after_the_orders_tells_their_sizes(table_of, sizes):
    """And one that corrects a size or a category later corrects the people."""
    table_of(f"Order,Email,At,SKU,Product\n1,a@example.com,{AT},L8,Leggings\n", LINES)
    assert sizes() == []
    table_of(SKUS, CATALOGUE)
    assert sizes() == [("a@example.com", "bottoms", "8", 1.0)]
    table_of("SKU,Product,Category,Size\nL8,Leggings,bottoms,10\n", CATALOGUE)
    assert sizes() == [("a@example.com", "bottoms", "10", 1.0)]
    table_of("SKU,Product,Category,Size\nL8,Leggings,tights,\n", CATALOGUE)
    assert sizes() == [("a@example.com", "tights", "10", 1.0)]


def test_carts_views_and_searches_speak_as_they_come(table_of, events_of, sizes):
    table_of(SKUS, CATALOGUE)
    cart = {"cart_id": "c", "price": 10, "product_id": "Leggings", "quantity": 1}
    events_of(_track("Product Added", sku="L8", **cart))
    assert sizes() == [("u1", "bottoms", "8", 0.3)]
    events_of(_track("Product Viewed", sku="L8") + _track("Products Searched", query="leggings size 10"))
    assert sizes() == [("u1", "bottoms", "10", 0.2), ("u1", "bottoms", "8", 0.4)]
    events_of(_track("Product Removed", sku="L8", **cart))
    assert sizes() == [("u1", "bottoms", "10", 0.2), ("u1", "bottoms", "8", 0.1)]
    line = {"sku": "L10", "product_id": "Leggings", "price": 10, "quantity": 1}
    events_of(_track("Order Completed", order_id="o1", products=[line]))
    assert sizes() == [("u1", "bottoms", "10", 1.2), ("u1", "bottoms", "8", 0.1)]
    events_of(_track("Order Refunded", order_id="o1", products=[{"sku": "L10"}]))
    assert sizes() == [("u1", "bottoms", "10", 0.2), ("u1", "bottoms", "8", 0.1)]


def test_what_was_looked_at_before_the_catalogue_came_speaks_once_it_has(table_of, events_of, sizes):
    """A view makes no variant, so its size is told by a new one; a search means something only beside a range."""
    events_of(_track("Product Viewed", sku="L8") + _track("Products Searched", user="u2", query="sweater size 8"))
    assert sizes() == []
    table_of(SKUS, CATALOGUE)
    assert sizes() == [("u1", "bottoms", "8", 0.1), ("u2", "tops", "8", 0.2)]


def test_a_cart_speaks_of_its_owner_once_the_cookie_has_one(table_of, events_of, sizes):
    table_of(SKUS, CATALOGUE)
    cart = {"cart_id": "c", "price": 10, "product_id": "Leggings", "quantity": 1}
    events_of(_track("Product Added", user=None, cookie="k", sku="L8", **cart))
    assert sizes() == []
    events_of(_call("identify", userId="u9", anonymousId="k"))
    assert sizes() == [("u9", "bottoms", "8", 0.3)]


def test_the_same_file_again_changes_nothing(table_of, events_of, sizes, rows):
    table_of(SKUS, CATALOGUE)
    calls = _track("Product Viewed", sku="L8") + _track("Products Searched", query="leggings size 8")
    events_of(calls)
    before = rows("SELECT * FROM profile_size")
    assert before
    events_of(calls)
    table_of(SKUS, CATALOGUE)
    assert rows("SELECT * FROM profile_size") == before
