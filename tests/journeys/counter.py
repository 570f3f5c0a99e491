"""An open shop for the journeys' tests: people who allow everything, carts they leave, parcels they order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from connectors.files import FilesConnector
from connectors.print_insert import PrintInsertConnector
from segue.clock import VirtualClock
from segue.contract import Channel, MessageConnector
from segue.outbox.connectors import Connectors
from segue.service import Segue, open_segue
from segue.settings import Settings
from segue.store.engine import write
from segue.store.tables import cart, cart_event, consent_event, identifier, location, order, product, profile, variant

NOON = datetime(2026, 5, 12, 16, tzinfo=UTC)  # in New York
HOUR = timedelta(hours=1)


@contextmanager
def shop(database_url: str, folder: Path, people: int = 2) -> Iterator[Segue]:
    """Segue over `people` people and one thing to sell; mails and codes go to `folder/outbox`, cards to a spool."""
    settings = Settings(
        home=folder / "home",
        database_url=database_url,
        outbox=folder / "outbox",
        print_folder=folder / "print",
        holdout_journey=0,
        pick_wave="",
        secret_key="a secret for tests only",
    )
    files = FilesConnector(folder=folder / "outbox")
    carriers: dict[Channel, MessageConnector] = {Channel.EMAIL: files, Channel.SMS: files}
    carriers[Channel.PRINT] = PrintInsertConnector(folder=folder / "print")
    with open_segue(settings, VirtualClock(NOON), connectors=Connectors(by_channel=carriers, offers=files)) as segue:
        segue.install()
        for journey in ("abandoned_cart", "welcome_insert"):
            segue.switch_on(journey, NOON - timedelta(days=30))
        _stock(segue)
        for one in range(1, people + 1):
            _person(segue, one)
        yield segue


def leave_cart(segue: Segue, cart_id: int, who: int, at: datetime = NOON) -> None:
    """Somebody puts the thing in a cart and goes."""
    with write(segue.engine) as connection:
        connection.execute(
            insert(cart).values(
                id=cart_id, external_id=f"c{cart_id}", profile_id=who, sales_channel="web", recorded_at=at
            )
        )
        connection.execute(
            insert(cart_event).values(
                cart_id=cart_id,
                kind="added",
                variant_id=1,
                quantity=1,
                occurred_at=at,
                recorded_at=at,
                dedupe=f"c{cart_id}",
            )
        )


def buy(segue: Segue, order_id: int, who: int, at: datetime = NOON, **changes: Any) -> None:
    """Somebody orders a parcel."""
    values = {
        "id": order_id,
        "external_id": str(order_id),
        "number": f"#{order_id}",
        "profile_id": who,
        "sales_channel": "web",
        "location_id": 1,
        "delivery": "ship",
        "currency": "USD",
        "total_minor": 100,
        "occurred_at": at,
        "paid_at": at,
        "recorded_at": at,
    }
    with write(segue.engine) as connection:
        connection.execute(insert(order).values(values | changes))


def mails(segue: Segue) -> list[str]:
    """The plain text of every mail, and every text message, as they were delivered."""
    return [file.read_text("utf-8") for file in sorted(segue.settings.outbox.glob("*/*")) if file.suffix != ".html"]


def _stock(segue: Segue) -> None:
    with write(segue.engine) as connection:
        connection.execute(insert(location).values(id=1, external_id="newark", kind="warehouse", name="Newark"))
        connection.execute(insert(product).values(id=1, external_id="p", title="Leggings", recorded_at=NOON))
        connection.execute(insert(variant).values(id=1, product_id=1, sku="L", price_minor=7400, currency="USD"))


def _person(segue: Segue, one: int) -> None:
    stamp = NOON - timedelta(days=40)
    with write(segue.engine) as connection:
        connection.execute(
            insert(profile).values(
                id=one, first_name=f"Sam{one}", country="US", region="NY", zone="America/New_York", locale="en-US",
                created_at=stamp,
            )
        )  # fmt: skip
        connection.execute(
            insert(identifier),
            [
                {"kind": kind, "value": value, "profile_id": one, "identifies": True, "recorded_at": stamp}
                for kind, value in (("email", f"p{one}@example.com"), ("phone", f"+1202555010{one}"))
            ],
        )
        connection.execute(
            insert(consent_event),
            [
                {
                    "profile_id": one, "channel": channel, "purpose": "marketing", "state": "granted",
                    "basis": "opt_in", "source": "test", "occurred_at": stamp, "recorded_at": stamp,
                    "dedupe": f"{one}/{channel}",
                }
                for channel in ("email", "sms")
            ],
        )  # fmt: skip
