"""Orders, returns, merges and reviews in whatever order: what may never happen does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, select, text

from segue.offers import (
    count_referrals,
    referrals_to_review,
    review_referral,
)
from segue.offers.referral_rewards import YEAR
from segue.store.engine import read, write
from segue.store.tables import (
    identifier,
    metadata,
    order,
    profile,
)
from tests.offers import friends
from tests.offers.friends import (
    DAY,
    NOW,
    RULES,
    add_people,
    buy,
    by_referral,
    change,
    codes,
    grant,
    referrals,
    vouchers,
)
from tests.outbox.merges import carry_out_pairs
from tests.search import examples

PEOPLE = 5
_STEP = st.one_of(
    st.tuples(st.just("buy"), st.integers(1, PEOPLE), st.integers(1, PEOPLE), st.integers(2000, 6000)),
    st.tuples(st.just("return"), st.integers(1, 12), st.integers(0, 4000)),
    st.tuples(st.just("cancel"), st.integers(1, 12)),
    st.tuples(st.just("merge"), st.integers(1, PEOPLE), st.integers(1, PEOPLE)),
    st.tuples(st.just("review"), st.booleans()),
    st.tuples(st.just("device"), st.integers(1, PEOPLE), st.integers(1, 2)),
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("grant")),
)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEP, max_size=25))
def test_whatever_happens_in_whatever_order(engine: Engine, steps: list[tuple[Any, ...]]) -> None:
    """Both or none, one reward a friend, nobody rewarded for herself, no more than the year allows, nothing undone."""
    rules = RULES.model_copy(update={"rewards_a_year": 2, "return_window_days": 5})
    _forget(engine)
    add_people(engine, PEOPLE)
    code_of = codes(engine, *range(1, PEOPLE + 1))
    now, number, kept = NOW, 0, {}
    for verb, *what in [*steps, ("wait", 6), ("grant",), ("grant",)]:
        if verb == "buy":
            number += 1
            buy(engine, number, _root(engine, what[0]), code_of[what[1]], total_minor=what[2], paid_at=now)
        elif verb == "return":
            change(engine, what[0], refunded_minor=what[1])
        elif verb == "cancel":
            change(engine, what[0], cancelled_at=now)
        elif verb == "wait":
            now += what[0] * DAY
        elif verb == "grant":
            _grant_and_look(engine, now, rules)
        else:
            with write(engine) as connection:
                _happen(connection, verb, what, now, rules)
        now += timedelta(minutes=1)
        after = {one.key: (one.code, one.amount_minor, one.valid_until) for one in vouchers(engine)}
        assert kept.items() <= after.items(), "what was granted stays as it was"
        kept = after
        assert set(by_referral(engine).values()) <= {2}


def _grant_and_look(engine: Engine, now: Any, rules: Any) -> None:
    before = {one.key for one in vouchers(engine)}
    done = grant(engine, now, rules)
    fresh = [one for one in vouchers(engine) if one.key not in before]
    assert len(fresh) == 2 * done
    by_id = {one.id: one for one in referrals(engine)}
    everybody = vouchers(engine)
    with read(engine) as connection:
        count = count_referrals(connection, now, rules)
        asked = referrals_to_review(connection, now, rules)
    assert count.pending + count.to_review + count.granted + count.refused == len(by_id)
    assert count.granted == len(everybody) / 2
    assert len(asked) == count.to_review
    assert all(one.profile_id != one.friend_id for one in asked)
    assert count.refused >= sum(
        one.profile_id == one.friend_id and not any(f":{one.id}:" in voucher.key for voucher in everybody)
        for one in by_id.values()
    )
    for one in fresh:
        of = by_id[int(one.key.split(":")[1])]
        is_hers = one.key.endswith(":referrer")
        assert one.profile_id == (of.profile_id if is_hers else of.friend_id)
        assert of.profile_id != of.friend_id
        assert of.review == "approved" or (of.review is None and of.score < rules.review_from)
        with read(engine) as connection:
            bought = connection.execute(select(order).where(order.c.id == of.order_id)).one()
        assert bought.cancelled_at is None
        assert bought.total_minor - bought.refunded_minor >= rules.least_order_minor
        assert now - bought.paid_at >= timedelta(days=rules.return_window_days)
        if is_hers:
            lately = [
                other for other in everybody
                if other.profile_id == one.profile_id and other.offer == one.offer and now - other.valid_from < YEAR
            ]  # fmt: skip
            assert len(lately) <= rules.rewards_a_year
        else:
            assert sum(other.profile_id == one.profile_id and other.offer == one.offer for other in everybody) == 1


def _happen(connection: Connection, verb: str, what: list[Any], now: Any, rules: Any) -> None:
    if verb == "merge":
        carry_out_pairs(connection, [(what[0], what[1])], now)
    elif verb == "review":
        for one in referrals_to_review(connection, now, rules)[:1]:
            review_referral(connection, one.id, approve=what[0], by="Ada", now=now, rules=rules)
    elif verb == "device":
        who = connection.scalar(select(profile.c.merged_into).where(profile.c.id == what[0])) or what[0]
        has = select(identifier.c.id).where(identifier.c.profile_id == who, identifier.c.value == f"c{what[1]}")
        if connection.scalar(has) is None:
            connection.execute(insert(identifier).values(friends.name(who, "cookie", f"c{what[1]}", identifies=False)))


def _root(engine: Engine, who: int) -> int:
    with read(engine) as connection:
        return connection.scalar(select(profile.c.merged_into).where(profile.c.id == who)) or who


def _forget(engine: Engine) -> None:
    """Begin anew: a database for each example would take longer than the test."""
    with write(engine) as connection:
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        for table in reversed(metadata.sorted_tables):
            if table.name not in ("lease", "installation"):
                connection.execute(table.delete())
