"""A rehearsal says evening by evening who would come into each ad audience, who would go out and why, and who stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.rehearse import page
from flows.rehearsed_days import days_page
from segue.gallery.calendar import Calendar
from segue.gallery.calendar_page import calendar_html
from segue.render import load_brand
from segue.service import Segue, open_segue
from segue.service.rehearsal import Rehearsal, rehearse
from segue.settings import Settings
from segue.store.engine import open_engine
from tests.audiences.people import NOW, SECRET, Town

#: Five days, long over when they are rehearsed; clocks stand still in them.
FIRST = datetime(2026, 4, 6, 4, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ASKED = Rehearsal(since=FIRST.date(), days=5, journeys=("retargeting",))
SHORT = replace(ASKED, days=2)


@pytest.fixture
def town(new_database: Callable[..., str]) -> Iterator[Town]:
    """A shop that has the leggings in 8, and told of it before."""
    engine = open_engine(new_database("sqlite"))
    town = Town(engine)
    _at(town, FIRST - 20 * DAY).stock(town.variant(1), 9)
    yield town
    engine.dispose()


@pytest.fixture
def segue(town: Town, tmp_path: Path) -> Iterator[Segue]:
    """The installation, on a clock of its own: months later."""
    settings = Settings(
        _env_file=None, home=tmp_path, database_url=town.engine.url.render_as_string(), secret_key=SECRET.decode(),
        holdout_journey=0,
    )  # fmt: skip
    town.clock.set(NOW)
    with open_segue(settings, town.clock) as opened:
        opened.install()
        opened.switch_on("retargeting", live_from=FIRST - 90 * DAY)
        yield opened


def _at(town: Town, at: datetime) -> Town:
    town.clock.set(at)
    return town


def _left(town: Town, at: datetime, **traits: str) -> int:
    """Somebody agreed to ads, and leaves a cart at `at`."""
    who = town.person(**traits)  # type: ignore[arg-type]
    _at(town, FIRST - 10 * DAY).consent(who, "granted")
    town.add_to_cart(who, town.variant(1), at)
    return who


def _of(calendar: Calendar, audience: str) -> list[tuple[int, dict[str, int], int]]:
    return [(one.came, dict(one.went), one.stayed) for one in calendar.audiences if one.audience == audience]


def test_who_comes_goes_and_stays_is_told_by_evening(town: Town, segue: Segue) -> None:
    """Bought, said no, emptied, forgotten; what happens after 23:07 is the next evening's; nobody without a yes."""
    _left(town, FIRST - 2 * DAY)  # there from the start, and stays
    _left(town, FIRST - 14 * DAY + 30 * HOUR)  # on the second day two weeks have passed
    bought = _left(town, FIRST + 9 * HOUR)
    town.buy(bought, town.variant(1), FIRST + DAY)
    emptied = _left(town, FIRST + 9 * HOUR)
    town.add_to_cart(emptied, town.variant(1), FIRST + 2 * DAY, kind="ordered")
    refused = _left(town, FIRST + 23 * HOUR + timedelta(minutes=8))
    _at(town, FIRST + 3 * DAY).consent(refused, "denied")
    silent = town.person(country="DE")
    town.add_to_cart(silent, town.variant(1), FIRST + HOUR)
    back_out = _left(town, FIRST + 8 * HOUR)
    town.add_to_cart(back_out, town.variant(1), FIRST + 10 * HOUR, kind="removed")
    town.clock.set(NOW)
    calendar = rehearse(segue, ASKED)
    assert _of(calendar, "cart") == [
        (2, {}, 2),
        (1, {"converted": 1, "not_considered": 1}, 2),
        (0, {"converted": 1}, 2),
        (0, {"denied": 1}, 1),
        (0, {}, 1),
    ]
    assert _of(calendar, "buyers")[:2] == [(0, {}, 0), (1, {}, 0)]
    assert all(one.left_out["no_consent"] == 1 for one in calendar.audiences if one.audience == "cart")
    told = calendar_html(calendar, load_brand(segue.settings.brand)), page(calendar, "x"), days_page(calendar)
    said = "1 come in, 2 go out (1 had already bought, 1 did nothing lately that it is about), 2 stay"
    assert [said in text for text in told] == [True, False, True]
    assert "| Left in a cart | 2 | 3 | 4 | 1 |" in told[1]
    assert "example.com" not in "".join(told)


def test_sold_out_in_her_size_goes_out_and_the_digest_knows(town: Town, segue: Segue) -> None:
    """The same counts by somebody else are another digest."""
    one, other = (_left(town, FIRST + 9 * HOUR) for _ in range(2))
    _at(town, FIRST + DAY).stock(town.variant(1), 0)
    town.clock.set(NOW)
    first = rehearse(segue, SHORT)
    assert _of(first, "cart") == [(2, {}, 0), (0, {"sold_out": 2}, 0)]
    _at(town, FIRST + HOUR).consent(one, "denied")
    town.clock.set(NOW)
    less = rehearse(segue, SHORT)
    with open_engine(town.engine.url.render_as_string()).begin() as connection:
        connection.exec_driver_sql("UPDATE consent_event SET profile_id = ? WHERE state = 'denied'", (other,))
    swapped = rehearse(segue, SHORT)
    assert less.audiences == swapped.audiences
    assert len({first.digest, less.digest, swapped.digest}) == 3


def test_what_goes_with_what_is_known_from_the_start(town: Town, segue: Segue) -> None:
    """The shop told of it long after the period, as with everything that it sells."""
    who = town.person()
    town.buy(who, town.variant(1), FIRST - DAY)
    for number in (2, 3):
        _at(town, FIRST - 20 * DAY).stock(town.variant(number), 5)
    town.clock.set(NOW)
    assert _of(rehearse(segue, SHORT), "related") == [(0, {}, 1)] * 2
