"""The season holds everything that people do to carts."""

from collections import defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

IDLE = timedelta(minutes=45)


def at(call) -> datetime:
    return datetime.fromisoformat(call["timestamp"])


def names(calls) -> set[str]:
    return {call["event"] for call in calls}


@pytest.fixture(scope="module")
def carts(shop):
    return shop.carts()


@pytest.fixture(scope="module")
def left(carts):
    """Carts that no order came from."""
    return {cart_id: calls for cart_id, calls in carts.items() if "Order Completed" not in names(calls)}


@pytest.fixture(scope="module")
def email_state(shop):
    said = defaultdict(list)
    for row in shop.rows("consents"):
        if row["channel"] == "email":
            said[row["customer_id"]].append(row)
    return said


def owners(calls_by_cart) -> set[str]:
    return {calls[0]["userId"] for calls in calls_by_cart.values() if calls[0]["userId"]}


def remaining(calls) -> set[str]:
    """What is in a cart after the last call."""
    items: set[str] = set()
    for call in calls:
        if call["event"] == "Product Added":
            items.add(call["properties"]["sku"])
        elif call["event"] == "Product Removed":
            items.discard(call["properties"]["sku"])
    return items


def test_there_are_about_650_carts_of_which_about_70_percent_are_left(carts, left):
    assert 620 <= len(carts) <= 680
    assert 0.65 <= len(left) / len(carts) <= 0.75


def test_every_call_lies_in_the_season(shop):
    times = [call["timestamp"] for call in shop.calls()]
    assert min(times) >= "2026-05-01T23"
    assert max(times) < "2026-06-01"


def test_carts_are_filled_at_human_hours_of_their_owners_zone(shop, carts):
    zones = {row["customer_id"]: row["zone"] for row in shop.rows("customers")}
    hours = [
        at(calls[0]).astimezone(ZoneInfo(zones[calls[0]["userId"]])).hour
        for calls in carts.values()
        if zones.get(calls[0]["userId"] or "")
    ]
    asleep = sum(2 <= hour < 6 for hour in hours)
    evening = sum(18 <= hour < 23 for hour in hours)
    assert asleep < 0.03 * len(hours)
    assert evening > 0.3 * len(hours)


def test_some_come_back_after_hours_and_buy_in_another_cart(carts, left):
    bought = {cart_id: calls for cart_id, calls in carts.items() if cart_id not in left and calls[0]["userId"]}
    gaps = [
        at(later[-1]) - at(calls[-1])
        for calls in left.values()
        for later in bought.values()
        if later[0]["userId"] == calls[0]["userId"]
    ]
    assert sum(timedelta(hours=4) < gap < timedelta(hours=6) for gap in gaps) >= 10


def test_some_come_back_after_hours_and_buy_in_a_store(shop, left):
    visits = [
        (row["customer_id"], datetime.fromisoformat(row["occurred_at"]))
        for row in shop.rows("orders")
        if row["sales_channel"] == "store"
    ]
    soon = [
        calls
        for calls in left.values()
        for who, when in visits
        if who == calls[0]["userId"] and timedelta(hours=4) < when - at(calls[-1]) < timedelta(hours=6)
    ]
    assert len(soon) >= 5


def test_some_come_back_to_the_same_cart(carts, left):
    later = [c for cart_id, c in carts.items() if cart_id not in left and at(c[-1]) - at(c[0]) > timedelta(hours=2)]
    assert len(later) >= 10


def test_some_empty_their_cart_and_some_only_a_part(left):
    assert sum(not remaining(calls) for calls in left.values()) >= 20
    assert sum("Product Removed" in names(calls) and bool(remaining(calls)) for calls in left.values()) >= 10


def test_sizes_sell_out_between_cart_and_reminder(shop, left):
    facts = defaultdict(list)
    for row in shop.rows("stock"):
        facts[row["sku"]].append((datetime.fromisoformat(row["occurred_at"]), row["location_id"], int(row["quantity"])))

    def level(sku, when) -> int:
        return sum({place: quantity for moment, place, quantity in facts[sku] if moment <= when}.values())

    gone = kept = 0
    for calls in left.values():
        inside = remaining(calls)
        lost = [sku for sku in inside if level(sku, at(calls[0])) > 0 and level(sku, at(calls[-1]) + IDLE) == 0]
        gone += bool(lost) and len(lost) == len(inside)
        kept += bool(lost) and len(lost) < len(inside)
    assert gone >= 5  # nothing left to remind of
    assert kept >= 3  # a reminder with the rest


def test_some_people_leave_two_carts_in_a_day(left):
    starts = defaultdict(list)
    for calls in left.values():
        if calls[0]["userId"]:
            starts[calls[0]["userId"]].append(at(calls[0]))
    close = [w for w, times in starts.items() if len(times) > 1 and max(times) - min(times) < timedelta(hours=24)]
    assert len(close) >= 15


def test_some_carts_have_only_a_cookie_and_some_of_those_are_known_later(shop, left):
    named_at = {}
    for call in shop.calls():
        if call["type"] == "identify":
            named_at.setdefault(call["anonymousId"], call)
    nameless = [calls for calls in left.values() if not calls[0]["userId"]]
    known = [named_at[calls[0]["anonymousId"]] for calls in nameless if calls[0]["anonymousId"] in named_at]
    assert len(nameless) - len(known) >= 40
    assert sum(call["userId"] is not None for call in known) >= 8
    assert sum(call["userId"] is None for call in known) >= 8  # by e-mail address alone


def test_some_browsers_are_shared_by_two_people(shop):
    owner = defaultdict(set)
    for call in shop.calls():
        if call["type"] == "identify" and call["userId"]:
            owner[call["anonymousId"]].add(call["userId"])
    assert sum(len(people) > 1 for people in owner.values()) >= 2


def test_guests_buy_too(shop):
    assert sum(row["customer_id"] == "" for row in shop.rows("orders")) >= 5


def test_calls_are_repeated_by_flaky_networks(shop):
    lines = shop.files.events.read_text(encoding="utf-8").splitlines()
    assert len(lines) - len(shop.calls()) >= 10


def test_carts_of_people_without_consent_denied_and_suppressed(shop, left, email_state):
    who = owners(left)
    suppressed = {row["address"] for row in shop.rows("suppressions")}
    addresses = {row["customer_id"]: row for row in shop.rows("customers")}
    assert sum(not email_state[person] for person in who) >= 30
    assert sum(any(r["state"] == "denied" for r in email_state[person]) for person in who) >= 5
    assert sum(addresses[person]["email"] in suppressed for person in who) >= 5
    assert sum(addresses[person]["phone"] in suppressed for person in who) >= 2


def test_carts_under_every_kind_of_law(shop, left, email_state):
    people = {row["customer_id"]: row for row in shop.rows("customers")}
    who = owners(left)
    double = [p for p in who if people[p]["country"] in ("DE", "AT")]
    assert sum(any(r["state"] == "confirmed" for r in email_state[p]) for p in double) >= 2
    assert sum([r["state"] for r in email_state[p]] == ["granted"] for p in double) >= 2
    assert sum(any(r["basis"] == "soft_opt_in" for r in email_state[p]) for p in who) >= 3
    assert sum(people[p]["country"] == "" and bool(email_state[p]) for p in who) >= 2


def test_hostile_names_leave_carts_and_may_be_written_to(shop, left, email_state):
    names_of = {row["customer_id"]: f"{row['first_name']} {row['last_name']}" for row in shop.rows("customers")}
    hostile = {f"C-000{n}": names_of[f"C-000{n}"] for n in (4, 5, 6, 7)}
    assert hostile["C-0004"].startswith("[a] $5 #import {{ x }}")
    assert hostile["C-0005"] == 'Zoë "Zed" O\'Neill'
    assert any("\u0590" <= c <= "\u05ff" for c in hostile["C-0006"])
    assert "🧶" in hostile["C-0007"]
    suppressed = {row["address"] for row in shop.rows("suppressions")}
    for person in hostile:
        assert person in owners(left)
        assert [row["state"] for row in email_state[person]] == ["granted"]
        assert shop.customer(person)["email"] not in suppressed
