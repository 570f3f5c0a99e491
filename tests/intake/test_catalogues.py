"""Catalogues of three shop systems: sizes, stock and categories in the store, and what of them fits somebody."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from segue.intake import ImportReport, import_export, import_table, load_mapping
from segue.journeys.fitting import fitting
from segue.store.engine import read, write
from segue.store.tables import location, stock_event, variant

from .conftest import CLOCK, NOW, hash_address

ROOT = Path(__file__).resolve().parents[2]
CATALOGUES = ROOT.parent / "shared" / "data" / "product_catalogue"
LUMA = CATALOGUES / "magento_luma_products.csv.gz"

pytestmark = pytest.mark.skipif(not CATALOGUES.is_dir(), reason="../shared/data/product_catalogue is missing")

Ask = Callable[[str], list[tuple[Any, ...]]]


def mapped(engine: Engine, file: Path, mapping: str) -> ImportReport:
    """Import through a mapping of examples/."""
    page = load_mapping(ROOT / "examples" / f"{mapping}.toml")
    return import_table(engine, file, page, clock=CLOCK, hash_address=hash_address)


def twice(bring: Callable[[], ImportReport], census: Callable[[], dict[str, int]]) -> ImportReport:
    """Import, and again, which changes nothing."""
    report = bring()
    before = census()
    again = bring()
    assert (dict(again.taken), dict(again.updated), census()) == ({}, {}, before)
    assert dict(report.skipped) == {}
    return report


def test_saleor(engine: Engine, rows: Ask, census: Callable[[], dict[str, int]]) -> None:
    """73 variants of 32 products; shirts by letters, shoes by European numbers; stock to the piece, 17 uncounted."""
    twice(lambda: mapped(engine, CATALOGUES / "saleor_variants.csv", "saleor_variants"), census)
    with (CATALOGUES / "saleor_variants.csv").open(encoding="utf-8-sig", newline="") as lines:
        said = list(csv.DictReader(lines))
    assert rows("SELECT (SELECT count(*) FROM product), (SELECT count(*) FROM variant)") == [(32, 73)]
    letters = {"S": 5, "M": 6, "L": 5, "XL": 5, "XXL": 5}
    shoes = Counter(row["variant"] for row in said if row["variant"] in set(map(str, range(39, 46))))
    assert len(shoes) == 7
    assert dict(rows("SELECT size, count(*) FROM variant WHERE size IS NOT NULL GROUP BY size")) == letters | shoes
    assert set(
        rows(
            "SELECT p.category, p.size_system, v.size IN ('S', 'M', 'L', 'XL', 'XXL') FROM variant v"
            " JOIN product p ON p.id = v.product_id WHERE v.size IS NOT NULL"
        )
    ) == {("tops", "alpha", True), ("shoes", "eu", False)}
    assert rows(
        "SELECT category, count(*) FROM product GROUP BY category HAVING category NOT IN ('tops', 'shoes') ORDER BY 1"
    ) == sorted(_others(said).items())
    stock = {row["sku"] or f"variant-{row['variant_id']}": int(float(row["stock"])) for row in said if row["stock"]}
    assert len(said) - len(stock) == 17
    assert (min(stock.values()), max(stock.values())) == (0, 4_560)
    assert dict(rows("SELECT v.sku, s.quantity FROM stock_event s JOIN variant v ON v.id = s.variant_id")) == stock


def _others(said: list[dict[str, str]]) -> dict[str, int]:
    words = {"Beanies": "hats", "Scarfs": "scarves", "Sunglasses": "accessories"}
    named = {(row["product_id"], words[row["category"]]) for row in said if row["category"] in words}
    return dict(Counter(category for _, category in named))


def test_luma(engine: Engine, rows: Ask, census: Callable[[], dict[str, int]]) -> None:
    """147 products, 1,847 variants: letters for tops, inches of waist for bottoms; size and colour out of one cell."""
    twice(lambda: mapped(engine, LUMA, "magento_products"), census)
    assert rows("SELECT (SELECT count(*) FROM product), (SELECT count(*) FROM variant)") == [(147, 1_847)]
    assert rows("SELECT count(*) FROM variant WHERE size IS NULL OR colour IS NULL") == [(0,)]
    assert rows("SELECT count(DISTINCT colour) FROM variant") == [(11,)]
    sizes: dict[str, int] = dict(rows("SELECT size, count(*) FROM variant GROUP BY size"))
    letters = {"XS": 271, "S": 274, "M": 274, "L": 274, "XL": 271}
    assert {size: sizes.pop(size) for size in letters} == letters
    assert all(28 <= int(size) <= 36 for size in sizes)
    assert sum(sizes.values()) == 1_847 - sum(letters.values()) == 483
    assert dict(rows("SELECT quantity, count(*) FROM stock_event GROUP BY quantity")) == {100: 1_847}

    # The categories are the shop's own words, and of each exactly the products whose path holds the word.
    with gzip.open(LUMA, "rt", encoding="utf-8-sig", newline="") as lines:
        heads = [row for row in csv.DictReader(lines) if row["product_type"] == "configurable"]
    tops = {row["sku"] for row in heads if "/Tops" in row["categories"]}
    assert {key for (key,) in rows("SELECT external_id FROM product WHERE category = 'tops'")} == tops
    assert rows("SELECT category, size_system, count(*) FROM product GROUP BY category, size_system ORDER BY 1") == [
        ("bottoms", "waist", 147 - len(tops)), ("tops", "alpha", len(tops)),
    ]  # fmt: skip
    assert rows("SELECT count(*), min(sales_channel) FROM listing") == [(147, "web")]


@pytest.mark.parametrize(
    ("file", "products", "variants", "stock", "sizes", "categories"),
    [
        ("apparel", 20, 22, 22, {"Small": 1, "Medium": 1, "Large": 1}, set()),
        ("jewelery", 20, 23, 20, {}, {"jewellery"}),
        ("home-and-garden", 20, 21, 65, {"Regular": 1, "Large": 1}, set()),
    ],
)
def test_shopify(
    engine: Engine,
    rows: Ask,
    census: Callable[[], dict[str, int]],
    file: str,
    products: int,
    variants: int,
    stock: int,
    sizes: dict[str, int],
    categories: set[str],
) -> None:
    """Sizes where an option is one, stock, and a category where the product's type says one; never by its title."""
    path = CATALOGUES / f"shopify_{file}.csv"
    report = twice(lambda: import_export(engine, path, clock=CLOCK, hash_address=hash_address, currency="USD"), census)
    assert report.source == "shopify-products"
    assert rows("SELECT (SELECT count(*) FROM product), (SELECT count(*) FROM variant)") == [(products, variants)]
    assert dict(rows("SELECT size, count(*) FROM variant WHERE size IS NOT NULL GROUP BY size")) == sizes
    assert rows("SELECT count(*), sum(quantity), min(quantity) >= 0, max(quantity) <= 8 FROM stock_event") == [
        (variants, stock, True, True)
    ]
    found = {category for (category,) in rows("SELECT DISTINCT category FROM product WHERE category IS NOT NULL")}
    assert found == categories
    assert rows("SELECT count(*) FROM listing") == [(products,)]


BOUGHT = """
name = "till"
currency = "USD"
time_zone = "UTC"
[[record]]
kind = "order_line"
[record.fields]
order = "Order"
email = "Email"
occurred_at = "At"
sku = "Sku"
quantity = { constant = 1 }
unit_price = "Price"
sales_channel = { constant = "facebook_shop" }
"""


def test_what_fits_somebody_in_m(engine: Engine, rows: Ask, table_of: Callable[..., ImportReport]) -> None:
    """She bought an M. Of the tops she is shown those that are there in M, in M, and not the one she has."""
    mapped(engine, LUMA, "magento_products")
    table_of("Order,Email,At,Sku,Price\n1,sarah@example.com,2026-04-20,MH01-M-Black,52.00\n", BOUGHT)
    assert rows("SELECT category, system, size FROM profile_size") == [("tops", "alpha", "M")]
    ((sarah,),) = rows("SELECT id FROM profile")
    with read(engine) as connection:
        everything = fitting(connection, [(sarah, "facebook_shop")], NOW, limit=200)[sarah]
    tops = [item for item in everything if item.category == "tops"]
    sold = rows("SELECT count(DISTINCT p.id) FROM product p JOIN variant v ON v.product_id = p.id WHERE v.size = 'M'")
    assert len(tops) == sold[0][0] - 1 > 90
    assert {item.size for item in tops} == {"M"}
    assert all(f"-{item.size}-" in item.sku and item.in_stock for item in tops)
    assert "MH01" not in {item.sku.split("-")[0] for item in tops}
    assert {item.size for item in everything if item.category == "bottoms"} == {None}  # nobody knows her waist

    # All M of all but three products go; stock of other sizes does not stand in for them.
    kept = sorted({item.product_id for item in tops})[:3]
    with write(engine) as connection:
        place = connection.scalar(select(location.c.id))
        gone = connection.scalars(
            select(variant.c.id).where(variant.c.size == "M", variant.c.product_id.not_in(kept))
        ).all()
        times = {"occurred_at": NOW - timedelta(days=1), "recorded_at": NOW}
        connection.execute(
            insert(stock_event),
            [{"variant_id": one, "location_id": place, "quantity": 0, **times} for one in gone],
        )
    with read(engine) as connection:
        left = fitting(connection, [(sarah, "facebook_shop")], NOW, limit=200)[sarah]
        stranger = fitting(connection, [(0, "facebook_shop")], NOW, limit=200)[0]
    assert sorted(item.product_id for item in left if item.category == "tops") == kept
    assert {item.size for item in left if item.category == "tops"} == {"M"}
    assert sum(item.category == "tops" for item in stranger) > 90  # of whom nothing is known, nothing is filtered
