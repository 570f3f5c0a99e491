"""Every row gets exactly one verdict, whatever the frame is made of."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.policy import Reason
from segue.policy.judge import judge
from tests.policy.frames import NIGHT, NOW, RULES, frame, history, plain, row, rules
from tests.search import examples

BASES = [None, "double_opt_in", "opt_in", "soft_opt_in", "legitimate_interest", "contract", "denied"]
SUPPRESSIONS = [None, None, None, "hard_bounce", "unsubscribe", "stop", "complaint", "objection"]
SOMETIMES = st.sampled_from([False, False, False, True])
MOMENTS = st.integers(-100, 3000).map(lambda minutes: NIGHT + timedelta(minutes=minutes))
ANY_ROW = st.fixed_dictionaries(
    {
        "profile_id": st.integers(1, 5),
        "journey": st.sampled_from(["abandoned_cart", "popup_invite"]),
        "transactional": SOMETIMES,
        "answers_a_cart": st.booleans(),
        "in_cap": st.booleans(),
        "in_holdout": st.booleans(),
        "over_budget": st.sampled_from(["hold", "drop"]),
        "channels": st.lists(st.sampled_from(["email", "sms", "print"]), unique=True, max_size=3).map(tuple),
        "priority": st.integers(1, 3),
        "deadline_at": MOMENTS,
        "ready_at": st.none() | MOMENTS,
        "country": st.sampled_from(["US", "DE", "XX", None]),
        "region": st.sampled_from(["NY", None]),
        "zone": st.sampled_from(["America/New_York", "Europe/Berlin", "Nowhere/Land", None]),
        "email": st.sampled_from(["sarah@example.com", None]),
        "phone": st.sampled_from(["+12025550101", None]),
        **{f"{channel}_basis": st.sampled_from(BASES) for channel in ("email", "sms", "print")},
        **{f"{channel}_suppressed": st.sampled_from(SUPPRESSIONS) for channel in ("email", "sms", "print")},
        "converted": SOMETIMES,
        "gone": SOMETIMES,
        "broken": SOMETIMES,
        "sold_out": SOMETIMES,
        "paused": SOMETIMES,
    }
)
PAST = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.sampled_from(["email", "sms", "print"]),
        st.integers(-60, 40_000).map(lambda minutes: NIGHT - timedelta(minutes=minutes)),
    ),
    max_size=10,
)
STRICT = rules(holdout_journey=0.3, holdout_global=0.2)


@settings(max_examples=examples(100), deadline=None)
@given(rows=st.lists(ANY_ROW, max_size=12), past=PAST, now=st.sampled_from([NOW, NIGHT]), shuffle=st.randoms())
def test_every_row_gets_exactly_one_verdict(rows, past, now, shuffle):
    """The sum adds up, each verdict is complete, and the order of rows says nothing."""
    rows = [row(key=f"j/s/cart:{n}", **each) for n, each in enumerate(rows)]
    made = frame(*rows)
    result = judge(made, now=now, history=history(*past), rules=STRICT)
    assert result.index.equals(made.index)
    for asked, verdict in zip(rows, map(plain, result.to_dict("records")), strict=True):
        assert (verdict["reason"] is None) == (verdict["verdict"] == "send")
        if verdict["reason"] is not None:
            assert Reason(verdict["reason"]).verdict == verdict["verdict"]
        assert (verdict["until"] is not None) == (verdict["verdict"] == "hold")
        if verdict["verdict"] == "hold":
            assert now < verdict["until"] <= asked["deadline_at"]
        if verdict["verdict"] != "skip":
            assert verdict["channel"] in asked["channels"]
        assert (verdict["valid_until"] is not None) == (
            verdict["verdict"] == "send"
            and (verdict["channel"] == "sms" or (verdict["channel"] == "email" and not asked["answers_a_cart"]))
            and not asked["transactional"]
        )
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    again = judge(made.iloc[order], now=now, history=history(*past), rules=STRICT)
    pd.testing.assert_frame_equal(again.sort_index(), result)


@settings(max_examples=examples(60), deadline=None)
@given(rows=st.lists(ANY_ROW, min_size=1, max_size=12), past=PAST)
def test_a_held_row_is_judged_otherwise_once_its_time_has_come(rows, past):
    """`until` is exact: at that instant this hold is over, one moment before it is not."""
    rows = [row(**{**each, "profile_id": n}) for n, each in enumerate(rows)]  # so that nobody competes
    past = history(*past)
    for each, verdict in zip(
        rows, judge(frame(*rows), now=NIGHT, history=past, rules=STRICT).to_dict("records"), strict=True
    ):
        if verdict["verdict"] == "hold" and verdict["reason"] not in {"paused", "journey_broken"}:
            until = plain(verdict)["until"]
            at, before = (
                judge(frame(each), now=now, history=past, rules=STRICT)["reason"].iloc[0]
                for now in (until, until - timedelta(microseconds=1))
            )
            assert at != verdict["reason"]
            assert before == verdict["reason"]


def test_an_empty_frame_gives_an_empty_frame():
    """With columns as read from an empty table, and with history as empty as can be."""
    for made in (frame(), frame().astype(object), frame(row()).iloc[:0]):
        result = judge(made, now=NOW, history=pd.DataFrame(), rules=RULES)
        assert list(result.columns) == ["verdict", "reason", "until", "channel", "valid_until", "promote"]
        assert len(result) == 0
        assert str(result["until"].dtype) == "datetime64[us, UTC]"


TEXTS = ["country", "region", "zone", "email", "phone", "email_basis", "sms_basis", "print_basis", "journey"]


@pytest.mark.parametrize("dtype", ["str", "object", "category", "string"])
@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA])
def test_text_may_come_in_any_dtype_with_any_nothing(dtype, nothing):
    """Whatever a database driver makes of NULL, the verdicts are the same."""
    made = frame(
        row(),
        row(country=None, zone=None, region=None, profile_id=2),
        row(email=None, email_basis=None, profile_id=3),
    )
    expected = judge(made, now=NIGHT, history=history(), rules=RULES)
    for name in TEXTS:
        column = made[name].astype(object)
        column[column.isna()] = nothing
        made[name] = column.astype(dtype)
    for name in ("email_suppressed", "sms_suppressed", "print_suppressed"):
        made[name] = pd.Series([nothing] * 3, dtype=object)
    pd.testing.assert_frame_equal(judge(made, now=NIGHT, history=history(), rules=RULES), expected)


def test_booleans_and_times_may_come_as_objects():
    """SQLite gives 0 and 1, an empty join gives None; a missing fact is not a fact."""
    made = frame(row(), row(converted=True, profile_id=2), row(profile_id=3))
    made["converted"] = pd.Series([0, 1, None], dtype=object)
    made["paused"] = pd.Series([None, np.nan, True], dtype=object)
    made["ready_at"] = pd.Series([None, None, None], dtype=object)
    made["deadline_at"] = made["deadline_at"].astype(object)
    result = judge(made, now=NOW, history=history(), rules=RULES)
    assert result["reason"].tolist() == [None, "converted", "paused"]


def test_times_may_come_in_any_unit_and_zone():
    made = frame(row(ready_at=NOW + timedelta(hours=1)))
    expected = judge(made, now=NOW, history=history(), rules=RULES)
    made["ready_at"] = made["ready_at"].dt.tz_convert("Asia/Tokyo").astype("datetime64[ns, Asia/Tokyo]")
    pd.testing.assert_frame_equal(judge(made, now=NOW, history=history(), rules=RULES), expected)
    assert expected["until"].iloc[0] == NOW + timedelta(hours=1)


def test_the_frame_handed_in_is_left_alone():
    made, past = frame(row(), row(paused=True)), history((1, "email", NOW))
    before, past_before = made.copy(), past.copy()
    judge(made, now=NOW, history=past, rules=RULES)
    pd.testing.assert_frame_equal(made, before)
    pd.testing.assert_frame_equal(past, past_before)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="aware"):
        judge(frame(row()), now=datetime(2026, 11, 18, 15, 0), history=history(), rules=RULES)  # noqa: DTZ001


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="lacks in_cap, zone"):
        judge(frame(row()).drop(columns=["in_cap", "zone"]), now=NOW, history=history(), rules=RULES)
