"""A real clickstream through the whole spine: every abandoned cart answered once, no buyer written to.

The input is other people's data; where it is missing these tests skip and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import func, select

from flows.abandoned_cart import AbandonedCartForm, abandoned_cart
from flows.forms import Mode
from segue.clock import VirtualClock
from segue.contract import Channel
from segue.contract.fake import FakeConnector, FakeOffers, FakeWire
from segue.journeys.abandoned_cart import JOURNEY, AbandonedCartBrief
from segue.outbox.connectors import Connectors
from segue.service import Segue, open_segue
from segue.settings import Settings, load_settings
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
def imported(settings: Settings, connectors: Connectors | None = None, events: Path = EVENTS) -> Iterator[Segue]:
    """An installation that has read the clickstream and may answer its carts."""
    with open_segue(settings, VirtualClock(START), connectors=connectors) as segue:
        segue.install()
        segue.import_file(events, MAPPING)
        segue.switch_on("abandoned_cart", datetime(2023, 12, 1, tzinfo=UTC))
        yield segue


def fakes() -> tuple[FakeWire, Connectors]:
    """A wire that remembers, and connectors on it."""
    wire = FakeWire()
    both = frozenset({Channel.EMAIL, Channel.SMS})
    connector = FakeConnector(wire=wire, channels=both)
    return wire, Connectors(by_channel=dict.fromkeys(both, connector), offers=FakeOffers())


def test_every_abandoned_cart_gets_one_reminder_and_no_buyer_gets_any(
    tmp_path: Path, new_database: Callable[[str], str]
) -> None:
    """418 reminders for 418 abandoned carts, as the data's own figures say; the budget holds none.

    On PostgreSQL; the next test plays the season on SQLite.
    """
    wire, connectors = fakes()
    settings = Settings(home=tmp_path, database_url=new_database("postgresql"), holdout_journey=0.0, home_zone="UTC")
    with imported(settings, connectors) as segue:
        segue.play(END, briefs=BRIEFS)
        check_reminders(segue, [message.key for message in wire.received])


@pytest.mark.prefect
@pytest.mark.xdist_group("prefect")
def test_real_flow_runs_may_take_any_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: None
) -> None:
    """Three ticks of the same season as runs of the flow, with the connector that writes files: the same 418."""
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEGUE_OUTBOX", str(tmp_path / "outbox"))
    monkeypatch.setenv("SEGUE_HOLDOUT_JOURNEY", "0")
    load_settings.cache_clear()
    by_flow: list[int] = []
    with imported(load_settings()) as segue:
        tick = 0
        while (ahead := segue.next_due_at(BRIEFS)) is not None and ahead <= END:
            segue.clock.set(ahead)  # type: ignore[attr-defined]
            tick += 1
            is_flows_turn = len(by_flow) < 3 and tick >= 100 * (len(by_flow) + 1)
            if is_flows_turn and segue.preview(JOURNEY, BRIEFS["abandoned_cart"]).considered:
                monkeypatch.setenv("SEGUE_VIRTUAL_NOW", ahead.isoformat())
                load_settings.cache_clear()
                report = abandoned_cart(AbandonedCartForm(mode=Mode.SEND, last_call=False))
                by_flow.append(report.groups["accepted"])
            segue.tick(BRIEFS)
        check_reminders(segue, [mail.stem for mail in (tmp_path / "outbox" / "email").glob("*.eml")])
    load_settings.cache_clear()
    assert len(by_flow) == 3
    assert all(by_flow)


def check_reminders(segue: Segue, sent: list[str]) -> None:
    """The sum, what left and the facts tell the same story."""
    summary = segue.journey_summary("abandoned_cart")
    assert summary.by_group() == {
        "accepted": 418, "pending": 0, "uncertain": 0, "rejected": 0, "skipped": 0, "control": 0,
    }  # fmt: skip
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
            select(order.c.id)
            .where(order.c.cart_id == last_add.c.cart_id, order.c.occurred_at > last_add.c.at)
            .exists()
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
    """With one e-mail in 24 hours and no second for carts, three reminders wait.

    Nobody's budget hangs on anybody else, so it is played with whoever filled two carts within three days, and with
    the first forty of all others.
    """
    clicks = pd.read_csv(EVENTS, dtype=str)
    adds = clicks[clicks["event"] == "add_to_cart"].drop_duplicates(["user_id", "session_id"])
    at = pd.to_datetime(adds["timestamp"]).sort_values()
    soon = at.groupby(adds["user_id"]).diff() < pd.Timedelta(days=3)
    busy = set(adds["user_id"][soon[soon].index])
    others = [user for user in dict.fromkeys(adds["user_id"]) if user not in busy][:40]
    assert len(busy) > 10
    events = tmp_path / "ecom_events.csv"
    clicks[clicks["user_id"].isin([*busy, *others])].to_csv(events, index=False)
    caps = {"email": ["1/24h", "4/7d"], "sms": [], "print": []}
    settings = Settings(home=tmp_path, holdout_journey=0.0, home_zone="UTC", caps=caps, cart_second_email=False)
    _, connectors = fakes()
    with imported(settings, connectors, events) as segue:
        segue.play(END, briefs=BRIEFS)
        with read(segue.engine) as connection:
            held = connection.scalar(
                select(func.count(func.distinct(decision.c.message_id))).where(
                    decision.c.verdict == "hold", decision.c.reason == "budget"
                )
            )
    assert held == 3
