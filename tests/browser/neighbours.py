"""A pop-up that opens on Thursday, the people around it, named like nobody real, and what is told of them later."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, insert, select

from segue.service import Segue
from segue.store.engine import read, write
from segue.store.tables import consent_event, identifier, location, message, profile
from tests.flows.shop import email, phone

PEOPLE = 160
#: At four in a hundred who come, 5 places are 125 invitations.
PLACES = 5
POPUP = "Saltmere Summer Pop-up, SoHo"
HERE = (40.7233, -74.0030)

_ORDERS = """
name = "till"
[[record]]
kind = "order"
[record.fields]
external_id = "order"
email = "email"
currency = { constant = "USD" }
total = "total"
occurred_at = "at"
sales_channel = { constant = "web" }
"""
_NEWS = """
name = "provider"
[[record]]
kind = "delivery"
[record.fields]
key = "key"
kind = "kind"
occurred_at = "at"
"""


@dataclass(frozen=True)
class Neighbours:
    """Who lives there: how many, and every string that must stay out of Prefect."""

    people: int
    #: The pop-up as the form's drop-down shows it.
    choice: str
    personal: tuple[str, ...]


def fill(engine: Engine, *, now: datetime) -> Neighbours:
    """Everybody lives a walk away; every fifth has agreed to nothing, and some have said no since."""
    then, stamp = now - timedelta(days=30), {"recorded_at": now}
    numbers = range(1, PEOPLE + 1)
    said = [(number, "granted") for number in numbers if number % 5]
    said += [(number, "denied") for number in numbers if number % 17 == 1]
    with write(engine) as connection:
        connection.execute(
            insert(location).values(
                external_id="POPUP-NYC",
                kind="popup",
                name=POPUP,
                address="88 Mercer Street, New York, NY 10012",
                country="US",
                zone="America/New_York",
                latitude=HERE[0],
                longitude=HERE[1],
                opens_at=now + timedelta(days=2, hours=-2),
                closes_at=now + timedelta(days=5, hours=8),
                capacity=PLACES,
            )
        )
        people = [
            {
                "id": number,
                "first_name": f"Quillon{number:03}",
                "last_name": f"Ravensworth{number:03}",
                "country": "US",
                "region": "NY",
                "zone": "America/New_York",
                "home_latitude": HERE[0] + number / 2_000,
                "home_longitude": HERE[1],
                "created_at": then,
            }
            for number in numbers
        ]
        connection.execute(insert(profile), people)
        named = [{"kind": "email", "value": email(number), "profile_id": number, **stamp} for number in numbers]
        named += [{"kind": "phone", "value": phone(number), "profile_id": number, **stamp} for number in numbers]
        connection.execute(insert(identifier), named)
        consents = [
            {
                "profile_id": number,
                "channel": "email",
                "state": state,
                "basis": "opt_in" if state == "granted" else "objection",
                "source": "test",
                "occurred_at": then if state == "granted" else then + timedelta(days=1),
                "dedupe": f"{state}:{number}",
                **stamp,
            }
            for number, state in said
        ]
        connection.execute(insert(consent_event), consents)
    names = [f"{name}{number:03}" for number in numbers for name in ("quillon", "ravensworth")]
    personal = (*map(email, numbers), *map(phone, numbers), *names)
    return Neighbours(PEOPLE, f"{POPUP}, 14 to 17 May (POPUP-NYC)", personal)


@dataclass(frozen=True)
class Told:
    """What came in: how many mails were opened and clicked, and how many of those who got one have ordered."""

    opened: int
    clicked: int
    buyers: int


def tell(segue: Segue, folder: Path) -> Told:
    """Import what the provider and the till say: through the intake, as `segue import` does."""
    with read(segue.engine) as connection:
        asked = select(message.c.key, message.c.profile_id, message.c.state).order_by(message.c.id)
        rows = connection.execute(asked).all()
    got = [row for row in rows if row.state == "accepted"]
    left_alone = [row for row in rows if row.state == "control"]
    at = segue.clock.now().isoformat()
    kinds = {"delivered": got[1:], "bounced": got[:1], "opened": got[1::3], "clicked": got[1::9]}
    news = [(row.key, kind, at) for kind, told in kinds.items() for row in told]
    buyers = got[1::12]
    orders = [
        (f"T-{number}", email(row.profile_id), f"{48 + 13 * (number % 5)}.00", at)
        for number, row in enumerate([*buyers, *left_alone[:1]])
    ]
    _read(segue, folder, "news", _NEWS, [("key", "kind", "at"), *news])
    _read(segue, folder, "orders", _ORDERS, [("order", "email", "total", "at"), *orders])
    return Told(len(kinds["opened"]), len(kinds["clicked"]), len(buyers))


def _read(segue: Segue, folder: Path, name: str, mapping: str, rows: list[tuple[str, ...]]) -> None:
    file, columns = folder / f"{name}.csv", folder / f"{name}.toml"
    columns.write_text(mapping)
    with file.open("w", newline="") as out:
        csv.writer(out).writerows(rows)
    report = segue.import_file(file, columns)
    assert sum(report.taken.values()) == len(rows) - 1, report
