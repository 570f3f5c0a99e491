"""What the house rules leave out: other currencies, networks nobody has heard of, what was before the first day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import pytest
from sqlalchemy import Connection, Engine

from segue.offers import loyalty
from segue.offers.points_account import Account, accounts_of
from segue.offers.points_earned import book_orders
from segue.offers.points_open import open_promises
from segue.settings import House, Loyalty, Settings
from segue.store.engine import open_engine, read, write
from tests.offers.points import (
    RULES,
    book,
    change,
    day,
    entries,
    held,
    merged,
    ordered,
    people,
    redeemed,
    rows,
    touched,
)


@pytest.fixture
def shop(engine: Engine) -> Engine:
    people(engine, 1, 2)
    return engine


def foreign(engine: Engine, at: float, rules: Loyalty = RULES) -> int:
    with read(engine) as connection:
        return open_promises(connection, day(at), rules).foreign_orders


def test_an_order_in_another_currency_earns_nothing_and_is_counted(shop: Engine) -> None:
    ordered(shop, 1, 1, 0, currency="JPY", total_minor=10_000)
    ordered(shop, 2, 1, 50)
    ordered(shop, 3, None, 50, currency="EUR")
    ordered(shop, 4, 1, 50, currency="EUR", cancelled_at=day(1))
    ordered(shop, 5, 1, 50, at=9, currency="EUR")
    assert book(shop, 2).orders == 1
    assert held(shop, 31) == (50, 0)
    assert (foreign(shop, 2), foreign(shop, 10)) == (1, 2)
    euros = RULES.model_copy(update={"currency": "EUR"})
    book(shop, 10, euros)
    assert held(shop, 40) == (100, 0)
    assert foreign(shop, 10, euros) == 1  # the dollars had earned theirs: only the yen are left


def test_without_a_programme_nobody_earns(shop: Engine) -> None:
    ordered(shop, 1, 1, 50)
    touched(shop, 1, "follow", "pinterest", at=1)
    none = RULES.model_copy(update={"starts_on": None})
    assert book(shop, 31, none) == loyalty.PointsBooked()
    assert entries(shop) == foreign(shop, 31, none) == 0
    assert book(shop, 31, RULES.model_copy(update={"starts_on": date(2026, 3, 1)})) == loyalty.PointsBooked()


def test_what_was_before_the_first_day_earns_nothing_and_uses_nothing_up(shop: Engine) -> None:
    late = RULES.model_copy(update={"starts_on": date(2026, 1, 11), "zone": "America/New_York"})
    first = day(9 + 17 / 24)  # 05:00 UTC: midnight in New York
    assert late.starts_at == first
    begins = 9 + 17 / 24
    for number, at in ((1, begins - 0.001), (2, begins)):
        ordered(shop, number, 1, 50, at=at)
    touched(shop, 1, "follow", "pinterest", at=begins - 0.001)
    touched(shop, 1, "follow", "instagram", at=begins)
    redeemed(shop, 1, 10, begins - 0.001)
    book(shop, 41, late)
    assert rows(shop) == [("earned", 50), ("earned", 25)]
    assert held(shop, 41) == (75, 0)


def test_its_first_day_begins_in_the_shops_zone() -> None:
    house = House(loyalty=Loyalty(starts_on=date(2026, 1, 11)))
    made = Settings(house=house, home_zone="Europe/Berlin")
    assert made.house.loyalty.starts_at == day(9 + 11 / 24)
    assert Settings().house.loyalty.starts_at is None


def test_only_networks_of_the_house_earn(shop: Engine) -> None:
    for number in range(5):
        touched(shop, 1, "follow", f"net{number}", at=1)
        touched(shop, 1, "mention", f"net{number}", at=1)
    touched(shop, 1, "follow", None, at=1)
    book(shop, 2)
    assert entries(shop) == 0
    touched(shop, 1, "follow", "tiktok", at=1)
    book(shop, 2)
    assert held(shop, 2) == (25, 0)


@pytest.mark.parametrize(
    ("told", "used"), [((250, 250), 250), ((250, 300), 300), ((300, 250, 280), 300), (("many", 40), 40)]
)
def test_an_order_told_under_several_events_was_paid_for_once(
    shop: Engine, told: tuple[object, ...], used: int
) -> None:
    ordered(shop, 1, 1, 600)
    ordered(shop, 2, 1, 80, at=31, paid_at=None)
    book(shop, 31)
    for number, points in enumerate(told):
        redeemed(shop, 1, points, 31, "o2", by=f"till {number}")
        book(shop, 31 + number)
    assert held(shop, 40) == (600 - used, 0)
    before = entries(shop)
    assert book(shop, 40) == loyalty.PointsBooked()
    assert entries(shop) == before
    change(shop, 2, cancelled_at=day(41))
    for at in (41, 42):
        book(shop, at)
        assert held(shop, at) == (600, 0)
    assert book(shop, 43) == loyalty.PointsBooked()


def test_told_at_once_and_not_covered_at_first_it_still_counts_once(shop: Engine) -> None:
    ordered(shop, 1, 1, 100)
    for name in ("web", "till"):
        redeemed(shop, 1, 150, 31, "o9", by=name)
    redeemed(shop, 1, 10, 32, by="of no order")
    redeemed(shop, 1, 10, 32, by="of no order either")
    book(shop, 33)
    assert held(shop, 33) == (0, 0)
    ordered(shop, 2, 1, 200, at=1)
    book(shop, 34)
    assert held(shop, 34) == (300 - 150 - 20, 0)


@pytest.mark.parametrize(
    ("told", "used", "merge_at"), [((50, 80), 80, 2), ((80, 50), 80, 3), ((50, 80), 80, 3), ((150, 150), 150, 3)]
)
def test_an_order_that_two_names_paid_for_was_paid_for_once(
    shop: Engine, told: tuple[int, int], used: int, merge_at: int
) -> None:
    """Before they were one, or between; more than either had alone, too. What was not used is as it was."""
    ordered(shop, 1, 1, 100)  # ends on day 130
    ordered(shop, 2, 2, 100, at=20)  # ends on day 150
    ordered(shop, 3, 2, 10, at=51, paid_at=None)
    for step, at in enumerate((60, 61, 62, 63)):
        if step == merge_at:
            merged(shop)
        if step in (1, 2):
            redeemed(shop, 1 if merge_at <= step else step, told[step - 1], at, "o3", by=f"till {step}")
        book(shop, at)
    assert held(shop, 64) == (200 - used, 0)
    assert book(shop, 64) == loyalty.PointsBooked()
    change(shop, 3, cancelled_at=day(65))
    book(shop, 66)
    assert held(shop, 66) == (200, 0)
    assert book(shop, 67) == loyalty.PointsBooked()
    book(shop, 151)
    assert held(shop, 151) == (used, 0)  # what came back is new; the rest ran out when it would have


def test_what_came_back_to_two_names_is_not_given_back_once_more(shop: Engine) -> None:
    for who in (1, 2):
        ordered(shop, who, who, 100)
        redeemed(shop, who, 50, 40, "o3")
    ordered(shop, 3, 2, 10, at=31, paid_at=None)
    book(shop, 41)
    change(shop, 3, cancelled_at=day(42))
    book(shop, 43)
    merged(shop)
    book(shop, 44)
    assert held(shop, 44) == (200, 0)


def test_an_order_that_another_booking_earned_meanwhile_stops_nobody(
    shop: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shop.dialect.name == "sqlite":
        pytest.skip("has one writer at a time")
    touched(shop, 1, "follow", "pinterest", at=1)
    other = open_engine(database_url)

    def slow(connection: Connection, whose: Collection[int]) -> dict[int, Account]:
        found = accounts_of(connection, whose)
        ordered(shop, 9, 1, 100, at=1)
        with write(other) as one:
            assert book_orders(one, day(2), RULES) == 1
        change(shop, 9, refunded_minor=5000)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(loyalty, "accounts_of", slow)
        book(shop, 2)
    other.dispose()
    assert held(shop, 2) == (25, 100)
    book(shop, 2)
    assert held(shop, 2) == (25, 50)
