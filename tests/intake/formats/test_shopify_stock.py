"""Shopify's inventory, discounts, checkouts and transactions."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segue.intake import IntakeError
from segue.intake import records as r

from .shopify_files import NOW, ORDER, SAMPLES, head, more, of, read, table

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this checkout")
VARIANT = (
    "Handle",
    "Title",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Option3 Name",
    "Option3 Value",
    "SKU",
)
EDITABLE = (
    *VARIANT,
    "Barcode",
    "Location",
    "Incoming",
    "Unavailable",
    "Committed",
    "Available",
    "On hand (current)",
    "On hand (new)",
)
GUARDED = (
    *VARIANT, "HS Code", "COO", "Location", "Bin name", "Incoming (not editable)", "Unavailable (not editable)",
    "Committed (not editable)", "Available (not editable)", "On hand (current)", "On hand (new)",
)  # fmt: skip


def level(**cells: str) -> dict[str, str]:
    given = {
        "Handle": "fern", "Option1 Name": "Size", "Option1 Value": "S", "Option2 Value": "Moss", "SKU": "X", "Location": "Warehouse",
        "Available": "10", "Committed": "2", "Unavailable": "1", "On hand (current)": "13", "On hand (new)": "99",
    }  # fmt: skip
    return {**given, **{name.replace("_", " "): text for name, text in cells.items()}}


def test_what_can_be_sold_at_each_place() -> None:
    rows = [level(), level(Location="Store", Available="-3"), level(Option1_Value="M", Available="0")]
    facts, report = read(table(*rows, columns=EDITABLE))
    assert report.source == "shopify-inventory"
    assert [(one.option_key, one.sku, one.location, one.quantity, one.occurred_at) for one in of(r.Stock, facts)] == [
        ("fern/S/Moss", None, "Warehouse", 10, NOW), ("fern/S/Moss", None, "Store", -3, NOW), ("fern/M/Moss", None, "Warehouse", 0, NOW),
    ]  # fmt: skip
    assert [(one.external_id, one.kind, one.name) for one in of(r.Location, facts)] == [
        ("Warehouse", None, None),
        ("Store", None, None),
    ]


def test_guarded_headers_say_the_same() -> None:
    guarded = [{**level(), "Available (not editable)": "10", "Committed (not editable)": "2"}]
    assert of(r.Stock, read(table(*guarded, columns=GUARDED))[0])[0].quantity == 10


def test_what_is_on_hand_less_what_is_promised() -> None:
    columns = tuple(name for name in EDITABLE if name != "Available")
    assert of(r.Stock, read(table(level(), columns=columns))[0])[0].quantity == 10
    bare = (*VARIANT, "Location", "On hand (current)")
    assert of(r.Stock, read(table(level(), columns=bare))[0])[0].quantity == 13


@pytest.mark.parametrize("word", ["not stocked", "Not Stocked", " NOT STOCKED "])
def test_a_place_that_never_has_it_is_not_0(word: str) -> None:
    facts, report = read(table(level(Available=word), columns=EDITABLE))
    assert of(r.Stock, facts) == []
    assert not report.skipped


@pytest.mark.parametrize(
    ("cells", "reason"),
    [({"Available": ""}, "bad_quantity"), ({"Available": "ten"}, "bad_quantity"), ({"Available": "1.5"}, "bad_quantity"),
     ({"Location": ""}, "missing_key"), ({"Handle": "", "SKU": ""}, "missing_key"), ({"Handle": "", "SKU": "1E+9"}, "bad_id")],
)  # fmt: skip
def test_a_bad_level_costs_itself(cells: dict[str, str], reason: str) -> None:
    facts, report = read(table(level(Option1_Value="M"), level(**cells), columns=EDITABLE))
    assert [one.option_key for one in of(r.Stock, facts)] == ["fern/M/Moss"]
    assert report.skipped == {reason: 1}
    assert report.lines[0].line == 3


def test_without_handle_the_sku_names_it() -> None:
    facts, _ = read(table(level(), columns=("SKU", "Location", "Available")))
    assert [(one.option_key, one.sku) for one in of(r.Stock, facts)] == [(None, "X")]


def test_the_later_word_counts() -> None:
    facts, report = read(table(level(), level(), level(Available="4"), columns=EDITABLE))
    assert [one.quantity for one in of(r.Stock, facts)] == [4]
    assert report.warnings == {"duplicate": 1, "superseded": 1}


def test_older_files_have_a_column_a_place() -> None:
    columns = (*VARIANT, "HS Code", "COO", "Warehouse", "Portland Store")
    rows = [
        {**level(), "Warehouse": "5", "Portland Store": "not stocked"},
        {**level(Option1_Value="M"), "Warehouse": "", "Portland Store": "1"},
    ]
    facts, report = read(table(*rows, columns=columns))
    assert report.source == "shopify-inventory-by-location"
    assert [(one.option_key, one.location, one.quantity) for one in of(r.Stock, facts)] == [
        ("fern/S/Moss", "Warehouse", 5),
        ("fern/M/Moss", "Portland Store", 1),
    ]
    assert report.skipped == {"bad_quantity": 1}
    assert report.lines[0].column == "Warehouse"


def test_a_quantity_column_is_needed() -> None:
    with pytest.raises(IntakeError, match="Available or On hand"):
        read(table(level(), columns=("Handle", "Location")), "shopify-inventory")


@needs_samples
def test_the_inventory_sample() -> None:
    facts, report = read(SAMPLES / "inventory_export.csv")
    stock = {(one.option_key, one.location): one.quantity for one in of(r.Stock, facts)}
    assert len(stock) == 12
    assert stock["fern-sweater/8", "Portland Store"] == 0
    assert stock["wool-scarf", "Warehouse"] == 10
    assert sum(stock.values()) == 6 * 10 + 5 * 3
    assert {one.external_id for one in of(r.Location, facts)} == {"Warehouse", "Portland Store", "Pop-up Seattle"}
    assert not report.skipped


CODE = ("Name", "Value", "Value Type", "Type", "Times Used In Total", "Status", "Start", "End")
OLD_CODE = ("Name", "Value", "Value Type", "Times Used In Total", "Usage Limit Per Code", "Status", "Start", "End")


def code(**cells: str) -> dict[str, str]:
    given = {
        "Name": "WELCOME10", "Value": "-10.0", "Value Type": "percentage", "Type": "Amount Off", "Times Used In Total": "3",
        "Status": "Active", "Start": "2026-01-01 00:00:00 -0800", "End": "",
    }  # fmt: skip
    return {**given, **{name.replace("_", " "): text for name, text in cells.items()}}


def test_codes() -> None:
    for columns in (CODE, OLD_CODE):
        facts, report = read(table(code(), columns=columns))
        (one,) = of(r.Discount, facts)
        assert (one.code, one.percent, one.amount_minor, one.status, one.times_used) == (
            "WELCOME10",
            10.0,
            None,
            "active",
            3,
        )
        assert (one.valid_from, one.valid_until) == (datetime(2026, 1, 1, 8, tzinfo=UTC), None)
        assert report.source == "shopify-discounts"
    fixed = table(code(Value="-5.0", Value_Type="fixed_amount"), columns=CODE)
    (one,) = of(r.Discount, read(fixed, currency="EUR")[0])
    assert (one.percent, one.amount_minor, one.currency) == (None, 500, "EUR")
    with pytest.raises(IntakeError, match="--currency"):
        read(fixed)


@pytest.mark.parametrize("kind", ["Free Shipping", "Buy X Get Y", "App Discount"])
def test_what_is_not_off_the_goods_has_no_worth(kind: str) -> None:
    (one,) = of(r.Discount, read(table(code(Type=kind, Value="-100.0"), columns=CODE))[0])
    assert (one.percent, one.amount_minor) == (None, None)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [({"Name": ""}, "missing_key"), ({"Value": "-ten"}, "bad_money"), ({"Value": "-110"}, "bad_money"), ({"Value": "NaN"}, "bad_money"),
     ({"Start": "soon"}, "bad_date"), ({"Times_Used_In_Total": "-1"}, "bad_quantity")],
)  # fmt: skip
def test_a_bad_code_costs_itself(cells: dict[str, str], reason: str) -> None:
    facts, report = read(table(code(**cells), code(), code(Name="B"), columns=CODE))
    assert len(of(r.Discount, facts)) == 2
    assert report.skipped == {reason: 1}


@needs_samples
def test_the_discount_sample() -> None:
    facts, _ = read(SAMPLES / "discounts_export.csv", currency="USD")
    assert [(one.code, one.percent, one.amount_minor, one.status) for one in of(r.Discount, facts)] == [
        ("WELCOME10", 10.0, None, "active"), ("FIVEOFF", None, 500, "expired"),
    ]  # fmt: skip


def test_checkouts_are_carts() -> None:
    rows = [head(Financial_Status="", Paid_at=""), more(), more(Lineitem_quantity="0")]
    facts, _ = read(table(*rows), "shopify-checkouts")
    assert of(r.Order, facts) == []
    found = [(one.cart, one.kind, one.sku, one.quantity, dict(one.names)["email"]) for one in of(r.CartEvent, facts)]
    cart = "checkout:5710000000001"
    assert found == [
        (cart, "added", "FER-8", 1, "sarah@example.com"), (cart, "added", "SCF", 1, "sarah@example.com"),
        (cart, "checkout_started", None, 0, "sarah@example.com"),
    ]  # fmt: skip
    assert len({one.dedupe for one in of(r.CartEvent, facts)}) == 3
    assert all(not one.overwrites for one in of(r.Variant, facts))
    assert of(r.Consent, facts) == []


def test_a_checkout_is_whole_or_not_at_all() -> None:
    facts, report = read(table(head(), more(Lineitem_quantity="x"), head(2)), "shopify-checkouts")
    assert {one.cart for one in of(r.CartEvent, facts)} == {"checkout:5710000000002"}
    assert report.skipped == {"bad_quantity": 1, "order_rejected": 1}
    facts, _ = read(table(more(2), head(), head(2)), "shopify-checkouts")
    assert sorted(one.cart[-1] for one in of(r.CartEvent, facts)) == ["1", "1", "2", "2", "2"]


@needs_samples
def test_the_checkout_sample() -> None:
    facts, report = read(SAMPLES / "checkouts_export.csv")
    assert report.source == "shopify-checkouts"
    found = of(r.CartEvent, facts)
    assert [(one.kind, one.sku) for one in found] == [
        ("added", "FER-MOS-08"),
        ("added", "SCF-GRY"),
        ("checkout_started", None),
    ]
    assert {(one.cart, one.occurred_at) for one in found} == {
        ("checkout:37107487441214", datetime(2026, 4, 7, 4, 10, tzinfo=UTC))
    }
    assert not report.skipped
    assert not report.notes


PAYMENT = (
    "Order",
    "Name",
    "Payment Method",
    "Kind",
    "Gateway",
    "Created At",
    "Status",
    "Amount",
    "Currency",
    "Card Type",
)


def test_money_that_moved() -> None:
    row = {"Order": "5710000000003", "Name": "#1003", "Kind": "refund", "Gateway": "g", "Created At": "2026-03-27 10:02:31 -0700",
           "Status": "success", "Amount": "89.00", "Currency": "USD"}  # fmt: skip
    rows = [
        row,
        {**row, "Status": "failure"},
        {**row, "Kind": "authorization"},
        {**row, "Kind": "sale"},
        {**row, "Amount": "x"},
        row,
    ]
    facts, report = read(table(*rows, columns=PAYMENT))
    found = of(r.Event, facts)
    assert [(one.name, one.properties["amount_minor"], one.properties["order_id"]) for one in found] == [
        ("Order Refunded", 8900, "5710000000003"), ("Order Paid", 8900, "5710000000003"), ("Order Refunded", 8900, "5710000000003"),
    ]  # fmt: skip
    assert found[0].dedupe == found[2].dedupe != found[1].dedupe
    assert report.skipped == {"bad_money": 1}
    assert of(r.Order, facts) == []


@needs_samples
def test_the_transaction_sample() -> None:
    facts, report = read(SAMPLES / "transactions_export.csv")
    assert [(one.name, one.properties["amount_minor"], one.properties["currency"]) for one in of(r.Event, facts)] == [
        ("Order Paid", 17800, "USD"), ("Order Refunded", 8900, "USD"), ("Order Refunded", 8900, "GBP"),
    ]  # fmt: skip
    assert not report.skipped


def test_each_file_is_known_by_its_columns() -> None:
    assert read(table(head()))[1].source == "shopify-orders"
    assert read(table(head(), columns=tuple(reversed(ORDER))))[1].source == "shopify-orders"
