"""The brake is asked before every batch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from segue.outbox import brake
from segue.store.engine import write
from tests.outbox.conftest import Desks
from tests.outbox.desk import Desk
from tests.outbox.shop import NOW

PAUSED = ("held", "paused")


def pause(one: Desk, name: str, *, paused: bool = True) -> None:
    with write(one.engine) as connection:
        brake.set_paused(connection, name, paused=paused, reason="test", now=one.clock.now())


NAMES = {
    "everything": lambda _run: "all",
    "the journey": lambda _run: "journey:letters",
    "the run": lambda run: f"run:{run}",
    "the channel": lambda _run: "channel:email",
    "the connector": lambda _run: "connector:fake",
}


@pytest.mark.parametrize("name_of", NAMES.values(), ids=NAMES.keys())
@pytest.mark.parametrize("when", ["judged", "composed"])
def test_the_brake_stops_what_has_not_left_yet(desk: Desks, name_of: Callable[[int], str], when: str) -> None:
    """Pulled after the judgement or after the words are written, it holds the very next window."""
    one = desk(people=25, promised=False)
    run = one.start_run("letters")
    one.promise(run_id=run)
    one.probe.hooks[when] = lambda: pause(one, name_of(run))
    count = one.drain()
    assert (count.sent, count.held) == (0, 25)
    assert one.states() == {PAUSED: 25}
    assert not one.sent()

    pause(one, name_of(run), paused=False)
    one.clock.advance(timedelta(minutes=10))
    one.drain()
    assert one.states() == {("accepted", None): 25}


def test_the_brake_pulled_between_two_windows_lets_the_first_one_finish(desk: Desks) -> None:
    one = desk(people=25)
    one.probe.hooks["recorded"] = lambda: pause(one, "journey:letters")
    one.drain()
    assert one.states() == {("accepted", None): 10, PAUSED: 15}


@pytest.mark.parametrize("name", ["journey:other", "run:999", "channel:sms", "connector:other"])
def test_the_brake_on_something_else_stops_nothing(desk: Desks, name: str) -> None:
    one = desk(people=3)
    pause(one, name)
    one.drain()
    assert one.states() == {("accepted", None): 3}


@pytest.mark.parametrize("name", ["all", "connector:fake"], ids=["found by policy", "found at the mark"])
def test_a_message_held_again_for_the_same_reason_stores_no_new_decision(desk: Desks, name: str) -> None:
    one = desk(people=2)
    pause(one, name)
    for _ in range(4):
        one.drain()
        one.clock.advance(timedelta(minutes=10))
    assert sorted(one.decisions()) == [(1, "hold", "paused"), (2, "hold", "paused")]
    assert one.rows()[0].not_before > NOW + timedelta(minutes=30), "it is looked at again all the same"


def test_a_decision_at_the_mark_names_its_run(desk: Desks) -> None:
    one = desk(people=1, promised=False)
    run = one.start_run("letters")
    one.promise(run_id=run)
    pause(one, "connector:fake")
    one.drain()
    with write(one.engine) as connection:
        assert connection.exec_driver_sql("SELECT run_id FROM decision").scalars().all() == [run]
