"""A large run waits for somebody's yes in no process, and then sends exactly what was shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.flow_runs import resume_flow_run
from prefect.states import Scheduled
from sqlalchemy import insert, select

from flows.abandoned_cart import AbandonedCartForm, abandoned_cart
from flows.approval import Decision
from flows.artifacts import newest
from flows.errors import FlowError
from flows.forms import Mode
from flows.report import Report
from segue.service import Segue
from segue.settings import load_settings
from segue.store.engine import read, write
from segue.store.tables import cart, cart_event, channel_state, message, run, run_audience
from tests.flows.conftest import NOW
from tests.flows.shop import Shop

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]
# What differs between databases is tested in tests/outbox/test_freeze.py.
pytestmark.append(pytest.mark.parametrize("database_url", ["sqlite"], indirect=True))

YES = {"decision": Decision.APPROVE.value, "name": "Ann Example"}
NO = {"decision": Decision.REFUSE.value, "name": "Ann Example"}


class Waiting:
    """A run by hand from a deployment, played in this process as a worker would: each start a new engine."""

    def __init__(self, client: SyncPrefectClient, **brief: object) -> None:
        self.client = client
        flow_id = client.create_flow(abandoned_cart)
        deployment = client.create_deployment(flow_id, name="waits", paused=True)
        form = AbandonedCartForm(mode=Mode.SEND, **brief)
        made = client.create_flow_run_from_deployment(deployment, parameters={"brief": form.model_dump(mode="json")})
        self.id: UUID = made.id

    def start(self) -> Report | None:
        """Run from the top; None where it was suspended."""
        found = self.client.read_flow_run(self.id)
        try:
            return run_flow(abandoned_cart, flow_run=found, parameters={"brief": AbandonedCartForm(mode=Mode.SEND)})  # type: ignore[return-value]
        except Pause:
            return None

    def state(self) -> str:
        return str(self.client.read_flow_run(self.id).state_name)

    def answer(self, said: dict[str, str] = YES) -> Report | None:
        resume_flow_run(self.id, run_input=said)
        return self.start()


@pytest.fixture
def limited(installed: Segue, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Segue]:
    """Ten messages are many here; sixteen would be sent."""
    monkeypatch.setenv("SEGUE_APPROVE_ABOVE_MESSAGES", "10")
    load_settings.cache_clear()
    yield installed
    load_settings.cache_clear()


@pytest.fixture
def waiting(limited: Segue) -> Iterator[Waiting]:
    """A run that was started and waits."""
    with get_client(sync_client=True) as client:
        one = Waiting(client)
        assert one.start() is None
        assert one.state() == "Suspended"
        yield one


def sent(segue: Segue) -> list[str]:
    with read(segue.engine) as connection:
        return list(
            connection.scalars(select(message.c.key).where(message.c.state == "accepted").order_by(message.c.id))
        )


def rows(segue: Segue, table) -> list:
    with read(segue.engine) as connection:
        return list(connection.execute(select(table)).all())


def another_cart(segue: Segue) -> None:
    """Somebody who agreed to mail leaves a second cart."""
    then, stamp = NOW - timedelta(hours=2), {"recorded_at": NOW}
    with write(segue.engine) as connection:
        connection.execute(insert(cart).values(id=99, external_id="c99", profile_id=2, sales_channel="web", **stamp))
        connection.execute(
            insert(cart_event).values(
                cart_id=99, kind="added", variant_id=1, quantity=1, occurred_at=then, dedupe="added:99", **stamp
            )
        )


def page(waiting: Waiting) -> str:
    found = newest("abandoned-cart-run-1", str(waiting.id))
    assert found is not None
    return str(found.data)


def test_nothing_leaves_before_the_yes_and_then_exactly_what_was_shown(limited: Segue, waiting: Waiting) -> None:
    """Who came later is left for a later run; the approver is kept with the run; a second resume sends nothing."""
    assert sent(limited) == []
    assert not list(Path(limited.settings.outbox).rglob("*.eml"))
    assert "Waiting for somebody's yes" in page(waiting)
    another_cart(limited)
    report = waiting.answer()
    assert report is not None
    shown = {row.key for row in rows(limited, run_audience) if row.verdict == "send"}
    assert set(sent(limited)) == shown
    assert len(shown) == 16
    assert len(list(Path(limited.settings.outbox).rglob("*.eml"))) == 16
    (done,) = rows(limited, run)
    assert (done.approved_by, done.approved_at) == ("Ann Example", NOW)
    assert "Agreed to by Ann Example. 4 more were shown as left out" in page(waiting)
    waiting.client.set_flow_run_state(waiting.id, Scheduled(), force=True)
    assert waiting.start() is not None
    assert len(list(Path(limited.settings.outbox).rglob("*.eml"))) == 16


def test_a_no_sends_nothing_ever(limited: Segue, waiting: Waiting) -> None:
    report = waiting.answer(NO)
    assert report is not None
    assert rows(limited, message) == []
    assert "Refused" in page(waiting) or report.considered == 0
    (brake,) = rows(limited, channel_state)
    assert (brake.name, brake.paused, brake.reason) == ("run:1", True, "refused by Ann Example")


def test_changed_settings_ask_again(limited: Segue, waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    """The yes was for other terms: the run is suspended anew, and the second yes counts."""
    monkeypatch.setenv("SEGUE_EMAIL_QUIET", "22:00-06:00")
    load_settings.cache_clear()
    assert waiting.answer() is None
    assert waiting.state() == "Suspended"
    assert sent(limited) == []
    assert "asked again, since the template, the offer, the brand, the settings or the place" in page(waiting)
    assert waiting.answer() is not None
    assert len(sent(limited)) == 16


def test_without_a_deployment_it_says_what_to_do(limited: Segue) -> None:
    with pytest.raises(FlowError, match=r"cannot wait for it.*SEGUE_APPROVE_ABOVE_MESSAGES"):
        abandoned_cart(AbandonedCartForm(mode=Mode.SEND))
    assert rows(limited, message) == []
