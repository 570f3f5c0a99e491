"""An open installation with people and orders, played on a virtual clock; what left, by whom it was got."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from segue.clock import VirtualClock
from segue.contract import Channel, EmailContent, Message
from segue.contract.fake import FakeConnector, FakeOffers, FakeWire
from segue.outbox.connectors import Connectors
from segue.service import Segue, open_segue
from segue.settings import Settings
from segue.store.engine import write
from segue.store.tables import consent_event, identifier, order, profile

#: Noon in New York.
START = datetime(2026, 5, 12, 16, tzinfo=UTC)
BEFORE = START - timedelta(days=400)
DAY = timedelta(days=1)


@contextmanager
def shop(tmp_path: Path, database_url: str, *journeys: str, **settings: Any) -> Iterator[tuple[Segue, FakeWire]]:
    """Segue with these journeys switched on at `START`, and what reaches its provider."""
    wire, offers = FakeWire(), FakeOffers()
    connector = FakeConnector(wire=wire)
    connectors = Connectors(by_channel={Channel.EMAIL: connector, Channel.SMS: connector}, offers=offers)
    chosen = Settings(
        home=tmp_path, database_url=database_url, holdout_journey=0, holdout_global=0,
        secret_key="a secret for tests only", **settings,
    )  # fmt: skip
    with open_segue(chosen, VirtualClock(START), connectors=connectors) as segue:
        segue.install()
        for journey in journeys:
            segue.switch_on(journey)
        yield segue, wire


def person(engine: Engine, who: int, *, basis: str | None = "opt_in", state: str = "granted", **facts: Any) -> None:
    """Somebody in New York (or as `facts` say) with an address, and what she said about e-mail; None: nothing."""
    row = {"country": "US", "zone": "America/New_York", "first_name": f"Name{who}", "created_at": BEFORE}
    stamp = {"recorded_at": BEFORE}
    with write(engine) as connection:
        connection.execute(insert(profile).values(id=who, **row | facts))
        connection.execute(
            insert(identifier).values(profile_id=who, kind="email", value=f"p{who}@example.com", **stamp)
        )
        if basis is not None:
            connection.execute(
                insert(consent_event).values(
                    profile_id=who, channel="email", state=state, basis=basis, source="test", dedupe=f"c{who}",
                    occurred_at=BEFORE, **stamp,
                )
            )  # fmt: skip


def buys(engine: Engine, number: int, who: int | None, at: datetime, **facts: Any) -> None:
    """An order of 50 dollars, paid at once."""
    row = {
        "id": number,
        "external_id": f"o{number}",
        "number": f"#{number}",
        "profile_id": who,
        "sales_channel": "web",
        "delivery": "ship",
        "currency": "USD",
        "total_minor": 5000,
        "occurred_at": at,
        "paid_at": at,
        "recorded_at": at,
    }
    with write(engine) as connection:
        connection.execute(insert(order).values(row | facts))


def mail(one: Message) -> EmailContent:
    """The mail in a message."""
    assert isinstance(one.content, EmailContent)
    return one.content


def got(wire: FakeWire, step: str) -> dict[str, Message]:
    """The messages of a step, by their occasion."""
    return {one.key.partition(f"{step}/")[2]: one for one in wire.received if one.key.startswith(f"{step}/")}


def reasons(segue: Segue, journey: str, step: str) -> dict[tuple[str, str | None], int]:
    """How the messages of a step stand."""
    lines = segue.journey_summary(journey).lines
    return {(line.group, line.reason): line.count for line in lines if line.step == step}
