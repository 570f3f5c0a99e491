"""A stopped run lets nothing leave any more, whatever a worker had already begun with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert

from segue.outbox.brake import set_paused
from segue.outbox.news import settle_news
from segue.outbox.stop import StoppedRun, stop_run
from segue.store.engine import write
from segue.store.tables import delivery_event
from tests.outbox.conftest import Desks
from tests.outbox.desk import Desk
from tests.outbox.shop import step

STOPPED = ("skipped", "stopped")


def stop(one: Desk, run_id: int) -> StoppedRun:
    with write(one.engine) as connection:
        return stop_run(
            connection, run_id, reason="test", now=one.clock.now(), journeys=one.journeys, is_spool=lambda _name: False
        )


def started(desk: Desks, people: int = 25) -> tuple[Desk, int]:
    one = desk(people=people, promised=False)
    run_id = one.start_run("letters")
    one.promise(run_id=run_id)
    return one, run_id


@pytest.mark.parametrize("when", ["claimed", "judged", "composed"])
def test_nothing_leaves_whatever_was_begun(desk: Desks, when: str) -> None:
    """Leased, judged or even written: what is not marked handed over stays here, for good."""
    one, run_id = started(desk)
    one.probe.hooks[when] = lambda: stop(one, run_id)
    one.drain()
    assert one.states() == {STOPPED: 25}
    assert not one.sent()
    one.clock.advance(timedelta(minutes=30))
    one.drain()
    assert one.states() == {STOPPED: 25}
    assert one.decisions() == [(number, "skip", "stopped") for number in range(1, 26)]


def test_what_left_has_left(desk: Desks) -> None:
    """Between two windows: the first one's answers stand, the rest is kept, and the numbers say so."""
    one, run_id = started(desk)
    told: list[StoppedRun] = []
    one.probe.hooks["recorded"] = lambda: told.append(stop(one, run_id))
    one.drain()
    assert one.states() == {("accepted", None): 10, STOPPED: 15}
    assert told == [StoppedRun(journey="letters", taken=15, unknown=0, leaving=0, gone=10)]


def test_what_is_put_off_after_it_meets_the_brake(desk: Desks) -> None:
    """A provider's *later* for what was leaving: it does not leave later, and a second stop settles it."""
    one, run_id = started(desk, people=3)
    one.wire.answer("throttled")
    one.probe.hooks["marked"] = lambda: stop(one, run_id)
    one.drain()
    one.wire.answer("ok")
    one.clock.advance(timedelta(hours=1))
    one.drain()
    assert one.wire.kept() == 0
    stop(one, run_id)
    assert one.states() == {STOPPED: 3}


REPEAT = step(on_uncertain="repeat")


def repeated(desk: Desks, answer: str) -> tuple[Desk, int]:
    """Three messages of a run that were tried once, and got this answer."""
    one = desk(REPEAT, people=3, promised=False)
    run_id = one.start_run("letters")
    one.promise(run_id=run_id)
    one.wire.answer(answer)
    one.drain()
    assert {state for state, _ in one.states()} == {"deferred"}
    return one, run_id


def test_what_left_without_an_answer_is_uncertain(desk: Desks) -> None:
    """It waits for another try, and may have arrived: no stop can call it skipped."""
    one, run_id = repeated(desk, "silence")
    assert stop(one, run_id) == StoppedRun(journey="letters", taken=0, unknown=3, leaving=0, gone=0)
    assert one.states() == {("uncertain", "stopped"): 3}
    assert all(row.handed_over_at is not None for row in one.rows()), "the budget counts from here"
    assert not one.decisions()[3:]
    assert stop(one, run_id) == StoppedRun(journey="letters", taken=0, unknown=0, leaving=0, gone=3)
    one.wire.answer("ok")
    one.clock.advance(timedelta(hours=2))
    assert one.drain().sent == 0


def test_it_may_have_arrived_whatever_holds_it_by_now(desk: Desks) -> None:
    one, run_id = repeated(desk, "silence")
    with write(one.engine) as connection:
        set_paused(connection, "all", paused=True, reason="test", now=one.clock.now())
    one.clock.advance(timedelta(hours=1))
    one.drain()
    assert one.states() == {("held", "paused"): 3}
    assert stop(one, run_id).unknown == 3
    assert one.states() == {("uncertain", "stopped"): 3}


def test_what_surely_never_left_is_skipped(desk: Desks) -> None:
    one, run_id = repeated(desk, "throttled")
    assert stop(one, run_id) == StoppedRun(journey="letters", taken=3, unknown=0, leaving=0, gone=0)
    assert one.states() == {STOPPED: 3}


def test_news_settles_what_a_stop_left_open(desk: Desks) -> None:
    one, run_id = repeated(desk, "silence")
    stop(one, run_id)
    now = one.clock.now()
    with write(one.engine) as connection:
        for number, kind in ((1, "delivered"), (2, "dropped")):
            connection.execute(
                insert(delivery_event).values(
                    dedupe=f"news:{number}", message_id=number, provider="fake", kind=kind, occurred_at=now,
                    recorded_at=now,
                )
            )  # fmt: skip
    assert settle_news(one.engine, now) == 2
    assert [row.state for row in one.rows()] == ["accepted", "rejected", "uncertain"]


def test_another_run_goes_on(desk: Desks) -> None:
    one, run_id = started(desk, people=3)
    stop(one, run_id + one.start_run("letters") - run_id)
    one.drain()
    assert one.states() == {("accepted", None): 3}


def test_a_run_that_is_none_is_named(desk: Desks) -> None:
    one, run_id = started(desk, people=1)
    with pytest.raises(LookupError, match=rf"there is no run 99; the last ones are {run_id} \(letters, \d{{4}}-"):
        stop(one, 99)
