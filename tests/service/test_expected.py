"""Expected facts: a folder of files is played in place of what the shop knew; what is wrong with it is said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from segue.clock import VirtualClock
from segue.intake import IntakeError
from segue.service import Segue, open_segue
from segue.service.rehearsal import Rehearsal, rehearse
from segue.settings import Settings
from segue.store.engine import open_engine
from tests.service import rehearsed

#: Long after the shop's own facts, and still ahead of its clock.
SINCE = date(2026, 11, 1)
NOON = datetime(2026, 11, 3, 17)  # noqa: DTZ001 - written with a Z; noon in New York, two days after clocks went back
ASKED = Rehearsal(since=SINCE, days=4, journeys=("abandoned_cart",), listed=100)


@pytest.fixture
def segue(new_database: Callable[..., str], tmp_path: Path) -> Iterator[Segue]:
    """The shop of the other tests, in May."""
    url = new_database("sqlite")
    rehearsed.fill(engine := open_engine(url))
    engine.dispose()
    settings = Settings(
        _env_file=None, home=tmp_path / "home", database_url=url, secret_key="a secret of this test", holdout_journey=0
    )
    with open_segue(settings, VirtualClock(rehearsed.AFTER)) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Carts that wren2, wren4 and wren6 are expected to leave: before, in and after the days."""
    made = tmp_path / "expected"
    made.mkdir()
    (made / "README.md").write_text("What we expect of November.")
    (made / "events.jsonl").write_text(
        _left(2, NOON - timedelta(days=20)) + _left(4, NOON) + _left(6, NOON + timedelta(days=20))
    )
    return made


def test_a_folder_is_played_in_place_of_what_the_shop_knew(segue: Segue, folder: Path) -> None:
    """Her reminder leaves at the first quarter 45 minutes after the cart; what is of no use is counted and said."""
    with (folder / "events.jsonl").open("a") as file:
        file.write('{"type": "track", "event": "Product Added", "timestamp": "wren@example.com"}\n')
    calendar = rehearse(segue, _asked(folder))
    sent = [one for day in calendar.days for one in day.entries if one.outcome == "sent"]
    assert [(one.profile_id, one.step, one.day, one.hour) for one in sent] == [
        (4, "reminder", date(2026, 11, 3), "12:59"),
        (4, "last_call", date(2026, 11, 4), "12:59"),
    ]
    assert calendar.shift == timedelta(0)
    assert calendar.notes == (
        "events.jsonl: 1 left out, bad date, e.g. line 4.",
        "1 fact of the files is from before the first day: known from the start.",
        "1 fact of the files is from after the last day: not played.",
    )


def test_facts_of_another_time_are_moved_by_whole_weeks(segue: Segue, folder: Path) -> None:
    """The same files, said to begin a year before they are rehearsed."""
    told = Rehearsal(
        since=SINCE + timedelta(weeks=52), days=4, journeys=ASKED.journeys, facts=folder, facts_from=SINCE, listed=100
    )
    moved = rehearse(segue, told)
    assert moved.shift == timedelta(weeks=52)
    sent = [(one.profile_id, one.day) for day in moved.days for one in day.entries if one.outcome == "sent"]
    assert sent[:1] == [(4, date(2027, 11, 2))]


def _write(name: str, text: str = "x,y\n1,2\n") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        return folder

    return write


def _emptied(folder: Path) -> Path:
    (folder / "events.jsonl").unlink()
    return folder


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda folder: folder / "nowhere", "there is no folder .*/nowhere; name one", id="missing"),
        pytest.param(lambda folder: folder / "events.jsonl", "is a file; name the folder", id="file"),
        pytest.param(_emptied, "holds no file to rehearse; put", id="empty"),
        pytest.param(_write("march/orders.csv"), "the folder march, which is not looked into; move", id="inner"),
        pytest.param(_write("plan.pdf", "%PDF-1.7"), "plan.pdf: this is a PDF; save it as CSV", id="PDF"),
        pytest.param(_write("plan.csv"), "plan.csv is no export that is known .* is plan.toml beside it", id="unknown"),
        pytest.param(_write("event.toml", ""), "event.toml maps no file; .* e.g. events.toml for events", id="mapping"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(
    segue: Segue, folder: Path, spoil: Callable[[Path], Path], said: str
) -> None:
    """What, which, and what to do; the installation is not asked for facts in its place."""
    with pytest.raises(IntakeError, match=said):
        rehearse(segue, _asked(spoil(folder)))


def test_a_folder_about_other_days_is_refused(segue: Segue, folder: Path) -> None:
    """With the days that it is about."""
    _write("events.jsonl", _left(4, NOON - timedelta(days=20)) + _left(6, NOON - timedelta(days=9)))(folder)
    told = "2026-11-01 to 2026-11-04: it tells of 2026-10-14 to 2026-10-25; rehearse those days"
    with pytest.raises(IntakeError, match=told):
        rehearse(segue, _asked(folder))


def _asked(folder: Path) -> Rehearsal:
    return Rehearsal(since=SINCE, days=ASKED.days, journeys=ASKED.journeys, facts=folder, listed=ASKED.listed)


def _left(number: int, at: datetime) -> str:
    """A call that somebody known put the shop's one product into a cart of hers."""
    properties = {
        "cart_id": f"c{number}",
        "product_id": "p",
        "sku": "L-8",
        "quantity": 1,
        "price": 74,
        "currency": "USD",
    }
    call = {
        "type": "track", "event": "Product Added", "timestamp": f"{at.isoformat()}Z", "messageId": f"m{number}",
        "anonymousId": f"a{number}", "context": {"traits": {"email": f"wren{number}@example.com"}},
        "properties": properties,
    }  # fmt: skip
    return json.dumps(call) + "\n"
