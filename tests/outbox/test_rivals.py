"""Two runs want the same people at once: the budget goes by priority, whichever run is drained first.

Nobody loses a message to one that did not leave.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Connection, Engine, update

from segue.journeys.definition import Brief, Moment
from segue.outbox import brake
from segue.outbox.scope import Scope
from segue.outbox.states import ALL_BUCKETS
from segue.outbox.stop import stop_run
from segue.store.engine import write
from segue.store.tables import message
from tests.outbox.desk import Desk
from tests.outbox.shop import NOW, add_people, journey, step

PEOPLE = 3
A_WHILE = timedelta(minutes=6)


class Two:
    """A minor journey and a major one, each with a run that promised everybody one message."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        #: What the major journey finds of its people.
        self.converted = False
        self.runs = {name: desk.start_run(name) for name in desk.journeys}
        desk.promise()
        with write(desk.engine) as connection:
            for name, run_id in self.runs.items():
                connection.execute(update(message).where(message.c.journey == name).values(run_id=run_id))

    def drain(self, name: str) -> None:
        """Drain one run alone, as its flow does."""
        self.desk.drain(Scope(buckets=tuple(ALL_BUCKETS), run_id=self.runs[name]))

    def ends(self, name: str) -> set[tuple[str, str | None]]:
        return {(row.state, row.reason) for row in self.desk.rows() if row.journey == name}


@pytest.fixture(params=["hold"])
def two(engine: Engine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Two]:
    """`hold`, `drop`, or `short`: held, and too late before there is room again."""
    add_people(engine, PEOPLE)

    def facts(_c: Connection, rows: pd.DataFrame, _moment: Moment, _brief: Brief) -> pd.DataFrame:
        return pd.DataFrame({"converted": made.converted}, index=rows.index)

    journeys = [
        journey(step(priority=20, over_budget="drop" if request.param == "drop" else "hold"), name="minor"),
        journey(step(priority=80, facts=facts), name="major"),
    ]
    with Desk(engine, tmp_path / "home", journeys) as desk:
        made = Two(desk)
        if request.param == "short":
            with write(engine) as connection:
                late = NOW + timedelta(hours=3)
                connection.execute(update(message).where(message.c.journey == "minor").values(deadline_at=late))
        yield made


def test_the_lesser_run_leaves_the_budget_to_the_greater_one(two: Two) -> None:
    two.drain("minor")
    assert two.ends("minor") == {("held", "budget")}
    assert two.ends("major") == {("queued", None)}, "it is judged by its own run"
    two.drain("major")
    assert two.ends("major") == {("accepted", None)}
    assert two.desk.rows()[0].not_before > NOW


def test_the_greater_run_asks_nobody(two: Two) -> None:
    two.drain("major")
    two.drain("minor")
    assert (two.ends("major"), two.ends("minor")) == ({("accepted", None)}, {("held", "budget")})


@pytest.mark.parametrize("why", ["paused", "bought", "later"])
def test_what_would_not_leave_now_uses_no_budget(two: Two, why: str) -> None:
    values: dict[str, Any] = {"not_before": NOW.replace(year=2027)}
    with write(two.desk.engine) as connection:
        if why == "paused":
            brake.set_paused(connection, "journey:major", paused=True, reason="test", now=NOW)
        if why == "later":
            connection.execute(update(message).where(message.c.journey == "major").values(values))
    two.converted = why == "bought"
    two.drain("minor")
    assert two.ends("minor") == {("accepted", None)}
    assert two.ends("major") == {("queued", None)}


def goes_wrong(two: Two, why: str) -> None:
    """What keeps the major message from leaving after the minor one was judged beside it."""
    with write(two.desk.engine) as connection:
        if why == "stopped":
            stop_run(connection, two.runs["major"], reason="test", now=NOW, journeys={}, is_spool=lambda _: False)
        if why == "expired":
            connection.execute(update(message).where(message.c.journey == "major").values(deadline_at=NOW + A_WHILE))
    two.converted = why == "bought"


@pytest.mark.parametrize("two", ["drop", "short"], indirect=True)
@pytest.mark.parametrize("why", ["bought", "stopped", "expired"])
def test_nothing_is_lost_to_a_rival_that_never_left(two: Two, why: str) -> None:
    two.drain("minor")
    assert two.ends("minor") == {("held", "budget")}
    goes_wrong(two, why)
    two.desk.clock.set(NOW + A_WHILE)
    two.desk.drain()
    assert two.ends("minor") == {("accepted", None)}
    assert two.ends("major") != {("accepted", None)}


@pytest.mark.parametrize("two", ["drop", "short"], indirect=True)
@pytest.mark.parametrize("by", ["its own run", "the same drain"])
def test_what_gave_way_is_lost_to_a_rival_that_left(two: Two, by: str) -> None:
    two.drain("minor")
    if by == "its own run":
        two.drain("major")
    for hours in (1, 2, 3):
        two.desk.clock.set(NOW + hours * A_WHILE)
        two.desk.drain()
    assert two.ends("major") == {("accepted", None)}
    assert two.ends("minor") in ({("skipped", "over_budget")}, {("held", "budget")})
    two.desk.clock.set(NOW + timedelta(hours=4))
    two.desk.drain()
    assert two.ends("minor") in ({("skipped", "over_budget")}, {("skipped", "too_late")})
