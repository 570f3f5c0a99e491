"""People with parcels to be packed, and short ways to look at what was printed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdf
from sqlalchemy import insert, select, update

from segue.service import Segue
from segue.store.engine import read, write
from segue.store.tables import (
    location,
    message,
    order,
    profile,
)

NOON = datetime(2026, 5, 12, 16, tzinfo=UTC)  # two hours before the pick wave in New York
WAVE = NOON + timedelta(hours=2)

Open = Callable[..., Segue]


def shop(segue: Segue, count: int, places: Sequence[str] = ("newark",)) -> None:
    """`count` people with an order each, packed in `places` in turn."""
    people = range(1, count + 1)
    with write(segue.engine) as connection:
        connection.execute(
            insert(location),
            [
                {"id": n, "external_id": name, "kind": "warehouse", "name": name}
                for n, name in enumerate(places, start=1)
            ],
        )
        connection.execute(
            insert(profile), [{"id": n, "first_name": f"Sam{n}", "country": "US", "created_at": NOON} for n in people]
        )
    for n in people:
        add_order(segue, 100 + n, n, place=1 + n % len(places))


def add_order(segue: Segue, number: int, person: int, place: int = 1, at: datetime = NOON) -> None:
    with write(segue.engine) as connection:
        connection.execute(
            insert(order).values(
                id=number,
                external_id=str(number),
                number=f"#{number}",
                profile_id=person,
                sales_channel="web",
                location_id=place,
                delivery="ship",
                currency="USD",
                total_minor=100,
                occurred_at=at,
                paid_at=at - timedelta(minutes=5),
                recorded_at=at,
            )
        )


def cancel(segue: Segue, number: int, at: datetime) -> None:
    with write(segue.engine) as connection:
        connection.execute(update(order).where(order.c.id == number).values(cancelled_at=at))


def states(segue: Segue) -> dict[str, tuple[str, str | None]]:
    with read(segue.engine) as connection:
        rows = connection.execute(select(message.c.key, message.c.state, message.c.reason).order_by(message.c.key))
        return {row.key.rpartition(":")[2]: (row.state, row.reason) for row in rows}


def pick_list(file: Path) -> list[str]:
    """The order numbers of a pick list, in its order."""
    rows = csv.DictReader(io.StringIO(file.read_text("utf-8-sig")))
    return [row["order"] for row in rows]


def numbers_in(file: Path) -> list[str]:
    """The order numbers printed on the backs of a PDF's cards, in order."""
    pages = pypdf.PdfReader(file).pages
    return ["#" + page.extract_text().rpartition("#")[2].split()[0] for page in pages[1::2]]


def tell(segue: Segue, person: int, state: str, at: datetime, **values: Any) -> None:
    """Another journey's message to somebody, which may have shown her code."""
    row = {"key": f"other/mail/{person}", "profile_id": person, "bucket": person, "journey": "other", "step": "mail"}
    row |= {"priority": 1, "state": state, "channel": "email", "handed_over_at": at, "not_before": NOON}
    with write(segue.engine) as connection:
        connection.execute(insert(message).values(row | {"deadline_at": WAVE, "promised_at": NOON} | values))
