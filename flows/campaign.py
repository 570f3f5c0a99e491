"""Send one message to a segment. Who is meant and what it says stand in segue/journeys/campaign.py."""

from __future__ import annotations

from typing import Final

from prefect import flow
from pydantic import Field, model_validator

from flows.choices import chosen, drop_down, growing
from flows.errors import FlowError, without_personal_data
from flows.forms import JourneyForm
from flows.journey import journey_runner, run_journey
from flows.report import Report
from segue.journeys.campaign import JOURNEY, CampaignBrief, CampaignChoices
from segue.journeys.campaign_brief import NAME
from segue.journeys.definition import Brief, Journey
from segue.service import open_segue, segment_names
from segue.settings import load_settings

TEMPLATES: Final = tuple(
    sorted(file.parent.name for file in (load_settings().templates / JOURNEY.name).glob("*/sample.json"))
)


class CampaignForm(CampaignChoices, JourneyForm, title="Campaign"):
    """Left as it is, a run by hand is a preview: it shows who would get the campaign, and nothing leaves."""

    campaign: str = Field(
        ...,
        pattern=NAME,
        max_length=60,
        title="Name of the campaign",
        description=CampaignChoices.model_fields["campaign"].description,
    )
    segment: str = Field(
        ...,
        max_length=60,
        title="Who",
        description="A segment. *Define a segment* makes new ones.",
        json_schema_extra=growing(segment_names),
    )
    template: str = Field(
        "note",
        title="Template",
        description=CampaignChoices.model_fields["template"].description,
        json_schema_extra=drop_down(TEMPLATES),
    )

    @model_validator(mode="after")
    def _can_be_written(self) -> CampaignForm:
        chosen(self.template, TEMPLATES)
        if self.template == "note" and not self.headline.strip():
            raise ValueError("a note needs a headline")
        return self

    def brief_for(self, journey: Journey) -> Brief:
        """Return the campaign's own part, with what the segment means at this moment."""
        with without_personal_data("Reading the segment"), open_segue() as segue:
            try:
                people = segue.segment(self.segment)
            except KeyError as error:
                raise FlowError(str(error.args[0])) from None
        asked = self.model_dump(include=set(CampaignChoices.model_fields))
        return journey.brief.model_validate({**asked, "people": people})


@flow(name="campaign", task_runner=journey_runner)
def campaign(brief: CampaignForm) -> Report:
    """Send a campaign to a segment; nobody gets one of the same name twice."""
    # What is shown and sent is the step as this brief turns it: its template and its channels.
    asked = CampaignBrief.model_validate(brief.model_dump(include=set(CampaignChoices.model_fields)))
    return run_journey(JOURNEY.under(asked), brief)
