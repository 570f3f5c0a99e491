"""The resident flow delivers what is waiting, and says how much."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from flows.dispatch_outbox import DispatchBrief, counts, dispatch_outbox
from segue.journeys.abandoned_cart import JOURNEY, AbandonedCartBrief
from segue.service import Segue
from segue.store.engine import read
from segue.store.tables import message
from tests.flows.shop import Shop

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]


def test_what_was_promised_and_left_behind_is_delivered(installed: Segue, shop: Shop) -> None:
    """A journey's run that died after its promises leaves them to the dispatcher; nobody is written to twice."""
    installed.start_run(JOURNEY, AbandonedCartBrief(), "died")
    done = dispatch_outbox(DispatchBrief(minutes=0.01))
    assert (done.accepted, done.skipped) == (shop.consenting, shop.people - shop.consenting)
    assert counts(done)["accepted"] == shop.consenting
    assert dispatch_outbox(DispatchBrief(minutes=0.01)).sent == 0
    with read(installed.engine) as connection:
        question = select(func.count()).where(message.c.state == "accepted")
        assert connection.scalar(question) == shop.consenting


def test_transactional_only_leaves_marketing_waiting(installed: Segue, shop: Shop) -> None:
    """Its own lane, so that a campaign cannot delay an order confirmation."""
    installed.start_run(JOURNEY, AbandonedCartBrief(), "waits")
    done = dispatch_outbox(DispatchBrief(minutes=0.01, transactional_only=True))
    assert (done.judged, done.sent) == (0, 0)


def test_a_stay_ends_before_the_next_run_begins() -> None:
    """The schedule looks on the fives: a longer stay would cancel two starts in a row and leave a gap."""
    stay = timedelta(minutes=DispatchBrief().minutes)
    assert timedelta(minutes=9) < stay < timedelta(minutes=10)
