"""A worker killed at any point: nothing twice, nothing lost, and nobody pretends to know what nobody knows."""

from __future__ import annotations

import dataclasses
import signal
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine, Row, select

from segue.outbox.report import summary_of
from segue.store.engine import read
from segue.store.tables import message, voucher
from tests.outbox import child
from tests.outbox.processes import deliveries, finish, go_on, keys, start, wait_until_stopped, wait_until_written
from tests.outbox.shop import add_people

PEOPLE = 40
#: Where the worker dies, at which passing, and the least and most messages nobody can know the fate of.
POINTS = [
    ("promised", 1, 0, 0),
    ("claimed", 1, 0, 0),
    ("claimed", 2, 0, 0),
    ("judged", 2, 0, 0),
    ("composed", 1, 0, 0),
    ("composed", 3, 0, 0),
    ("marked", 1, 0, 0),
    ("marked", 3, 0, 0),
    ("answered", 2, 0, 0),
    ("before_commit", 1, 0, 0),
    ("before_commit", 4, 0, 0),
    ("recorded", 2, 0, 0),
    ("left", 1, 1, 1),
    ("left", 7, 3, 3),
    ("sent", 1, 1, 1),
    ("sent", 6, 2, 2),
    ("sent", 30, 1, child.AHEAD),
    ("heard", 1, child.AHEAD, child.AHEAD),
    ("heard", 7, 2, 2),
    ("heard", 40, 1, child.AHEAD),
]


@pytest.fixture
def orders(database_url: str, engine: Engine, tmp_path: Path, recorder: int) -> child.Orders:
    """What a healthy worker is told, over a store with forty people."""
    add_people(engine, PEOPLE)
    return child.Orders(url=database_url, home=tmp_path / "home", port=recorder, record=tmp_path / "record")


def rows(engine: Engine) -> list[Row[tuple[object, ...]]]:
    with read(engine) as connection:
        return list(connection.execute(select(message).order_by(message.c.id)).all())


def kill_at(orders: child.Orders, at: str, nth: int) -> None:
    assert finish(start(child.work, dataclasses.replace(orders, at=at, nth=nth))) == -signal.SIGKILL
    wait_until_written(orders.port, orders.record)


def recover(orders: child.Orders) -> None:
    assert finish(start(child.work, orders)) == 0


def assert_one_code_each(engine: Engine, record: Path) -> None:
    """Each key has one voucher, and every delivery of it named that code and that expiry."""
    with read(engine) as connection:
        minted = {
            row.key: (row.code, row.valid_until.isoformat())
            for row in connection.execute(select(voucher.c.key, voucher.c.code, voucher.c.valid_until))
        }
    assert len({code for code, _ in minted.values()}) == len(minted)
    for one in deliveries(record):
        assert minted[one.key] == (one.code, one.until)


@pytest.mark.parametrize(("at", "nth", "least", "most"), POINTS, ids=[f"{at}-{nth}" for at, nth, _, _ in POINTS])
def test_after_a_kill_each_message_is_sent_once_or_known_to_be_unknown(
    orders: child.Orders, engine: Engine, at: str, nth: int, least: int, most: int
) -> None:
    kill_at(orders, at, nth)
    before = keys(orders.record)
    recover(orders)

    found = rows(engine)
    states = Counter(str(row.state) for row in found)
    uncertain = {row.key for row in found if row.state == "uncertain"}
    delivered = keys(orders.record)
    assert len(found) == PEOPLE
    assert set(states) <= {"accepted", "uncertain"}, states
    assert set(delivered.values()) == {1}, "a key was delivered twice"
    assert {row.key for row in found if row.state == "accepted"} <= delivered.keys(), "an accepted key never arrived"
    assert delivered.keys() | uncertain == {row.key for row in found}, "a key was lost"
    assert least <= len(uncertain) <= most
    # What is uncertain was in flight when the worker died: sent by it, or about to be.
    assert not uncertain & (delivered - before).keys()
    with read(engine) as connection:
        total = summary_of(connection, journey="letters", run_id=None)
    assert total.considered == PEOPLE == sum(total.by_group().values())
    assert_one_code_each(engine, orders.record)


@pytest.mark.parametrize(("at", "nth"), [("marked", 1), ("left", 3), ("sent", 6), ("heard", 2), ("before_commit", 2)])
def test_a_step_that_repeats_delivers_at_least_once_with_the_same_code(
    orders: child.Orders, engine: Engine, at: str, nth: int
) -> None:
    orders = dataclasses.replace(orders, on_uncertain="repeat")
    kill_at(orders, at, nth)
    in_flight = keys(orders.record)
    recover(dataclasses.replace(orders, rounds=3))

    delivered = keys(orders.record)
    assert Counter(str(row.state) for row in rows(engine)) == {"accepted": PEOPLE}
    assert delivered.keys() == {row.key for row in rows(engine)}
    again = {key for key, times in delivered.items() if times > 1}
    assert again <= in_flight.keys()
    assert len(again) <= child.AHEAD
    if at == "sent":
        assert again, "nothing was repeated, so nothing was tested"
    assert_one_code_each(engine, orders.record)


def test_a_journal_on_another_host_makes_the_whole_window_uncertain(orders: child.Orders, engine: Engine) -> None:
    """Without the diary all that was marked may have left, so none of it is sent again."""
    kill_at(orders, "sent", 3)
    for diary in (orders.home / "journals").iterdir():
        diary.unlink()
    recover(orders)
    states = Counter((row.state, row.reason) for row in rows(engine))
    assert states == {
        ("uncertain", "worker_lost"): child.WINDOW,
        ("accepted", None): PEOPLE - child.WINDOW,
    }
    delivered = keys(orders.record)
    assert set(delivered.values()) == {1}
    # Three had left; a killed sender's connection is reset, which may drop the last of them before they are read.
    assert PEOPLE - child.WINDOW + 1 <= len(delivered) <= PEOPLE - child.WINDOW + 3


@pytest.mark.parametrize(
    ("at", "nth", "taken_for_uncertain"),
    [
        ("judged", 1, 0),
        ("composed", 2, 0),
        ("marked", 1, child.WINDOW),
        ("sent", 3, child.WINDOW),
        ("answered", 1, child.WINDOW),
    ],
)
def test_a_worker_that_slept_past_its_lease_sends_nothing_twice_and_still_tells(
    orders: child.Orders, engine: Engine, at: str, nth: int, taken_for_uncertain: int
) -> None:
    """Its late answers resolve what the second worker had to call uncertain; the rest is the second worker's."""
    sleeper = start(child.work, dataclasses.replace(orders, at=at, nth=nth, how="stop"))
    try:
        wait_until_stopped(sleeper)
        recover(orders)
        meanwhile = Counter(str(row.state) for row in rows(engine))
    finally:
        go_on(sleeper)
    assert finish(sleeper) == 0
    assert meanwhile["uncertain"] == taken_for_uncertain
    assert meanwhile["accepted"] == PEOPLE - taken_for_uncertain
    assert Counter(str(row.state) for row in rows(engine)) == {"accepted": PEOPLE}
    assert keys(orders.record) == dict.fromkeys((row.key for row in rows(engine)), 1)
    assert_one_code_each(engine, orders.record)


@pytest.mark.parametrize("again", [False, True])
def test_a_late_acceptance_spares_the_repeat_that_was_not_made_yet(
    orders: child.Orders, engine: Engine, *, again: bool
) -> None:
    """With a step that repeats, the sleeper's rows are deferred: its answers settle them, or come too late for that."""
    orders = dataclasses.replace(orders, on_uncertain="repeat")
    sleeper = start(child.work, dataclasses.replace(orders, at="sent", nth=2, how="stop"))
    try:
        wait_until_stopped(sleeper)
        recover(dataclasses.replace(orders, rounds=3 if again else 1))  # in one round repeats wait for their back-off
        settled = rows(engine)
        assert Counter(str(row.state) for row in settled)["deferred"] == (0 if again else child.WINDOW)
    finally:
        go_on(sleeper)
    assert finish(sleeper) == 0
    assert Counter(str(row.state) for row in rows(engine)) == {"accepted": PEOPLE}
    if again:
        assert rows(engine) == settled, "a late answer touched the second attempt"
    recover(dataclasses.replace(orders, rounds=3))
    assert max(keys(orders.record).values()) == (2 if again else 1)
    assert_one_code_each(engine, orders.record)
