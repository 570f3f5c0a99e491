"""Shopify's files end to end, on both databases: once, again, later, and one after another."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from segue.intake import ImportReport, IntakeError

from .shopify_files import CATALOGUES, ORDER, SAMPLES, head, more, table

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this checkout")
Load = Callable[..., ImportReport]
FILES = (
    "products_export", "product_template", "inventory_export", "customers_export", "orders_export", "checkouts_export",
    "discounts_export", "transactions_export",
)  # fmt: skip


def sample(name: str) -> Path:
    return SAMPLES / f"{name}.csv"


@needs_samples
def test_every_sample_once_and_again(load: Load, census, rows) -> None:
    taken = {name: dict(load(sample(name), currency="USD").taken) for name in FILES}
    assert taken["products_export"] == {"listing": 4, "product": 4, "variant": 7}
    assert taken["product_template"] == {"location": 1, "stock": 6}
    assert taken["inventory_export"] == {"location": 3, "stock": 12}
    assert taken["customers_export"] == {"consent": 12, "profile": 6}
    orders = taken["orders_export"]
    assert {name: orders[name] for name in ("order", "order_line", "fulfilment", "consent")} == {
        "order": 8, "order_line": 10, "fulfilment": 4, "consent": 2,
    }  # fmt: skip
    assert "profile" not in orders  # everybody who ordered is in the customers file
    assert taken["checkouts_export"] == {"cart": 1, "cart_event": 3}
    assert taken["discounts_export"] == {"discount": 2}
    assert taken["transactions_export"] == {"event": 3}
    assert rows(
        "SELECT count(*), sum(total_minor), sum(refunded_minor), count(paid_at) FROM \"order\" WHERE currency = 'USD'"
    ) == [(7, 12700 + 7305 + 17800 + 3800 + 7450 + 12100 + 5000, 8900, 6)]
    before = census()
    for name in FILES:
        again = load(sample(name), currency="USD")
        assert not again.taken, name
        assert not again.skipped, name
    assert census() == before


@needs_samples
@pytest.mark.parametrize("name", FILES)
def test_the_same_file_another_day_changes_nothing(load: Load, census, name: str) -> None:
    load(sample(name), currency="USD")
    before = census()
    again = load(sample(name), days=30, currency="USD")
    assert (dict(again.taken), dict(again.updated)) == ({}, {})
    assert census() == before


@needs_samples
def test_known_variants_need_no_stand_in(load: Load, rows) -> None:
    load(sample("products_export"), currency="USD")
    report = load(sample("orders_export"))
    assert not {"variant stub", "product stub"} & report.taken.keys()  # the gift card has no SKU, and is known by name
    assert rows(
        "SELECT count(*) FROM product WHERE NOT EXISTS (SELECT 1 FROM variant WHERE product_id = product.id)"
    ) == [(0,)]


def test_stock_is_news_when_it_changes(load: Load, rows) -> None:
    load("Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\nfern,Fern,Size,S,X,9\n", currency="USD")
    for day, available in enumerate((5, 5, 4, 4, 5, 0, 0)):
        load(f"Handle,Option1 Value,SKU,Location,Available\nfern,S,X,Store,{available}\n", days=day)
    assert [row[0] for row in rows("SELECT quantity FROM stock_event ORDER BY occurred_at")] == [5, 4, 5, 0]


@needs_samples
def test_lines_find_the_catalogue_and_buyers_their_ids(load: Load, rows) -> None:
    load(sample("products_export"), currency="USD")
    load(sample("customers_export"))
    load(sample("orders_export"))
    found = rows(
        "SELECT product.external_id, variant.size FROM order_line JOIN variant ON variant.id = variant_id "
        'JOIN product ON product.id = variant.product_id JOIN "order" ON "order".id = order_id '
        "WHERE number = '#1001' ORDER BY position"
    )
    assert found == [("fern-sweater", "8"), ("wool-scarf", None)]
    till = rows(
        'SELECT value, location.external_id FROM "order" JOIN identifier ON identifier.profile_id = "order".profile_id '
        "JOIN location ON location.id = location_id WHERE identifier.kind = 'shop'"
    )
    assert till == [("7801122334405", "Portland Store")]


ONE = 'SELECT total_minor, refunded_minor, paid_at IS NOT NULL, cancelled_at IS NOT NULL, discount_code, delivery FROM "order"'


def test_a_later_file_updates_an_order(load: Load, rows) -> None:
    load(table(head(Financial_Status="pending", Paid_at="", Discount_Code="TEN")))
    (order,) = rows(ONE)
    assert [bool(cell) for cell in order[2:4]] == [False, False]
    later = head(
        Financial_Status="partially_refunded", Refunded_Amount="10.00", Cancelled_at="2026-03-09 00:00:00 Z", Email="",
        Fulfillment_Status="fulfilled", Fulfilled_at="2026-03-08 00:00:00 Z",
    )  # fmt: skip
    report = load(table(later, more()))
    assert (report.taken["order_line"], report.updated["order"]) == (1, 1)
    assert "order" not in report.taken
    (order,) = rows(ONE)
    assert order[:2] == (8900, 1000)
    assert [bool(cell) for cell in order[2:4]] == [True, True]
    assert order[4:] == ("TEN", "ship")  # an empty cell erases nothing
    assert rows("SELECT count(*) FROM identifier JOIN \"order\" USING (profile_id) WHERE kind = 'email'") == [(1,)]
    assert rows("SELECT kind FROM fulfilment") == [("shipped",)]


def test_a_file_sorted_by_hand_adds_no_lines(load: Load, census) -> None:
    load(table(head(), more(), more(Lineitem_sku="HAT"), head(2), more(2)))
    before = census()
    load(table(more(Lineitem_sku="HAT"), more(2), head(2), more(), head()))
    assert census() == before


def test_the_same_order_twice_in_a_file(load: Load, rows) -> None:
    report = load(table(head(), more(), head(), more(), head(2), more(2), head(2, Total="50.00")))
    assert report.warnings == {"duplicate": 1, "superseded": 1}
    assert rows('SELECT number, total_minor FROM "order" ORDER BY number') == [("#1001", 8900), ("#1002", 5000)]
    assert rows('SELECT number, count(*) FROM "order" JOIN order_line ON order_id = "order".id GROUP BY number ORDER BY number') == [
        ("#1001", 2), ("#1002", 1),
    ]  # fmt: skip


def test_one_phone_of_two_people(load: Load, rows) -> None:
    phone = {"Phone": "+12025550101"}
    report = load(table(head(**phone), head(2, Email="bea@example.com", **phone), head(3, Email="", **phone)))
    assert report.warnings["shared_phone"] == 1
    assert rows("SELECT count(*) FROM profile") == [(3,)], "who gives the phone alone may be either, or neither"
    assert rows('SELECT count(DISTINCT profile_id) FROM "order"') == [(3,)]


def test_nobody_is_made_of_a_recipient(load: Load, rows) -> None:
    load(table(head(Email="", Shipping_Phone="+12025550199", Billing_Country="US")))
    assert rows("SELECT count(*) FROM profile") == [(0,)]
    assert rows('SELECT profile_id FROM "order"') == [(None,)]


def test_a_bad_row_leaves_nothing_of_its_order(load: Load, rows, census) -> None:
    empty = census()
    sent = {"Fulfillment_Status": "fulfilled", "Accepts_Marketing": "yes"}
    report = load(table(head(**sent), more(Lineitem_quantity="x"), more()))
    assert report.skipped == {"bad_quantity": 1, "order_rejected": 2}
    assert census() == empty
    load(table(head(**sent), head(2, Email="bea@example.com"), more(1, Lineitem_quantity="x")))
    assert rows('SELECT number FROM "order"') == [("#1002",)]
    assert rows("SELECT count(*) FROM fulfilment") == [(0,)]


def test_a_refused_file_writes_nothing(load: Load, census) -> None:
    empty = census()
    for text in (
        table(head(), columns=tuple(name for name in ORDER if name != "Created at")),
        table(head(Created_at="07/10/2023 14:05", Paid_at="")),
        table(*(head(n, Name=f"#{5710000000000 + n}", Financial_Status="", Paid_at="") for n in (1, 2))),
    ):
        with pytest.raises(IntakeError):
            load(text)
    assert census() == empty


def test_a_weak_yes_and_a_doubt_reach_the_store(load: Load, rows) -> None:
    customers = "First Name,Last Name,Email,Accepts Email Marketing,Phone,Accepts SMS Marketing,Total Spent\nA,B,a@example.com,yes,,no,0\n"
    load(customers)
    said = rows("SELECT channel, state, is_dated FROM consent_event ORDER BY channel")
    assert [(channel, state, bool(dated)) for channel, state, dated in said] == [
        ("email", "granted", False),
        ("sms", "doubted", False),
    ]
    assert load(customers, days=3).taken == {}


@pytest.mark.skipif(not CATALOGUES.is_dir(), reason="the catalogues are not beside this checkout")
def test_real_catalogues_with_sizes_and_stock(load: Load, rows, census) -> None:
    names = [CATALOGUES / f"shopify_{name}.csv" for name in ("apparel", "jewelery", "home-and-garden")]
    assert [load(name, currency="USD").taken["variant"] for name in names] == [22, 23, 21]
    assert rows("SELECT count(*) FROM product") == [(60,)]
    assert rows("SELECT sku, size FROM variant WHERE size IS NOT NULL ORDER BY sku") == [
        ("classic-varsity-top/Large", "Large"), ("classic-varsity-top/Medium", "Medium"), ("classic-varsity-top/Small", "Small"),
        ("clay-plant-pot/Large", "Large"), ("clay-plant-pot/Regular", "Regular"),
    ]  # fmt: skip
    assert rows("SELECT count(*), sum(quantity) FROM stock_event") == [(66, 22 + 20 + 65)]
    assert rows("SELECT count(*) FROM listing WHERE sales_channel = 'web'") == [(60,)]
    before = census()
    assert [dict(load(name, currency="USD").taken) for name in names] == [{}, {}, {}]
    assert census() == before


def test_stock_finds_variants_by_key_and_by_sku(load: Load, rows) -> None:
    load(
        "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\nfern,Fern,Size,S,X,9\nfern,,,M,,9\n",
        currency="USD",
    )
    report = load("Handle,Option1 Value,SKU,Location,Available\nfern,S,,Store,1\nfern,M,,Store,2\nfern,L,,Store,3\n")
    assert report.skipped == {"unknown_variant": 1}
    load("SKU,Location,Available\nX,Shed,7\n")
    assert rows(
        "SELECT sku, external_id, quantity FROM stock_event JOIN variant ON variant.id = variant_id "
        "JOIN location ON location.id = location_id ORDER BY quantity"
    ) == [("X", "Store", 1), ("fern/M", "Store", 2), ("X", "Shed", 7)]
    assert rows("SELECT DISTINCT kind FROM location") == [("warehouse",)]
