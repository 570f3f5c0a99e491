"""Points, rule by rule: what earns them, when they count, what takes them away, and that nothing is booked twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, insert, select

from segue.offers.loyalty import balances, give_back, spend
from segue.store.engine import read, write
from segue.store.tables import loyalty_entry, order_line, order_return, product, variant
from tests.offers.points import (
    RULES,
    START,
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


def spent(engine: Engine, points: int, ref: str, at: float, who: int = 1) -> bool:
    with write(engine) as connection:
        return spend(connection, who, points, ref, day(at))


def test_an_order_earns_whole_units_pending_until_its_return_window_is_over(shop: Engine) -> None:
    ordered(shop, 17, 1, 74.99)
    assert book(shop, 1).orders == 1
    assert held(shop, 1) == (0, 74)
    assert held(shop, 30 - 0.001) == (0, 74)
    assert held(shop, 30) == (74, 0)
    book(shop, 2)
    assert entries(shop) == 1


@pytest.mark.parametrize(
    "nothing",
    [
        {"paid_at": None},
        {"paid_at": day(5)},
        {"cancelled_at": day(0.5)},
        {"profile_id": None},
        {"refunded_minor": 7400},
        {"total_minor": 99},
    ],
    ids=["unpaid", "paid later", "cancelled", "nobody", "refunded", "below a unit"],
)
def test_what_earns_nothing(shop: Engine, nothing: dict[str, object]) -> None:
    ordered(shop, 17, 1, 74, **nothing)
    book(shop, 1)
    assert entries(shop) == 0


@pytest.mark.parametrize(("currency", "points"), [("USD", 74), ("JPY", 7400), ("KWD", 7)])
def test_a_unit_is_a_whole_one_of_its_currency(shop: Engine, currency: str, points: int) -> None:
    ordered(shop, 17, 1, 74, currency=currency)
    book(shop, 1, RULES.model_copy(update={"currency": currency}))
    assert held(shop, 40) == (points, 0)


def test_a_rate_with_decimals_is_exact(shop: Engine) -> None:
    ordered(shop, 17, 1, 100)
    book(shop, 1, RULES.model_copy(update={"points_per_unit": 0.29}))
    assert held(shop, 40) == (29, 0)


def test_what_was_promised_stays_when_the_rules_change_and_a_return_is_reckoned_by_it(shop: Engine) -> None:
    ordered(shop, 17, 1, 100)
    book(shop, 1)
    changed = RULES.model_copy(update={"points_per_unit": 3, "return_window_days": 90, "expires_after_days": 30})
    change(shop, 17, refunded_minor=4000)
    book(shop, 2, changed)
    assert held(shop, 30) == (60, 0)
    book(shop, 129, changed)
    assert held(shop, 129) == (60, 0)
    book(shop, 130, changed)
    assert held(shop, 130) == (0, 0)


def test_pending_points_of_a_cancelled_order_end_at_nothing(shop: Engine) -> None:
    ordered(shop, 17, 1, 100)
    book(shop, 1)
    change(shop, 17, cancelled_at=day(3))
    book(shop, 2)
    assert held(shop, 2) == (0, 100)  # not cancelled yet
    book(shop, 3)
    assert held(shop, 3) == held(shop, 60) == (0, 0)
    change(shop, 17, cancelled_at=None)
    book(shop, 4)
    assert held(shop, 30) == (100, 0)


def test_goods_that_came_back_count_where_no_refund_is_told(shop: Engine) -> None:
    ordered(shop, 17, 1, 100)
    ordered(shop, 18, 1, 50)
    with write(shop) as connection:
        connection.execute(insert(product).values(id=1, external_id="p", title="P", recorded_at=START))
        connection.execute(insert(variant).values(id=1, product_id=1, sku="s", price_minor=1, currency="USD"))
        for position, dollars, returned in ((1, 30, day(2)), (2, 70, None)):
            connection.execute(
                insert(order_line).values(
                    order_id=17,
                    position=position,
                    variant_id=1,
                    quantity=1,
                    unit_price_minor=1,
                    total_minor=dollars * 100,
                    returned_at=returned,
                )
            )
        connection.execute(
            insert(order_return).values(
                dedupe="r", document="C1", order_id=18, variant_id=1, quantity=1, total_minor=1000, currency="USD",
                occurred_at=day(3), recorded_at=START,
            )
        )  # fmt: skip
    book(shop, 1)
    assert held(shop, 30) == (150, 0)
    book(shop, 2)
    assert held(shop, 30) == (120, 0)
    book(shop, 3)
    assert held(shop, 30) == (110, 0)
    change(shop, 17, refunded_minor=2500)  # two tellings of one return: the larger counts
    book(shop, 4)
    assert held(shop, 30) == (110, 0)
    change(shop, 17, refunded_minor=4000)
    book(shop, 5)
    assert held(shop, 30) == (100, 0)


@pytest.mark.parametrize("at", [5, 40], ids=["pending", "counting"])
def test_an_order_that_was_edited_keeps_the_points_of_what_it_is_worth_now(shop: Engine, at: float) -> None:
    """Once, however often it is looked at; what it is worth later counts up to the promise, and a return besides."""
    ordered(shop, 17, 1, 100.50)
    book(shop, 1)
    change(shop, 17, total_minor=6099)
    for _ in range(3):
        book(shop, at)
    assert rows(shop) == [("earned", 100), ("taken_back", -40)]
    assert sum(held(shop, at)) == 60
    with read(shop) as connection:
        assert connection.scalars(select(loyalty_entry.c.reason)).all() == ["order", "correction"]
    change(shop, 17, refunded_minor=1000)
    book(shop, at + 1)
    assert sum(held(shop, at + 1)) == 50
    change(shop, 17, total_minor=20_000, refunded_minor=0)
    for _ in range(2):
        book(shop, at + 2)
    assert sum(held(shop, at + 2)) == 100


def test_a_late_return_takes_no_more_than_there_is_and_the_rest_from_the_next_points(shop: Engine) -> None:
    ordered(shop, 17, 1, 100)
    book(shop, 1)
    assert spent(shop, 80, "till-1", 31)
    change(shop, 17, refunded_minor=10_000)
    book(shop, 40)
    assert held(shop, 40) == (0, 0)
    book(shop, 41)
    assert rows(shop) == [("earned", 100), ("spent", -80), ("taken_back", -20)]
    ordered(shop, 18, 1, 50, 41)
    book(shop, 42)
    assert held(shop, 42) == (0, 50)
    book(shop, 71)
    assert held(shop, 71) == (0, 0)
    ordered(shop, 19, 1, 50, 72)
    book(shop, 110)
    assert held(shop, 110) == (20, 0)  # 30 were still owed


def test_a_follow_earns_once_per_network_ever_and_says_whether_it_was_verified(shop: Engine) -> None:
    for at in (0, 1, 400):
        touched(shop, 1, "follow", "pinterest", at)
    touched(shop, 1, "follow", "instagram", 2)
    touched(shop, 2, "follow", "pinterest", 3)
    touched(shop, 1, "click", "pinterest", 3)
    book(shop, 1)
    book(shop, 3)
    assert held(shop, 3) == (50, 0)
    assert held(shop, 3, who=2) == (25, 0)
    book(shop, 401)
    assert held(shop, 401) == (0, 0)


def test_mentions_earn_so_often_a_month_and_network(shop: Engine) -> None:
    for at in (0, 1, 2):
        touched(shop, 1, "mention", "instagram", at)
    touched(shop, 1, "mention", "pinterest", 3)
    touched(shop, 1, "mention", "instagram", 40)
    book(shop, 5)
    assert held(shop, 5) == (100, 0)
    book(shop, 41)
    assert held(shop, 41) == (150, 0)


def test_the_oldest_are_spent_first_and_what_is_left_runs_out(shop: Engine) -> None:
    ordered(shop, 17, 1, 100, 0)  # counts on day 30, ends on day 130
    ordered(shop, 18, 1, 60, 20)  # counts on day 50, ends on day 150
    book(shop, 60)
    assert spent(shop, 70, "till-1", 60)
    with read(shop) as connection:
        balance = balances(connection, [1], day(61))[1]
    assert (balance.next_expiry_at, balance.next_expiry_points) == (day(130), 30)
    book(shop, 130)
    assert held(shop, 130) == (60, 0)
    book(shop, 150)
    assert held(shop, 150) == (0, 0)
    assert [points for kind, points in rows(shop) if kind == "expired"] == [-30, -60]


def test_nothing_is_spent_that_is_not_there_counts_later_or_ran_out(shop: Engine) -> None:
    ordered(shop, 17, 1, 100)
    book(shop, 1)
    assert not spent(shop, 1, "too early", 29)
    assert not spent(shop, 101, "too much", 31)
    assert spent(shop, 60, "till-1", 31)
    assert spent(shop, 60, "till-1", 31)  # the same, told again
    assert not spent(shop, 41, "till-2", 31)
    with pytest.raises(ValueError, match="names another spending"):
        spent(shop, 20, "till-1", 31)
    with pytest.raises(ValueError, match="above 0"):
        spent(shop, 0, "till-3", 31)
    assert not spent(shop, 40, "too late", 130)  # nobody booked since they ran out
    assert held(shop, 130) == (0, 0)


def test_a_spending_is_given_back_once_as_new_points(shop: Engine) -> None:
    ordered(shop, 17, 1, 100)
    book(shop, 1)
    assert spent(shop, 60, "till-1", 129)
    for _ in range(2):
        with write(shop) as connection:
            give_back(connection, 1, "till-1", day(135), RULES)
    book(shop, 140)
    assert held(shop, 140) == (60, 0)  # the other 40 ran out
    book(shop, 235)
    assert held(shop, 235) == (0, 0)


def test_what_the_shop_tells_was_used_is_booked_in_whatever_order_it_is_told(shop: Engine) -> None:
    redeemed(shop, 1, 70, 35)
    book(shop, 40)
    assert entries(shop) == 0
    ordered(shop, 17, 1, 50)
    book(shop, 41)
    assert held(shop, 41) == (0, 0)
    ordered(shop, 18, 1, 50, 1)
    book(shop, 42)
    assert held(shop, 42) == (30, 0)
    book(shop, 43)
    assert held(shop, 43) == (30, 0)


def test_what_was_used_before_it_ran_out_counts_though_it_is_told_late(shop: Engine) -> None:
    ordered(shop, 17, 1, 100)
    book(shop, 131)
    assert held(shop, 131) == (0, 0)
    redeemed(shop, 1, "60", 129)
    redeemed(shop, 1, 30, 130)  # too late: they had run out
    book(shop, 132)
    assert held(shop, 132) == (0, 0)
    assert rows(shop) == [("earned", 100), ("expired", -100), ("spent", -60), ("given_back", 60)]


def test_lots_that_ran_out_one_after_the_other_come_back_only_as_far_as_they_were_good(shop: Engine) -> None:
    ordered(shop, 17, 1, 100, 0)  # ends on day 130
    ordered(shop, 18, 1, 100, 20)  # ends on day 150
    book(shop, 160)
    redeemed(shop, 1, 200, 140)  # by then only 100 were left
    book(shop, 161)
    assert held(shop, 161) == (0, 0)
    assert [points for kind, points in rows(shop) if kind == "spent"] == [-100]


@pytest.mark.parametrize("nonsense", [None, "many", -5, True, 1e300, [5], "²"])
def test_an_event_that_tells_no_number_books_nothing(shop: Engine, nonsense: object) -> None:
    ordered(shop, 17, 1, 100)
    redeemed(shop, 1, nonsense, 35)
    book(shop, 40)
    assert held(shop, 40) == (100, 0)


def test_points_for_a_cancelled_order_come_back_once(shop: Engine) -> None:
    ordered(shop, 17, 1, 100)
    ordered(shop, 18, 1, 10, 35, paid_at=None)
    redeemed(shop, 1, 80, 35, "o18")
    book(shop, 36)
    assert held(shop, 36) == (20, 0)
    change(shop, 18, cancelled_at=day(37))
    for at in (37, 38):
        book(shop, at)
        assert held(shop, at) == (100, 0)


def test_of_two_follows_of_one_network_the_earlier_one_stays_whichever_was_booked_first(shop: Engine) -> None:
    touched(shop, 1, "follow", "pinterest", 5)
    touched(shop, 2, "follow", "pinterest", 2)
    touched(shop, 2, "follow", "instagram", 2)
    book(shop, 6)
    merged(shop)
    for _ in range(2):
        book(shop, 7)
        assert held(shop, 7) == (50, 0)
    book(shop, 103)  # the earlier ones end on day 102, the later one went
    assert held(shop, 103) == (0, 0)


def test_two_who_are_one_have_one_balance_as_if_they_had_always_been(shop: Engine) -> None:
    ordered(shop, 17, 1, 100, 0)  # ends on day 130
    ordered(shop, 18, 2, 100, 20)  # ends on day 150
    book(shop, 60)
    assert spent(shop, 100, "till-1", 60, who=2)
    book(shop, 135)
    assert held(shop, 135, who=1) == held(shop, 135, who=2) == (0, 0)
    merged(shop)
    book(shop, 136)
    assert held(shop, 136) == (100, 0)  # what she spent were her oldest points
    assert spent(shop, 100, "till-2", 137, who=2)  # the old name leads to her
    book(shop, 151)
    assert held(shop, 151) == (0, 0)


def test_history_that_is_read_late_is_earned_and_run_out_at_once(shop: Engine) -> None:
    ordered(shop, 18, 1, 100, 120)
    book(shop, 155)
    assert spent(shop, 100, "till-1", 155)
    ordered(shop, 17, 1, 40, 0)  # ended on day 130, before she spent anything
    book(shop, 156)
    assert held(shop, 156) == (0, 0)
    assert timedelta(0) < day(156) - START
