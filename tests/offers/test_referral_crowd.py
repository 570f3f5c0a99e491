"""Granting that is killed, and granting in several processes at one instant: both vouchers or none, each once."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.offers.friends import (
    add_people,
    buy,
    by_referral,
    codes,
    find,
    grant_in_process,
    many,
    referrals,
    vouchers,
)
from tests.outbox.processes import CONTEXT, finish, start

SARAH, FRIEND = 1, 2


@pytest.fixture
def shop(engine: Engine) -> Engine:
    """Four people; the friend has bought under Sarah's code."""
    add_people(engine, 4)
    buy(engine, 7, FRIEND, codes(engine, SARAH)[SARAH])
    return engine


@pytest.mark.parametrize("at", ["before", "half", "written", "commit", "committed"])
def test_killed_at_any_point_both_have_a_voucher_or_neither_and_again_both(
    shop: Engine, database_url: str, at: str
) -> None:
    many(shop, 3)
    assert finish(start(grant_in_process, database_url, None, at)) == -signal.SIGKILL
    before = vouchers(shop)
    assert len(before) == (6 if at == "committed" else 0), "three referrals are past their window"
    assert finish(start(grant_in_process, database_url, None)) == 0
    assert [one for one in vouchers(shop) if one in before] == before
    assert set(by_referral(shop).values()) == {2}
    assert len(vouchers(shop)) == 6


def test_three_processes_at_one_instant_grant_each_once_and_ten_in_all(engine: Engine, database_url: str) -> None:
    add_people(engine, 1)
    add_people(engine, 14, first=10)
    code = codes(engine, SARAH)[SARAH]
    for place in range(14):
        buy(engine, 100 + place, 10 + place, code)
    barrier = CONTEXT.Barrier(3)
    crowd = [start(grant_in_process, database_url, barrier) for _ in range(3)]
    assert [finish(one) for one in crowd] == [0, 0, 0]
    assert len(referrals(engine)) == 14
    assert list(by_referral(engine).values()) == [2] * 10


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_without_the_lock_a_year_holds_too_many_or_a_process_fails(engine: Engine, database_url: str) -> None:
    """The test above can fail. (On SQLite a second writer cannot even begin.)"""
    add_people(engine, 1)
    many(engine, 1)
    find(engine)
    barrier = CONTEXT.Barrier(2)
    crowd = [start(_grant_unlocked, database_url, barrier) for _ in range(2)]
    assert sorted(finish(one) for one in crowd) == [0, 1]
    assert set(by_referral(engine).values()) == {2}, "the database's own index is the last line of defence"


def _grant_unlocked(*asked: Any) -> None:
    grant_in_process(*asked, locked=False)
