"""Several workers on the same people: slow ones never break the cap, and two starts at one instant send once."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from segue.clock import VirtualClock
from segue.contract import Channel
from segue.journeys.definition import Moment
from segue.outbox.connectors import Connectors
from segue.outbox.promise import promise
from segue.service import open_segue
from segue.settings import Settings
from segue.store.engine import open_engine, read, write
from segue.store.tables import lease, message, run
from tests.outbox import child
from tests.outbox.desk import Desk
from tests.outbox.processes import CONTEXT, deliveries, finish, keys, start
from tests.outbox.shop import LONG_AGO, NOW, PlainLibrary, add_people, journey, step

PEOPLE = 40
STEPS = 3
WORKERS = 5


@pytest.fixture
def orders(database_url: str, engine: Engine, tmp_path: Path, recorder: int) -> child.Orders:
    """A store where three messages want each of forty people, whose cap is one a day."""
    add_people(engine, PEOPLE)
    asked = child.Orders(
        url=database_url,
        home=tmp_path / "home",
        port=recorder,
        record=tmp_path / "record",
        steps=STEPS,
        lease_ttl=0.25,
        stall=(0.0, 0.6),
    )
    with Desk(engine, asked.home, [journey(*(step(f"step{n}") for n in range(STEPS)))]) as desk:
        assert desk.promise() == PEOPLE * STEPS
    return asked


def per_person(record: Path) -> Counter[str]:
    """How many messages each person got."""
    return Counter(one.key.rpartition("/")[2] for one in deliveries(record))


def contend(orders: child.Orders) -> None:
    """Let the workers loose, each fond of another step."""
    barrier = CONTEXT.Barrier(WORKERS)
    crowd = [
        start(child.contend, dataclasses.replace(orders, favourite=number % STEPS, seed=number), barrier)
        for number in range(WORKERS)
    ]
    assert [finish(one) for one in crowd] == [0] * WORKERS


def test_workers_slower_than_their_leases_never_break_the_cap(orders: child.Orders, engine: Engine) -> None:
    """Everybody gets exactly one of her three messages, whoever wins."""
    contend(orders)
    got = per_person(orders.record)
    assert sum(times > 1 for times in got.values()) == 0
    assert len(got) == PEOPLE
    with read(engine) as connection:
        states = Counter(connection.scalars(select(message.c.state)))
        taken = connection.scalar(select(func.sum(lease.c.epoch)))
    assert states == {"accepted": PEOPLE, "held": PEOPLE * (STEPS - 1)}
    assert taken > PEOPLE, "no lease was ever lost, so nothing was tested"


def test_without_the_fence_the_cap_breaks(orders: child.Orders) -> None:
    """The test above can fail: a worker that trusts its memory sends what another one's budget already paid for."""
    contend(dataclasses.replace(orders, without_fence=True, stall=(0.4, 0.8)))
    assert sum(times > 1 for times in per_person(orders.record).values()) > 0


def start_and_drain(orders: child.Orders, barrier: Barrier, flow_run: str | None) -> None:
    """What a flow run does: start the run at the given instant, then drain it."""
    points = child.Points(orders)
    connector = child.TcpConnector(orders, points)
    settings = Settings(home=orders.home, database_url=orders.url, holdout_journey=0)
    with open_segue(
        settings,
        VirtualClock(NOW),
        connectors=Connectors(by_channel={Channel.EMAIL: connector}, offers=connector),
    ) as segue:
        letters = journey()
        segue.__dict__.update(library=PlainLibrary(), journeys={letters.name: letters}, secret=b"test")
        barrier.wait(30)
        plan = segue.start_run(letters, letters.brief(), flow_run_id=flow_run)
        segue.drain_run(plan)
    connector.close()


@pytest.mark.parametrize("same_flow_run", [False, True], ids=["two runs", "one run twice"])
def test_two_starts_at_one_instant_send_to_each_person_once(
    database_url: str, engine: Engine, tmp_path: Path, recorder: int, *, same_flow_run: bool
) -> None:
    """Past any limit a scheduler may keep: both select, promise and drain the same people at the same time."""
    people = 300
    add_people(engine, people)
    orders = child.Orders(url=database_url, home=tmp_path / "home", port=recorder, record=tmp_path / "record")
    barrier = CONTEXT.Barrier(2)
    pair = [start(start_and_drain, orders, barrier, "flow-run" if same_flow_run else None) for _ in range(2)]
    assert [finish(one) for one in pair] == [0, 0]
    assert len(keys(orders.record)) == people
    assert set(keys(orders.record).values()) == {1}
    with read(engine) as connection:
        assert Counter(connection.scalars(select(message.c.state))) == {"accepted": people}
        assert connection.scalar(select(func.count()).select_from(run)) == (1 if same_flow_run else 2)


def promise_all(url: str, barrier: Barrier, tell: Callable[[int], None]) -> None:
    """Promise to everybody at the given instant."""
    engine = open_engine(url)
    letters = journey()
    with write(engine) as connection:
        connection.execute(select(message.c.id)).all()  # the connection is warm when the barrier opens
        if connection.dialect.name == "postgresql":
            barrier.wait(30)
        new = promise(
            connection, letters, letters.steps[0], letters.brief(), Moment(now=NOW, live_from=LONG_AGO), run_id=0
        )
    engine.dispose()
    tell(new)


@pytest.mark.parametrize("round_", range(2))
def test_two_promises_in_open_transactions_insert_each_key_once(database_url: str, engine: Engine, round_: int) -> None:
    """On PostgreSQL neither transaction sees the other's rows, so only the unique key can tell them apart."""
    people = 2_000
    add_people(engine, people)
    barrier, told = CONTEXT.Barrier(2), CONTEXT.Queue()
    pair = [start(promise_all, database_url, barrier, told.put) for _ in range(2)]
    assert [finish(one) for one in pair] == [0, 0]
    new = [told.get(timeout=10) for _ in pair]
    assert sum(new) == people
    with read(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(message)) == people
