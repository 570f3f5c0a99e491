"""A sync killed at any point, and two at once: the next one leaves the platform as it should be, and the books true."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from segue.journeys.definition import Moment
from segue.journeys.retargeting import RetargetingBrief
from segue.store.engine import read
from segue.store.tables import audience_member
from tests.audiences import child
from tests.audiences.people import DAY, NOW, Town, line
from tests.outbox.processes import finish, start

POINTS = [
    ("audience_planned", 1),
    ("audience_made", 1),
    ("audience_asking", 1),
    ("audience_asking", 3),
    ("audience_answered", 4),
]
MOMENT = Moment(now=NOW, live_from=NOW - 365 * DAY)


def members(folder: Path) -> int:
    file = folder / "audiences" / "segue-cart.csv"
    return len(file.read_text().splitlines()) - 1 if file.exists() else 0


def sync_when_free(engine: Engine, folder: Path):
    end = time.monotonic() + 20
    while (report := child.syncer(engine, folder).sync(MOMENT, RetargetingBrief())).busy:
        assert time.monotonic() < end
        time.sleep(0.1)
    return report


@pytest.mark.parametrize(("at", "nth"), POINTS)
def test_whoever_comes_after_a_kill_finishes_it(
    database_url: str, engine: Engine, tmp_path: Path, at: str, nth: int
) -> None:
    town = Town(engine)
    people = [town.person() for _ in range(8)]
    for who in people:
        town.add_to_cart(who, town.variant(1))
    if at != "audience_made":
        sync_when_free(engine, tmp_path)  # two batches are removals then, and more are additions
        for who in people[:4]:
            town.consent(who, "denied")
        for _ in range(5):
            town.add_to_cart(town.person(), town.variant(1))
    process = start(child.sync, child.Orders(url=database_url, folder=tmp_path, at=at, nth=nth))
    assert finish(process) == -signal.SIGKILL
    with read(engine) as connection:
        open_ = connection.scalars(select(audience_member.c.state)).all()
    assert {"adding", "removing"} & set(open_), "it was killed in the middle of something"
    report = line(sync_when_free(engine, tmp_path), "cart")
    wanted = 8 if at == "audience_made" else 9
    assert (report.wanted, report.members, report.waiting, report.problem) == (wanted, wanted, 0, None)
    assert members(tmp_path) == wanted


def test_of_two_at_once_one_works(database_url: str, engine: Engine, tmp_path: Path) -> None:
    town = Town(engine)
    for _ in range(7):
        town.add_to_cart(town.person(), town.variant(1))
    both = [start(child.sync, child.Orders(url=database_url, folder=tmp_path)) for _ in range(2)]
    assert [finish(process) for process in both] == [0, 0]
    assert line(sync_when_free(engine, tmp_path), "cart").added == 0
    assert members(tmp_path) == 7
    assert len((tmp_path / "audiences" / "segue-cart.changes.csv").read_text().splitlines()) == 8
