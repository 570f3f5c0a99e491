"""Tell people of their points. Who is due stands in segue/journeys/loyalty_notice.py."""

from __future__ import annotations

from prefect import flow

from flows.forms import JourneyForm
from flows.journey import journey_runner, run_journey
from flows.report import Report
from segue.journeys.loyalty_notice import JOURNEY, LoyaltyNoticeBrief


class LoyaltyNoticeForm(LoyaltyNoticeBrief, JourneyForm, title="Loyalty notice"):
    """Left as it is, a run by hand is a preview: it shows what would happen, and nothing leaves."""


@flow(name="loyalty-notice", task_runner=journey_runner)
def loyalty_notice(brief: LoyaltyNoticeForm = LoyaltyNoticeForm()) -> Report:  # noqa: B008 - frozen
    """Tell people how many points they have, that they reached a reward, or that points run out."""
    return run_journey(JOURNEY, brief)
