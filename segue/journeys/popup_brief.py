"""What a marketer turns on the pop-up invite: which pop-up, whom of those who live near, and how many."""

from __future__ import annotations

from pydantic import Field

from segue.journeys.definition import Brief
from segue.journeys.segments import Definition


class PopupInviteChoices(Brief):
    """What is asked of a marketer."""

    popup: str | None = Field(
        None,
        min_length=1,
        title="Pop-up",
        description="The location's id in the shop. Empty: whichever pop-ups are open or open next.",
    )
    segment: str | None = Field(
        None,
        min_length=1,
        max_length=60,
        title="Who",
        description="A segment: only those of its people who live near. Empty: everybody who lives near.",
    )
    radius_km: float = Field(50, ge=1, le=500, title="Radius, km", description="Who lives further away is not invited.")
    days_before: int = Field(
        14, ge=1, le=90, title="Days before the opening", description="When the first invitations leave."
    )
    places: int | None = Field(
        None,
        ge=1,
        le=100_000,
        title="Places",
        description="How many people it has room for, all days together. Empty: the location's capacity.",
    )


class PopupInviteBrief(PopupInviteChoices):
    """What the journey knows: the choices, and what the segment meant when somebody chose it."""

    people: Definition | None = Field(None, title="The segment's definition", description="None: everybody.")
