"""WooCommerce: products in five languages, parents, lists, prices and stock; the orders report and its refunds."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segue.intake import IntakeError
from segue.intake import records as r

from .shopify_files import NOW, SAMPLES, of, read, table

FOLDER = SAMPLES.parent / "woocommerce"
COLUMNS = (
    "ID", "Type", "SKU", "Name", "Published", "Visibility in catalog", "Description", "Date sale price starts",
    "Date sale price ends", "In stock?", "Stock", "Weight (kg)", "Sale price", "Regular price", "Categories", "Images", "Parent",
    "External URL", "Attribute 1 name", "Attribute 1 value(s)", "Attribute 2 name", "Attribute 2 value(s)",
)  # fmt: skip
GERMAN = (
    "ID", "Typ", "Artikelnummer", "Name", "Veröffentlicht", "Sichtbarkeit im Katalog", "Beschreibung",
    "Datum, an dem Angebotspreis beginnt", "Datum, an dem Angebotspreis endet", "Vorrätig?", "Lager", "Gewicht (kg)", "Angebotspreis",
    "Regulärer Preis", "Kategorien", "Bilder", "Übergeordnetes Produkt", "Externe URL", "Attribut 1 Name", "Attribut 1 Wert(e)",
    "Attribut 2 Name", "Attribut 2 Wert(e)",
)  # fmt: skip
FRENCH = (
    "ID", "Type", "UGS", "Nom", "Publié", "Visibilité dans le catalogue", "Description", "Date de début de promo",
    "Date de fin de promo", "En stock\u00a0?", "Stock", "Poids (kg)", "Tarif promo", "Tarif régulier", "Catégories", "Images", "Parent",
    "URL externe", "Nom de l\u2019attribut 1", "Valeur(s) de l\u2019attribut 1 ", "Nom de l'attribut 2", "Valeur(s) de l'attribut 2",
)  # fmt: skip
SPANISH = (
    "ID", "Tipo", "SKU", "Nombre", "Publicado", "Visibilidad en el catálogo", "Descripción",
    "Día en que empieza el precio rebajado", "Día en que termina el precio rebajado", "¿Existencias?", "Inventario", "Peso (kg)",
    "Precio rebajado", "Precio normal", "Categorías", "Imágenes", "Superior", "URL externa", "Nombre del atributo 1",
    "Valor(es) del atributo 1", "Nombre del atributo 2", "Valor(es) del atributo 2",
)  # fmt: skip
DUTCH = (
    "ID", "Type", "Artikelnummer", "Naam", "Gepubliceerd", "Zichtbaarheid in catalogus", "Beschrijving", "Startdatum actieprijs",
    "Einddatum actieprijs", "Op voorraad?", "Voorraad", "Gewicht (kg)", "Actieprijs", "Reguliere prijs", "Categorieën", "Afbeeldingen",
    "Hoofd", "Externe URL", "Naam eigenschap 1", "Waarde eigenschap 1", "Naam eigenschap 2", "Waarde eigenschap 2",
)  # fmt: skip


def parent(**cells: str) -> dict[str, str]:
    given = {
        "ID": "44", "Type": "variable", "SKU": "FERN", "Name": "Fern Sweater", "Published": "1",
        "Visibility in catalog": "visible", "Description": r"Made to last.\nWash cold.", "In stock?": "1",
        "Categories": "Clothing > Knitwear, Autumn", "Images": "https://cdn.example.com/a.jpg, https://cdn.example.com/b.jpg",
        "Attribute 1 name": "Size", "Attribute 1 value(s)": "S, M", "Attribute 2 name": "Color", "Attribute 2 value(s)": "Moss",
    }  # fmt: skip
    return {**given, **_named(cells)}


def variation(**cells: str) -> dict[str, str]:
    given = {
        "ID": "45", "Type": "variation", "SKU": "FERN-S", "Name": "Fern Sweater - S", "Published": "1",
        "Visibility in catalog": "visible", "In stock?": "1", "Stock": "12", "Regular price": "89.00", "Parent": "FERN",
        "Attribute 1 name": "Size", "Attribute 1 value(s)": "S", "Attribute 2 name": "Color", "Attribute 2 value(s)": "Moss",
    }  # fmt: skip
    return {**given, **_named(cells)}


def simple(**cells: str) -> dict[str, str]:
    return variation(
        **{
            "ID": "46",
            "Type": "simple",
            "SKU": "SCARF",
            "Name": "Scarf",
            "Parent": "",
            "Attribute_1_value(s)": "",
            **cells,
        }
    )


def _named(cells: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", " "): text for name, text in cells.items()}


def said(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> list[r.Fact]:
    facts, report = read(table(*rows, columns=columns), currency="EUR")
    assert report.source == "woocommerce-products"
    assert not report.skipped
    return facts


@pytest.mark.parametrize("columns", [COLUMNS, GERMAN, FRENCH, SPANISH, DUTCH], ids=["en", "de", "fr", "es", "nl"])
def test_five_languages_say_the_same(columns: tuple[str, ...]) -> None:
    rows = [parent(), variation(), variation(ID="46", SKU="FERN-M", **{"Attribute_1_value(s)": "M"})]
    translated = [{columns[COLUMNS.index(name)]: text for name, text in row.items()} for row in rows]
    facts, report = read(table(*translated, columns=columns), currency="EUR")
    assert (report.source, dict(report.skipped), report.notes) == ("woocommerce-products", {}, ())
    (product,) = of(r.Product, facts)
    assert (product.external_id, product.title, product.category, product.size_system) == (
        "FERN",
        "Fern Sweater",
        "tops",
        "alpha",
    )
    assert (product.url, product.image_url) == ("/?p=44", "https://cdn.example.com/a.jpg")
    assert [(one.sku, one.product.external_id, one.size, one.colour, one.price_minor, one.currency) for one in of(r.Variant, facts)] == [
        ("FERN-S", "FERN", "S", "Moss", 8900, "EUR"), ("FERN-M", "FERN", "M", "Moss", 8900, "EUR"),
    ]  # fmt: skip
    assert [(one.sku, one.quantity, one.occurred_at) for one in of(r.Stock, facts)] == [
        ("FERN-S", 12, NOW),
        ("FERN-M", 12, NOW),
    ]
    assert [(one.product.external_id, one.sales_channel) for one in of(r.Listing, facts)] == [("FERN", "web")]


def test_a_shop_that_writes_commas() -> None:
    facts = said(
        parent(), variation(Regular_price="1.089,50", Sale_price=""), variation(ID="46", SKU="F2", Regular_price="89,5"),
        variation(ID="47", SKU="F3", Regular_price="89"), variation(ID="48", SKU="F4", Regular_price=",5"),
    )  # fmt: skip
    assert [one.price_minor for one in of(r.Variant, facts)] == [108950, 8950, 8900, 50]


def test_parents_by_sku_or_by_number_wherever_they_stand() -> None:
    facts = said(variation(SKU="", Parent="id:44"), parent(), variation(ID="46", SKU="M", Parent="FERN"))
    assert [(one.sku, one.product.external_id) for one in of(r.Variant, facts)] == [("id:45", "FERN"), ("M", "FERN")]
    bare = said(parent(SKU=""), variation(Parent="id:44"))
    assert [one.external_id for one in of(r.Product, bare)] == ["id:44"]
    assert of(r.Variant, bare)[0].product.external_id == "id:44"
    # Only variations were exported: their parent is named all the same, and waits for its own row.
    assert of(r.Variant, said(variation(Parent="id:44")))[0].product.external_id == "id:44"


def test_a_variation_of_nothing_is_left_out() -> None:
    facts, report = read(table(parent(), variation(Parent=""), columns=COLUMNS), currency="EUR")
    assert of(r.Variant, facts) == []
    assert dict(report.skipped) == {"orphan_line": 1}
    assert report.lines[0].line == 3


def test_lists_keep_their_own_commas() -> None:
    facts = said(
        simple(
            **{
                "Attribute_1_value(s)": r"One\, size",
                "Attribute_2_value(s)": "Red, Blue",
                "Images": r"https://cdn.example.com/a\,b.jpg",
            }
        )
    )
    assert [(one.size, one.colour) for one in of(r.Variant, facts)] == [("One, size", None)]
    assert of(r.Product, facts)[0].image_url == "https://cdn.example.com/a,b.jpg"


@pytest.mark.parametrize(
    ("categories", "category"),
    [("Clothing > Knitwear", "tops"), ("Sale, Clothing > Knitwear, New", "tops"), ("Knitwear, Trousers", None), ("Sale", None), ("", None),
     ("Shirts &amp; Tops", "tops"), ("Kleidung > Winterjacken", "outerwear")],
)  # fmt: skip
def test_categories(categories: str, category: str | None) -> None:
    assert of(r.Product, said(simple(Categories=categories)))[0].category == category


@pytest.mark.parametrize(
    ("cells", "listed"),
    [({}, True), ({"Published": "0"}, False), ({"Published": "-1"}, False), ({"Published": "2"}, False),
     ({"Visibility_in_catalog": "hidden"}, False), ({"Visibility_in_catalog": "search"}, True)],
)  # fmt: skip
def test_what_is_listed(cells: dict[str, str], listed: bool) -> None:
    assert bool(of(r.Listing, said(simple(**cells)))) is listed


@pytest.mark.parametrize(
    ("cells", "of_parent", "quantity"),
    [({"Stock": "12"}, {}, 12), ({"Stock": "-1", "In_stock?": "backorder"}, {}, -1), ({"Stock": "", "In_stock?": "1"}, {}, 1),
     ({"Stock": "", "In_stock?": "0"}, {}, 0), ({"Stock": "", "In_stock?": "backorder"}, {}, 0), ({"Stock": "parent"}, {"Stock": "7"}, 7),
     ({"Stock": "parent", "In_stock?": "0"}, {"Stock": ""}, 0), ({"Stock": "12", "Published": "0"}, {}, 0)],
)  # fmt: skip
def test_stock(cells: dict[str, str], of_parent: dict[str, str], quantity: int) -> None:
    assert [one.quantity for one in of(r.Stock, said(parent(**of_parent), variation(**cells)))] == [quantity]


@pytest.mark.parametrize(
    ("cells", "price"),
    [({}, 8900), ({"Sale_price": "59.00"}, 5900), ({"Sale_price": "59.00", "Date_sale_price_ends": "2026-04-30 00:00:00"}, 8900),
     ({"Sale_price": "59.00", "Date_sale_price_starts": "2027-04-30 00:00:00"}, 8900), ({"Regular_price": ""}, None)],
)  # fmt: skip
def test_the_price_she_would_pay(cells: dict[str, str], price: int | None) -> None:
    assert of(r.Variant, said(parent(), variation(**cells)))[0].price_minor == price


def test_kinds_of_products() -> None:
    facts = said(
        parent(Type="grouped"), simple(Type="simple, downloadable, virtual"),
        simple(ID="50", SKU="EXT", Type="external", External_URL="https://shop.example.com/x"),
    )  # fmt: skip
    assert [one.sku for one in of(r.Variant, facts)] == ["SCARF", "EXT"]
    assert [one.url for one in of(r.Product, facts)] == ["/?p=44", "/?p=46", "https://shop.example.com/x"]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [({"ID": "", "SKU": ""}, "missing_key"), ({"SKU": "7.8E+12"}, "bad_id"), ({"Regular_price": "cheap"}, "bad_money"), ({"Stock": "1.5"}, "bad_quantity")],
)  # fmt: skip
def test_a_bad_row_costs_itself(cells: dict[str, str], reason: str) -> None:
    facts, report = read(table(parent(), variation(**cells), variation(SKU="FERN-M"), columns=COLUMNS), currency="EUR")
    assert [one.sku for one in of(r.Variant, facts)] == ["FERN-M"]
    assert (dict(report.skipped), report.lines[0].line) == ({reason: 1}, 3)


def test_twice_in_a_file() -> None:
    facts, report = read(
        table(parent(), variation(), variation(), variation(Stock="3"), columns=COLUMNS), currency="EUR"
    )
    assert [one.quantity for one in of(r.Stock, facts)] == [3]
    assert dict(report.warnings) == {"duplicate": 1, "superseded": 1}


def test_the_currency_must_be_said() -> None:
    with pytest.raises(IntakeError, match="--currency"):
        read(table(parent(), columns=COLUMNS))


def test_again_is_once_in_the_store(export_of, census, rows) -> None:
    content = table(parent(), variation(), simple(), columns=COLUMNS)
    assert dict(export_of(content, currency="EUR").taken) == {
        "listing": 2,
        "location": 1,
        "product": 2,
        "stock": 2,
        "variant": 2,
    }
    before = census()
    assert dict(export_of(content, currency="EUR").taken) == {}
    assert census() == before
    assert rows("SELECT v.sku, p.external_id, p.category, v.size FROM variant v JOIN product p ON p.id = v.product_id ORDER BY 1") == [
        ("FERN-S", "FERN", "tops", "S"), ("SCARF", "SCARF", None, None),
    ]  # fmt: skip


REPORT = (
    "Date",
    "Order #",
    "N. Revenue (formatted)",
    "Status",
    "Customer",
    "Customer type",
    "Product(s)",
    "Items sold",
    "Coupon(s)",
    "Net Sales",
    "Attribution",
)


def sale(**cells: str) -> dict[str, str]:
    given = {"Date": "2026-04-02 13:00:00", "Order #": "2041", "Status": "completed", "Customer": "Sarah Doe", "Customer type": "new",
             "Product(s)": "1\u00d7 Fern Sweater - 8, 1\u00d7 Wool Scarf", "Items sold": "2", "Coupon(s)": "welcome10", "Net Sales": "121"}  # fmt: skip
    return {**given, **_named(cells)}


def report_of(*rows: dict[str, str]):
    return read(table(*rows, columns=REPORT), currency="USD", time_zone="America/New_York")


def test_an_order_of_the_report() -> None:
    facts, report = report_of(sale())
    (order,) = facts
    assert isinstance(order, r.Order)
    assert (order.external_id, order.names, order.total_minor, order.currency, order.discount_code) == (
        "2041",
        (),
        12100,
        "USD",
        "welcome10",
    )
    assert order.occurred_at == order.paid_at == datetime(2026, 4, 2, 17, tzinfo=UTC)
    assert (report.source, order.delivery, order.refunded_minor) == ("woocommerce-orders-report", None, None)


def test_refunds_are_rows_of_the_same_number() -> None:
    back = {"Status": "refunded", "Items_sold": "-1", "Net_Sales": "-32"}
    facts, _ = report_of(sale(**back), sale(), sale(**back), sale(**{"Order_#": "2042"}))
    assert [(one.external_id, one.total_minor, one.refunded_minor) for one in of(r.Order, facts)] == [
        ("2041", 12100, 6400),
        ("2042", 12100, None),
    ]
    facts, report = report_of(sale(**back))
    assert (facts, dict(report.skipped)) == ([], {"orphan_line": 1})


@pytest.mark.parametrize(
    ("status", "paid", "cancelled"),
    [("completed", True, False), ("processing", True, False), ("wc-processing", True, False), ("on-hold", False, False), ("pending", False, False),
     ("failed", False, False), ("cancelled", False, True), ("refunded", True, False), ("who knows", False, False)],
)  # fmt: skip
def test_only_a_status_that_says_paid_is(status: str, paid: bool, cancelled: bool) -> None:
    facts, report = report_of(sale(Status=status))
    (order,) = of(r.Order, facts)
    assert (order.paid_at is not None, order.cancelled_at is not None) == (paid, cancelled)
    assert dict(report.warnings) == ({"unknown_state": 1} if status == "who knows" else {})


@pytest.mark.parametrize("cells", [{"Net_Sales": "much"}, {"Net_Sales": ""}, {"Date": "soon"}, {"Items_sold": "1.5"}])
def test_a_bad_row_costs_the_whole_order(cells: dict[str, str]) -> None:
    facts, report = report_of(sale(), sale(**cells), *(sale(**{"Order_#": str(number)}) for number in range(3)))
    assert [one.external_id for one in of(r.Order, facts)] == ["0", "1", "2"]
    assert report.skipped["order_rejected"] == 1


def test_whose_clock_it_is_must_be_said() -> None:
    with pytest.raises(IntakeError, match=r"ambiguous_dates.*--time-zone"):
        read(table(sale(), columns=REPORT), currency="USD")


def test_the_report_makes_nobody_and_again_is_once(export_of, census, rows) -> None:
    content = table(sale(), sale(Status="refunded", Items_sold="-1", Net_Sales="-32.00"), columns=REPORT)
    export_of(content, currency="USD", time_zone="UTC")
    before = census()
    again = export_of(content, currency="USD", time_zone="UTC")
    assert (dict(again.taken), dict(again.updated), census()) == ({}, {}, before)
    assert rows('SELECT total_minor, refunded_minor, profile_id FROM "order"') == [(12100, 3200, None)]
    assert (before["profile"], before["order_line"]) == (0, 0)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the samples are not beside this checkout")
def test_the_samples() -> None:
    facts, report = read(FOLDER / "wc-product-export.csv", currency="USD")
    assert [(one.external_id, one.title, one.category) for one in of(r.Product, facts)] == [
        ("FER-MOS", "Fern Sweater", "tops"), ("SCF-GRY", 'Wool Scarf, "Long"', "accessories"),
    ]  # fmt: skip
    assert [(one.sku, one.size, one.price_minor) for one in of(r.Variant, facts)] == [
        ("FER-MOS-08", "8", 8900),
        ("SCF-GRY", None, 3200),
    ]
    assert [(one.sku, one.quantity) for one in of(r.Stock, facts)] == [("FER-MOS-08", 12), ("SCF-GRY", -1)]
    assert (dict(report.skipped), report.notes) == ({}, ())
    facts, report = read(FOLDER / "orders-report.csv", currency="USD", time_zone="America/New_York")
    assert [(one.external_id, one.total_minor, one.refunded_minor) for one in of(r.Order, facts)] == [
        ("2041", 12100, 3200)
    ]
    assert not report.skipped
