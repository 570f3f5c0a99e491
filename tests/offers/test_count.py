"""How codes stand, counted: against a plain loop over random ones, and what is at stake."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert

from segue.offers import CodeCount, count_codes
from segue.offers.count import SOON
from segue.store.engine import read
from segue.store.tables import redemption, voucher
from tests.offers.till import DAY, NOW, add_people
from tests.search import examples

TICK = timedelta(microseconds=1)
ENDS = [-DAY, timedelta(0), TICK, SOON, SOON + TICK, 60 * DAY]
WORTH = [(10, None, None), (15, None, None), (None, 1500, "USD"), (None, 700, "EUR")]
_CODES = st.lists(
    st.tuples(
        st.sampled_from(ENDS),
        st.sampled_from(WORTH),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["", "counts", "again"]),
    ),
    max_size=12,
)


def test_none_is_zero(engine: Engine) -> None:
    with read(engine) as connection:
        count = count_codes(connection, NOW)
    assert (count.minted, count.live, count.standing, count.at_stake, count.percentages) == (0, 0, 0, {}, {})


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(codes=_CODES)
@example(codes=[(end, worth, False, False, False, "") for end in ENDS for worth in WORTH])
@example(codes=[(end, WORTH[0], True, True, is_withdrawn, "") for end in ENDS for is_withdrawn in (True, False)])
def test_every_count_is_what_a_loop_would_count(engine: Engine, codes: list[Any]) -> None:
    with engine.connect().execution_options(segue_mode="write") as connection:
        transaction = connection.begin()
        connection.exec_driver_sql("DELETE FROM profile")
        transaction.commit()
    add_people(engine, 1)
    with engine.connect().execution_options(segue_mode="write") as connection:
        transaction = connection.begin()
        for number, (ends, (percent, amount, currency), is_told, is_revoked, is_withdrawn, use) in enumerate(codes, 1):
            connection.execute(
                insert(voucher).values(
                    id=number, key=f"k{number}", code=f"C{number}", profile_id=1, offer="x", percent=percent,
                    amount_minor=amount, currency=currency, valid_from=NOW - DAY, valid_until=NOW + ends,
                    published_at=NOW if is_told else None, revoked_at=NOW if is_revoked else None,
                    withdrawn_at=NOW if is_revoked and is_withdrawn else None,
                )
            )  # fmt: skip
            for counts in {"": (), "counts": (True,), "again": (True, False)}[use]:
                connection.execute(
                    insert(redemption).values(
                        voucher_id=number, order_ref=f"o{counts}", source="till", counts=counts, redeemed_at=NOW,
                        recorded_at=NOW,
                    )
                )  # fmt: skip
        count = count_codes(connection, NOW)
        transaction.rollback()
    assert count == _by_loop(codes)


def _by_loop(codes: list[Any]) -> CodeCount:
    tally: Counter[str] = Counter()
    at_stake: Counter[str] = Counter()
    percentages: Counter[int] = Counter()
    for ends, (percent, amount, currency), is_told, is_revoked, is_withdrawn, use in codes:
        tally["minted"] += 1
        tally["published"] += is_told
        tally["redeemed"] += bool(use)
        tally["revoked"] += is_revoked
        tally["withdrawn"] += is_revoked and is_withdrawn
        tally["standing"] += is_revoked and not is_withdrawn and ends > timedelta(0)
        if ends <= timedelta(0) or is_revoked or use:
            continue
        tally["live"] += 1
        tally["live_published"] += is_told
        tally["live_ending"] += ends <= SOON
        if percent is None:
            at_stake[currency] += amount
        else:
            percentages[percent] += 1
    names = set(CodeCount.__dataclass_fields__) - {"at_stake", "percentages"}
    return CodeCount(**{name: tally[name] for name in names}, at_stake=dict(at_stake), percentages=dict(percentages))
