"""Invite people who live near a pop-up. Who is drawn, and how many, stands in segue/journeys/popup_invite.py."""

from __future__ import annotations

from prefect import flow

from flows.forms import JourneyForm
from flows.journey import journey_runner, run_journey
from flows.report import Report
from segue.journeys.popup_invite import JOURNEY, PopupInviteBrief


class PopupInviteForm(PopupInviteBrief, JourneyForm, title="Pop-up invite"):
    """Left as it is, a run by hand is a preview: it shows whom the next wave would invite, and nothing leaves."""


@flow(name="popup-invite", task_runner=journey_runner)
def popup_invite(brief: PopupInviteForm = PopupInviteForm()) -> Report:  # noqa: B008 - frozen
    """Invite the next wave: the nearest first, by lot, as many as are likely to fill the place."""
    return run_journey(JOURNEY, brief)
