"""Invite people who live near a pop-up. Who is drawn, and how many, stands in segue/journeys/popup_invite.py."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from prefect import flow
from pydantic import Field

from flows.choices import growing, meaning_of
from flows.errors import FlowError, without_personal_data
from flows.forms import JourneyForm
from flows.journey import journey_runner, run_journey
from flows.report import Report
from segue.journeys.definition import Brief, Journey
from segue.journeys.popup_invite import JOURNEY, PopupInviteChoices
from segue.service import open_segue, popup_choices, segment_names

ANY: Final = "Whichever are open or open next"
EVERYBODY: Final = "Everybody who lives near"
_NONE_YET: Final = (
    "No pop-up is open or planned yet, so nobody can be invited. Import one with import-shop: a location of kind popup "
    "with its latitude, longitude, opening and end. It stands here as soon as it was read."
)


class PopupInviteForm(PopupInviteChoices, JourneyForm, title="Pop-up invite"):
    """Left as it is, a run by hand is a preview: it shows whom the next wave would invite, and nothing leaves."""

    nobody_due: ClassVar[str] = (
        "**Nobody was due.** Everybody who can be invited by now was, or no pop-up invites yet. One does from *Days "
        "before the opening* on, until three hours before its end. It needs latitude and longitude, and a capacity or "
        "*Places*; whoever lives within the *Radius* is asked, and where *Who* names a segment only its people are."
    )

    popup: str = Field(
        ANY,
        max_length=300,
        title="Pop-up",
        description="Those that are open or planned. A new one comes in with import-shop and then stands here.",
        json_schema_extra=growing(popup_choices, first=ANY, none_yet=_NONE_YET),
    )

    segment: str = Field(
        EVERYBODY,
        max_length=60,
        title="Who",
        description="A segment: only those of its people who live near. *Define a segment* makes new ones.",
        json_schema_extra=growing(segment_names, first=EVERYBODY),
    )

    places: int = Field(
        0,
        ge=0,
        le=100_000,
        title="Places",
        description="How many people it has room for, all days together. 0: the location's capacity.",
    )

    def brief_for(self, journey: Journey) -> Brief:
        """Return the journey's own part, with the pop-up's id in the shop and what the segment means at this moment."""
        asked = self.model_dump(include=set(PopupInviteChoices.model_fields))
        meant: dict[str, Any] = {"popup": _id_of(self.popup), "places": self.places or None, "segment": None}
        if self.segment != EVERYBODY:
            meant |= {"segment": self.segment, "people": meaning_of(self.segment)}
        return journey.brief.model_validate({**asked, **meant})


def _id_of(choice: str) -> str | None:
    if choice == ANY:
        return None
    with without_personal_data("Looking the pop-up up"), open_segue() as segue:
        try:
            return segue.place_called(choice)
        except KeyError as error:
            raise FlowError(str(error.args[0])) from None


@flow(name="popup-invite", task_runner=journey_runner)
def popup_invite(brief: PopupInviteForm = PopupInviteForm()) -> Report:  # noqa: B008 - frozen
    """Invite the next wave: the nearest first, by lot, as many as are likely to fill the place."""
    return run_journey(_with_its_words(brief), brief)


def _with_its_words(form: PopupInviteForm) -> Journey:
    """The journey, whose sample mail speaks of the pop-up that is meant and not of a made-up one."""
    with without_personal_data("Looking the pop-up up"), open_segue() as segue:
        return segue.speaking_of(JOURNEY, _id_of(form.popup))
