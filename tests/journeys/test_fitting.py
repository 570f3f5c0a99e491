"""What else would fit her: each rule by itself, a crowd against plain loops, and Sarah through the door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text

from segue.clock import VirtualClock
from segue.intake import import_table, load_mapping
from segue.journeys.fitting import fitting, in_stock
from segue.journeys.size_rules import KNOWN
from segue.store.engine import read, write
from segue.store.tables import (
    listing,
    location,
    order,
    order_line,
    product,
    profile,
    profile_size,
    stock_event,
    variant,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Shop:
    """Things are sold on the web unless a test says otherwise, and are there unless it counts them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.products = 0
        self.variants = 0
        self.insert(location, {"id": 1, "external_id": "w", "kind": "warehouse", "name": "W"})
        self.insert(location, {"id": 2, "external_id": "s", "kind": "store", "name": "S"})
        self.insert(profile, *({"id": number, "created_at": NOW} for number in (1, 2)))

    def insert(self, table: Any, *rows: dict[str, Any]) -> None:
        with write(self.engine) as connection:
            connection.execute(insert(table), list(rows))

    def sell(
        self,
        category: str | None,
        *sizes: str | None,
        system: str | None = "us_women",
        price: int = 100,
        on: tuple[str, ...] = ("web",),
        since: datetime = NOW - 10 * DAY,
        until: datetime | None = None,
    ) -> int:
        """Add a product with one variant a size; return its id. SKUs are `<product>-<size>`."""
        self.products += 1
        row = {"id": self.products, "external_id": f"p{self.products}", "title": f"Thing {self.products}"}
        self.insert(product, {**row, "category": category, "size_system": system, "recorded_at": NOW})
        for size in sizes:
            self.variants += 1
            sku = (
                f"{self.products}-{size}"
                if self.stocked(f"{self.products}-{size}") is None
                else f"again-{self.variants}"
            )
            named = {"id": self.variants, "product_id": self.products, "sku": sku, "size": size}
            self.insert(variant, {**named, "price_minor": price, "currency": "USD"})
        for channel in on:
            times = {"listed_from": since, "listed_until": until}
            self.insert(listing, {"product_id": self.products, "sales_channel": channel, **times})
        return self.products

    def stocked(self, sku: str) -> int | None:
        with read(self.engine) as connection:
            return connection.scalar(text("SELECT id FROM variant WHERE sku = :sku"), {"sku": sku})

    def count(self, sku: str, quantity: int, *, at: datetime = NOW - DAY, place: int = 1) -> None:
        row = {"variant_id": self.stocked(sku), "location_id": place, "quantity": quantity, "occurred_at": at}
        self.insert(stock_event, {**row, "recorded_at": NOW})

    def wears(
        self, category: str, size: str, confidence: float = 0.6, *, person: int = 1, system: str = "us_women"
    ) -> None:
        row = {"profile_id": person, "category": category, "system": system, "size": size}
        self.insert(profile_size, {**row, "evidence": 1.0, "confidence": confidence})

    def buys(
        self, sku: str, *, person: int = 1, at: datetime = NOW - DAY, gift: bool = False, off: bool = False
    ) -> None:
        with read(self.engine) as connection:
            number = (connection.scalar(text('SELECT max(id) FROM "order"')) or 0) + 1
        head = {"id": number, "external_id": f"o{number}", "profile_id": person, "sales_channel": "facebook_shop"}
        money = {"currency": "USD", "total_minor": 1, "gift": gift, "cancelled_at": NOW if off else None}
        self.insert(order, {**head, **money, "occurred_at": at, "recorded_at": NOW})
        line = {"order_id": number, "position": 1, "variant_id": self.stocked(sku), "quantity": 1}
        self.insert(order_line, {**line, "unit_price_minor": 1})

    def shows(
        self, channel: str | None = "facebook_shop", *, now: datetime = NOW, limit: int = 4
    ) -> list[tuple[str, str | None]]:
        """What is shown to the first person: SKU and size."""
        with read(self.engine) as connection:
            return [(item.sku, item.size) for item in fitting(connection, [(1, channel)], now, limit=limit)[1]]


@pytest.fixture
def shop(engine: Engine) -> Shop:
    return Shop(engine)


def test_only_what_her_channel_does_not_list_and_another_one_does(shop: Shop) -> None:
    shop.sell("hats", None, on=("web",))
    shop.sell("hats", None, on=("web", "facebook_shop"))
    shop.sell("hats", None, on=("facebook_shop",))
    shop.sell("hats", None, on=())
    assert shop.shows() == [("1-None", None)]
    assert shop.shows("web") == [("3-None", None)]
    assert {sku for sku, _ in shop.shows(None)} == {"1-None", "2-None", "3-None"}


def test_a_listing_counts_from_its_first_instant_to_before_its_last(shop: Shop) -> None:
    shop.sell("hats", None, since=NOW, until=NOW + DAY)
    assert [len(shop.shows(now=NOW + off)) for off in (-timedelta(seconds=1), 0 * DAY, DAY)] == [0, 1, 0]


def test_what_her_channel_stopped_listing_may_be_shown(shop: Shop) -> None:
    shop.sell("hats", None)
    row = {"product_id": 1, "sales_channel": "facebook_shop", "listed_from": NOW - 9 * DAY}
    shop.insert(listing, {**row, "listed_until": NOW - DAY})
    assert (shop.shows(), shop.shows(now=NOW - 2 * DAY)) == ([("1-None", None)], [])


def test_her_size_in_that_category_and_system_and_no_other(shop: Shop) -> None:
    shop.wears("tops", "8")
    shop.sell("tops", "6", "8", "10")
    shop.sell("tops", "6", "10")  # does not come in hers
    shop.sell("tops", "8", system="uk_women")  # another 8: nothing known, nothing filtered
    shop.sell("bottoms", "6", "8")
    assert sorted(shop.shows(), key=str) == [("1-8", "8"), ("3-8", None), ("4-6", None)]


def test_below_the_threshold_nothing_is_filtered(shop: Shop) -> None:
    shop.sell("tops", "6", "8")
    shop.wears("tops", "8", KNOWN - 0.001)
    assert shop.shows() == [("1-6", None)]
    shop.wears("tops", "6", KNOWN, person=2)
    with read(shop.engine) as connection:
        assert [item.size for item in fitting(connection, [(2, "facebook_shop")], NOW)[2]] == ["6"]


def test_of_two_sizes_the_surer_one_is_hers(shop: Shop) -> None:
    shop.sell("tops", "6", "8")
    shop.wears("tops", "8", 0.45)
    shop.wears("tops", "6", 0.41)
    assert shop.shows() == [("1-8", "8")]


def test_one_size_and_no_size_fit_whatever_else_she_wears(shop: Shop) -> None:
    shop.wears("hats", "M", system="alpha")
    shop.wears("hats", "Other", system="one_size")
    shop.sell("hats", "One size", system="one_size")
    shop.sell("hats", None, system="alpha")
    shop.sell("hats", "S", system="alpha")
    assert sorted(shop.shows()) == [("1-One size", None), ("2-None", None)]


def test_only_what_is_there_now_over_all_places(shop: Shop) -> None:
    """Her size is sold out: then not at all. Without a size known, any that is there will do. Uncounted is there."""
    shop.wears("tops", "8")
    shop.sell("tops", "6", "8")
    shop.sell("bottoms", "6", "8")
    shop.count("1-8", 5, at=NOW - 3 * DAY)
    shop.count("1-8", 0)
    shop.count("2-6", 0)
    assert shop.shows() == [("2-8", None)]
    assert ("1-8", "8") in shop.shows(now=NOW - 2 * DAY)
    shop.count("1-8", 2, place=2)
    assert ("1-8", "8") in shop.shows()
    shop.count("1-8", -2, at=NOW, place=1)
    assert ("1-8", "8") not in shop.shows()


def test_nothing_she_ever_bought_unless_it_was_called_off(shop: Shop) -> None:
    shop.wears("tops", "8")
    for _ in range(3):
        shop.sell("tops", "6", "8")
    shop.buys("1-6", gift=True)  # another size of it is the same product
    shop.buys("2-8", off=True)
    shop.buys("3-8", person=2)
    assert sorted(shop.shows()) == [("2-8", "8"), ("3-8", "8")]
    # It is called off at noon; a minute earlier she still has it.
    assert shop.shows(now=NOW - timedelta(minutes=1)) == [("3-8", "8")]


def test_what_goes_with_it_comes_first_and_each_category_gets_a_turn(shop: Shop) -> None:
    shop.wears("tops", "8", 0.9)
    shop.wears("bottoms", "8", 0.5)
    own = shop.sell("tops", "8", since=NOW - DAY)
    shop.sell("tops", "8", on=("facebook_shop",))
    shop.buys("2-8")
    beanie, scarf = (shop.sell("hats", "One size", system="one_size", since=NOW - day * DAY) for day in (2, 3))
    leggings = shop.sell("bottoms", "8", since=NOW - 9 * DAY)
    coat = shop.sell("coats", "8")
    chosen = [int(sku.split("-")[0]) for sku, _ in shop.shows(limit=9)]
    assert chosen == [beanie, leggings, coat, scarf, own]
    assert [int(sku.split("-")[0]) for sku, _ in shop.shows(limit=2)] == [beanie, leggings]


def test_a_gift_does_not_tell_what_goes_with_her_things(shop: Shop) -> None:
    hat = shop.sell("hats", None, since=NOW - DAY)
    shop.sell("hats", None, on=("facebook_shop",))
    scarf = shop.sell("scarves", None)
    shop.buys("2-None", gift=True)
    assert [sku for sku, _ in shop.shows()] == [f"{hat}-None", f"{scarf}-None"]


def test_among_equals_the_newest_then_the_cheapest_then_the_first(shop: Shop) -> None:
    shop.sell("hats", None)
    shop.sell("hats", None, price=90)
    shop.sell("hats", None, since=NOW - DAY, price=900)
    shop.sell("hats", None)
    assert [sku for sku, _ in shop.shows()] == ["3-None", "2-None", "1-None", "4-None"]


def test_one_variant_a_product_the_cheapest_and_none_without_a_price(shop: Shop) -> None:
    shop.wears("tops", "8")
    shop.sell("tops", "8", "8", "8")
    for price, sku in ((500, "1-8"), (300, "again-2"), (0, "again-3")):
        with write(shop.engine) as connection:
            connection.execute(text("UPDATE variant SET price_minor = :p WHERE sku = :s"), {"p": price, "s": sku})
    assert shop.shows() == [("again-2", "8")]


def test_a_product_with_and_without_sizes_is_shown_once_for_everybody(shop: Shop) -> None:
    shop.wears("tops", "8")
    shop.sell("tops", "8", None)
    assert shop.shows() == [("1-None", None)]


def test_a_product_of_no_category_is_not_filtered(shop: Shop) -> None:
    shop.sell(None, "8", system=None)
    shop.sell("tops", "8", system=None)
    assert sorted(shop.shows(), key=str) == [("1-8", None), ("2-8", None)]


def test_nobody_and_nothing(shop: Shop) -> None:
    with read(shop.engine) as connection:
        assert fitting(connection, [], NOW) == {}
        assert fitting(connection, [(1, "web"), (2, None)], NOW) == {1: [], 2: []}
        shop.sell("hats", None)
        assert fitting(connection, [(1, "x")], NOW, limit=0) == {1: []}


def test_in_stock_is_the_last_count_over_all_places_and_no_count_is_not_zero(shop: Shop) -> None:
    shop.sell("tops", "6", "8", "10")
    shop.count("1-6", 0)
    shop.count("1-8", 0)
    shop.count("1-8", 1, place=2)
    with read(shop.engine) as connection:
        assert in_stock(connection, [1, 2, 3], NOW) == {2, 3}
        assert in_stock(connection, [1], NOW - 2 * DAY) == {1}
        assert in_stock(connection, [], NOW) == set()


@pytest.mark.parametrize(
    ("opens", "closes", "is_there"),
    [(-90, -60, False), (-30, 0, False), (1, 30, False), (0, 30, True), (None, None, True)],
    ids=["closed long ago", "closes now", "opens tomorrow", "opens now", "no window"],
)
def test_the_last_count_of_a_place_that_is_shut_is_no_stock(
    shop: Shop, opens: int | None, closes: int | None, is_there: bool
) -> None:
    """Whether or not any other place has counted it."""
    window = {"opens_at": opens, "closes_at": closes}
    at = {name: None if days is None else NOW + days * DAY for name, days in window.items()}
    shop.insert(location, {"id": 7, "external_id": "pop", "kind": "popup", "name": "Pop", **at})
    shop.sell("tops", "6", "8")
    shop.count("1-6", 0)
    for sku in ("1-6", "1-8"):
        shop.count(sku, 3, place=7, at=NOW - 61 * DAY)
    with read(shop.engine) as connection:
        assert in_stock(connection, [1, 2], NOW) == ({1, 2} if is_there else set())


PRODUCTS = """
name = "products"
currency = "USD"
[[record]]
kind = "variant"
[record.fields]
sku = "SKU"
product = "Product"
title = "Product"
category = "Category"
size = "Size"
size_system = "System"
price = "Price"
[[record]]
kind = "listing"
when = { Web = ["yes"] }
[record.fields]
product = "Product"
sales_channel = { constant = "web" }
listed_from = { constant = "2026-01-01T00:00:00Z" }
[[record]]
kind = "listing"
when = { Facebook = ["yes"] }
[record.fields]
product = "Product"
sales_channel = { constant = "facebook_shop" }
listed_from = { constant = "2026-01-01T00:00:00Z" }
"""
ORDERS = """
name = "orders"
currency = "USD"
[[record]]
kind = "order_line"
[record.fields]
order = "Order"
email = "Email"
sales_channel = "Channel"
occurred_at = "At"
sku = "SKU"
product = "Product"
quantity = "Quantity"
unit_price = "Price"
"""
CATALOGUE = """SKU,Product,Category,Size,System,Price,Web,Facebook
SW-6,Harbour sweater,tops,6,us_women,128.00,yes,yes
SW-8,Harbour sweater,tops,8,us_women,128.00,yes,yes
RN-6,Roll-neck,tops,6,us_women,138.00,yes,
RN-8,Roll-neck,tops,8,us_women,138.00,yes,
CB-6,Cable sweater,tops,6,us_women,148.00,yes,
CB-8,Cable sweater,tops,8,us_women,148.00,yes,
LG-8,Tide leggings,bottoms,8,us_women,74.00,yes,
BN-1,Beanie,hats,One size,one_size,32.00,yes,
GL-S,Gloves,gloves,S,alpha,58.00,,yes
"""


def test_sarah_is_shown_what_the_facebook_shop_lacks_and_she_can_wear(engine: Engine, tmp_path: Path) -> None:
    """Her sweater came before the catalogue told its size. The cable sweater is sold out in 8; gloves are listed."""

    def load(content: str, mapping: str) -> None:
        file, page = tmp_path / f"{mapping.split()[2][1:-1]}.csv", tmp_path / "mapping.toml"
        file.write_text(content)
        page.write_text(mapping)
        import_table(engine, file, load_mapping(page), clock=VirtualClock(NOW), hash_address=lambda address: address)

    head = "Order,Email,Channel,At,SKU,Product,Quantity,Price\n"
    load(head + "1001,sarah@example.com,facebook_shop,2026-04-20T10:00:00Z,SW-8,Harbour sweater,1,128.00\n", ORDERS)
    with read(engine) as connection:
        assert connection.execute(text("SELECT * FROM profile_size")).all() == []
    load(CATALOGUE, PRODUCTS)
    with write(engine) as connection:
        sarah = connection.execute(text("SELECT profile_id, category, system, size FROM profile_size")).one()
        assert sarah[1:] == ("tops", "us_women", "8")
        connection.execute(insert(location).values(id=1, external_id="w", kind="warehouse", name="W"))
        for sku, quantity in (("CB-6", 4), ("CB-8", 0), ("RN-8", 3), ("LG-8", 1), ("BN-1", 9), ("GL-S", 9)):
            of = connection.scalar(text("SELECT id FROM variant WHERE sku = :sku"), {"sku": sku})
            row = {"variant_id": of, "location_id": 1, "quantity": quantity, "occurred_at": NOW - DAY}
            connection.execute(insert(stock_event).values(**row, recorded_at=NOW))
        shown = fitting(connection, [(sarah.profile_id, "facebook_shop")], NOW)[sarah.profile_id]
    assert [(item.sku, item.size) for item in shown] == [("BN-1", None), ("LG-8", None), ("RN-8", "8")]
    assert (shown[2].title, shown[2].price_minor, shown[2].currency) == ("Roll-neck", 13_800, "USD")
