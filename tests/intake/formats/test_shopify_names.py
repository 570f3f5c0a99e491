"""Order lines without a SKU: known by their name, whichever file comes first, and the same lines when told again."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

from collections.abc import Callable

import pytest

from segue.intake import ImportReport

from .shopify_files import ORDER, head, more, table

Load = Callable[..., ImportReport]
PRODUCT = (
    "Handle",
    "Title",
    "Type",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Variant SKU",
    "Variant Price",
)
LINES = (
    "SELECT number, sku, size, quantity FROM order_line JOIN variant ON variant.id = variant_id "
    'JOIN "order" ON "order".id = order_id ORDER BY number, position'
)


def catalogue(*kinds: tuple[str, ...], title: str = "Fern - Wool Sweater", handle: str = "fern") -> str:
    """One product: (size, colour) or (size, colour, SKU) of each variant."""
    rows = [
        {
            "Handle": handle, "Title": "" if number else title, "Type": "" if number else "Sweaters",
            "Option1 Name": "Size", "Option2 Name": "Color" if colour else "", "Option1 Value": size, "Option2 Value": colour,
            "Variant SKU": "".join(sku), "Variant Price": "89",
        }
        for number, (size, colour, *sku) in enumerate(kinds)
    ]  # fmt: skip
    return table(*rows, columns=PRODUCT)


def named(number: int, name: str, sku: str = "", **cells: str) -> dict[str, str]:
    return head(number, Lineitem_name=name, Lineitem_sku=sku, Email=f"p{number}@example.com", **cells)


FERN = catalogue(("S", "Moss"), ("M", "Moss"), ("S/M", ""))
SOLD = table(
    named(1, "Fern - Wool Sweater - S / Moss"),
    more(1, Email="p1@example.com", Lineitem_name="Fern - Wool Sweater - M / Moss", Lineitem_sku=""),
    named(2, "Fern - Wool Sweater - S/M"),
    named(3, "Fern - Wool Sweater - XL / Moss"),
    named(4, "Fern - Wool Sweater"),
)
MEANT = [
    ("#1001", "fern/S/Moss", "S", 1), ("#1001", "fern/M/Moss", "M", 1), ("#1002", "fern/S/M", "S/M", 1),
    ("#1003", "name:Fern - Wool Sweater - XL / Moss", None, 1), ("#1004", "name:Fern - Wool Sweater", None, 1),
]  # fmt: skip
WORN = "SELECT value, category, system, size FROM profile_size JOIN identifier USING (profile_id) ORDER BY value, size"
SIZES = [
    ("p1@example.com", "tops", "alpha", "M"),
    ("p1@example.com", "tops", "alpha", "S"),
    ("p2@example.com", "tops", "alpha", "S/M"),
]


@pytest.mark.parametrize("first", ["catalogue", "orders"])
def test_whichever_file_comes_first(load: Load, rows, census, first: str) -> None:
    files = [FERN, SOLD] if first == "catalogue" else [SOLD, FERN]
    for day, text in enumerate(files):
        load(text, days=day, currency="USD")
    assert rows(LINES) == MEANT
    assert rows(WORN) == SIZES
    before = census()
    for day, text in enumerate((SOLD, FERN, SOLD), start=2):
        again = load(text, days=day, currency="USD")
        assert (dict(again.taken), dict(again.updated)) == ({}, {})
    assert census() == before


@pytest.mark.parametrize("first", ["catalogue", "orders"])
def test_a_product_called_something_else_keeps_its_old_lines(load: Load, rows, first: str) -> None:
    for text in [FERN, SOLD] if first == "catalogue" else [SOLD, FERN]:
        load(text, currency="USD")
    load(catalogue(("S", "Moss"), ("M", "Moss"), ("S/M", ""), title="Bracken"), days=1, currency="USD")
    load(SOLD, days=2)
    assert rows(LINES) == MEANT
    load(
        table(named(9, "Bracken - S / Moss"), more(9, Lineitem_name="Fern - Wool Sweater - S / Moss", Lineitem_sku=""))
    )
    assert rows(LINES)[-2:] == [("#1009", "fern/S/Moss", "S", 1)] * 2


@pytest.mark.parametrize("first", ["catalogue", "orders"])
def test_a_name_of_two_means_neither_until_one_is_called_otherwise(load: Load, rows, first: str) -> None:
    twin = catalogue(("S", "Moss"), handle="fern-2")
    texts = [FERN, twin, SOLD] if first == "catalogue" else [SOLD, FERN + twin.split("\n", 1)[1]]
    for text in texts:
        load(text, currency="USD")
    assert [line[1] for line in rows(LINES)][:2] == ["name:Fern - Wool Sweater - S / Moss", "fern/M/Moss"]
    load(catalogue(("S", "Moss"), title="Other", handle="fern-2"), days=1, currency="USD")
    assert rows(LINES) == MEANT
    before = rows(LINES)
    load(twin, days=2, currency="USD")
    load(SOLD, days=3)
    assert rows(LINES) == before


def test_a_default_variant_is_its_title(load: Load, rows) -> None:
    scarf = catalogue(("Default Title", ""), title="Wool Scarf", handle="scarf")
    load(table(named(1, "Wool Scarf")))
    load(scarf, currency="USD")
    load(table(named(2, "Wool Scarf")))
    assert [line[1] for line in rows(LINES)] == ["scarf", "scarf"]


def test_a_shared_sku_is_told_by_the_name(load: Load, rows) -> None:
    load(catalogue(("S", "", "X"), ("M", "", "X"), ("L", "", "Y")), currency="USD")
    sold = table(
        named(1, "Fern - Wool Sweater - S", "X"), more(1, Email="p1@example.com", Lineitem_name="Fern - Wool Sweater - M", Lineitem_sku="X"),
        named(2, "Fern - Wool Sweater - S", "Y"),  # what has a SKU of its own is what it says
        named(3, "Fern - Wool Sweater - L", "OLD"),  # Y is another one's SKU, so who knows
    )  # fmt: skip
    load(sold)
    told = [("#1001", "fern/S", "S", 1), ("#1001", "fern/M", "M", 1), ("#1002", "Y", "L", 1), ("#1003", "OLD", None, 1)]
    assert rows(LINES) == told
    # The shop mends its SKUs: what was told of old lines stands.
    load(catalogue(("S", "", "Z"), ("M", "", "X"), ("L", "", "Y")), days=1, currency="USD")
    load(sold, days=2)
    assert [line[2] for line in rows(LINES)] == ["S", "M", "L", None]
    assert rows("SELECT sku FROM variant WHERE option_key = 'fern/M'") == [("X",)]


def test_a_sku_that_somebody_sells_needs_no_name(load: Load, rows) -> None:
    load(catalogue(("S", "", "X")), currency="USD")
    load(table(named(1, "Fern, as it was once called", "X")))
    assert [line[1] for line in rows(LINES)] == ["X"]
    assert rows("SELECT count(*) FROM event") == [(0,)]


def test_carts_know_things_by_name_too(load: Load, rows) -> None:
    left = table(*(named(n, f"Fern - Wool Sweater - {kind}", Financial_Status="", Paid_at="") for n, kind in enumerate(("S / Moss", "XL"), 1)), columns=ORDER)  # fmt: skip
    load(left, kind="shopify-checkouts")
    load(FERN, days=1, currency="USD")
    held = "SELECT sku FROM cart_event JOIN variant ON variant.id = variant_id ORDER BY cart_event.dedupe"
    assert rows(held) == [("fern/S/Moss",), ("name:Fern - Wool Sweater - XL",)]
    assert load(left, days=2, kind="shopify-checkouts").taken == {}
    load(table(named(3, "Fern - Wool Sweater - M / Moss", Financial_Status="", Paid_at="")), kind="shopify-checkouts")
    assert rows(held)[-1] == ("fern/M/Moss",)


def test_only_catalogues_of_shopify_shape_are_asked(load: Load, table_of, rows) -> None:
    """A variant whose key does not begin with its product's id says nothing of its options."""
    table_of(
        "id,title,sku,key\nfern,Fern,K,other/8\n",
        'name = "own"\ntime_zone = "UTC"\ncurrency = "USD"\n[[record]]\nkind = "variant"\n[record.fields]\nsku = "sku"\n'
        'product = "id"\ntitle = "title"\noption_key = "key"\nprice = { constant = "1" }\n',
    )
    load(table(named(1, "Fern - 8")))
    assert [line[1] for line in rows(LINES)] == ["name:Fern - 8"]
