"""Retargeting: mirror who looked, who left a cart and who bought, at the ad platforms.

Who belongs in stands in segue/journeys/retargeting.py; this file says when it runs and which form it has.
"""

from __future__ import annotations

from prefect import flow

from flows.audiences import run_audiences
from flows.forms import JourneyForm
from segue.journeys.retargeting import RetargetingBrief
from segue.service import AudienceReport


class RetargetingForm(RetargetingBrief, JourneyForm, title="Retargeting"):
    """Left as it is, a run by hand is a preview: it shows what would happen, and no platform is asked."""


@flow(name="retargeting")
def retargeting(brief: RetargetingForm = RetargetingForm()) -> AudienceReport:  # noqa: B008 - frozen
    """Bring the ad audiences and the product feed in line with what people did, bought and allowed."""
    return run_audiences(brief)
