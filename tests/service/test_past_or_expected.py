"""A past that was imported and the same files given as expected facts are one period, and play alike (ADR 11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from segue.clock import VirtualClock
from segue.gallery.calendar import Calendar
from segue.service import Segue, open_segue
from segue.service.rehearsal import Rehearsal, rehearse
from segue.settings import Settings
from tests.shops.files import MAPPING, catalogue, opening, told, write_calls, write_table
from tests.shops.player import complete
from tests.shops.story import NETWORKS, PLACES, PRICES, START, Act, Fact, Person, Story

JOURNEYS = ("abandoned_cart", "order_confirmation", "style_followup", "welcome_insert")
#: A week is history, some days are played; midnight in New York, where the shop dates.
SINCE = datetime(2026, 3, 9, 4, tzinfo=UTC)
DAYS = 5
ASKED = Rehearsal(since=SINCE.date(), days=DAYS, journeys=(*JOURNEYS, "retargeting"), listed=1000)
#: What took somebody out: of each kind of fact that is told, one that did.
RULED = {"converted", "denied", "no_consent", "occasion_gone", "sold_out", "suppressed"}
_PEOPLE = 24
_DRAWN = {
    "add": tuple(PRICES), "remove": tuple(PRICES), "order": ("cart", "plain", "gift_of_cart", "popup"),
    "consent": ("email:confirmed", "email:denied", "sms:granted", "all:denied"), "soft": ("email",),
    "suppress": ("unsubscribe", "hard_bounce"), "refund": ("all", "first"), "cancel": ("",), "deliver": ("",),
    "mention": NETWORKS, "stock": ("0", "5"), "merge": ("",), "move": ("US", "DE"),
}  # fmt: skip
_OFTEN = {"add": 8, "order": 8, "deliver": 5, "merge": 2}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two folders: what is history when the period begins, and what comes in it."""
    folder = tmp_path_factory.mktemp("town")
    return [_written(folder, name, some) for name, some in _town(Random(4)).items()]


@pytest.fixture(scope="module")
def ahead(
    files: list[Path], module_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Calendar:
    """The period as an installation expects it that knows its history and no more."""
    with _opened(module_database("sqlite"), tmp_path_factory.mktemp("ahead"), files[:1]) as segue:
        return rehearse(segue, replace(ASKED, facts=files[1]))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_imported_past_plays_as_the_same_files_do(
    kind: str, ahead: Calendar, files: list[Path], new_database: Callable[..., str], tmp_path: Path
) -> None:
    """Who was merged, what was taken back, who said no and what ran out, whichever door it came through."""
    with _opened(new_database(kind), tmp_path, files) as segue:
        past = rehearse(segue, ASKED)
    assert all(past.ended("sent", name) for name in JOURNEYS)
    assert {why for day in past.days for why in day.reasons("left_out")} >= RULED
    assert {one.audience for one in past.audiences if one.came and one.went} >= {"cart"}
    assert past.digest == ahead.digest
    assert past.audiences == ahead.audiences
    assert [day.counts for day in past.days] == [day.counts for day in ahead.days]
    if kind == "sqlite":  # elsewhere people have other ids
        assert replace(past, notes=()) == replace(ahead, notes=())


def _town(dice: Random) -> dict[str, tuple[Story, list[Fact]]]:
    """Some dozens of people and two weeks: what is history by `SINCE`, and what comes then."""
    people = tuple(
        Person(
            place=dice.choice(PLACES),
            birth_year=1980,
            is_near_popup=False,
            shares_phone=not number % 9,
            shares_mailbox=not number % 11,
            has_guest=not number % 3,
        )
        for number in range(_PEOPLE)
    )
    agreed = [Act("consent", n, False, 0, n, 0, False, "email:confirmed") for n in range(_PEOPLE) if n % 5]
    agreed += [Act("consent", n, False, 0, n, 0, False, "ads:granted") for n in range(_PEOPLE) if n % 3]
    kinds = [kind for kind in _DRAWN for _ in range(_OFTEN.get(kind, 1))]
    acts = [
        Act(
            kind=(kind := dice.choice(kinds)),
            who=dice.randrange(_PEOPLE),
            as_guest=dice.random() < 0.3,
            day=dice.randrange(14),
            minute=dice.randrange(1440),
            lag=0,
            twice=dice.random() < 0.1,
            what=dice.choice(_DRAWN[kind]),
            which=dice.randrange(40),
        )
        for _ in range(260)
    ]
    story = Story(people, (*agreed, *acts), "ok", 1)
    facts = complete(story)
    return {
        "before": (story, [one for one in facts if one.at < SINCE]),
        "period": (story, [one for one in facts if one.at >= SINCE]),
    }


def _written(folder: Path, name: str, part: tuple[Story, list[Fact]]) -> Path:
    """A folder of a table, its mapping and a file of calls."""
    story, facts = part
    made = folder / name
    made.mkdir()
    rows, calls = told(facts, lambda _: (None, None))
    if name == "before":
        known_rows, known_calls = opening(story)
        rows, calls = [*catalogue(), *known_rows, *rows], [*known_calls, *calls]
    write_table(made / "rows.csv", rows)
    write_calls(made / "calls.jsonl", calls)
    (made / "rows.toml").write_text(MAPPING.read_text())
    return made


@contextmanager
def _opened(url: str, home: Path, folders: list[Path]) -> Iterator[Segue]:
    """An installation that imported these folders: the first just before the period, the other long after it."""
    clock = VirtualClock(START)
    settings = Settings(
        _env_file=None, home=home, database_url=url, secret_key="a secret of this test", holdout_journey=0
    )  # type: ignore[arg-type]
    with open_segue(settings, clock) as segue:
        segue.install()
        for name in ASKED.journeys:
            segue.switch_on(name)
        for folder, at in zip(folders, (SINCE - timedelta(seconds=1), SINCE + timedelta(days=DAYS + 30)), strict=False):
            clock.set(at)
            for name in ("calls.jsonl", "rows.csv") * 2:  # what named an order of the other file in vain, again
                segue.import_file(folder / name, folder / "rows.toml" if name == "rows.csv" else None)
        yield segue
