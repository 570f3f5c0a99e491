"""One live personal code a person: which one a second message shows, and what is not live."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import Engine, insert, update

from segue.contract import Key, Voucher
from segue.offers import Offer, OfferedVoucher, best, live_vouchers, revoke
from segue.store.engine import read, write
from segue.store.tables import profile, voucher
from tests.offers.till import CART, DAY, NOW, WELCOME, add_people, ask, key, tell, vouchers

TICK = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _people(engine: Engine) -> None:
    add_people(engine, 3)


def give(engine: Engine, code: str, *, lives: timedelta, who: int = 1, **worth: Any) -> None:
    """Let somebody hold a code."""
    row = {"key": f"other/step/{code}", "code": code, "profile_id": who, "offer": "other", "percent": None}
    with write(engine) as connection:
        values = row | {"valid_from": NOW - DAY, "valid_until": NOW + lives} | worth
        connection.execute(insert(voucher).values(**values))


@pytest.mark.parametrize(
    "worth",
    [
        {},
        {"percent": 0},
        {"percent": 101},
        {"percent": 10, "amount_minor": 1500, "currency": "USD"},
        {"percent": 10, "currency": "USD"},
        {"amount_minor": 1500},
        {"amount_minor": 0, "currency": "USD"},
        {"currency": "USD"},
    ],
    ids=str,
)
def test_an_offer_is_worth_one_thing(worth: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the offer x must be worth"):
        Offer(name="x", valid_for=DAY, **worth)


def test_an_offer_may_be_worth_an_amount(engine: Engine) -> None:
    fifteen = Offer(name="referral", valid_for=30 * DAY, amount_minor=1500, currency="USD")
    one = ask(engine, (1, 1), offer=fifteen)[key(1)].voucher
    assert (one.percent, one.amount_minor, one.currency) == (None, 1500, "USD")
    assert [(row.percent, row.amount_minor, row.currency) for row in vouchers(engine)] == [(None, 1500, "USD")]


def test_without_conditions_everybody_gets_a_code_again_once_the_last_one_ran_out(engine: Engine) -> None:
    first = ask(engine, (1, 1), offer=WELCOME)
    second = ask(engine, (2, 1), offer=WELCOME, now=NOW + 60 * DAY)
    assert first[key(1)].voucher.code != second[key(2)].voucher.code


def test_a_second_message_shows_the_live_code_with_its_own_expiry(engine: Engine) -> None:
    """And the same one however often it asks."""
    cart = ask(engine, (1, 1))[key(1)]
    for later in (timedelta(0), DAY - timedelta(seconds=1)):
        assert ask(engine, (2, 1), (3, 2), offer=WELCOME, now=NOW + later)[key(2)] == cart
    assert [row.key for row in vouchers(engine)] == [key(1), key(3)]


def test_messages_of_one_batch_share_the_new_code_where_the_offer_shows_one(engine: Engine) -> None:
    shown = ask(engine, (1, 1), (2, 1), (3, 1), offer=WELCOME)
    assert {one.voucher.key for one in shown.values()} == {key(1)}
    assert shown.keys() == {key(1), key(2), key(3)}
    assert ask(engine, (3, 1), (2, 1), (1, 1), offer=WELCOME) == shown


@pytest.mark.parametrize(("left", "is_shown"), [(DAY, True), (DAY - TICK, False)], ids=str)
def test_a_code_about_to_run_out_is_not_shown_and_gets_no_second_one_beside_it(
    engine: Engine, left: timedelta, *, is_shown: bool
) -> None:
    give(engine, "SOON", lives=left, percent=5)
    assert (key(1) in ask(engine, (1, 1), offer=WELCOME)) is is_shown
    assert len(vouchers(engine)) == 1


def test_its_own_code_is_shown_on_a_retry_however_soon_it_runs_out(engine: Engine) -> None:
    first = ask(engine, (1, 1), offer=WELCOME)
    assert ask(engine, (1, 1), offer=WELCOME, now=NOW + 60 * DAY - timedelta(hours=1)) == first


def test_a_code_that_is_not_worth_more_is_not_replaced(engine: Engine) -> None:
    """What she was promised stays; a better one beside it would be the second live one."""
    give(engine, "SMALL", lives=30 * DAY, percent=1)
    assert ask(engine, (1, 1), offer=WELCOME)[key(1)].voucher.code == "SMALL"
    assert ask(engine, (2, 1), offer=CART) == {}


@pytest.mark.parametrize(
    ("codes", "winner"),
    [
        ({"A": (10, None, 9), "B": (20, None, 2)}, "B"),
        ({"A": (20, None, 9), "B": (20, None, 2)}, "A"),
        ({"A": (None, "USD", 9), "B": (20, None, 2)}, "A"),
        ({"A": (None, "USD", 2), "B": (20, None, 9)}, "B"),
        ({"A": (None, "USD", 2), "B": (None, "EUR", 9)}, "B"),
        ({"A": (10, None, 5), "B": (None, "USD", 4), "C": (20, None, 3)}, "B"),
        ({"A": (10, None, 5), "B": (10, None, 5)}, "B"),
    ],
    ids=["higher percent", "equal: longer", "amount lives longer", "percent lives longer", "currencies", "ring", "tie"],
)
def test_which_of_several_codes_is_the_best(codes: dict[str, tuple[Any, Any, int]], winner: str) -> None:
    """Whatever the order they come in: after a merge somebody may hold several."""
    held = [
        OfferedVoucher(
            voucher=Voucher(
                code=code,
                key=Key(code),
                percent=percent,
                amount_minor=None if percent else 1500,
                currency=currency,
                valid_from=NOW,
                valid_until=NOW + days * DAY,
            ),
            profile_id=1,
            is_published=True,
        )
        for code, (percent, currency, days) in codes.items()
    ]
    assert {best(order).voucher.code for order in permutations(held)} == {winner}


def test_the_best_of_several_is_shown(engine: Engine) -> None:
    give(engine, "FIVE", lives=9 * DAY, percent=5)
    give(engine, "FORTY", lives=DAY - TICK, percent=40)
    give(engine, "THIRTY", lives=2 * DAY, percent=30)
    assert ask(engine, (1, 1), offer=WELCOME)[key(1)].voucher.code == "THIRTY"


@pytest.mark.parametrize("how", ["redeemed", "revoked", "expired"])
def test_what_is_spent_is_not_live(engine: Engine, how: str) -> None:
    give(engine, "SPENT", lives=timedelta(0) if how == "expired" else 30 * DAY, percent=50)
    if how == "redeemed":
        tell(engine, "SPENT", "o1")
    elif how == "revoked":
        with write(engine) as connection:
            assert revoke(connection, [" spent "], NOW) == 1
            assert revoke(connection, ["SPENT", "UNKNOWN"], NOW + DAY) == 0
            assert revoke(connection, [], NOW) == 0
        assert vouchers(engine)[0].revoked_at == NOW
    with read(engine) as connection:
        assert live_vouchers(connection, [1], NOW) == {}
        assert live_vouchers(connection, [], NOW) == {}
    assert ask(engine, (1, 1), offer=WELCOME)[key(1)].voucher.key == key(1)
    assert key(2) not in ask(engine, (2, 1))


@pytest.mark.parametrize("how", ["redeemed", "revoked"])
def test_a_key_whose_code_is_spent_says_so_and_gets_no_other(engine: Engine, how: str) -> None:
    first = ask(engine, (1, 1), offer=WELCOME)[key(1)]
    if how == "redeemed":
        tell(engine, first.voucher.code, "o1")
    else:
        with write(engine) as connection:
            revoke(connection, [first.voucher.code], NOW)
    assert ask(engine, (1, 1), offer=WELCOME) == {key(1): dataclasses.replace(first, is_spent=True)}
    assert len(vouchers(engine)) == 1


def test_a_profile_that_was_merged_away_gets_no_code(engine: Engine) -> None:
    """A worker that slept through the merge must not leave a code with somebody who owns nothing."""
    with write(engine) as connection:
        connection.execute(update(profile).where(profile.c.id == 1).values(merged_into=2))
    assert ask(engine, (1, 1), (2, 2), offer=WELCOME).keys() == {key(2)}
