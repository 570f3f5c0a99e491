"""Which orders are referrals, and what speaks against them: each rule by itself, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from segue.offers import count_referrals, referral_codes, referrals_to_review, review_referral
from segue.offers.referral_signals import WEIGHTS, mailbox, score_of
from segue.store.engine import read, write
from segue.store.tables import identifier, profile, referral_code
from tests.offers.friends import (
    DAY,
    NOW,
    PAST,
    RULES,
    add_people,
    buy,
    by_referral,
    change,
    codes,
    find,
    grant,
    name,
    referrals,
)
from tests.outbox.merges import carry_out_pairs

SARAH, FRIEND, OTHER = 1, 2, 3


@pytest.fixture
def shop(engine: Engine) -> Engine:
    add_people(engine, 4)
    return engine


def pairs(engine: Engine) -> list[tuple[int, int, int]]:
    """Who referred whom by which order."""
    return [(one.profile_id, one.friend_id, one.order_id) for one in referrals(engine)]


def test_a_code_is_hers_for_ever_and_nobody_elses(shop: Engine) -> None:
    first = codes(shop, SARAH, FRIEND)
    assert codes(shop, FRIEND, SARAH, OTHER, at=PAST) == first | {OTHER: codes(shop, OTHER)[OTHER]}
    assert len(set(codes(shop, 1, 2, 3, 4).values())) == 4
    with write(shop) as connection:
        assert referral_codes(connection, [SARAH], NOW, b"another secret") == {SARAH: first[SARAH]}


def test_after_a_merge_both_codes_lead_to_her_and_she_shows_the_older(shop: Engine) -> None:
    two = codes(shop, OTHER)[OTHER]
    one = codes(shop, SARAH)[SARAH]
    with write(shop) as connection:
        carry_out_pairs(connection, [(SARAH, OTHER)])
    assert codes(shop, SARAH, OTHER) == {SARAH: two}
    for number, (who, code) in enumerate([(FRIEND, one), (4, two)], start=1):
        buy(shop, number, who, code)
    assert find(shop) == 2
    assert {pair[0] for pair in pairs(shop)} == {SARAH}


@pytest.mark.parametrize("column", ["referral_code", "discount_code"])
@pytest.mark.parametrize("spelt", ["{}", "{lower}", " {} ", "SHIP, {lower}+VIP"])
def test_a_code_counts_in_any_case_and_in_either_column(shop: Engine, column: str, spelt: str) -> None:
    code = codes(shop, SARAH)[SARAH]
    buy(shop, 7, FRIEND, None, **{column: spelt.format(code, lower=code.lower())})
    assert find(shop) == 1
    assert pairs(shop) == [(SARAH, FRIEND, 7)]
    assert find(shop) == 0, "found twice it is one"


@pytest.mark.parametrize(
    "facts",
    [
        {"paid_at": None},
        {"paid_at": NOW + DAY},
        {"cancelled_at": NOW},
        {"profile_id": None},
        {"referral_code": "K7QMX-2XHDA"},
    ],
    ids=["unpaid", "paid_later", "cancelled", "nobody", "no_code_of_ours"],
)
def test_no_referral(shop: Engine, facts: dict[str, Any]) -> None:
    buy(shop, 7, FRIEND, codes(shop, SARAH)[SARAH], **facts)
    assert find(shop) == 0


def test_who_bought_before_is_no_friend_to_win_but_what_was_cancelled_she_did_not_buy(shop: Engine) -> None:
    code = codes(shop, SARAH)[SARAH]
    buy(shop, 1, FRIEND, paid_at=NOW - 900 * DAY)
    buy(shop, 2, FRIEND, code)
    buy(shop, 3, OTHER, paid_at=NOW - DAY, cancelled_at=NOW - DAY)
    buy(shop, 4, OTHER, code)
    find(shop)
    assert pairs(shop) == [(SARAH, OTHER, 4)]


def test_a_friend_is_one_once(shop: Engine) -> None:
    both = codes(shop, SARAH, OTHER)
    buy(shop, 1, FRIEND, both[SARAH])
    buy(shop, 2, FRIEND, both[OTHER], paid_at=NOW + DAY)
    assert find(shop, NOW + DAY) == 1
    assert pairs(shop) == [(SARAH, FRIEND, 1)]


def test_an_order_that_was_cancelled_is_not_in_the_way_of_the_one_placed_instead(shop: Engine) -> None:
    code = codes(shop, SARAH)[SARAH]
    buy(shop, 1, FRIEND, code)
    find(shop)
    change(shop, 1, cancelled_at=NOW + DAY)
    buy(shop, 2, FRIEND, code, paid_at=NOW + DAY)
    assert find(shop, NOW + DAY) == 1
    assert grant(shop, NOW + 40 * DAY) == 1
    assert by_referral(shop) == {f"referral_followup/reward/friend:{referrals(shop)[1].id}": 2}


def test_one_mailbox_has_many_spellings() -> None:
    assert mailbox("Sa.Rah+shop@GoogleMail.com") == mailbox(" sarah@gmail.com") == "sarah@gmail.com"
    assert mailbox("sarah@example.com") != mailbox("sarah@example.org")


def signals(engine: Engine, facts: list[dict[str, Any]]) -> tuple[list[str], int]:
    """What is seen of a referral of `FRIEND` by `SARAH` where these names are known."""
    with write(engine) as connection:
        connection.execute(insert(identifier), facts)
    buy(engine, 7, FRIEND, codes(engine, SARAH)[SARAH])
    find(engine)
    (one,) = referrals(engine)
    return one.signals, one.score


@pytest.mark.parametrize(
    ("kind", "hers", "friends", "signal"),
    [
        ("email", "sarah.b@example.com", "sarahb+new@example.com", "same_email"),
        ("phone", "+12025550123", "+12025550123", "shared_phone"),
        ("cookie", "c-1", "c-1", "shared_device"),
    ],
)
def test_what_both_have_is_a_signal(shop: Engine, kind: str, hers: str, friends: str, signal: str) -> None:
    found = signals(shop, [name(SARAH, kind, hers), name(FRIEND, kind, friends, identifies=False)])
    assert found == ([signal], WEIGHTS[signal])
    assert WEIGHTS[signal] >= RULES.review_from


def test_a_cookie_of_another_value_or_a_phone_that_reads_like_a_cookie_is_none(shop: Engine) -> None:
    found = signals(shop, [name(SARAH, "cookie", "+12025550123"), name(FRIEND, "phone", "+12025550123")])
    assert found == ([], 0)


@pytest.mark.parametrize("by", ["hash", "point"])
def test_a_household_alone_needs_no_review(shop: Engine, by: str) -> None:
    home = (
        {"household_hash": "h"}
        if by == "hash"
        else {"home_latitude": 40.71281, "home_longitude": -74.00601, "last_name": "Berg"}
    )
    with write(shop) as connection:
        connection.execute(update(profile).where(profile.c.id.in_([SARAH, FRIEND])).values(home))
        connection.execute(update(profile).where(profile.c.id == OTHER).values(home | {"last_name": "Lund"}))
    assert signals(shop, [name(OTHER, "cookie", "x")]) == (["household"], WEIGHTS["household"])
    assert grant(shop) == 1


def test_neighbours_of_another_name_are_no_household(shop: Engine) -> None:
    home = {"home_latitude": 40.7128, "home_longitude": -74.0060}
    with write(shop) as connection:
        for who, last in ((SARAH, "Berg"), (FRIEND, "Lund")):
            connection.execute(update(profile).where(profile.c.id == who).values(home | {"last_name": last}))
    assert signals(shop, [name(OTHER, "cookie", "x")]) == ([], 0)


def test_two_friends_on_one_device_are_seen_though_neither_shares_anything_with_her(shop: Engine) -> None:
    code = codes(shop, SARAH)[SARAH]
    buy(shop, 1, OTHER, code)
    buy(shop, 2, FRIEND, code)
    with write(shop) as connection:
        connection.execute(
            insert(identifier), [name(OTHER, "cookie", "c"), name(FRIEND, "cookie", "c", identifies=False)]
        )
    find(shop)
    assert [one.signals for one in referrals(shop)] == [[], ["other_friend"]]
    assert grant(shop) == 1


def test_signals_add_up_and_are_weighed_again_while_it_waits(shop: Engine) -> None:
    assert score_of(WEIGHTS) == 100
    assert score_of(["shared_device", "household"]) == 100
    buy(shop, 7, FRIEND, codes(shop, SARAH)[SARAH])
    find(shop)
    assert referrals(shop)[0].score == 0
    with write(shop) as connection:
        connection.execute(
            insert(identifier), [name(SARAH, "cookie", "c"), name(FRIEND, "cookie", "c", identifies=False)]
        )
    assert grant(shop) == 0
    assert referrals(shop)[0].score == WEIGHTS["shared_device"]


def suspect(engine: Engine) -> int:
    """A referral that waits for a review; its id."""
    signals(engine, [name(SARAH, "phone", "+12025550123"), name(FRIEND, "phone", "+12025550123", identifies=False)])
    return int(referrals(engine)[0].id)


def test_a_score_is_no_veto_somebody_looks(shop: Engine) -> None:
    which = suspect(shop)
    assert grant(shop) == 0
    with read(shop) as connection:
        (waiting,) = referrals_to_review(connection, NOW, RULES)
        assert count_referrals(connection, PAST, RULES).to_review == 1
    assert (waiting.id, waiting.score, waiting.signals) == (which, 60, {"shared_phone": 60})
    assert (waiting.profile_id, waiting.friend_id, waiting.order_number) == (SARAH, FRIEND, "order-7")
    with write(shop) as connection:
        review_referral(connection, which, approve=True, by="Ada", now=NOW, rules=RULES, reason="two people ")
        assert referrals_to_review(connection, NOW, RULES) == []
    assert grant(shop) == 1
    (row,) = referrals(shop)
    assert (row.review, row.reviewed_by, row.reviewed_at) == ("approved", "Ada (two people)", NOW)
    with write(shop) as connection, pytest.raises(ValueError, match="was granted"):
        review_referral(connection, which, approve=False, by="Ada", now=NOW, rules=RULES)


def test_who_is_refused_gets_nothing_unless_somebody_thinks_again(shop: Engine) -> None:
    which = suspect(shop)
    for approve, granted in ((False, 0), (True, 1)):
        with write(shop) as connection:
            review_referral(connection, which, approve=approve, by="Ada", now=NOW, rules=RULES)
        assert grant(shop) == granted
        with read(shop) as connection:
            stand = count_referrals(connection, PAST, RULES)
        assert (stand.granted, stand.refused, stand.pending, stand.to_review) == (granted, 1 - granted, 0, 0)


def test_a_review_names_a_referral_and_who_looked(shop: Engine) -> None:
    which = suspect(shop)
    with write(shop) as connection:
        with pytest.raises(KeyError, match="no referral 99"):
            review_referral(connection, 99, approve=True, by="Ada", now=NOW, rules=RULES)
        with pytest.raises(ValueError, match="needs the name"):
            review_referral(connection, which, approve=True, by=" ", now=NOW, rules=RULES)


@pytest.mark.parametrize("bought_before", [False, True])
def test_her_own_code_is_written_down_and_refused_by_that(shop: Engine, *, bought_before: bool) -> None:
    """No silent veto: it is counted with its reason, never pending, and nobody is asked to approve it."""
    code = codes(shop, SARAH)[SARAH]
    if bought_before:
        buy(shop, 1, SARAH, paid_at=NOW - 9 * DAY)
    buy(shop, 7, SARAH, code, discount_code=f"VIP, {code}")
    assert (find(shop), find(shop), pairs(shop)) == (1, 0, [(SARAH, SARAH, 7)])
    with write(shop) as connection:
        assert referrals_to_review(connection, NOW, RULES) == []
        count = count_referrals(connection, NOW, RULES)
        with pytest.raises(ValueError, match="earns nothing, approved or not: the friend is herself"):
            review_referral(connection, referrals(shop)[0].id, approve=True, by="Ada", now=NOW, rules=RULES)
    assert (count.pending, count.to_review, count.granted) == (0, 0, 0)
    assert (count.refused, count.refusals) == (1, {"the friend is herself": 1})
    assert grant(shop) == 0


def test_her_own_code_is_not_in_the_way_of_a_friends_order_that_is_told_late(shop: Engine) -> None:
    """Her first order came by a friend's code and was imported after the one under her own; friends share nothing."""
    both = codes(shop, SARAH, FRIEND)
    buy(shop, 2, FRIEND, both[FRIEND], paid_at=NOW + DAY)
    with write(shop) as connection:
        both_have = [name(who, "phone", "+12025550123", identifies=False) for who in (FRIEND, OTHER)]
        connection.execute(insert(identifier), both_have)
    find(shop, NOW + DAY)
    buy(shop, 1, FRIEND, both[SARAH])
    buy(shop, 3, OTHER, both[FRIEND])
    assert find(shop, NOW + DAY) == 2
    assert pairs(shop) == [(FRIEND, FRIEND, 2), (SARAH, FRIEND, 1), (FRIEND, OTHER, 3)]
    assert [one.signals for one in referrals(shop)][1:] == [[], ["shared_phone"]], "herself is no other friend"
    assert grant(shop) == 1


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"cancelled_at": NOW}, "the friend's order was cancelled, or is not paid after all"),
        ({"profile_id": None}, "the order is no longer the friend's"),
        ({"refunded_minor": 2001}, "what the friend kept is worth less than the least order"),
        ({"currency": "EUR"}, "the friend's order is in another currency"),
    ],
    ids=["cancelled", "nobodys", "returned", "currency"],
)
def test_what_can_earn_nothing_is_told_with_its_reason_and_asks_nobody(
    shop: Engine, facts: dict[str, Any], why: str
) -> None:
    suspect(shop)
    change(shop, 7, **facts)
    with read(shop) as connection:
        assert referrals_to_review(connection, PAST, RULES) == []
        count = count_referrals(connection, PAST, RULES)
    assert (count.pending, count.to_review, count.refusals) == (0, 0, {why: 1})


def test_a_code_that_somebody_else_holds_already_is_given_to_nobody(shop: Engine) -> None:
    """Once in 2**50: she gets none, and the other one keeps it."""
    code = codes(shop, SARAH)[SARAH]
    with write(shop) as connection:
        connection.execute(update(referral_code).values(profile_id=OTHER))
    assert codes(shop, SARAH) == {}
    with read(shop) as connection:
        assert connection.execute(select(referral_code.c.code, referral_code.c.profile_id)).all() == [(code, OTHER)]
