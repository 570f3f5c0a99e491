"""Who may be in an ad audience: the strictest answer wins, and every row has exactly one verdict."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.policy.ads import judge_members, judge_people
from segue.policy.law.ads import load_ads_law, shipped_ads_law
from segue.policy.reasons import Reason
from tests.search import examples

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LAW = shipped_ads_law()


def person(**changes: object) -> dict[str, object]:
    return {
        "profile_id": 1, "has_address": True, "suppressed": False, "basis": "opt_in", "country": "DE",
        "birth_year": 1990, "merged": False, **changes,
    }  # fmt: skip


def why(**changes: object) -> str | None:
    return judge_people(pd.DataFrame([person(**changes)]), now=NOW, law=LAW).iloc[0]


@pytest.mark.parametrize(
    ("country", "basis", "reason"),
    [
        ("DE", "opt_in", None),
        ("DE", "double_opt_in", None),
        ("DE", None, "no_consent"),
        ("DE", "soft_opt_in", "no_consent"),
        ("DE", "legitimate_interest", "no_consent"),
        ("DE", "doubted", "unconfirmed"),
        ("DE", "denied", "denied"),
        ("us", None, None),
        ("US", None, None),
        ("US", "soft_opt_in", None),
        ("US", "denied", "denied"),
        ("US", "doubted", "unconfirmed"),
        (None, None, "no_consent"),
        (None, "opt_in", None),
        ("XX", None, "no_consent"),
        ("GB", None, "no_consent"),
        ("CA", None, "no_consent"),
    ],
)
def test_the_basis_by_country(country: str | None, basis: str | None, reason: str | None) -> None:
    assert why(country=country, basis=basis) == reason


@pytest.mark.parametrize(
    ("born", "reason"), [(-1, "age_unknown"), (2010, "underage"), (2008, "underage"), (2007, None), (1950, None)]
)
def test_of_age_for_certain(born: int, reason: str | None) -> None:
    """Born in 2008 she may have her eighteenth birthday still before her."""
    assert why(birth_year=born) == reason


def test_other_reasons_and_their_order() -> None:
    assert why(suppressed=True, basis="denied") == "suppressed"
    assert why(basis="denied", birth_year=-1) == "denied"
    assert why(has_address=False, birth_year=-1) == "age_unknown"
    assert why(has_address=False) == "no_address"
    assert why(merged=True, suppressed=True) == "merged"


def things(
    wanted: int, bought: int, remaining: int, share: float = 0.0, reason: str | None = None
) -> tuple[str, object]:
    frame = pd.DataFrame([{"profile_id": 1, "wanted": wanted, "bought": bought, "remaining": remaining}])
    judged = judge_members(
        frame, pd.Series([reason], dtype=object), share=share, share_everywhere=0, salt="s", journey="retargeting"
    )
    return judged["verdict"].iloc[0], judged["reason"].iloc[0]


def test_things() -> None:
    assert things(2, 1, 1) == ("send", None)
    assert things(2, 2, 0) == ("skip", "converted")
    assert things(2, 1, 0) == ("skip", "sold_out")
    assert things(0, 0, 0) == ("send", None)
    assert things(1, 0, 1, share=0.9999999) == ("control", "holdout_journey")
    assert things(1, 1, 0, share=0.9999999) == ("skip", "converted")
    assert things(1, 0, 1, reason="denied") == ("skip", "denied")


PEOPLE = st.fixed_dictionaries(
    {
        "has_address": st.booleans(),
        "suppressed": st.booleans(),
        "basis": st.sampled_from([None, "opt_in", "double_opt_in", "soft_opt_in", "doubted", "denied", "nonsense"]),
        "country": st.sampled_from([None, "US", "DE", "FR", "us", "ZZ"]),
        "birth_year": st.sampled_from([-1, 1950, 2007, 2008, 2015]),
        "merged": st.booleans(),
        "wanted": st.integers(0, 3),
        "bought": st.integers(0, 3),
        "remaining": st.integers(0, 3),
    }
)


@settings(max_examples=examples(60))
@given(st.lists(PEOPLE, min_size=1, max_size=30))
def test_nobody_is_in_who_may_not_be(people: list[dict[str, object]]) -> None:
    """One verdict a row, judged side by side as judged alone; the rules told once more, one person at a time."""
    frame = pd.DataFrame([{"profile_id": number, **one} for number, one in enumerate(people)])
    judged = judge_members(
        frame, judge_people(frame, now=NOW, law=LAW), share=0.3, share_everywhere=0.1, salt="s", journey="retargeting"
    )
    assert list(judged.index) == list(frame.index)
    for one, verdict, reason in zip(people, judged["verdict"], judged["reason"], strict=True):
        allowed = (
            one["has_address"]
            and not one["suppressed"]
            and not one["merged"]
            and one["birth_year"] in (1950, 2007)
            and (
                one["basis"] in ("opt_in", "double_opt_in")
                or (str(one["country"]).upper() == "US" and one["basis"] not in ("denied", "doubted"))
            )
            and (one["wanted"] == 0 or one["remaining"] != 0)
        )
        assert (verdict in ("send", "control")) == bool(allowed)
        assert reason is None or Reason(reason).verdict == verdict


def test_a_frame_without_a_column_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="birth_year"):
        judge_people(pd.DataFrame([person()]).drop(columns="birth_year"), now=NOW, law=LAW)


def test_a_shops_own_law(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text("# ours\ncountry,basis,explanation,source\nUS,opt_in,,\n")
    assert load_ads_law(tmp_path).demand("US") == "opt_in"
    for text, message in (("US,opt_in\nUS,opt_in", "twice"), ("US,maybe", "maybe")):
        (tmp_path / "ads.csv").write_text(f"country,basis\n{text}\n")
        with pytest.raises(ValueError, match=message):
            load_ads_law(tmp_path)


def test_the_whole_eea_needs_consent() -> None:
    text = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO"
    eea = text.split()
    assert {LAW.demand(country) for country in eea} == {"opt_in"}
