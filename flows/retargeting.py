"""Retargeting: mirror who looked, who left a cart and who bought, at the ad platforms.

Who belongs in stands in segue/journeys/retargeting.py; this file says when it runs and which form it has.
"""

from __future__ import annotations

from prefect import flow
from pydantic import ConfigDict, Field, field_validator

from flows.audiences import run_audiences
from flows.choices import growing
from flows.forms import Mode, StartForm, without_tests
from segue.journeys.retargeting import RetargetingBrief
from segue.service import AudienceReport, channels_listed_on


class RetargetingForm(RetargetingBrief, StartForm, title="Retargeting"):
    """Left as it is, a run by hand is a preview: it shows what would happen, and no platform is asked."""

    model_config = ConfigDict(json_schema_extra=without_tests)

    mode: Mode = Field(
        Mode.BY_START,
        title=StartForm.model_fields["mode"].title,
        description="A preview counts who would be in which audience and why others would not. No platform is asked.",
    )

    @field_validator("mode")
    @classmethod
    def _is_no_test(cls, mode: Mode) -> Mode:
        if mode is Mode.TEST:
            raise ValueError(
                "audiences are mirrored and nothing is written to anybody: choose a preview to look at them"
            )
        return mode

    sales_channel: str = Field(
        "web",
        max_length=100,
        title="Sales channel",
        description=RetargetingBrief.model_fields["sales_channel"].description,
        json_schema_extra=growing(lambda: dict.fromkeys(("web", *channels_listed_on()))),
    )


@flow(name="retargeting")
def retargeting(brief: RetargetingForm = RetargetingForm()) -> AudienceReport:  # noqa: B008 - frozen
    """Bring the ad audiences and the product feed in line with what people did, bought and allowed."""
    return run_audiences(brief)
