"""How each step travels, what stops it, and how late is too late: the table that marketers are told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from segue.journeys import loyalty_notice, order_confirmation, popup_places, referral_followup, style_followup
from segue.journeys.definition import Journey
from segue.journeys.popup_invite import JOURNEY as POPUP_INVITE
from segue.settings import House

EITHER, MAIL = ("email", "sms"), ("email",)
#: Channels in order; transactional; counted by the budget; in the comparison group; over the budget.
STEPS = {
    "order_confirmation/receipt": (MAIL, True, True, True, "hold"),
    "loyalty_notice/month": (EITHER, False, True, True, "hold"),
    "loyalty_notice/reward": (EITHER, False, True, True, "hold"),
    "loyalty_notice/expiry": (EITHER, False, False, False, "hold"),
    "popup_invite/invite": (MAIL, False, True, True, "hold"),
    "referral_followup/reward": (MAIL, True, True, True, "hold"),
    "referral_followup/nudge": (MAIL, False, True, True, "drop"),
    "style_followup/looks": (MAIL, False, True, True, "hold"),
}
LATE = (order_confirmation, loyalty_notice, referral_followup, style_followup)
JOURNEYS: tuple[Journey, ...] = (
    order_confirmation.JOURNEY,
    loyalty_notice.JOURNEY,
    POPUP_INVITE,
    referral_followup.JOURNEY,
    style_followup.JOURNEY,
)


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda one: one.name)
def test_each_step_travels_as_told(journey: Journey) -> None:
    found = {
        f"{journey.name}/{step.name}": (
            tuple(map(str, step.channels)), step.transactional, step.in_cap, step.in_holdout, step.over_budget
        )
        for step in journey.steps
    }  # fmt: skip
    assert found == {name: told for name, told in STEPS.items() if name.startswith(f"{journey.name}/")}
    assert [step.name for step in journey.steps if step.has_promotion] == (
        ["receipt"] if journey is order_confirmation.JOURNEY else []
    )


def test_too_late_is_what_was_told() -> None:
    late = {one.__name__.rpartition(".")[2]: one.TOO_LATE for one in LATE}
    assert late == {
        "order_confirmation": timedelta(hours=24),
        "loyalty_notice": timedelta(days=7),
        "referral_followup": timedelta(days=30),
        "style_followup": timedelta(days=14),
    }
    before_the_end = popup_places.TIME_TO_COME
    assert before_the_end == timedelta(hours=3), "then there is no time left to come"


def test_what_the_house_gives_unless_somebody_sets_it() -> None:
    """The numbers that the programme is told with; all of them are settings."""
    house = House()
    assert house.popup.expected_show_rate == 0.04
    assert (house.referral.rewards_a_year, house.referral.reward_minor) == (10, 1500)
    assert house.loyalty.starts_on is None, "no programme unless a shop has one"
