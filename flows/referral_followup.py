"""Reward referrals.

What is earned and when stands in segue/journeys/referral_followup.py and segue/offers/referral_rewards.py.
"""

from __future__ import annotations

from prefect import flow

from flows.forms import JourneyForm
from flows.journey import journey_runner, run_journey
from flows.referral_review import tell_of_new_ones
from flows.report import Report
from segue.journeys.referral_followup import JOURNEY, ReferralFollowupBrief


class ReferralFollowupForm(ReferralFollowupBrief, JourneyForm, title="Referral follow-up"):
    """Left as it is, a run by hand is a preview: it shows what would happen, and nothing leaves."""


@flow(name="referral-followup", task_runner=journey_runner)
def referral_followup(brief: ReferralFollowupForm = ReferralFollowupForm()) -> Report:  # noqa: B008 - frozen
    """Grant both vouchers of every referral that has earned them, and tell both; remind who shared her link."""
    report = run_journey(JOURNEY, brief)
    if not report.preview:
        tell_of_new_ones()
    return report
