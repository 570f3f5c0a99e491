"""The brake holds paper, too: what is spooled waits, and what a stopped run has in the spool is never printed."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Connection, func, select, update

from segue.contract.fake_print import FakePrint
from segue.journeys import welcome_insert
from segue.journeys.definition import Moment
from segue.service import BrakeError, Segue, StoppedRun
from segue.store.engine import read, write
from segue.store.tables import message, print_page, print_run, run, voucher
from tests.outbox.printshop import WAVE, Open, add_order, cancel, shop, states
from tests.outbox.test_print_troubles import Jams

STOPPED = ("skipped", "stopped")


class Killed(BaseException):
    """The process ends here."""


def spooled(opened: Open, tmp_path: Path, cards: int = 3, printer: Any = None) -> Segue:
    """Cards in the spool, at the wave."""
    segue = opened(printer=printer or FakePrint(folder=tmp_path / "paper"))
    shop(segue, cards)
    segue.tick()
    segue.clock.set(WAVE)  # type: ignore[attr-defined]
    return segue


def on_paper(tmp_path: Path) -> list[str]:
    """The order numbers of all files there are."""
    files = (tmp_path / "paper").iterdir() if (tmp_path / "paper").exists() else ()
    return sorted(card["card"]["order"] for file in files for card in json.loads(file.read_text("utf-8")))


def run_of(segue: Segue, number: int) -> int:
    with read(segue.engine) as connection:
        return int(connection.scalar(select(message.c.run_id).where(message.c.subject_id == number)) or 0)


def at(segue: Segue, point: str, do: Callable[[], Any]) -> None:
    """Do it once, when a print run comes by that point."""

    def probe(name: str) -> None:
        if name == point:
            segue._probe = lambda _name: None
            do()

    segue._probe = probe


def kill() -> None:
    raise Killed


@pytest.mark.parametrize("name", ["all", "journey:welcome_insert", "run:1", "channel:print", "connector:fake"])
def test_what_is_spooled_waits_for_the_brake_and_is_judged_again(opened: Open, tmp_path: Path, name: str) -> None:
    segue = spooled(opened, tmp_path)
    segue.pause(name, reason="the paper is upside down")
    (report,) = segue.print_run()
    assert (report.run_id, report.pages, report.held) == (None, 0, {name: 3})
    assert on_paper(tmp_path) == []
    assert set(states(segue).values()) == {("accepted", None)}
    cancel(segue, 102, WAVE)
    (report,) = segue.print_run()
    assert (report.taken_out, report.held) == ({"occasion_gone": 1}, {name: 2}), "what can never be printed is settled"
    assert segue.resume(name)
    (report,) = segue.print_run()
    assert (report.pages, report.held) == (2, {})
    assert on_paper(tmp_path) == ["#101", "#103"]
    assert segue.print_run() == []


@pytest.mark.parametrize("name", ["all", "journey:welcome_insert", "channel:print"])
def test_a_card_is_not_printed_again_while_the_brake_is_on(opened: Open, tmp_path: Path, name: str) -> None:
    """The message says what is paused and how it goes on; one that is held keeps back all that were asked for."""
    segue = spooled(opened, tmp_path)
    segue.print_run()
    printed = on_paper(tmp_path)
    segue.pause("channel:email", reason="no matter")
    segue.pause(name, reason="the paper is upside down")
    told = f"{name} is paused (the paper is upside down). Let it go on with `segue resume {name}`"
    with pytest.raises(BrakeError, match=re.escape(told)):
        segue.reprint(["#101", "102"])
    assert on_paper(tmp_path) == printed
    segue.resume(name)
    segue.reprint(["#101", "102"])
    assert on_paper(tmp_path) == sorted([*printed, "#101", "#102"])


def test_the_brake_on_something_else_holds_no_card(opened: Open, tmp_path: Path) -> None:
    """Two runs' cards in one place: the one that is not held is printed, and counted from 1."""
    segue = spooled(opened, tmp_path)
    add_order(segue, 201, 1, at=WAVE - timedelta(minutes=1))
    with write(segue.engine) as connection:
        connection.execute(update(message).where(message.c.subject_id == 101).values(run_id=77))
    for name in ("channel:email", "journey:abandoned_cart", "run:77"):
        segue.pause(name, reason="test")
    (report,) = segue.print_run()
    assert (report.pages, report.held) == (2, {"run:77": 1})
    with read(segue.engine) as connection:
        assert sorted(connection.scalars(select(print_page.c.position))) == [1, 2]


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_died_stands_while_the_brake_is_on_and_keeps_its_pages(
    opened: Open, tmp_path: Path, *, after: bool
) -> None:
    """They may be on paper by now, so none of them may move to another run."""
    printer = Jams(tmp_path / "paper", after=after)
    segue = spooled(opened, tmp_path, printer=printer)
    segue.print_run()
    segue.pause("channel:print", reason="test")
    (report,) = segue.print_run()
    assert (report.pages, report.held, len(printer.closed)) == (0, {"channel:print": 3}, 1)
    segue.resume("channel:print")
    (report,) = segue.print_run()
    assert report.pages == 3
    assert printer.closed[0] == printer.closed[1]


def test_a_stopped_run_leaves_nothing_in_the_spool(opened: Open, tmp_path: Path) -> None:
    segue = spooled(opened, tmp_path)
    stopped = segue.stop_run(1, reason="test")
    assert stopped == StoppedRun(journey="welcome_insert", taken=3, unknown=0, leaving=0, gone=0, unprinted=3)
    assert segue.stop_run(1, reason="again").taken == 0
    assert segue.print_run() == []
    assert states(segue) == dict.fromkeys(("101", "102", "103"), STOPPED)
    with read(segue.engine) as connection:
        assert connection.scalar(select(func.count()).where(voucher.c.revoked_at.is_(None))) == 0
        assert connection.scalar(select(func.count()).where(print_run.c.closed_at.is_(None))) == 0
    total = segue.summary(1)
    assert (total.considered, total.count("skipped", reason="stopped")) == (3, 3)


def test_what_was_printed_stays_what_it_is(opened: Open, tmp_path: Path) -> None:
    segue = spooled(opened, tmp_path)
    segue.print_run()
    stopped = segue.stop_run(1, reason="test")
    assert (stopped.taken, stopped.gone, stopped.unprinted) == (0, 3, 0)
    assert set(states(segue).values()) == {("accepted", None)}


def test_a_stop_while_it_prints_is_uncertain_until_the_printer_is_through(opened: Open, tmp_path: Path) -> None:
    segue = spooled(opened, tmp_path)
    told: list[tuple[StoppedRun, dict[str, tuple[str, str | None]]]] = []
    at(segue, "printed", lambda: told.append((segue.stop_run(1, reason="test"), states(segue))))
    (report,) = segue.print_run()
    ((stopped, meanwhile),) = told
    assert (stopped.taken, stopped.unknown, stopped.printing, stopped.gone) == (0, 3, 3, 0)
    assert set(meanwhile.values()) == {("uncertain", "stopped")}
    assert (report.pages, set(states(segue).values())) == (3, {("accepted", None)})
    with read(segue.engine) as connection:
        pages = select(print_page.c.position, print_page.c.taken_out).order_by(print_page.c.position)
        assert [tuple(page) for page in connection.execute(pages)] == [(1, None), (2, None), (3, None)]


@pytest.mark.parametrize("point", ["print_begun", "printed"])
def test_what_a_killed_print_run_had_begun_is_uncertain_once_its_run_is_stopped(
    opened: Open, tmp_path: Path, point: str
) -> None:
    """Nobody knows whether somebody took the file to the printer; it is made anew without those cards."""
    segue = spooled(opened, tmp_path)
    with write(segue.engine) as connection:
        connection.execute(update(message).where(message.c.subject_id == 101).values(run_id=77))
    at(segue, point, kill)
    with pytest.raises(Killed):
        segue.print_run()
    stopped = segue.stop_run(run_of(segue, 102), reason="test")
    assert (stopped.taken, stopped.unknown, stopped.printing) == (0, 2, 2)
    (report,) = segue.print_run()
    assert (report.pages, report.taken_out) == (1, {"stopped": 2})
    assert on_paper(tmp_path) == ["#101"]
    unknown = ("uncertain", "stopped")
    assert states(segue) == {"101": ("accepted", None), "102": unknown, "103": unknown}


def test_a_stop_beside_a_print_run_leaves_each_card_printed_or_stopped(opened: Open, tmp_path: Path) -> None:
    printer = FakePrint(folder=tmp_path / "paper")
    first = spooled(opened, tmp_path, 30, printer)
    second = opened(printer=printer)
    second.clock.set(WAVE)  # type: ignore[attr-defined]
    _ = second.engine, second.journeys
    barrier, errors = threading.Barrier(2), []

    def do(what: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            what()
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    jobs: Sequence[Callable[[], Any]] = (first.print_run, lambda: second.stop_run(1, reason="test"))
    threads = [threading.Thread(target=do, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    first.print_run()
    printed = set(on_paper(tmp_path))
    assert {f"#{number}": state for number, state in states(first).items()} == {
        f"#{number}": ("accepted", None) if f"#{number}" in printed else STOPPED for number in range(101, 131)
    }


def test_a_card_is_judged_by_the_brief_of_its_own_run(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by the form as it comes: what a marketer had turned is still meant when the card is printed."""
    segue = spooled(opened, tmp_path)
    seen: list[int] = []

    def facts(connection: Connection, rows: pd.DataFrame, moment: Moment, brief: Any) -> pd.DataFrame:
        seen.append(brief.percent)
        return welcome_insert.facts(connection, rows, moment, brief)

    with write(segue.engine) as connection:
        brief = {**(connection.scalar(select(run.c.brief)) or {}), "percent": 25, "forgotten": True}
        connection.execute(update(run).values(brief=brief))
    journey = segue.journeys["welcome_insert"]
    listening = replace(journey, steps=(replace(journey.steps[0], facts=facts),))
    monkeypatch.setitem(segue.journeys, "welcome_insert", listening)
    assert [report.pages for report in segue.print_run()] == [3]
    assert seen == [25]


def test_a_card_waits_while_its_journey_cannot_say_whether_it_is_wanted(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segue = spooled(opened, tmp_path)
    sound = segue.journeys["welcome_insert"]

    def facts(*_asked: Any) -> pd.DataFrame:
        raise ValueError("a shop's own change")

    broken = replace(sound, steps=(replace(sound.steps[0], facts=facts),))
    monkeypatch.setitem(segue.journeys, "welcome_insert", broken)
    cancel(segue, 102, WAVE - timedelta(hours=1))
    assert [(report.pages, dict(report.held)) for report in segue.print_run()] == [(0, {"journey_broken": 3})]
    monkeypatch.setitem(segue.journeys, "welcome_insert", sound)
    segue.print_run()
    assert on_paper(tmp_path) == ["#101", "#103"]
