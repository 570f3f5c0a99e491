"""What every journey's form asks first: whether anything may leave."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from segue.journeys.definition import Brief, Journey


class Mode(StrEnum):
    """Whether messages leave. The values are what the form's drop-down shows."""

    PREVIEW = "Preview: send nothing"
    SEND = "Send for real"


class JourneyForm(Brief):
    """The part every journey's form shares; a journey's form adds its own brief.

    Name the brief before this class: `class CartForm(AbandonedCartBrief, JourneyForm)` puts the mode on top.
    """

    mode: Mode = Field(
        Mode.PREVIEW,
        title="What should happen",
        description="A preview counts who would get a message and why others would not. It stores and sends nothing.",
    )

    def brief_for(self, journey: Journey) -> Brief:
        """Return the journey's own part, which is all that the journey knows of the form."""
        return journey.brief.model_validate(self.model_dump(include=set(journey.brief.model_fields)))
