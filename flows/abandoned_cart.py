"""Remind shoppers about a cart they left behind.

Which carts are due is decided in segue/journeys/abandoned_cart.py; whether we may write to their owners, in
segue/policy. This file only says what a marketer may turn.
"""

from __future__ import annotations

from prefect import flow

from flows.forms import JourneyForm
from flows.journey import journey_runner, run_journey
from flows.report import Report
from segue.journeys.abandoned_cart import JOURNEY, AbandonedCartBrief


class AbandonedCartForm(AbandonedCartBrief, JourneyForm, title="Abandoned cart"):
    """Left as it is, a run by hand is a preview: it shows what would happen, and nothing leaves."""


@flow(name="abandoned-cart", task_runner=journey_runner)
def abandoned_cart(brief: AbandonedCartForm = AbandonedCartForm()) -> Report:  # noqa: B008 - frozen
    """Remind shoppers of the cart they left; a code where the offer rule allows."""
    return run_journey(JOURNEY, brief)
