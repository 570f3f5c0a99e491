"""Print runs that jam, die, lose a page or meet each other: no card twice, none lost for another's sake."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from connectors.print_insert import PrintInsertConnector
from segue.contract import Key, TransientError
from segue.contract.fake_print import FakePrint
from segue.service import Segue
from segue.store.engine import read
from segue.store.tables import (
    print_page,
    print_run,
)
from tests.outbox.printshop import WAVE, Open, add_order, cancel, shop, states


class Jams(FakePrint):
    """A printer that fails the first time it is closed, before or after the paper came out."""

    def __init__(self, folder: Path, *, after: bool) -> None:
        super().__init__(folder=folder)
        self._after = after
        self.closed: list[tuple[str, tuple[Key, ...], str]] = []

    def close_spool(self, location: str, keep: Sequence[Key], *, name: str) -> Sequence[Path]:
        self.closed.append((location, tuple(keep), name))
        if len(self.closed) == 1:
            if self._after:
                super().close_spool(location, keep, name=name)
            raise TransientError("paper jam")
        return super().close_spool(location, keep, name=name)


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_died_is_finished_with_the_same_pages_under_the_same_name(
    opened: Open, tmp_path: Path, *, after: bool
) -> None:
    printer = Jams(tmp_path / "paper", after=after)
    segue = opened(printer=printer)
    shop(segue, 3)
    segue.tick()
    segue.clock.set(WAVE)
    (jammed,) = segue.print_run()
    assert (jammed.pages, jammed.problem) == (0, "paper jam")
    add_order(segue, 209, 3, at=WAVE)  # something new must not slip into the old run
    (report,) = segue.print_run()
    assert report.pages == 3
    assert printer.closed[0] == printer.closed[1]
    assert segue.print_run() == []
    (file,) = (tmp_path / "paper").iterdir()
    assert len(json.loads(file.read_text("utf-8"))) == 3


def test_what_was_cancelled_since_a_run_died_is_not_in_it_any_more(opened: Open, tmp_path: Path) -> None:
    segue = opened(printer=Jams(tmp_path / "paper", after=False))
    shop(segue, 2)
    segue.tick()
    segue.clock.set(WAVE)
    segue.print_run()
    cancel(segue, 101, WAVE + timedelta(hours=1))
    segue.clock.set(WAVE + timedelta(days=1))
    (report,) = segue.print_run()
    assert (report.pages, report.taken_out) == (1, {"occasion_gone": 1})
    assert states(segue)["101"] == ("skipped", "occasion_gone")


class NeverIn(PrintInsertConnector):
    """A printer that is out of order in one place."""

    place = "newark"

    def close_spool(self, location: str, keep: Sequence[Key], *, name: str) -> Sequence[Path]:
        if location == self.place:
            raise TransientError("out of toner")
        return super().close_spool(location, keep, name=name)


def test_one_places_trouble_stops_no_other(opened: Open, tmp_path: Path) -> None:
    segue = opened(printer=NeverIn(folder=tmp_path / "print"))
    shop(segue, 4, ("newark", "portland"))
    segue.tick()
    segue.clock.set(WAVE)
    for expected in ({"newark": 0, "portland": 2}, {"newark": 0}):
        reports = segue.print_run()
        assert {report.location: report.pages for report in reports} == expected
        assert [report.problem for report in reports if report.location == "newark"] == ["out of toner"]


def test_a_page_that_is_lost_costs_its_own_card_only(opened: Open, tmp_path: Path) -> None:
    """A spool that came back from a backup without one of its pages."""
    printer = FakePrint(folder=tmp_path / "paper")
    segue = opened(printer=printer)
    shop(segue, 5)
    segue.tick()
    del printer.spooled[Key("welcome_insert/insert/order:103")]
    segue.clock.set(WAVE)
    (report,) = segue.print_run()
    assert (report.pages, report.taken_out, report.problem) == (4, {"template": 1}, None)
    assert states(segue)["103"] == ("skipped", "template")
    printed = [card["card"]["order"] for file in report.files for card in json.loads(file.read_text("utf-8"))]
    assert printed == ["#101", "#102", "#104", "#105"]
    assert segue.print_run() == []


def test_two_print_runs_at_one_instant_print_each_card_once(opened: Open, tmp_path: Path) -> None:
    printer = FakePrint(folder=tmp_path / "paper")
    first = opened(printer=printer)
    shop(first, 40, ("newark", "portland"))
    first.tick()
    pair = [first, opened(printer=printer)]
    for segue in pair:
        segue.clock.set(WAVE)
        _ = segue.engine, segue.journeys
    barrier, reports, errors = threading.Barrier(2), [], []

    def run(segue: Segue) -> None:
        barrier.wait()
        try:
            reports.extend(segue.print_run())
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(segue,)) for segue in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with read(first.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(print_page)) == 40
        assert connection.scalar(select(func.count()).where(print_run.c.closed_at.is_(None))) == 0
    printed = [card["card"]["order"] for f in (tmp_path / "paper").iterdir() for card in json.loads(f.read_text())]
    assert sorted(printed) == sorted(f"#{100 + n}" for n in range(1, 41))
