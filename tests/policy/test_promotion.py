"""A promotional block in a transactional mail is judged as marketing e-mail is; the mail leaves all the same."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.policy.bases import BASES
from segue.policy.judge import judge
from tests.policy.frames import NIGHT, NOW, RULES, frame, history, judged, row, rules
from tests.search import examples

CONFIRMATION: dict[str, Any] = {
    "journey": "order_confirmation",
    "step": "mail",
    "transactional": True,
    "has_promotion": True,
}
FULL = [(1, "email", NOW)] * 9


def verdict(changes: dict[str, Any], **how: Any) -> tuple[str, bool]:
    """Whether a confirmation leaves, and with its block."""
    one = judged(row(**CONFIRMATION | changes), **how)[0]
    return one["reason"] or one["verdict"], one["promote"]


@pytest.mark.parametrize(
    ("changes", "fate", "promote"),
    [
        ({}, "send", True),
        ({"email_basis": "opt_in", "country": "US"}, "send", True),
        ({"email_basis": "opt_in", "country": "DE"}, "send", False),
        ({"email_basis": "double_opt_in", "country": "DE"}, "send", True),
        ({"email_basis": "opt_in", "country": None}, "send", False),
        ({"email_basis": "contract", "country": "DE"}, "send", False),
        ({"email_basis": "denied"}, "send", False),
        ({"email_basis": "doubted"}, "send", False),
        ({"email_basis": None, "country": "DE"}, "send", False),
        ({"email_suppressed": "unsubscribe"}, "send", False),
        ({"email_suppressed": "complaint"}, "send", False),
        ({"email_suppressed": "objection"}, "send", False),
        ({"email_suppressed": "hard_bounce"}, "suppressed", False),
        ({"email": None}, "no_address", False),
        ({"has_promotion": False}, "send", False),
        ({"channels": ("sms", "email")}, "send", False),
        ({"channels": ("sms", "email"), "phone": None}, "send", True),
    ],
    ids=lambda given: str(given)[:60],
)
def test_the_block_needs_a_basis_of_its_own(changes: dict[str, Any], fate: str, promote: bool) -> None:
    assert verdict(changes) == (fate, promote)


def test_neither_the_cap_nor_the_night_nor_the_holdout_take_it_out() -> None:
    """Column 2 of the matrix: these rules are about messages, and this one leaves anyway."""
    everybody = rules(holdout_journey=1.0, holdout_global=1.0)
    assert verdict({"deadline_at": NIGHT + (NIGHT - NOW)}, now=NIGHT, past=history(*FULL), by=everybody) == (
        "send",
        True,
    )


_ROW = st.fixed_dictionaries(
    {
        "country": st.sampled_from(["US", "DE", "CA", "GB", "XX", None]),
        "email": st.sampled_from(["p@example.com", None]),
        "email_basis": st.sampled_from([*BASES, None]),
        "email_suppressed": st.sampled_from(["hard_bounce", "unsubscribe", "complaint", "objection", None]),
    }
)


@settings(max_examples=examples(150))
@given(changes=st.lists(_ROW, min_size=1, max_size=8))
def test_it_is_shown_exactly_where_the_same_person_could_be_sent_marketing(changes: list[dict[str, Any]]) -> None:
    """Asked of the same policy: the row as a marketing mail, with nothing else in its way."""
    blocks = judged(*[row(**CONFIRMATION | one, profile_id=n) for n, one in enumerate(changes)])
    mails = judged(*[row(**one, profile_id=n) for n, one in enumerate(changes)])
    assert [one["promote"] for one in blocks] == [one["verdict"] == "send" for one in mails]


def test_a_frame_without_such_rows_says_no_of_all() -> None:
    result = judge(frame(row(), row(profile_id=2, transactional=True)), now=NOW, history=history(), rules=RULES)
    assert result["promote"].dtype == bool
    assert not result["promote"].any()
    empty = judge(frame(), now=NOW, history=pd.DataFrame(), rules=RULES)
    assert list(empty.columns) == list(result.columns)
