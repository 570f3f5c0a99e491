"""Rows a worker left behind, and late answers to them."""

from __future__ import annotations

import pytest

from segue.contract import accepted
from segue.outbox.orphans import adopt
from segue.outbox.record import Answer, record
from segue.store.engine import write
from tests.outbox.conftest import Desks
from tests.outbox.desk import Desk
from tests.outbox.shop import NOW, step


def leave_behind(one: Desk, *, dead: bool) -> None:
    """Let a desk's worker end in the middle of its window: left 1, answered 2, never touched 3."""

    def stop() -> None:
        raise KeyboardInterrupt

    one.probe.hooks["marked"] = stop
    with pytest.raises(KeyboardInterrupt):
        one.drain()
    keys = [row.key for row in one.rows()]
    one.worker._journal.leaving(keys[0])
    one.worker._journal.leaving(keys[1])
    one.worker._journal.answered(accepted(keys[1], "p-2"))
    one.worker.leases.release()
    if dead:
        one.worker.close(keep_journal=True)


def test_a_dead_workers_diary_decides(desk: Desks) -> None:
    one = desk(people=3)
    leave_behind(one, dead=True)
    with one.sibling() as other:
        count = other.drain()
        assert count.adopted == 3
        assert [(r.state, r.reason, r.provider_id) for r in other.rows()][:2] == [
            ("uncertain", "worker_died", None),
            ("accepted", None, "p-2"),
        ]
        third = other.rows()[2]
        assert (third.state, third.attempts) == ("accepted", 1), "an attempt that never left burns nothing"
        assert other.sent() == {third.key: 1}
        assert not list((one.home / "journals").glob(f"{one.worker.leases.owner}*")), "read diaries go"


def test_while_the_worker_may_live_all_it_marked_is_uncertain(desk: Desks) -> None:
    one = desk(people=3)
    leave_behind(one, dead=False)
    with one.sibling() as other:
        other.drain()
        assert other.states() == {("uncertain", "worker_lost"): 3}
        assert not other.sent()


def test_a_step_that_repeats_tries_orphans_again_after_a_while(desk: Desks) -> None:
    one = desk(step(on_uncertain="repeat"), people=3)
    leave_behind(one, dead=True)
    with one.sibling() as other:
        other.drain()
        assert other.states() == {("deferred", "worker_died"): 1, ("accepted", None): 2}
        other.clock.advance(one.settings.retry_base)
        other.drain()
        assert other.states() == {("accepted", None): 3}


def test_orphans_of_a_bucket_lost_again_are_left_to_its_holder(desk: Desks) -> None:
    """A worker that slept between the claim and the adoption must not touch what another one is sending."""
    one = desk(people=3)
    leave_behind(one, dead=False)
    with one.sibling() as slow, one.sibling() as quick:
        slow.worker.leases.claim([1, 2, 3])
        slow.worker.leases.epochs = dict.fromkeys((1, 2, 3), -1)  # lost: the epochs moved on
        adopted = adopt(
            one.engine,
            {1, 2, 3},
            journals=one.home / "journals",
            leases=slow.worker.leases,
            now=NOW,
            settle=slow.worker._settlement.settle,
        )
        assert adopted == 0
        assert quick.states() == {("handed_over", None): 3}


@pytest.mark.parametrize(
    ("state", "resolved"),
    [("handed_over", True), ("uncertain", True), ("queued", False), ("deferred", True), ("held", False),
     ("accepted", False), ("rejected", False), ("skipped", False), ("control", False)],
)  # fmt: skip
def test_a_late_answer_resolves_only_what_waits_for_it(desk: Desks, *, state: str, resolved: bool) -> None:
    one = desk(people=1)
    one.change([1], state=state, worker="anna", epoch=4)
    answer = Answer(message_id=1, epoch=4, state="accepted", reason=None, provider_id="late", not_before=NOW)
    with write(one.engine) as connection:
        record(connection, [answer], worker="anna", now=NOW)
    row = one.rows()[0]
    assert (row.state, row.provider_id) == (("accepted", "late") if resolved else (state, None))


@pytest.mark.parametrize("verdict", ["rejected", "uncertain", "deferred"])
def test_a_late_answer_that_is_no_acceptance_leaves_the_next_try_alone(desk: Desks, verdict: str) -> None:
    """Nothing arrived for certain, so the step's wish to repeat stands."""
    one = desk(people=1)
    one.change([1], state="deferred", reason="worker_lost", worker="anna", epoch=4)
    answer = Answer(message_id=1, epoch=4, state=verdict, reason="late", provider_id=None, not_before=NOW)
    with write(one.engine) as connection:
        record(connection, [answer], worker="anna", now=NOW)
    assert one.states() == {("deferred", "worker_lost"): 1}


def test_a_slow_workers_acceptance_spares_a_repeating_step_its_repeat(desk: Desks) -> None:
    """It was taken for lost while the provider thought; what arrived is not sent again."""
    one = desk(step(on_uncertain="repeat"), people=3)

    def overtaken() -> None:
        one.worker.leases.release()
        with one.sibling() as other:
            other.drain()
            assert other.states() == {("deferred", "worker_lost"): 3}

    one.probe.hooks["answered"] = overtaken
    one.drain()
    assert one.states() == {("accepted", None): 3}
    one.clock.advance(one.settings.retry_base)
    one.drain()
    assert set(one.sent().values()) == {1}


@pytest.mark.parametrize("state", ["handed_over", "deferred"])
@pytest.mark.parametrize(("worker", "epoch"), [("ben", 4), ("anna", 5)])
def test_an_answer_from_another_holding_is_left_alone(desk: Desks, worker: str, epoch: int, state: str) -> None:
    one = desk(people=1)
    one.change([1], state=state, worker="anna", epoch=4)
    answer = Answer(message_id=1, epoch=epoch, state="accepted", reason=None, provider_id="x", not_before=NOW)
    with write(one.engine) as connection:
        record(connection, [answer], worker=worker, now=NOW)
    assert one.states() == {(state, None): 1}
