"""A worker killed at any point of a code's way: one code a key, the same on the retry, and the till knows it first."""

from __future__ import annotations

import csv
import dataclasses
import signal
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from segue.offers import Settled, revoke, settle
from segue.store.engine import read, write
from segue.store.tables import message, voucher
from tests.outbox import codes_child
from tests.outbox.processes import CONTEXT, deliveries, finish, keys, start, wait_until_written
from tests.outbox.shop import NOW, add_people

PEOPLE = 24
#: The shards' codes are minted, told to the till in two halves, and marked; then windows leave.
POINTS = [
    *(("commit", nth) for nth in range(1, 13)),
    ("minted", 1),
    ("minted", 2),
    ("publishing", 1),
    ("publishing", 5),
    ("publishing", 8),
    ("publishing", 9),
    ("published", 1),
    ("published", 2),
    ("composed", 1),
    ("composed", 2),
    ("marked", 1),
    ("left", 1),
    ("sent", 1),
    ("heard", 3),
    ("before_commit", 1),
]


@pytest.fixture
def orders(database_url: str, engine: Engine, tmp_path: Path, recorder: int) -> codes_child.CodeOrders:
    """What a healthy worker is told, over a store of a few people."""
    add_people(engine, PEOPLE)
    return codes_child.CodeOrders(
        url=database_url,
        home=tmp_path / "home",
        port=recorder,
        record=tmp_path / "record",
        till=tmp_path / "till",
        lease_ttl=0.3,
        rounds=3,
    )


def kill_at(orders: codes_child.CodeOrders, at: str, nth: int) -> None:
    assert finish(start(codes_child.work, dataclasses.replace(orders, at=at, nth=nth))) == -signal.SIGKILL
    wait_until_written(orders.port, orders.record)


def known(orders: codes_child.CodeOrders) -> list[tuple[str, str, datetime]]:
    """Key, code and expiry of every line of the till's file."""
    path = orders.till / "codes.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [(row["key"], row["code"], datetime.fromisoformat(row["valid_until"])) for row in csv.DictReader(file)]


def minted(engine: Engine) -> list[tuple[str, str, datetime]]:
    """The same of every voucher."""
    with read(engine) as connection:
        rows = select(voucher.c.key, voucher.c.code, voucher.c.valid_until).order_by(voucher.c.key)
        return [(row[0], row[1], row[2]) for row in connection.execute(rows)]


def assert_kept(orders: codes_child.CodeOrders, engine: Engine) -> None:
    """Everybody has one code, the till has each once, and every delivery named it."""
    promised = minted(engine)
    assert Counter(one[0] for one in promised).keys() == {f"letters/step0/person:{n}" for n in range(1, PEOPLE + 1)}
    assert len(promised) == PEOPLE == len({code for _, code, _ in promised})
    assert sorted(known(orders)) == promised, "the till's file holds each code once, as it was promised"
    terms = {key: (code, until.isoformat()) for key, code, until in promised}
    for one in deliveries(orders.record):
        assert terms[one.key] == (one.code, one.until)
    with read(engine) as connection:
        assert connection.scalars(select(voucher.c.key).where(voucher.c.published_at.is_(None))).all() == []


@pytest.mark.parametrize(("at", "nth"), POINTS, ids=[f"{at}-{nth}" for at, nth in POINTS])
def test_after_a_kill_nobody_has_two_codes_and_nobody_none(
    orders: codes_child.CodeOrders, engine: Engine, at: str, nth: int
) -> None:
    kill_at(orders, at, nth)
    before = minted(engine)
    told = {(one.key, one.code) for one in deliveries(orders.record)}
    assert told <= {(key, code) for key, code, _ in known(orders)}, "a message left before the till knew its code"
    assert finish(start(codes_child.work, orders)) == 0
    assert set(before) <= set(minted(engine)), "a code or its expiry changed"
    assert_kept(orders, engine)
    with read(engine) as connection:
        states = Counter(connection.scalars(select(message.c.state)))
    assert set(states) <= {"accepted", "uncertain"}
    assert keys(orders.record).keys() >= {one[0] for one in minted(engine)} - _uncertain(engine)


@pytest.mark.parametrize("at", ["minted", "publishing", "published", "marked", "sent"])
def test_a_message_that_is_repeated_names_the_same_code(
    orders: codes_child.CodeOrders, engine: Engine, at: str
) -> None:
    """Killed three times in a row, on the way to three repeats."""
    orders = dataclasses.replace(orders, on_uncertain="repeat")
    for nth in (1, 1, 2):
        code = finish(start(codes_child.work, dataclasses.replace(orders, at=at, nth=nth)))
        assert code in (-signal.SIGKILL, 0)  # the last one may find less to do than it was to die at
        wait_until_written(orders.port, orders.record)
    assert finish(start(codes_child.work, dataclasses.replace(orders, rounds=6))) == 0
    assert_kept(orders, engine)
    assert keys(orders.record).keys() == {one[0] for one in minted(engine)}


@pytest.mark.parametrize("at", ["minted", "publishing", "published", "commit"])
def test_settling_is_taken_up_where_it_was_killed(orders: codes_child.CodeOrders, engine: Engine, at: str) -> None:
    """Codes that a dead worker minted are made known without a message being touched; two may do it at once."""
    kill_at(orders, "minted", 1)
    waiting = len(minted(engine))
    settling = dataclasses.replace(orders, at=at)
    barrier = CONTEXT.Barrier(1)
    assert finish(start(codes_child.settle_at_once, settling, barrier)) in (0, -signal.SIGKILL)
    barrier = CONTEXT.Barrier(2)
    crowd = [start(codes_child.settle_at_once, orders, barrier) for _ in range(2)]
    assert [finish(one) for one in crowd] == [0, 0]
    assert sorted(known(orders)) == minted(engine)
    assert len(known(orders)) == waiting == codes_child.SHARD
    assert not deliveries(orders.record)


def test_a_revoked_code_is_named_by_no_retry_and_taken_out_of_the_till(
    orders: codes_child.CodeOrders, engine: Engine
) -> None:
    kill_at(orders, "published", 1)
    gone = [code for _, code, _ in minted(engine)[:3]]
    with write(engine) as connection:
        assert revoke(connection, gone, NOW) == 3
    till = codes_child.Till(orders.till, codes_child.Points(orders))
    assert finish(start(codes_child.work, orders)) == 0
    assert not {one.code for one in deliveries(orders.record)} & set(gone)
    assert Counter(one.code for one in deliveries(orders.record))["-"] == 3
    # They were told to the till before the kill, and nobody knows: they are asked for until that is sure.
    assert settle(engine, till, NOW).unfinished == 3
    assert sorted((orders.till / "withdrawn.csv").read_text().split()[1:]) == sorted(gone)
    with read(engine) as connection:
        revoked_at = connection.scalars(select(voucher.c.revoked_at).where(voucher.c.revoked_at.is_not(None))).all()
    assert revoked_at == [NOW] * 3
    assert settle(engine, till, NOW + timedelta(hours=1)) == Settled(withdrawn=3)


def _uncertain(engine: Engine) -> set[str]:
    with read(engine) as connection:
        return set(connection.scalars(select(message.c.key).where(message.c.state == "uncertain")))
