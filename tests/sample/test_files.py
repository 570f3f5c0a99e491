"""The files hold together, and hold nobody real."""

import re
from collections import Counter
from decimal import Decimal
from zoneinfo import ZoneInfo

FICTION = re.compile(r"\+1[2-9]\d{2}55501\d{2}|\+447700900\d{3}")
US_SIZES = {"2", "4", "6", "8", "10", "12", "14", "16"}


def test_every_address_is_at_example_com(shop):
    addresses = [row["email"] for row in shop.rows("customers")]
    addresses += [row["address"] for row in shop.rows("suppressions") if "@" in row["address"]]
    assert all(re.fullmatch(r"[a-z0-9.]+@example\.com", address) for address in addresses)
    everything = "".join(path.read_text(encoding="utf-8") for path in shop.files.in_order())
    assert set(re.findall(r"@([\w.-]+\w)", everything)) == {"example.com"}
    assert {h.rpartition("saltmere.")[2] for h in re.findall(r"https?://([^/\"]+)", everything)} == {"example.com"}


def test_every_phone_is_kept_for_fiction_and_has_one_owner(shop):
    phones = [row["phone"] for row in shop.rows("customers") if row["phone"]]
    assert len(phones) > 900
    assert all(FICTION.fullmatch(phone) for phone in phones)
    assert len(set(phones)) == len(phones)
    stops = [row["address"] for row in shop.rows("suppressions") if "@" not in row["address"]]
    assert stops
    assert set(stops) <= set(phones)


def test_every_id_leads_somewhere(shop):
    rows = {name: shop.rows(name) for name in ("products", "customers", "locations", "orders", "order_lines")}
    skus = {row["sku"] for row in rows["products"]}
    products = {row["product_id"] for row in rows["products"]}
    people = {row["customer_id"] for row in rows["customers"]}
    places = {row["location_id"] for row in rows["locations"]}
    orders = {row["order_id"] for row in rows["orders"]}
    carts = set(shop.carts())
    assert {row["product_id"] for row in shop.rows("listings")} == products
    assert {row["sku"] for row in shop.rows("stock")} == skus
    assert {row["location_id"] for row in shop.rows("stock")} == places
    assert {row["customer_id"] for row in shop.rows("consents")} <= people
    assert {row["customer_id"] for row in rows["orders"]} - {""} <= people
    assert {row["location_id"] for row in rows["orders"]} - {""} <= places
    assert {row["cart_id"] for row in rows["orders"]} - {""} <= carts
    assert {row["order_id"] for row in rows["order_lines"]} == orders
    assert {row["sku"] for row in rows["order_lines"]} <= skus
    for call in shop.calls():
        assert call["userId"] is None or call["userId"] in people
        assert call["anonymousId"]
        assert call.get("properties", {}).get("sku", "TIDE-INK-08") in skus


def test_ids_are_unique(shop):
    for name, key in (
        ("products", "sku"),
        ("customers", "customer_id"),
        ("customers", "email"),
        ("orders", "order_id"),
    ):
        assert max(Counter(row[key] for row in shop.rows(name)).values()) == 1
    for key in (("sku", "location_id", "occurred_at"),):
        assert max(Counter(tuple(row[k] for k in key) for row in shop.rows("stock")).values()) == 1


def test_orders_add_up_and_come_after_the_shop_met_their_buyer(shop):
    met = {row["customer_id"]: row["created_at"] for row in shop.rows("customers")}
    sums: Counter[str] = Counter()
    for line in shop.rows("order_lines"):
        sums[line["order_id"]] += int(line["quantity"]) * Decimal(line["unit_price"])
    for order in shop.rows("orders"):
        assert Decimal(order["total"]) + Decimal(order["discount"]) == sums[order["order_id"]]
        assert "2025-06-01" <= order["occurred_at"] < "2026-06-01"
        assert met.get(order["customer_id"], "") <= order["occurred_at"]


def test_completed_orders_in_the_clickstream_are_the_orders_in_the_table(shop):
    table = {row["order_id"]: row for row in shop.rows("orders")}
    completed = [call for call in shop.calls() if call.get("event") == "Order Completed"]
    for call in completed:
        said, row = call["properties"], table[call["properties"]["order_id"]]
        assert (said["cart_id"], call["userId"] or "") == (row["cart_id"], row["customer_id"])
        assert Decimal(str(said["total"])) == Decimal(row["total"])
        assert call["timestamp"][:19] == row["occurred_at"][:19]
    assert len(completed) == sum(1 for row in table.values() if row["cart_id"])


def test_nothing_is_sold_that_is_not_on_the_shelf(shop):
    assert min(int(row["quantity"]) for row in shop.rows("stock")) == 0


def test_the_catalogue_comes_in_the_sizes_it_says(shop):
    by_system = {row["size_system"]: set() for row in shop.rows("products")}
    for row in shop.rows("products"):
        by_system[row["size_system"]].add(row["size"])
    assert by_system == {"us_women": US_SIZES, "alpha": {"XS", "S", "M", "L", "XL"}, "one_size": {"One size"}}
    hands = {row["size"] for row in shop.rows("products") if row["category"] == "gloves"}
    assert hands == {"S", "M", "L"}
    assert len({row["title"] for row in shop.rows("products")}) == 28


def test_the_facebook_shop_lists_neither_gloves_nor_scarves_nor_coats(shop):
    category = {row["product_id"]: row["category"] for row in shop.rows("products")}
    listed = {category[row["product_id"]] for row in shop.rows("listings") if row["sales_channel"] == "facebook_shop"}
    assert listed == {"tops", "bottoms", "beanies"}


def test_a_year_of_trade_has_the_right_size(shop):
    assert len(shop.rows("customers")) == 2000
    assert 4300 <= len(shop.rows("orders")) <= 4700
    assert 300 <= len(shop.rows("products")) <= 330


def test_consents_look_like_a_shops(shop):
    said: dict[tuple[str, str], str] = {}
    for row in shop.rows("consents"):
        said[row["customer_id"], row["channel"]] = row["state"]
    yes = Counter(channel for (_, channel), state in said.items() if state != "denied")
    assert 0.58 <= yes["email"] / 2000 <= 0.66
    assert 0.15 <= yes["sms"] / 2000 <= 0.21
    withdrawn = [row for row in shop.rows("consents") if row["source"] in ("unsubscribe_link", "sms_stop")]
    assert len(withdrawn) > 50
    zones = {row["zone"] for row in shop.rows("customers")} - {""}
    assert len(zones) > 12
    assert all(ZoneInfo(zone) for zone in zones)
