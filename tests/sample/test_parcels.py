"""Parcels are packed at pick waves, once, and never before they were ordered."""

from datetime import datetime
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


def test_online_orders_travel_and_till_orders_do_not(shop):
    orders = {row["order_id"]: row for row in shop.rows("orders")}
    for row in orders.values():
        in_shop = row["sales_channel"] in ("store", "popup")
        assert (row["delivery"] == "none") == in_shop
        assert row["paid_at"] == row["occurred_at"]
    share = sum(row["delivery"] == "pickup" for row in orders.values()) / len(orders)
    assert 0.005 < share < 0.06
    moved = {row["order_id"] for row in shop.rows("fulfilments")}
    assert not moved & {name for name, row in orders.items() if row["delivery"] == "none"}


def test_parcels_are_packed_after_two_in_the_afternoon_and_only_once(shop):
    orders = {row["order_id"]: row for row in shop.rows("orders")}
    packed = [row for row in shop.rows("fulfilments") if row["kind"] == "packed"]
    assert len({row["order_id"] for row in packed}) == len(packed) > 2500
    for row in packed:
        at = datetime.fromisoformat(row["occurred_at"])
        assert row["occurred_at"] > orders[row["order_id"]]["paid_at"]
        assert 14 * 60 + 5 <= at.astimezone(NEW_YORK).hour * 60 + at.astimezone(NEW_YORK).minute <= 15 * 60 + 36
        cancelled = orders[row["order_id"]]["cancelled_at"]
        assert not cancelled or cancelled >= row["occurred_at"]


def test_sarahs_sweater_is_in_a_parcel(shop):
    (sweater,) = [
        row for row in shop.rows("orders") if row["customer_id"] == "C-0001" and row["occurred_at"] < "2026-03"
    ]
    kinds = [row["kind"] for row in shop.rows("fulfilments") if row["order_id"] == sweater["order_id"]]
    assert (sweater["delivery"], kinds) == ("ship", ["packed", "shipped", "delivered"])
