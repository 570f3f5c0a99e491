"""Confirm what was bought.

Who is due, and who sees the refer-a-friend block, stands in segue/journeys/order_confirmation.py.
"""

from __future__ import annotations

from prefect import flow

from flows.forms import JourneyForm
from flows.journey import journey_runner, run_journey
from flows.report import Report
from segue.journeys.order_confirmation import JOURNEY, OrderConfirmationBrief


class OrderConfirmationForm(OrderConfirmationBrief, JourneyForm, title="Order confirmation"):
    """Left as it is, a run by hand is a preview: it shows what would happen, and nothing leaves."""


@flow(name="order-confirmation", task_runner=journey_runner)
def order_confirmation(brief: OrderConfirmationForm = OrderConfirmationForm()) -> Report:  # noqa: B008 - frozen
    """Confirm every paid order by e-mail; whoever may be sent marketing also learns of refer-a-friend."""
    return run_journey(JOURNEY, brief)
