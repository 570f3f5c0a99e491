"""What a digest is over: what became of whom and when, never the ids that a database happened to give out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from segue.clock import VirtualClock
from segue.gallery.calendar import Calendar
from segue.journeys.abandoned_cart import AbandonedCartBrief
from segue.service import Segue, open_segue
from segue.service.rehearsal import Rehearsal, rehearse
from segue.settings import Settings
from segue.store.engine import read
from segue.store.tables import identifier

SECRET = "a secret of this test"
FIRST = datetime(2026, 3, 6, 15, tzinfo=UTC)
ASKED = Rehearsal(since=FIRST.date(), days=3, journeys=("abandoned_cart", "order_confirmation"), listed=100)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two days' orders and carts, of other people each."""
    made = [tmp_path / "friday.jsonl", tmp_path / "saturday.jsonl"]
    for day, file in enumerate(made):
        file.write_text("".join(_calls(n, FIRST + timedelta(days=day, minutes=n)) for n in range(8 * day, 8 * day + 8)))
    return made


@contextmanager
def _opened(url: str, home: Path, files: list[Path], **settings: Any) -> Iterator[Segue]:
    chosen = {"home": home, "database_url": url, "secret_key": SECRET, "holdout_journey": 0, **settings}
    with open_segue(Settings(_env_file=None, **chosen), VirtualClock(FIRST + timedelta(days=60))) as segue:
        segue.install()
        for file in files:
            segue.import_file(file)
        yield segue


def _ids(segue: Segue) -> dict[str, int]:
    with read(segue.engine) as connection:
        rows = connection.execute(
            select(identifier.c.value, identifier.c.profile_id).where(identifier.c.kind == "email")
        )
        return {row.value: row.profile_id for row in rows}


def test_the_same_files_in_another_order_and_database_give_the_same_digest(
    files: list[Path], new_database: Callable[..., str], tmp_path: Path
) -> None:
    """People, orders and carts have other ids there; one order less is another digest."""
    found: list[tuple[Calendar, dict[str, int]]] = []
    for kind, order in (("sqlite", files), ("postgresql", files[::-1])):
        with _opened(new_database(kind), tmp_path / kind, order) as segue:
            found.append((rehearse(segue, ASKED), _ids(segue)))
    (here, ids), (there, others) = found
    assert ids.keys() == others.keys()
    assert ids != others
    assert here.ended("sent", "order_confirmation") == 16
    assert here.ended("left_out", "abandoned_cart") == 16
    assert here.digest == there.digest
    files[0].write_text("".join(files[0].read_text().splitlines(keepends=True)[:-1]))
    with _opened(new_database("sqlite"), tmp_path / "less", files) as segue:
        assert rehearse(segue, ASKED).digest != here.digest


def test_the_digest_is_keyed(files: list[Path], new_database: Callable[..., str], tmp_path: Path) -> None:
    """It stands in Prefect, where nobody may try out addresses; what is saved for a journey is played, and said."""
    with _opened(new_database("sqlite"), tmp_path / "one", files) as segue:
        first = rehearse(segue, ASKED)
        brief = AbandonedCartBrief(idle_minutes=5, last_call=False)
        saved = rehearse(segue, replace(ASKED, briefs={"abandoned_cart": brief}))
    with _opened(new_database("sqlite"), tmp_path / "other", files, secret_key="a secret of another test") as segue:
        other = rehearse(segue, ASKED)
    assert other.ends == first.ends
    assert other.digest != first.digest
    assert first.played == (
        "Played with the settings that journeys come with; what is saved in Prefect was not asked. No campaign is "
        "started, since other journeys were named. What a campaign had waiting on the first day goes on."
    )
    assert saved.played.startswith(
        "Played with what is saved in Prefect: Abandoned cart (Idle minutes: 5; Last call: no); "
        "every other as it comes."
    )
    (hours, later) = (
        {one.hour for day in calendar.days for one in day.entries if one.journey == "abandoned_cart"}
        for calendar in (first, saved)
    )
    assert (min(hours), min(later)) == ("11:59", "11:14")


def _calls(number: int, at: datetime) -> str:
    """Somebody new orders, and leaves a cart an hour later."""
    line = {"product_id": "p", "sku": "L-8", "quantity": 1, "price": 74, "currency": "USD", "name": "Leggings"}
    placed = {"order_id": f"o{number}", "total": 74, "currency": "USD", "products": [line]}
    added = {"cart_id": f"c{number}", **line}
    return "".join(
        json.dumps(
            {
                "type": "track", "event": name, "timestamp": when.isoformat(), "messageId": f"{name}{number}",
                "anonymousId": f"a{number}", "context": {"traits": {"email": f"wren{number}@example.com"}},
                "properties": properties,
            }
        )
        + "\n"
        for name, when, properties in (
            ("Order Completed", at, placed), ("Product Added", at + timedelta(hours=1), added),
        )
    )  # fmt: skip
