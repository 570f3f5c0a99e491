"""Put a card into somebody's first parcel.

Who is due and what the card shows stands in segue/journeys/welcome_insert.py; the card is spooled here and printed by
print_run, which packs it in the order of the parcels.
"""

from __future__ import annotations

from prefect import flow
from pydantic import ConfigDict, Field

from flows.forms import AS_IT_IS, JourneyForm, Mode, without_tests
from flows.journey import journey_runner, run_journey
from flows.report import Report
from segue.journeys.welcome_insert import JOURNEY, WelcomeInsertBrief


class WelcomeInsertForm(WelcomeInsertBrief, JourneyForm, title="Welcome insert"):
    """Left as it is, a run by hand is a preview: it shows what would happen, and nothing is spooled."""

    model_config = ConfigDict(json_schema_extra=without_tests)

    mode: Mode = Field(
        Mode.BY_START,
        title=JourneyForm.model_fields["mode"].title,
        description="A preview counts who would get a card and why others would not, and shows both sides. It "
        "stores and spools nothing.",
    )
    #: Not asked for; no default of it may stand in the form either.
    test_language: str = Field(AS_IT_IS, exclude=True)


@flow(name="welcome-insert", task_runner=journey_runner)
def welcome_insert(brief: WelcomeInsertForm = WelcomeInsertForm()) -> Report:  # noqa: B008 - frozen
    """Spool a card for every first parcel: things that fit, a personal code, the loyalty programme."""
    return run_journey(JOURNEY, brief)
