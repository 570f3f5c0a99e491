"""Write to people some days after delivery: looks, where to follow us, a photo with the hashtag.

Who is due and what the mail shows stands in segue/journeys/style_followup.py.
"""

from __future__ import annotations

from prefect import flow

from flows.forms import JourneyForm
from flows.journey import journey_runner, run_journey
from flows.report import Report
from segue.journeys.style_followup import JOURNEY, StyleFollowupBrief


class StyleFollowupForm(StyleFollowupBrief, JourneyForm, title="Style follow-up"):
    """Left as it is, a run by hand is a preview: it shows what would happen, and nothing leaves."""


@flow(name="style-followup", task_runner=journey_runner)
def style_followup(brief: StyleFollowupForm = StyleFollowupForm()) -> Report:  # noqa: B008 - frozen
    """Ask how she wears it: what goes with it, where to follow us, how to show it."""
    return run_journey(JOURNEY, brief)
