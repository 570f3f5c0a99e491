"""Put a card into somebody's first parcel.

Who is due and what the card shows stands in segue/journeys/welcome_insert.py; the card is spooled here and printed by
print_run, which packs it in the order of the parcels.
"""

from __future__ import annotations

from prefect import flow

from flows.forms import JourneyForm
from flows.journey import journey_runner, run_journey
from flows.report import Report
from segue.journeys.welcome_insert import JOURNEY, WelcomeInsertBrief


class WelcomeInsertForm(WelcomeInsertBrief, JourneyForm, title="Welcome insert"):
    """Left as it is, a run by hand is a preview: it shows what would happen, and nothing is spooled."""


@flow(name="welcome-insert", task_runner=journey_runner)
def welcome_insert(brief: WelcomeInsertForm = WelcomeInsertForm()) -> Report:  # noqa: B008 - frozen
    """Spool a card for every first parcel: things that fit, a personal code, the loyalty programme."""
    return run_journey(JOURNEY, brief)
