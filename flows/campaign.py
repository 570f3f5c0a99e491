"""Send one message to a segment. Who is meant and what it says stand in segue/journeys/campaign.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect import flow
from pydantic import Field, model_validator

from flows.choices import chosen, growing, meaning_of
from flows.forms import JourneyForm
from flows.journey import journey_runner, run_journey
from flows.report import Report
from flows.typed import CAMPAIGN, SEGMENT
from segue.journeys.campaign import JOURNEY, CampaignChoices, Ways
from segue.journeys.definition import Brief, Journey
from segue.service import Summary, segment_names, templates_of, unprintable, words


def templates() -> dict[str, tuple[str, ...]]:
    """Every folder under `templates/campaign`, the shop's own too, with the channels that it has words for."""
    return templates_of(JOURNEY.name)


def _described(schema: dict[str, Any]) -> None:
    """Offer the folders there are; of those that speak one channel alone, say which."""
    growing(templates)(schema)
    alone = [f"{name}: {words.channel(has[0])} only" for name, has in templates().items() if len(has) == 1]
    schema["description"] = " ".join([schema["description"], *(f"{one}." for one in alone)])


class CampaignForm(CampaignChoices, JourneyForm, title="Campaign"):
    """Left as it is, a run by hand is a preview: it shows who would get the campaign, and nothing leaves."""

    campaign: str = Field(
        ...,
        pattern=CAMPAIGN,
        max_length=60,
        title="Name of the campaign",
        description=CampaignChoices.model_fields["campaign"].description,
    )
    segment: str = Field(
        ...,
        pattern=SEGMENT,
        max_length=60,
        title="Who",
        description="A segment. *Define a segment* makes new ones.",
        json_schema_extra=growing(segment_names),
    )
    template: str = Field(
        "note",
        title="Template",
        description=CampaignChoices.model_fields["template"].description,
        json_schema_extra=_described,
    )

    @model_validator(mode="after")
    def _can_be_written(self) -> CampaignForm:
        has = templates()
        chosen(self.template, has)
        _speaks(self.template, has[self.template], self.ways)
        if self.template == "note" and not self.headline.strip():
            raise ValueError("a note needs a headline")
        if self.ways is Ways.PRINT and self.picture and (why := unprintable(self.picture)):
            raise ValueError(f"a card cannot show the picture {self.picture}, since {why}")
        return self

    def noted(self, summary: Summary) -> str | None:
        """Of cards: how many parcels wait, and that a later run finds later ones."""
        if self.ways is not Ways.PRINT:
            return None
        count = summary.considered
        wait = f"{count:,} parcels wait" if count > 1 else "1 parcel waits" if count else "No parcel waits"
        return (
            f"**{wait} now**; run it again, or give it a schedule, for the next ones. Nobody gets two of one campaign."
        )

    def brief_for(self, journey: Journey) -> Brief:
        """Return the campaign's own part, with what the segment means at this moment."""
        asked = self.model_dump(include=set(CampaignChoices.model_fields))
        return journey.brief.model_validate({**asked, "people": meaning_of(self.segment)})


def _speaks(template: str, has: Sequence[str], ways: Ways) -> None:
    """Refuse channels that a template has no words for: whoever were chosen for them would get nothing."""
    lacks = [words.channel(one) for one in ways.channels if one not in has]
    if lacks:
        there = " and ".join(words.channel(one) for one in has)
        fits = [f"*{way.value}*" for way in Ways if set(way.channels) <= set(has)]
        cure = f"choose the channels {' or '.join(fits)}, or another template" if fits else "choose another template"
        raise ValueError(f"the template {template} has words for {there}, none for {' and '.join(lacks)}: {cure}")


@flow(name="campaign", task_runner=journey_runner)
def campaign(brief: CampaignForm) -> Report:
    """Send a campaign to a segment; nobody gets one of the same name twice."""
    return run_journey(JOURNEY, brief)
