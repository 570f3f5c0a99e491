"""When a referral earns its two vouchers, and that it is always both, once, and not too many a year."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from segue.offers import (
    ahead,
    count_referrals,
    live_vouchers,
    next_rewards,
    review_referral,
    revoke,
    standings,
)
from segue.offers.mint import code_for
from segue.offers.referral_rewards import YEAR, Standing
from segue.store.engine import read, write
from segue.store.tables import (
    order_line,
    order_return,
    product,
    variant,
    voucher,
)
from tests.offers.friends import (
    DAY,
    NOW,
    PAST,
    RULES,
    SECRET,
    add_people,
    buy,
    by_referral,
    change,
    codes,
    find,
    grant,
    many,
    referrals,
    vouchers,
)
from tests.outbox.merges import carry_out_pairs

SARAH, FRIEND, OTHER = 1, 2, 3
WINDOW = timedelta(days=RULES.return_window_days)


@pytest.fixture
def shop(engine: Engine) -> Engine:
    """Four people; the friend has bought under Sarah's code."""
    add_people(engine, 4)
    buy(engine, 7, FRIEND, codes(engine, SARAH)[SARAH])
    return engine


def test_both_get_a_voucher_of_what_the_house_promises(shop: Engine) -> None:
    assert grant(shop) == 1
    key = f"referral_followup/reward/friend:{referrals(shop)[0].id}"
    friends_one, hers = vouchers(shop)
    assert (friends_one.key, friends_one.profile_id) == (f"{key}:friend", FRIEND)
    assert (hers.key, hers.profile_id) == (f"{key}:referrer", SARAH)
    for one in (friends_one, hers):
        assert one.message_key == one.key
        assert one.code == code_for(one.key, SECRET)
        assert one.earned
        assert (one.percent, one.amount_minor, one.currency) == (None, 1500, "USD")
        assert one.valid_from == PAST
        assert one.valid_until == (PAST + timedelta(days=RULES.voucher_days)).replace(microsecond=0)
    assert grant(shop, PAST + DAY) == 0
    assert len(vouchers(shop)) == 2


def test_what_was_earned_is_no_offer_and_stands_beside_one(shop: Engine) -> None:
    grant(shop)
    with read(shop) as connection:
        assert live_vouchers(connection, [SARAH, FRIEND], PAST) == {}


def test_it_is_pending_to_the_last_instant_of_the_return_window(shop: Engine) -> None:
    find(shop)
    assert grant(shop, NOW + WINDOW - timedelta(microseconds=1)) == 0
    with read(shop) as connection:
        assert connection.scalar(next_rewards(NOW, RULES)) == NOW + WINDOW
        assert standings(connection, [SARAH, FRIEND], NOW, RULES) == {SARAH: Standing(pending=1)}
    assert grant(shop, NOW + WINDOW) == 1
    with read(shop) as connection:
        assert standings(connection, [SARAH, FRIEND], NOW + WINDOW, RULES) == {SARAH: Standing(earned=1, this_year=1)}
        assert standings(connection, [SARAH], NOW + WINDOW + YEAR, RULES) == {SARAH: Standing(earned=1)}


@pytest.mark.parametrize(
    "facts",
    [
        {"cancelled_at": PAST},
        {"total_minor": 2999},
        {"refunded_minor": 2001},
        {"currency": "EUR"},
        {"paid_at": None},
        {"profile_id": OTHER},
        {"profile_id": None},
    ],
    ids=["cancelled", "too_little", "refunded", "another_currency", "not_paid_after_all", "anothers", "nobodys"],
)
def test_an_order_that_is_not_what_it_was_earns_nothing_and_is_not_called_pending(
    shop: Engine, facts: dict[str, Any]
) -> None:
    find(shop)
    change(shop, 7, **facts)
    assert grant(shop) == 0
    with read(shop) as connection:
        assert standings(connection, [SARAH], PAST, RULES) == {}


@pytest.mark.parametrize("facts", [{"total_minor": 3000}, {"refunded_minor": 2000}, {"cancelled_at": PAST + DAY}])
def test_just_enough_is_enough(shop: Engine, facts: dict[str, Any]) -> None:
    change(shop, 7, **facts)
    assert grant(shop) == 1


@pytest.mark.parametrize(
    ("line", "paper", "alike", "refund", "granted"),
    [
        (2000, 0, True, 0, 1),
        (2001, 0, True, 0, 0),
        (0, 2001, True, 0, 0),
        (1000, 1001, False, 0, 0),
        (1000, 2000, True, 0, 1),
        (2000, 1000, True, 0, 1),
        (2000, 0, True, 2000, 1),
        (0, 2000, True, 1500, 1),
    ],
    ids=[
        "kept", "line", "document", "other_goods_by_a_document", "a_document_says_more", "a_line_says_more",
        "told_as_money_too", "document_and_money",
    ],
)  # fmt: skip
def test_goods_that_came_back_are_counted_once_however_they_are_told(
    shop: Engine, line: int, paper: int, alike: bool, refund: int, granted: int
) -> None:
    with write(shop) as connection:
        connection.execute(insert(product).values(id=1, external_id="p", title="T", recorded_at=NOW))
        for number in (1, 2):
            values = {"id": number, "product_id": 1, "sku": f"v{number}", "price_minor": 1, "currency": "USD"}
            connection.execute(insert(variant).values(values))
        here = {"variant_id": 1, "quantity": 1}
        if line:
            connection.execute(
                insert(order_line).values(
                    order_id=7, position=1, unit_price_minor=line, total_minor=line, returned_at=NOW + DAY, **here
                )
            )
        if paper:
            connection.execute(
                insert(order_return).values(
                    dedupe="r", document="C1", order_id=7, total_minor=paper, currency="USD", occurred_at=NOW,
                    recorded_at=NOW, quantity=1, variant_id=1 if alike else 2,
                )
            )  # fmt: skip
    change(shop, 7, refunded_minor=refund)
    assert grant(shop) == granted


def test_what_came_back_after_the_window_takes_nothing_away(shop: Engine) -> None:
    """The promise: what is granted survives returns."""
    grant(shop)
    change(shop, 7, refunded_minor=5000, cancelled_at=PAST + DAY)
    buy(shop, 8, FRIEND, codes(shop, OTHER)[OTHER], paid_at=PAST + 2 * DAY)
    assert grant(shop, PAST + 90 * DAY) == 0, "and the friend is no new friend for it"
    assert len(referrals(shop)) == 1
    assert all(one.revoked_at is None for one in vouchers(shop))


def test_an_earlier_order_that_is_told_late_makes_it_no_first_order(shop: Engine) -> None:
    find(shop)
    buy(shop, 6, FRIEND, paid_at=NOW - DAY)
    assert grant(shop) == 0


def test_ten_a_year_and_the_others_wait_for_their_turn(engine: Engine) -> None:
    add_people(engine, 1)
    many(engine, 13)
    assert grant(engine, NOW + 34 * DAY) == 5
    last = NOW + 60 * DAY
    assert grant(engine, last) == 5
    with read(engine) as connection:
        assert standings(connection, [SARAH], last, RULES)[SARAH] == Standing(pending=3, earned=10, this_year=10)
    assert grant(engine, NOW + 34 * DAY + YEAR - DAY) == 0
    assert grant(engine, NOW + 34 * DAY + YEAR) == 3
    owners = [one.profile_id for one in vouchers(engine)]
    assert owners.count(SARAH) == 13
    assert sorted(set(owners) - {SARAH}) == list(range(10, 23)), "and each friend has hers"


def test_what_comes_is_no_more_than_the_year_allows(engine: Engine) -> None:
    """Thirteen friends, a day apart: ten are certain, then those whose window is not over."""
    add_people(engine, 1)
    many(engine, 13)
    find(engine, NOW + 13 * DAY)

    def coming(now: datetime) -> object:
        with read(engine) as connection:
            return ahead(connection, standings(connection, [SARAH], now, RULES), now, RULES).get(SARAH)

    assert coming(NOW + 13 * DAY) == {"many": 10, "is_over": (NOW + WINDOW).isoformat()}
    assert coming(NOW + WINDOW + DAY) == {"many": 8, "is_over": (NOW + WINDOW + 2 * DAY).isoformat()}
    assert grant(engine, NOW + WINDOW + DAY) == 2
    assert coming(NOW + WINDOW + DAY) == {"many": 8, "is_over": (NOW + WINDOW + 2 * DAY).isoformat()}
    assert grant(engine, NOW + WINDOW + 12 * DAY) == 8
    assert coming(NOW + WINDOW + 11 * DAY) is None, "what is over the limit waits for a year"


def test_a_reward_she_took_back_or_used_counts_as_one_all_the_same(engine: Engine) -> None:
    add_people(engine, 1)
    many(engine, 11)
    assert grant(engine, NOW + 60 * DAY) == 10
    with write(engine) as connection:
        revoke(connection, [one.code for one in vouchers(engine)], NOW + 60 * DAY)
    assert grant(engine, NOW + 61 * DAY) == 0


def test_two_who_referred_each_other_and_are_one_earn_nothing(engine: Engine) -> None:
    """Though somebody had approved both while they were two; and none of it counts as pending for ever."""
    add_people(engine, 2)
    both = codes(engine, 1, 2)
    buy(engine, 1, 1, both[2])
    buy(engine, 2, 2, both[1], paid_at=NOW + DAY)
    find(engine, NOW + DAY)
    with write(engine) as connection:
        for one in referrals(engine):
            review_referral(connection, one.id, approve=True, by="Ada", now=NOW + DAY, rules=RULES)
        assert count_referrals(connection, NOW + DAY, RULES).pending == 2
        carry_out_pairs(connection, [(1, 2)])
    assert [(one.profile_id, one.friend_id) for one in referrals(engine)] == [(1, 1), (1, 1)]
    assert grant(engine, NOW + 90 * DAY) == 0
    assert vouchers(engine) == []
    with read(engine) as connection:
        count = count_referrals(connection, NOW + 90 * DAY, RULES)
    assert (count.pending, count.refusals) == (0, {"the friend is herself": 2})


def test_two_approved_friends_who_are_one_earn_one_reward(engine: Engine) -> None:
    """The second is refused by that, not pending for ever."""
    add_people(engine, 4)
    code = codes(engine, SARAH)[SARAH]
    for number, friend in enumerate((FRIEND, OTHER), start=1):
        buy(engine, number, friend, code, paid_at=NOW + number * DAY)
    find(engine, NOW + 2 * DAY)
    with write(engine) as connection:
        for one in referrals(engine):
            review_referral(connection, one.id, approve=True, by="Ada", now=NOW + 2 * DAY, rules=RULES)
        carry_out_pairs(connection, [(FRIEND, OTHER)])
    assert [grant(engine, NOW + 90 * DAY), grant(engine, NOW + 91 * DAY)] == [1, 0]
    assert len(vouchers(engine)) == 2
    with read(engine) as connection:
        count = count_referrals(connection, NOW + 91 * DAY, RULES)
    assert (count.granted, count.pending) == (1, 0)
    assert count.refusals == {"a reward was granted for this friend before": 1}


def test_two_friends_who_are_one_earn_one_reward_and_what_was_granted_stays(shop: Engine) -> None:
    buy(shop, 8, OTHER, codes(shop, 4)[4], paid_at=NOW + 10 * DAY)
    assert grant(shop, PAST) == 1
    with write(shop) as connection:
        carry_out_pairs(connection, [(FRIEND, OTHER)])
    assert grant(shop, NOW + 90 * DAY) == 0
    assert set(by_referral(shop).values()) == {2}


def test_of_two_friends_who_are_one_the_first_order_is_the_referral(shop: Engine) -> None:
    buy(shop, 6, OTHER, codes(shop, 4)[4], paid_at=NOW - DAY)
    find(shop)
    with write(shop) as connection:
        carry_out_pairs(connection, [(FRIEND, OTHER)])
    assert grant(shop, NOW + 90 * DAY) == 1
    assert {one.profile_id for one in vouchers(shop)} == {4, FRIEND}


def test_a_code_somebody_holds_already_keeps_both_from_being_written(shop: Engine) -> None:
    """Once in 2**50; one of the two alone would be worse than none."""
    find(shop)
    which = referrals(shop)[0].id
    code = code_for(f"referral_followup/reward/friend:{which}:friend", SECRET)
    with write(shop) as connection:
        connection.execute(
            insert(voucher).values(
                key="k", code=code, profile_id=OTHER, offer="cart", percent=5, valid_from=NOW, valid_until=PAST
            )
        )
    assert grant(shop) == 0
    assert [one.key for one in vouchers(shop)] == ["k"]
