"""Sarah, June and Clara do the same in every shop."""

import csv
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from segue.sample import write_shop
from segue.sample.later import june_buys, sarah_buys

SARAH, JUNE, CLARA = "C-0001", "C-0002", "C-0003"
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module", params=[8, 3, 77])
def any_shop(request, shop, tmp_path_factory):
    """The story, in shops of several seeds and sizes."""
    if request.param == 8:
        return shop
    return type(shop)(write_shop(tmp_path_factory.mktemp("other"), seed=request.param, customers=300))


def bought(shop, customer_id):
    """(local date, channel, [(sku, size)]) of every order of a person."""
    sizes = {row["sku"]: row["size"] for row in shop.rows("products")}
    lines = shop.rows("order_lines")
    return [
        (
            datetime.fromisoformat(order["occurred_at"]).astimezone(NEW_YORK).date().isoformat(),
            order["sales_channel"],
            [(line["sku"], sizes[line["sku"]]) for line in lines if line["order_id"] == order["order_id"]],
        )
        for order in shop.rows("orders")
        if order["customer_id"] == customer_id
    ]


def read_rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def clicks(shop, customer_id):
    return [
        (call["timestamp"], call.get("event", call["type"]), call.get("properties", {}).get("sku"))
        for call in shop.calls()
        if call["userId"] == customer_id
    ]


def test_sarah_buys_a_sweater_in_size_8_and_later_leggings_and_a_beanie_with_a_code_that_a_mail_names(
    any_shop, tmp_path
):
    """What she buys with a code stands in no file of the shop: nobody knows the code before the mail."""
    sweater = ("2026-02-20", "facebook_shop", [("HARB-OATM-08", "8")])
    assert bought(any_shop, SARAH) == bought(any_shop, CLARA) == [sweater]
    orders, lines, steps = sarah_buys(tmp_path, "ABCDE-12345")
    hers, claras = read_rows(orders)
    assert (hers["customer_id"], hers["discount_code"], hers["total"]) == (SARAH, "ABCDE-12345", "95.40")
    assert (claras["customer_id"], claras["discount_code"], claras["total"]) == (CLARA, "", "106.00")
    assert [row["sku"] for row in read_rows(lines)] == ["TIDE-INK-08", "RIPP-CORA-OS"] * 2
    assert [row["kind"] for row in read_rows(steps)] == ["packed", "shipped", "delivered"] * 2
    clicked = max(stamp for stamp, _, _ in clicks(any_shop, SARAH))
    assert datetime.fromisoformat(clicked) < datetime.fromisoformat(hers["occurred_at"]), "she clicks before she pays"


def test_sarahs_sweater_was_discounted_so_that_a_cart_code_may_be_offered(any_shop):
    first = next(order for order in any_shop.rows("orders") if order["customer_id"] == SARAH)
    assert (first["discount_code"], first["discount"], first["total"]) == ("HELLO15", "19.20", "108.80")


def test_sarah_agreed_to_email_and_sms_when_she_bought_it(any_shop):
    said = {row["channel"]: row for row in any_shop.rows("consents") if row["customer_id"] == SARAH}
    for channel in ("email", "sms"):
        assert (said[channel]["state"], said[channel]["basis"]) == ("granted", "opt_in")
        assert said[channel]["occurred_at"] == "2026-02-20T23:41:12+00:00"
        assert said[channel]["wording"]


def test_sarah_leaves_leggings_in_the_evening_and_orders_nothing_for_a_day(any_shop):
    left = any_shop.carts()["cart-000001"]
    added = [call for call in left if call["event"] == "Product Added" and call["timestamp"] < "2026-05-14"]
    assert [(call["properties"]["sku"], call["properties"]["variant"]) for call in added] == [("TIDE-INK-08", "8")]
    before = [datetime.fromisoformat(call["timestamp"]) for call in left if call["timestamp"] < "2026-05-14"]
    assert before[-1].astimezone(NEW_YORK).strftime("%Y-%m-%d %H") == "2026-05-12 18"
    orders = [datetime.fromisoformat(o["occurred_at"]) for o in any_shop.rows("orders") if o["customer_id"] == SARAH]
    assert not [o for o in orders if before[0] <= o < before[-1] + timedelta(hours=26)]
    assert {c for c, calls in any_shop.carts().items() if calls[0]["userId"] == SARAH} == {"cart-000001"}


def test_her_leggings_stay_in_stock_until_she_buys_them(any_shop):
    levels: dict[str, int] = {}
    for row in any_shop.rows("stock"):
        if row["sku"] == "TIDE-INK-08" and row["occurred_at"] < "2026-05-14T16:31":
            levels[row["location_id"]] = int(row["quantity"])
            if row["occurred_at"] > "2026-05-12T22":
                assert sum(levels.values()) > 0
    assert levels["L-NJ"] > 0


def test_clara_clicks_and_buys_as_sarah_does_and_never_agreed_to_anything(any_shop):
    assert bought(any_shop, CLARA) == bought(any_shop, SARAH)
    followed_an_ad = {"Ad Clicked", "Social Followed", "Social Mentioned"}
    assert clicks(any_shop, CLARA) == [click for click in clicks(any_shop, SARAH) if click[1] not in followed_an_ad]
    said = [(row["channel"], row["state"]) for row in any_shop.rows("consents") if row["customer_id"] == CLARA]
    assert said == [("ads", "denied")]
    assert any_shop.customer(CLARA)["phone"] != any_shop.customer(SARAH)["phone"]


def test_june_agreed_to_email_and_buys_gloves_at_the_popup(any_shop, tmp_path):
    said = [(r["channel"], r["state"]) for r in any_shop.rows("consents") if r["customer_id"] == JUNE]
    assert ("email", "granted") in said
    assert bought(any_shop, JUNE) == []
    orders, lines, steps = june_buys(tmp_path, "FRIEND-CODE")
    (order,) = read_rows(orders)
    assert (order["sales_channel"], order["location_id"], order["delivery"]) == ("popup", "L-POP-NYC", "none")
    assert (order["referral_code"], order["occurred_at"][:10]) == ("FRIEND-CODE", "2026-05-23")
    assert [row["sku"] for row in read_rows(lines)] == ["BOSU-CORA-M"]
    assert read_rows(steps) == []


def test_the_three_are_who_they_are_and_nobody_suppressed_them(any_shop):
    expected = {SARAH: "sarah@example.com", JUNE: "june@example.com", CLARA: "clara@example.com"}
    suppressed = {row["address"] for row in any_shop.rows("suppressions")}
    for customer_id, email in expected.items():
        row = any_shop.customer(customer_id)
        assert (row["email"], row["zone"], row["region"]) == (email, "America/New_York", "NY")
        assert not {row["email"], row["phone"]} & suppressed
