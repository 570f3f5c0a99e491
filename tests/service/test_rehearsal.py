"""A rehearsal reads an installation, touches nothing of it, speaks to nobody, and says what would have happened."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, Select, false, insert, literal, select, update

from segue.clock import VirtualClock
from segue.gallery.calendar_page import calendar_html
from segue.intake import IntakeError
from segue.journeys.campaign import CampaignBrief, Ways
from segue.journeys.definition import Brief, Moment
from segue.journeys.segments import Bought, Definition
from segue.journeys.style_followup import JOURNEY as STYLE
from segue.render import load_brand
from segue.service import Segue, open_segue
from segue.service.rehearsal import Calendar, PlannedRun, Rehearsal, RehearsalError, rehearse
from segue.settings import Settings
from segue.store.copying import Span
from segue.store.engine import open_engine, read, write
from segue.store.replay import copy_facts
from segue.store.sql import later
from segue.store.tables import consent_event, decision, message, metadata, order, run, suppression
from segue.store.types import UtcTime
from tests.service import rehearsed

SHORT = Rehearsal(since=date(2026, 3, 6), days=6, journeys=("style_followup",), listed=1000)
Open = Callable[[str], Segue]
SECRET = "a secret of this test"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Open an installation on a database, two months after the period."""
    made: list[Segue] = []

    def make(url: str, name: str = "home") -> Segue:
        chosen = {"home": tmp_path / name, "database_url": url, "secret_key": SECRET, "holdout_journey": 0.1}
        settings = Settings(_env_file=None, **chosen)
        with open_segue(settings, VirtualClock(rehearsed.AFTER)) as segue:
            made.append(segue)
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def segue(opened: Open, database_url: str, engine: Engine) -> Segue:
    """The shop, on either kind of database."""
    rehearsed.fill(engine)
    return opened(database_url)


@pytest.fixture(scope="module")
def short(module_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Calendar:
    """Six days of the shop, rehearsed once."""
    url = module_database("sqlite")
    _fill(url)
    chosen = {"home": tmp_path_factory.mktemp("home"), "database_url": url, "secret_key": SECRET}
    settings = Settings(_env_file=None, holdout_journey=0.1, **chosen)
    with open_segue(settings, VirtualClock(rehearsed.AFTER)) as segue:
        return rehearse(segue, SHORT)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a connection fails."""

    def refuse(*_: object) -> None:
        raise AssertionError("a rehearsal opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


def test_the_installation_is_as_it_was(segue: Segue, engine: Engine) -> None:
    """Every row of every table, before and after."""
    before = _checksums(engine)
    calendar = rehearse(segue, SHORT)
    assert calendar.ended("sent") > 10
    assert _checksums(engine) == before
    assert before["message"] == _checksum([])


@pytest.mark.parametrize(
    ("since", "city", "winter", "summer", "least"),
    [(date(2026, 3, 6), "America/New_York", "EST", "EDT", 0), (date(2026, 3, 27), "Europe/Berlin", "CET", "CEST", 1)],
)
def test_nobody_is_mailed_at_night_on_either_side_of_the_change_of_clocks(
    since: date, city: str, winter: str, summer: str, least: int, opened: Open, new_database: Callable[..., str]
) -> None:
    """What came due at night waits for her own seven o'clock, be it by winter or by summer time."""
    asked = Rehearsal(since=since, days=4, journeys=("style_followup",), listed=1000)
    calendar = _rehearsed(opened, new_database, asked)
    entries = [one for day in calendar.days for one in day.entries]
    sent = [one for one in entries if one.outcome == "sent"]
    ended = [one for one in entries if one.outcome in _FINAL]
    assert calendar.considered == len(ended) + calendar.ended("waiting")
    assert {winter, summer} < {one.zone for one in sent}
    assert all("07:00" <= one.hour < "21:00" for one in sent)
    held = [one for one in entries if one.outcome == "held" and one.reason == "quiet_hours"]
    assert {winter, summer} < {one.zone for one in held}
    # Held ones leave with the first step of her morning: not an hour later where clocks went forward meanwhile.
    woken = {one.profile_id: one for one in sent}
    assert {(one.until or "")[-5:] for one in held if one.profile_id in woken} == {"07:00"}
    assert {woken[one.profile_id].hour for one in held if one.profile_id in woken} == {"07:14"}
    assert {woken[one.profile_id].waited_for for one in held if one.profile_id in woken} == {"quiet_hours"}
    (change,) = (change for day in calendar.days for change in day.changes)
    night = [one for one in held if one.zone == winter and (one.until or "").startswith("Sun ")]
    night += [one for one in held if one.zone == winter and one.day == since + timedelta(days=2)]
    assert (change.zone, change.shown, change.set_to) == (city, "02:00", "03:00")
    assert change.at.date() == since + timedelta(days=2)
    assert change.waiting == len(night) >= least


@pytest.mark.parametrize("kind", ["postgresql"])
def test_the_same_again_is_the_same(kind: str, opened: Open, new_database: Callable[..., str], tmp_path: Path) -> None:
    """In a process elsewhere, from another database whose rows came in another order; but not with another seed."""
    asked = Rehearsal(since=SHORT.since, days=3)
    calendar = _rehearsed(opened, new_database, asked)
    url = new_database(kind)
    _fill(url, shuffled=5)
    environment = {
        **os.environ, "PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland", "SEGUE_DATABASE_URL": url,
        "SEGUE_HOME": str(tmp_path / "other"), "SEGUE_SECRET_KEY": SECRET, "SEGUE_HOLDOUT_JOURNEY": "0.1",
        "SEGUE_VIRTUAL_NOW": rehearsed.AFTER.isoformat(),
    }  # fmt: skip
    words = ["rehearse", "--from", "2026-03-06", "--days", "3", "--folder", str(tmp_path / "pages")]
    done = subprocess.run(
        [sys.executable, "-c", "from segue.cli.main import main; main()", *words],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"Digest {calendar.digest}" in done.stdout
    other = _rehearsed(opened, new_database, Rehearsal(since=SHORT.since, days=3, seed=4))
    assert other.digest != calendar.digest
    assert other.considered == calendar.considered


def test_facts_of_last_year_play_on_the_same_weekdays(
    short: Calendar, opened: Open, new_database: Callable[..., str]
) -> None:
    """52 weeks earlier by default, or as told; each message on the same day as if the facts were this year's."""
    this = short
    coming = Rehearsal(since=SHORT.since + timedelta(weeks=52), days=6, listed=1000)
    next_year = _rehearsed(opened, new_database, coming)
    assert next_year.shift == timedelta(weeks=52)
    # A day differs by what was due before it began, since clocks change on other days: compare in the middle.
    assert [day.count("sent") for day in next_year.days][3:] == [day.count("sent") for day in this.days][3:]
    told = Rehearsal(since=SHORT.since, days=6, facts_from=SHORT.since - timedelta(weeks=9), listed=1000)
    moved = _rehearsed(opened, new_database, told, back=timedelta(weeks=9))
    assert moved.digest == this.digest


def test_what_was_recorded_later_is_not_known_earlier(opened: Open, new_database: Callable[..., str]) -> None:
    """A no told two days late stops nothing before it was told; a cancellation nothing before it happened.

    One that happened before its order was told at all is known with the order.
    """
    url = new_database("sqlite")
    _fill(url)
    numbers = [
        n for n in range(1, rehearsed.PEOPLE) if n % 10 and date(2026, 3, 8) <= _due(n).date() < date(2026, 3, 10)
    ]
    late, cancelled_before, cancelled_after, timely = numbers[:4]
    with write(engine := open_engine(url)) as connection:
        for number, occurred, recorded in (
            (late, _due(late) - timedelta(days=1), _due(late) + timedelta(days=1)),
            (timely, _due(timely) - timedelta(days=1), _due(timely) - timedelta(days=1)),
        ):
            connection.execute(insert(consent_event).values(**_no(number, occurred, recorded)))
        for number, hours in ((cancelled_before, -3), (cancelled_after, 30)):
            at = _due(number) + timedelta(hours=hours)
            connection.execute(update(order).where(order.c.id == number).values(cancelled_at=at, refunded_minor=7400))
        told_late = next(n for n in range(1, rehearsed.PEOPLE) if n % 10 and _due(n).date() == date(2026, 3, 17))
        placed = order.c.occurred_at
        connection.execute(
            update(order)
            .where(order.c.id == told_late)
            .values(cancelled_at=later(placed, timedelta(hours=2)), recorded_at=later(placed, timedelta(hours=30)))
        )
    engine.dispose()
    calendar = rehearse(opened(url), Rehearsal(since=SHORT.since, days=12, listed=1000))
    entries = [one for day in calendar.days for one in day.entries if one.outcome != "held"]
    ends = {one.profile_id: (one.outcome, one.reason) for one in entries}
    assert ends[timely] == ("left_out", "denied")
    assert ends[cancelled_before] == ends[told_late] == ("left_out", "occasion_gone")
    assert ends[late][0] == "sent" or ends[late] == ("control", "holdout_journey")
    assert ends[cancelled_after][0] == "sent" or ends[cancelled_after] == ("control", "holdout_journey")


def test_who_said_no_since_gets_nothing_in_a_period_to_come(opened: Open, new_database: Callable[..., str]) -> None:
    """Today's suppressions and noes hold from the start; a yes before them is none."""
    url = new_database("sqlite")
    _fill(url)
    segue = opened(url)
    with write(segue.engine) as connection:
        for number in range(1, 20):
            if number % 2:
                said = {"reason": "unsubscribe", "occurred_at": rehearsed.AFTER, "recorded_at": rehearsed.AFTER}
                address = segue.hash_address(f"wren{number}@example.com")
                connection.execute(insert(suppression).values(address_hash=address, **said))
            else:
                connection.execute(insert(consent_event).values(**_no(number, rehearsed.AFTER, rehearsed.AFTER)))
    coming = Rehearsal(since=SHORT.since + timedelta(weeks=52), days=6, listed=1000)
    calendar = rehearse(segue, coming)
    sent = {one.profile_id for day in calendar.days for one in day.entries if one.outcome == "sent"}
    assert sent
    assert min(sent) >= 20
    assert rehearse(segue, SHORT).ended("sent") > calendar.ended("sent")


def test_what_was_promised_before_is_not_promised_again(opened: Open, new_database: Callable[..., str]) -> None:
    """Sent before the start: never again. Waiting then: judged anew, whatever became of it since."""
    url = new_database("sqlite")
    _fill(url)
    start = datetime(2026, 3, 6, 5, tzinfo=UTC)
    sent, waiting, skipped = [n for n in range(1, 40) if n % 10 and _due(n) < start][-3:]
    later = start + timedelta(hours=1)
    with write(engine := open_engine(url)) as connection:
        for number, left in ((sent, start - timedelta(hours=1)), (waiting, later)):
            connection.execute(insert(message).values(**_sent(number, left)))
        row = _sent(skipped, later) | {"handed_over_at": None, "answered_at": None, "state": "skipped"}
        key = connection.execute(insert(message).values(**row).returning(message.c.id)).scalar_one()
        said = {"message_id": key, "verdict": "skip", "reason": "suppressed", "decided_at": later}
        connection.execute(insert(decision).values(**said))
    engine.dispose()
    calendar = rehearse(opened(url), Rehearsal(since=SHORT.since, days=3, listed=1000))
    told = {one.profile_id for day in calendar.days for one in day.entries}
    assert sent not in told
    assert {waiting, skipped} <= told


def test_what_waits_is_judged_by_what_was_asked_for(new_database: Callable[..., str]) -> None:
    """A campaign's people and words stand in its run; of what has left, nobody asks."""
    start = datetime(2026, 3, 6, 5, tzinfo=UTC)
    source, scratch = (open_engine(new_database("sqlite")) for _ in range(2))
    asked = {"journey": "style_followup", "brief": {"days": 9}, "started_at": start - timedelta(days=1)}
    with write(source) as connection:
        rehearsed_run = insert(run).values(flow_run_id="f", digest="d", approval_until=start, **asked)
        (number,) = connection.execute(rehearsed_run).inserted_primary_key or ()
        for person, left in ((1, start - timedelta(hours=1)), (2, start + timedelta(hours=1))):
            connection.execute(
                insert(message).values(**_sent(person, left) | {"run_id": number, "promised_at": asked["started_at"]})
            )
    span = Span(since=start, until=start + timedelta(days=1), shift=timedelta(0), zone=ZoneInfo("UTC"))
    copy_facts(source, scratch, span, journeys=["style_followup"], outside=())
    with read(scratch) as connection:
        rows = connection.execute(select(message.c.profile_id, message.c.run_id).order_by(message.c.id)).all()
        (kept,) = connection.execute(select(run)).all()
    source.dispose()
    scratch.dispose()
    assert [tuple(row) for row in rows] == [(1, None), (2, kept.id)]
    assert (kept.brief, kept.flow_run_id, kept.digest, kept.approval_until) == ({"days": 9}, None, None, None)


def test_a_journey_that_writes_facts_is_asked_as_its_schedule_asks(
    opened: Open, new_database: Callable[..., str]
) -> None:
    """Once an hour, however much else happens: nobody can foresee what it writes, and asking costs.

    Who is due is asked then, too, though nothing was written: points that ripen have a reward due, and write nothing.
    """
    asked_at: list[datetime] = []
    due_at: dict[datetime, None] = {}

    def prepare(_connection: Connection, moment: Moment, _brief: object, _secret: bytes) -> None:
        asked_at.append(moment.now)

    def due(moment: Moment, brief: Brief) -> Select[Any]:
        due_at[moment.now] = None
        return nobody.due(moment, brief)

    def soon(moment: Moment, _brief: object) -> Select[Any]:
        return select(literal(moment.now + timedelta(minutes=1), UtcTime))

    step = STYLE.steps[0]
    nobody = replace(step, due=lambda moment, brief: step.due(moment, brief).where(false()))
    busy = replace(STYLE, name="busy", steps=(replace(nobody, next_due=soon),))
    never = replace(nobody, due=due, next_due=lambda _moment, _brief: select(literal(None, UtcTime)))
    writing = replace(STYLE, name="writing", steps=(never,), prepare=prepare)
    segue = _opened(opened, new_database)
    segue.__dict__["journeys"] = {"busy": busy, "writing": writing}
    rehearse(segue, Rehearsal(since=SHORT.since, days=1, journeys=("busy", "writing")))
    assert {later - earlier for earlier, later in pairwise(asked_at[1:])} == {timedelta(hours=1)}
    assert len(asked_at) == 24
    assert list(due_at) == asked_at


def test_a_planned_campaign_starts_at_its_hour_and_not_before(opened: Open, new_database: Callable[..., str]) -> None:
    """At the first quarter from then on, once; one of another day is not started, nor is any by new facts."""
    at = datetime(2026, 3, 7, 16, 5, tzinfo=UTC)
    people = Definition(conditions=(Bought(days=90),))
    brief = CampaignBrief(campaign="spring-drop", headline="Spring", ways=Ways.EMAIL, people=people)
    planned = tuple(PlannedRun(at=one, brief=brief) for one in (at, at + timedelta(days=9)))
    asked = Rehearsal(since=SHORT.since, days=3, listed=1000, planned=planned)
    calendar = _rehearsed(opened, new_database, asked)
    entries = [one for day in calendar.days for one in day.entries if one.journey == "campaign"]
    sent = [one for one in entries if one.outcome == "sent"]
    assert min(one.at for one in entries) == datetime(2026, 3, 7, 16, 14, tzinfo=UTC)
    assert len(sent) == len({one.profile_id for one in sent}) > 50
    assert {one.reason for one in entries if one.outcome == "left_out"} >= {"no_consent"}
    assert "are started, as if somebody agreed: spring-drop (Sat 7 Mar 2026, 11:05). What" in calendar.played
    named = _rehearsed(opened, new_database, replace(asked, journeys=("style_followup",)))
    assert named.ended("sent", "campaign") == 0
    assert "No campaign is started, since other journeys were named." in named.played


def test_the_page_names_nobody(short: Calendar) -> None:
    """Profile ids, and the reason of each hold; every day with news is a link to itself."""
    page = calendar_html(short, load_brand(Settings(_env_file=None).brand))
    assert "Clocks in New York go forward from 02:00 to 03:00." in page
    assert "wren" not in page.lower()
    assert "quiet hours there" in page
    for day in range(6, 12):
        assert f'id="d-2026-03-{day:02}"' in page
        assert f'href="#d-2026-03-{day:02}"' in page


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Rehearsal(since=SHORT.since, days=0), "1 to 366 days"),
        (Rehearsal(since=SHORT.since, days=3, journeys=("nothing",)), "no journey nothing"),
        (Rehearsal(since=SHORT.since, days=3, facts=Path("/nowhere")), "no folder"),
    ],
)
def test_what_cannot_be_rehearsed_says_why(
    asked: Rehearsal, said: str, opened: Open, new_database: Callable[..., str]
) -> None:
    """One sentence."""
    with pytest.raises((RehearsalError, IntakeError), match=said):
        rehearse(_opened(opened, new_database), asked)


def test_a_period_without_facts_says_which_days_have_some(
    short: Calendar, opened: Open, new_database: Callable[..., str]
) -> None:
    """Else an empty calendar looks as if nobody would be written to."""
    empty = replace(SHORT, since=date(2026, 1, 6))
    (note,) = _rehearsed(opened, new_database, empty).notes
    assert note.startswith("Nothing that this shop remembers happened on 2026-01-06 to 2026-01-11; its facts tell of")
    assert short.notes == ()


_FINAL = ("sent", "left_out", "control", "failed")


def _due(number: int) -> datetime:
    return rehearsed.arrives_at(number) + timedelta(days=7)


def _no(number: int, occurred: datetime, recorded: datetime) -> dict[str, Any]:
    said = {"channel": "email", "state": "denied", "basis": "objection", "source": "test", "dedupe": f"no:{number}"}
    return {"profile_id": number, "occurred_at": occurred, "recorded_at": recorded, **said}


def _sent(number: int, left: datetime) -> dict[str, Any]:
    return {
        "key": f"style_followup/looks/order:{number}", "profile_id": number, "bucket": number % 256,
        "journey": "style_followup", "step": "looks", "subject_id": number, "priority": 50, "state": "accepted",
        "not_before": _due(number), "promised_at": _due(number), "deadline_at": _due(number) + timedelta(days=14),
        "channel": "email", "handed_over_at": left, "answered_at": left,
    }  # fmt: skip


def _fill(url: str, **how: Any) -> None:
    engine = open_engine(url)
    rehearsed.fill(engine, **how)
    engine.dispose()


def _opened(opened: Open, new_database: Callable[..., str], **how: Any) -> Segue:
    url = new_database("sqlite")
    _fill(url, **how)
    return opened(url)


def _rehearsed(opened: Open, new_database: Callable[..., str], asked: Rehearsal, **how: Any) -> Calendar:
    return rehearse(_opened(opened, new_database, **how), asked)


def _checksums(engine: Engine) -> dict[str, str]:
    with read(engine) as connection:
        return {
            table.name: _checksum(sorted(repr(tuple(row)) for row in connection.execute(select(table))))
            for table in metadata.sorted_tables
        }


def _checksum(rows: list[str]) -> str:
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
