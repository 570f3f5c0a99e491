"""Several processes at one instant: one live code a person, one counting use a code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.offers import till
from tests.offers.till import CART, NOW, WELCOME, add_people, ask, import_orders, sell, uses, vouchers
from tests.outbox.processes import CONTEXT, finish, start

PEOPLE = 40


def at_once(*verbs: tuple[Callable[..., None], tuple[Any, ...]], url: str) -> list[int]:
    """Run verbs at one instant, each in a process; return their exit codes."""
    barrier = CONTEXT.Barrier(len(verbs))
    crowd = [start(verb, url, barrier, *rest) for verb, rest in verbs]
    return [finish(one) for one in crowd]


@pytest.fixture
def _people(engine: Engine) -> None:
    add_people(engine, PEOPLE)


def ours(engine: Engine) -> Counter[int]:
    """How many live codes each person holds."""
    return Counter(one.profile_id for one in vouchers(engine))


@pytest.mark.usefixtures("_people")
def test_two_journeys_at_one_instant_give_each_person_one_live_code(engine: Engine, database_url: str) -> None:
    """Each process looks before the other one writes, and would see nobody hold anything."""
    people, backwards = list(range(1, PEOPLE + 1)), list(range(PEOPLE, 0, -1))
    verbs = [
        (till.mint_at_once, ("abandoned_cart/reminder", people, CART)),
        (till.mint_at_once, ("welcome_insert/insert", backwards, WELCOME)),
        (till.mint_at_once, ("abandoned_cart/reminder", backwards, CART)),
    ]
    assert at_once(*verbs, url=database_url) == [0, 0, 0]
    assert ours(engine) == dict.fromkeys(people, 1)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("_people")
def test_without_the_lock_people_hold_two_codes(engine: Engine, database_url: str) -> None:
    """The test above can fail. (On SQLite a second writer cannot even begin.)"""
    people = list(range(1, PEOPLE + 1))
    verbs = [
        (_mint_unlocked, ("abandoned_cart/reminder", people, CART)),
        (_mint_unlocked, ("welcome_insert/insert", people, WELCOME)),
    ]
    assert at_once(*verbs, url=database_url) == [0, 0]
    assert ours(engine) == dict.fromkeys(people, 2)


@pytest.mark.usefixtures("_people")
def test_two_tills_at_one_instant_redeem_each_code_once(engine: Engine, database_url: str) -> None:
    codes = [one.voucher.code for one in ask(engine, *[(who, who) for who in range(1, PEOPLE + 1)]).values()]
    verbs = [
        (till.redeem_at_once, ("north", codes)),
        (till.redeem_at_once, ("south", codes[::-1])),
    ]
    assert at_once(*verbs, url=database_url) == [0, 0]
    told = uses(engine)
    assert Counter(code for code, _, _ in told) == dict.fromkeys(codes, 2)
    assert Counter(code for code, _, counts in told if counts) == dict.fromkeys(codes, 1)
    assert len({order[:5] for _, order, counts in told if counts}) == 1, "who came first was first for all of them"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("_people")
def test_without_the_lock_the_second_till_fails_and_never_counts_twice(engine: Engine, database_url: str) -> None:
    """The database's own index is the last line of defence: an error, and no second counting use."""
    codes = [one.voucher.code for one in ask(engine, (1, 1), (2, 2)).values()]
    verbs = [(_redeem_unlocked, ("north", codes)), (_redeem_unlocked, ("south", codes))]
    assert sorted(at_once(*verbs, url=database_url)) == [0, 1]
    assert Counter(code for code, _, counts in uses(engine) if counts) == dict.fromkeys(codes, 1)


@pytest.mark.usefixtures("_people")
def test_an_import_and_a_till_that_tell_the_same_order_at_one_instant_tell_it_once(
    engine: Engine, database_url: str
) -> None:
    codes = [one.voucher.code for one in ask(engine, *[(who, who) for who in range(1, PEOPLE + 1)]).values()]
    for place, code in enumerate(codes):
        sell(engine, f"id-{place}", code.lower(), number=f"#till-{place}")
    verbs = [(till.import_at_once, ()), (till.redeem_at_once, ("till", codes))]
    assert at_once(*verbs, url=database_url) == [0, 0]
    import_orders(engine, NOW)
    told = uses(engine)
    assert Counter(code for code, _, counts in told if counts) == dict.fromkeys(codes, 1)
    assert len(told) == PEOPLE


def _mint_unlocked(*asked: Any) -> None:
    till.mint_at_once(*asked, locked=False)


def _redeem_unlocked(*asked: Any) -> None:
    till.redeem_at_once(*asked, locked=False)
