"""A real clickstream through the whole spine: every abandoned cart answered once, no buyer written to.

The input is other people's data; where it is missing these tests skip and say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from segue.clock import VirtualClock
from segue.contract import Channel
from segue.contract.fake import FakeConnector, FakeOffers, FakeWire
from segue.journeys.abandoned_cart import AbandonedCartBrief
from segue.outbox.connectors import Connectors
from segue.service import Segue, open_segue
from segue.settings import Settings
from segue.store.engine import read
from segue.store.tables import cart, cart_event, decision, message, order

ROOT = Path(__file__).resolve().parent.parent
EVENTS = ROOT.parent / "shared" / "data" / "ecom_clickstream" / "ecom_events.csv.gz"
MAPPING = ROOT / "examples" / "ecom_clickstream.toml"
START = datetime(2024, 1, 1, tzinfo=UTC)
END = datetime(2024, 7, 15, tzinfo=UTC)
BRIEFS = {"abandoned_cart": AbandonedCartBrief(last_call=False)}

pytestmark = pytest.mark.skipif(not EVENTS.exists(), reason="the clickstream in ../shared/data is missing")


@contextmanager
def played(home: Path, url: str, caps: dict[str, list[str]] | None = None) -> Iterator[tuple[Segue, FakeWire]]:
    """Import the clickstream, play it from start to end with holdout off, and give what is there to look at."""
    wire = FakeWire()
    both = frozenset({Channel.EMAIL, Channel.SMS})
    connector = FakeConnector(wire=wire, channels=both)
    settings = Settings(home=home, database_url=url, holdout_journey=0.0, home_zone="UTC")
    if caps is not None:
        settings = settings.model_copy(update={"caps": caps, "cart_second_email": False})
    connectors = Connectors(by_channel=dict.fromkeys(both, connector), offers=FakeOffers())
    with open_segue(settings, VirtualClock(START), connectors=connectors) as segue:
        segue.install()
        segue.import_file(EVENTS, MAPPING)
        segue.switch_on("abandoned_cart", datetime(2023, 12, 1, tzinfo=UTC))
        segue.play(END, briefs=BRIEFS)
        yield segue, wire


def test_every_abandoned_cart_gets_one_reminder_and_no_buyer_gets_any(tmp_path: Path, database_url: str) -> None:
    """418 reminders for 418 abandoned carts, as the data's own figures say; the budget holds none."""
    with played(tmp_path, database_url) as (segue, wire):
        check_reminders(segue, wire)


def check_reminders(segue: Segue, wire: FakeWire) -> None:
    """The sum, the wire and the facts tell the same story."""
    summary = segue.journey_summary("abandoned_cart")
    assert summary.by_group() == {
        "accepted": 418, "pending": 0, "uncertain": 0, "rejected": 0, "skipped": 0, "control": 0,
    }  # fmt: skip
    sent = [message.key for message in wire.received]
    assert len(sent) == len(set(sent)) == 418
    with read(segue.engine) as connection:
        held = connection.scalar(select(func.count()).select_from(decision).where(decision.c.verdict == "hold"))
        assert held == 0
        reminded = set(connection.scalars(select(message.c.subject_id)))
        last_add = (
            select(cart_event.c.cart_id, func.max(cart_event.c.occurred_at).label("at"))
            .where(cart_event.c.kind == "added")
            .group_by(cart_event.c.cart_id)
            .subquery()
        )
        bought_after = (
            select(order.c.id).where(order.c.cart_id == last_add.c.cart_id, order.c.occurred_at > last_add.c.at).exists()
        )
        abandoned = set(connection.scalars(select(last_add.c.cart_id).where(~bought_after)))
        assert reminded == abandoned
        # Nobody had bought between the last add and the mail, with this cart or any other.
        buyers = connection.scalar(
            select(func.count())
            .select_from(message)
            .join(cart, cart.c.id == message.c.subject_id)
            .join(last_add, last_add.c.cart_id == cart.c.id)
            .join(order, order.c.profile_id == message.c.profile_id)
            .where(order.c.occurred_at > last_add.c.at, order.c.occurred_at <= message.c.handed_over_at)
        )
        assert buyers == 0


def test_one_mail_a_day_holds_three(tmp_path: Path) -> None:
    """With one e-mail in 24 hours and no second for carts, three reminders wait."""
    caps = {"email": ["1/24h", "4/7d"], "sms": [], "print": []}
    with played(tmp_path, "", caps) as (segue, _), read(segue.engine) as connection:
        held = connection.scalar(
            select(func.count(func.distinct(decision.c.message_id))).where(
                decision.c.verdict == "hold", decision.c.reason == "budget"
            )
        )
    assert held == 3
