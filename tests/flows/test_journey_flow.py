"""The journey's flow against a real Prefect server and a real store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from prefect.events import Event
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker
from sqlalchemy import func, insert, select

import flows.abandoned_cart
import flows.journey
from flows.abandoned_cart import AbandonedCartForm, abandoned_cart
from flows.dispatch_outbox import DispatchBrief, dispatch_outbox
from flows.errors import FlowError
from flows.forms import Mode
from flows.refresh_results import refresh_results
from flows.report import SAMPLES
from flows.standing import still
from flows.unusual import EVENT
from segue.journeys.abandoned_cart import JOURNEY
from segue.service import Segue
from segue.settings import load_settings
from segue.store.engine import read, write
from segue.store.tables import decision, delivery_event, message, order, run, run_audience
from tests.flows.conftest import NOW
from tests.flows.shop import Shop, fill
from tests.outbox.test_usual import put

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]

SEND = AbandonedCartForm(mode=Mode.SEND)


def stored(segue: Segue, table) -> int:
    with read(segue.engine) as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def newest_report() -> str:
    with get_client(sync_client=True) as client:
        (artifact,) = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(like_="abandoned-cart-run-%")),
            sort=ArtifactSort.CREATED_DESC,
            limit=1,
        )
    return str(artifact.data)


def test_a_preview_counts_everybody_and_promises_nothing(installed: Segue, shop: Shop) -> None:
    """The form left as it is: the whole sum, who it was, and no message, no decision, no file."""
    report = abandoned_cart()
    assert report.preview
    assert report.considered == shop.people
    assert report.groups["accepted"] == shop.consenting
    assert report.groups["skipped"] == shop.people - shop.consenting
    assert (stored(installed, message), stored(installed, decision)) == (0, 0)
    assert (stored(installed, run), stored(installed, run_audience)) == (1, shop.people)
    assert not list(Path(installed.settings.outbox).rglob("*.eml"))
    assert "preview, nothing was sent" in newest_report()


def test_a_run_sends_once_and_its_sum_adds_up(installed: Segue, shop: Shop) -> None:
    """Everybody considered is in exactly one group, and running again reaches nobody twice."""
    report = abandoned_cart(SEND)
    assert report.considered == shop.people == sum(report.groups.values())
    assert report.groups["accepted"] == shop.consenting
    assert len(list(Path(installed.settings.outbox).rglob("*.eml"))) == shop.consenting
    again = abandoned_cart(SEND)
    assert (again.considered, stored(installed, message)) == (0, shop.people)
    assert len(list(Path(installed.settings.outbox).rglob("*.eml"))) == shop.consenting


def test_a_provider_that_refuses_us_fails_the_run_and_the_page_says_what_stands_still(
    installed: Segue, shop: Shop
) -> None:
    """Else a run with a wrong key would end well, and nobody be told."""
    outbox = Path(installed.settings.outbox)
    outbox.write_text("no folder")
    told = rf"{shop.consenting} messages wait. The connector files is paused: .*check `folder`"
    with pytest.raises(FlowError, match=told):
        abandoned_cart(AbandonedCartForm(mode=Mode.SEND, percent=0))  # no code, whose publishing would fail first
    line = "- **The connector files is paused** since Tue 12 May 2026, 12:00 (America/New_York): cannot write"
    assert line in newest_report()
    installed.pause("journey:abandoned_cart", reason="call 555-0123")
    seen = still(installed, JOURNEY, installed.summary(1)) or ""
    assert "**The journey Abandoned cart is paused**" in seen
    assert "555" not in seen
    for name in ("connector:files", "journey:abandoned_cart"):
        installed.resume(name)
    assert still(installed, JOURNEY, installed.summary(1)) is None
    outbox.unlink()
    installed.clock.set(NOW + timedelta(minutes=6))  # type: ignore[attr-defined]
    assert installed.dispatch(seconds=0.01).accepted == shop.consenting
    refresh_results()
    assert "is paused" not in newest_report()


def test_a_shop_that_refuses_our_codes_fails_one_run_and_the_page_says_so(
    installed: Segue, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else mails with a code would wait until they are too late, and only a log line tell of it."""
    outbox = Path(installed.settings.outbox)
    outbox.write_text("no folder")
    with pytest.raises(FlowError, match=r"takes no new codes: .*cannot write.* goes on by itself"):
        abandoned_cart(SEND)
    assert "takes no new codes** since Tue 12 May 2026, 12:00" in newest_report()

    def dispatch(minute: int) -> None:
        monkeypatch.setenv("SEGUE_VIRTUAL_NOW", (NOW + timedelta(minutes=minute)).isoformat())
        load_settings.cache_clear()
        dispatch_outbox(DispatchBrief(minutes=0.01))

    with pytest.raises(FlowError, match=r"^files does not tell which codes were used: "):
        dispatch(6)
    dispatch(12)  # both were told of; a run of every five minutes does not tell again
    outbox.unlink()
    installed.clock.set(NOW + timedelta(minutes=18))  # type: ignore[attr-defined]
    assert installed.dispatch(seconds=0.01).accepted == shop.consenting
    assert installed.refused_by_the_shop() == []
    refresh_results()
    assert "takes no new codes" not in newest_report()


def test_the_report_shows_numbers_reasons_and_the_sample(installed: Segue, shop: Shop) -> None:
    """A marketer reads plain words, a checkable sum, a chart and the mail's design, and no real person."""
    abandoned_cart(SEND)
    text = newest_report()
    assert f"**{shop.people} considered** = {shop.consenting} sent + 4 left out" in text
    assert "never agreed to marketing messages" in text
    assert text.count("data:image/svg+xml;base64,") >= 3
    assert not [one for one in shop.personal if one in text.lower()]


def test_a_repeated_prefect_run_continues_its_own_run(installed: Segue, shop: Shop) -> None:
    """Retry in Prefect keeps the flow run's id, and that is the run's name in our books."""
    first = installed.start_run(flows.abandoned_cart.JOURNEY, SEND.brief_for(flows.abandoned_cart.JOURNEY), "one")
    second = installed.start_run(flows.abandoned_cart.JOURNEY, SEND.brief_for(flows.abandoned_cart.JOURNEY), "one")
    assert (first.run_id, stored(installed, run)) == (second.run_id, 1)


def test_a_broken_shard_tells_no_value_and_stops_no_other(
    installed: Segue, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database's complaint quotes what it choked on; Prefect gets the kind and the place only, others go on."""
    secret = shop.personal[0]
    calls = []

    def choke(self: Segue, shard) -> object:
        calls.append(shard)
        if len(calls) == 1:
            raise RuntimeError(f"cannot digest {secret}")
        return real(self, shard)

    real = Segue.drain_shard
    monkeypatch.setattr(Segue, "drain_shard", choke)
    monkeypatch.setattr(flows.journey, "drain_shard", flows.journey.drain_shard.with_options(retries=0))
    with pytest.raises(FlowError) as stopped:
        abandoned_cart(SEND)
    assert secret not in str(stopped.value)
    assert "RuntimeError" in str(stopped.value)
    assert stopped.value.__cause__ is None
    assert len(calls) > 1


def test_results_come_into_the_same_artifact(installed: Segue, shop: Shop) -> None:
    """Refreshed, the run's own page tells of deliveries and orders; what is not new is not written again."""
    abandoned_cart(SEND)
    before = newest_report()
    assert "| 16 | Sent, e-mail |" in before
    assert "| 0 | 0.0 % | Delivered |" in before
    with write(installed.engine) as connection:
        sent = connection.scalars(select(message.c.id).where(message.c.state == "accepted").limit(4)).all()
        at = {"occurred_at": NOW, "recorded_at": NOW}
        news = [{"dedupe": str(n), "message_id": n, "provider": "x", "kind": "delivered", **at} for n in sent]
        connection.execute(insert(delivery_event), news)
        sale = {"external_id": "o1", "profile_id": 1, "sales_channel": "web", "currency": "USD", "total_minor": 7400}
        connection.execute(insert(order).values(**sale, paid_at=NOW, **at))
    assert refresh_results() == 1
    after = newest_report()
    assert "| 4 | 25.0 % | Delivered |" in after
    assert "| Got the message | 16 | 1 (6.2 %) | 1 | $74.00 |" in after
    assert "Nobody was left alone in this run" in after
    assert after.partition(SAMPLES)[2] == before.partition(SAMPLES)[2] != ""
    assert refresh_results() == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_unusually_large_run_says_so_on_its_page_and_to_who_listens(
    installed: Segue, events: AssertingEventsClient
) -> None:
    """Once the journey has a usual. Refreshed hours later, the page still says it."""
    fill(installed.engine, now=NOW, people=70)
    installed.switch_on("abandoned_cart", NOW - timedelta(days=1))
    for days in range(2, 7):
        at = NOW - timedelta(days=days)
        put(installed.engine, "abandoned_cart", at, {at: ["accepted"] * (days + 10)})
    abandoned_cart(SEND)
    told = "Unusually many messages**: 56 within 24 hours; the 5 days with any in the five weeks before had 12 to 16."
    assert told in newest_report()
    (event,) = emitted(events)
    assert (event.resource.id, event.resource["segue.size"]) == ("segue.journey.abandoned_cart", "many")
    assert {one.role for one in event.related} >= {"flow-run", "flow"}
    assert {name: event.payload[name] for name in ("count", "least", "most", "days")} == {
        "count": 56,
        "least": 12,
        "most": 16,
        "days": 5,
    }
    with write(installed.engine) as connection:
        sent = connection.scalar(
            select(message.c.id).where(message.c.state == "accepted").order_by(message.c.id.desc())
        )
        news = {"dedupe": "1", "message_id": sent, "provider": "x", "kind": "delivered"}
        connection.execute(insert(delivery_event).values(**news, occurred_at=NOW, recorded_at=NOW))
    assert refresh_results() == 1
    assert told in newest_report()


@pytest.fixture
def events() -> Iterator[AssertingEventsClient]:
    """What this process tells Prefect, kept instead of sent."""
    AssertingEventsClient.reset()
    EventsWorker.set_client_override(AssertingEventsClient)
    yield AssertingEventsClient
    EventsWorker.set_client_override(None)


def emitted(client: AssertingEventsClient) -> list[Event]:
    EventsWorker.instance().wait_until_empty()
    return [one for each in client.all for one in each.events if one.event == EVENT]
