"""Shopify products: both headers, variants, sizes and categories, made-up SKUs, what is listed and what lies in stock."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

import pytest

from segue.intake import IntakeError
from segue.intake import records as r
from segue.intake.formats.garments import category_of, common_system, size_system_of
from segue.intake.formats.options import size_and_colour

from .shopify_files import CATALOGUES, NOW, SAMPLES, of, read, table

OLD = (
    "Handle", "Title", "Type", "Product Category", "Published", "Option1 Name", "Option1 Value", "Option2 Name",
    "Option2 Value", "Option3 Name", "Option3 Value", "Variant SKU", "Variant Inventory Qty", "Variant Price", "Image Src", "Status",
)  # fmt: skip
NEW = (
    "Title", "URL handle", "Type", "Product category", "Published on online store", "Status", "SKU", "Option1 name",
    "Option1 value", "Option2 name", "Option2 value", "Option3 name", "Option3 value", "Price", "Inventory quantity", "Product image URL",
)  # fmt: skip
RENAMED = {
    "Handle": "URL handle", "Published": "Published on online store", "Variant SKU": "SKU", "Variant Price": "Price",
    "Variant Inventory Qty": "Inventory quantity", "Image Src": "Product image URL", "Product Category": "Product category",
    "Option1 Name": "Option1 name", "Option1 Value": "Option1 value", "Option2 Name": "Option2 name", "Option2 Value": "Option2 value",
}  # fmt: skip


def item(**cells: str) -> dict[str, str]:
    given = {
        "Handle": "fern", "Title": "Fern Sweater", "Type": "Knitwear", "Published": "true", "Option1 Name": "Size",
        "Option1 Value": "S", "Option2 Name": "Color", "Option2 Value": "Moss", "Variant SKU": "FER-S",
        "Variant Price": "89.00", "Image Src": "https://cdn.example.com/fern.jpg", "Status": "active",
    }  # fmt: skip
    return {**given, **{name.replace("_", " "): text for name, text in cells.items()}}


def kind(**cells: str) -> dict[str, str]:
    """A further variant: only its own cells."""
    bare = {
        "Title": "",
        "Type": "",
        "Published": "",
        "Option1_Name": "",
        "Option2_Name": "",
        "Image_Src": "",
        "Status": "",
    }
    return item(**{**bare, "Variant_SKU": "FER-M", "Option1_Value": "M", **cells})


def test_both_headers_say_the_same() -> None:
    rows = [item(), kind(), kind(Variant_SKU="FER-L", Option1_Value="L", Variant_Inventory_Qty="3")]
    old, report = read(table(*rows, columns=OLD), currency="USD")
    renamed = [{RENAMED.get(name, name): text for name, text in row.items()} for row in rows]
    new, other = read(table(*renamed, columns=NEW), currency="USD")
    assert (report.source, other.source) == ("shopify-products", "shopify-products")
    assert set(map(str, old)) == set(map(str, new))
    (product,) = of(r.Product, old)
    assert (product.external_id, product.title, product.category, product.size_system) == (
        "fern",
        "Fern Sweater",
        "tops",
        "alpha",
    )
    assert (product.url, product.image_url) == ("/products/fern", "https://cdn.example.com/fern.jpg")
    assert [(one.sku, one.size, one.colour, one.price_minor, one.currency, one.option_key) for one in of(r.Variant, old)] == [
        ("FER-S", "S", "Moss", 8900, "USD", "fern/S/Moss"), ("FER-M", "M", "Moss", 8900, "USD", "fern/M/Moss"),
        ("FER-L", "L", "Moss", 8900, "USD", "fern/L/Moss"),
    ]  # fmt: skip
    assert [(one.option_key, one.quantity, one.location, one.occurred_at) for one in of(r.Stock, old)] == [
        ("fern/L/Moss", 3, "main", NOW)
    ]
    assert [
        (one.product.external_id, one.sales_channel, one.listed_from, one.listed_until) for one in of(r.Listing, old)
    ] == [("fern", "web", NOW, None)]


def test_pictures_are_no_variants_and_no_options_no_size() -> None:
    scarf = item(
        Handle="scarf",
        Title="Scarf",
        Option1_Name="Title",
        Option1_Value="Default Title",
        Option2_Name="",
        Option2_Value="",
        Variant_SKU="",
    )
    picture = dict.fromkeys(OLD, "") | {"Handle": "scarf", "Image Src": "https://cdn.example.com/back.jpg"}
    facts, report = read(table(scarf, picture, columns=OLD), currency="USD")
    (variant,) = of(r.Variant, facts)
    assert (variant.sku, variant.option_key, variant.size, variant.colour) == ("scarf", "scarf", None, None)
    assert not report.skipped
    bare, _ = read(table({**scarf, "Option1 Name": "", "Option1 Value": ""}, columns=OLD), currency="USD")
    assert of(r.Variant, bare)[0].option_key == "scarf"


def test_a_sku_that_names_nobody_is_replaced() -> None:
    rows = [
        item(Variant_SKU="X"),
        kind(Variant_SKU="X"),
        kind(Option1_Value="L", Variant_SKU=""),
        kind(Option1_Value="XL", Variant_SKU="Y"),
    ]
    facts, _ = read(table(*rows, columns=OLD), currency="USD")
    assert [one.sku for one in of(r.Variant, facts)] == ["fern/S/Moss", "fern/M/Moss", "fern/L/Moss", "Y"]
    again, _ = read(table(*reversed(rows), columns=OLD), currency="USD")
    assert {one.sku for one in of(r.Variant, again)} == {one.sku for one in of(r.Variant, facts)}


@pytest.mark.parametrize(
    ("cells", "listed"),
    [({}, True), ({"Status": "Draft"}, False), ({"Status": "archived"}, False), ({"Published": "FALSE"}, False),
     ({"Status": "unlisted"}, False), ({"Published": ""}, False)],
)  # fmt: skip
def test_what_is_listed(cells: dict[str, str], listed: bool) -> None:
    facts, _ = read(table(item(**cells), columns=OLD), currency="USD")
    assert bool(of(r.Listing, facts)) is listed


def test_the_currency_must_be_said() -> None:
    with pytest.raises(IntakeError, match="--currency"):
        read(table(item(), columns=OLD))
    facts, _ = read(table(item(Variant_Price="8900"), columns=OLD), currency="JPY")
    assert of(r.Variant, facts)[0].price_minor == 8900


@pytest.mark.parametrize(
    ("cells", "reason"),
    [({"Handle": ""}, "missing_key"), ({"Handle": "7.8E+12"}, "bad_id"), ({"Variant_SKU": "7.8E+12"}, "bad_id"),
     ({"Variant_Price": "cheap"}, "bad_money"), ({"Variant_Inventory_Qty": "1.5"}, "bad_quantity")],
)  # fmt: skip
def test_a_bad_row_costs_itself(cells: dict[str, str], reason: str) -> None:
    facts, report = read(
        table(item(), kind(**cells), kind(Option1_Value="L", Variant_SKU="FER-L"), columns=OLD), currency="USD"
    )
    assert [one.size for one in of(r.Variant, facts)] == ["S", "L"]
    assert report.skipped == {reason: 1}
    assert report.lines[0].line == 3


def test_variants_without_their_first_row_are_nothing() -> None:
    facts, report = read(table(kind(), columns=OLD), currency="USD")
    assert facts == []
    assert report.skipped == {"orphan_line": 1}


def test_twice_in_a_file() -> None:
    facts, report = read(table(item(), kind(), kind(), kind(Variant_Price="1.00"), columns=OLD), currency="USD")
    assert [one.price_minor for one in of(r.Variant, facts)] == [8900, 100]
    assert report.warnings == {"duplicate": 1, "superseded": 1}


def test_oversold_stock_and_a_price_nobody_said() -> None:
    facts, _ = read(table(item(Variant_Inventory_Qty="-2", Variant_Price=""), columns=OLD), currency="USD")
    assert of(r.Stock, facts)[0].quantity == -2
    assert of(r.Variant, facts)[0].price_minor is None


@pytest.mark.parametrize(
    ("name", "size", "colour"),
    [("Size", "v", None), ("SIZE ", "v", None), ("Größe", "v", None), ("Taille", "v", None), ("Talla", "v", None), ("Shoe size (EU)", "v", None),
     ("サイズ", "v", None), ("Maat", "v", None), ("Color", None, "v"), ("colour", None, "v"), ("Farbe", None, "v"), ("Couleur", None, "v"),
     ("Material", None, None), ("Title", None, None), ("Oversized fit", None, None)],
)  # fmt: skip
def test_option_names(name: str, size: str | None, colour: str | None) -> None:
    assert size_and_colour((name, "", ""), ("v", "", "")) == (size, colour)


def test_two_sizes_read_together() -> None:
    assert size_and_colour(("Waist size", "Leg size", "Color"), ("32", "34", "Ink")) == ("32/34", "Ink")


@pytest.mark.parametrize(
    ("text", "category"),
    [("Apparel & Accessories > Clothing > Shirts & Tops", "tops"), ("Apparel & Accessories > Clothing > Pants", "bottoms"),
     ("Apparel & Accessories > Clothing Accessories > Scarves & Shawls", "scarves"), ("Dress Shirts", "tops"), ("Shirt Dress", "dresses"),
     ("Coats & Jackets", "outerwear"), ("Winterjacken", "outerwear"), ("Handschuhe", "gloves"), ("Damenschuhe", "shoes"), ("T-Shirts", "tops"),
     ("Beanies", "hats"), ("Tops & Dresses", None), ("Apparel & Accessories", None), ("Outdoor", None), ("Pot", None), ("Gift Card", None),
     ("", None), ("Dog Coats", None), ("Shower Caps", None), ("Frock", None), ("Pantalons", "bottoms"), ("Bracelet", "jewellery")],
)  # fmt: skip
def test_categories(text: str, category: str | None) -> None:
    assert category_of(text) == category


@pytest.mark.parametrize(
    ("size", "system"),
    [("S", "alpha"), ("xxl", "alpha"), ("2XL", "alpha"), ("Small", "alpha"), ("Extra Large", "alpha"), ("X-Small", "alpha"), ("S/M", "alpha"),
     ("One Size", "one_size"), ("8", "numeric"), ("00", "numeric"), ("7.5", "numeric"), ("7,5", "numeric"), ("23", "numeric"),
     ("24", "numeric_24_up"), ("38", "numeric_24_up"), ("134", "numeric_24_up"), ("1234", None), ("8.25", None), ("-8", None), ("٨", None), ("32/34", None), ("Regular", None), ("", None), ("Lagoon", None)],
)  # fmt: skip
def test_size_systems(size: str, system: str | None) -> None:
    assert size_system_of(size, "tops") == system
    assert size_system_of(size, None) is None


def test_one_system_for_a_product() -> None:
    assert common_system(["S", "M"], "tops") == "alpha"
    assert common_system(["S", "8"], "tops") is None
    assert common_system(["S", "One Size"], "tops") is None
    assert common_system(["8", "32/34"], "tops") is None
    assert common_system(["28", "30"], "bottoms") == "numeric_24_up"
    assert common_system(["22", "28", "18"], "tops") == "numeric"  # a long range is one way to count
    assert common_system(["8", "28", "M"], "tops") is None
    assert common_system(["8", "10"], None) is None
    assert common_system([], "tops") is None


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this checkout")
def test_the_samples() -> None:
    old, _ = read(SAMPLES / "products_export.csv", currency="USD")
    assert {one.external_id: one.category for one in of(r.Product, old)} == {
        "fern-sweater": "tops", "harbour-jeans": "bottoms", "wool-scarf": "scarves", "gift-card": None,
    }  # fmt: skip
    assert [(one.sku, one.size, one.price_minor) for one in of(r.Variant, old)] == [
        ("FER-MOS-06", "6", 8900), ("FER-MOS-08", "8", 8900), ("FER-MOS-10", "10", 8900), ("HAR-IND-28", "28", 7450),
        ("HAR-IND-30", "30", 7450), ("SCF-GRY", None, 3200), ("gift-card/$50.00", None, 5000),
    ]  # fmt: skip
    assert len(of(r.Listing, old)) == 4
    assert of(r.Stock, old) == []
    new, report = read(SAMPLES / "product_template.csv", currency="USD")
    assert [(one.sku, one.option_key) for one in of(r.Variant, new)] == [
        (one.sku, one.option_key) for one in of(r.Variant, old)
    ][:-1]
    assert [one.quantity for one in of(r.Stock, new)] == [12] * 6
    assert not report.skipped
    assert len(report.notes) == 2


@pytest.mark.skipif(not CATALOGUES.is_dir(), reason="the catalogues are not beside this checkout")
@pytest.mark.parametrize(
    ("file", "variants", "stock", "sizes", "colours"),
    [("apparel", 22, 22, ["Small", "Medium", "Large"], []), ("jewelery", 23, 20, [], ["Blue", "Black", "Gold", "Silver", "Blue", "Purple"]),
     ("home-and-garden", 21, 65, ["Regular", "Large"], [])],
)  # fmt: skip
def test_real_catalogues(file: str, variants: int, stock: int, sizes: list[str], colours: list[str]) -> None:
    facts, report = read(CATALOGUES / f"shopify_{file}.csv", currency="USD")
    found = of(r.Variant, facts)
    assert (len(of(r.Product, facts)), len(found), len({one.sku for one in found})) == (20, variants, variants)
    assert [one.size for one in found if one.size] == sizes
    assert [one.colour for one in found if one.colour] == colours
    assert len(of(r.Stock, facts)) == variants
    assert sum(one.quantity for one in of(r.Stock, facts)) == stock
    assert len(of(r.Listing, facts)) == 20
    assert not report.skipped
    assert not report.warnings
