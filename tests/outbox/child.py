"""A worker in a process of its own that dies, or stops, at a named point; the kill tests start it.

It talks to the recorder over TCP, four messages ahead of the answers.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from sqlalchemy import Connection, Select

from segue.contract import Capabilities, Channel, Leaving, Message, Result, Voucher, accepted
from segue.outbox import frame as frames
from segue.outbox import judging
from segue.outbox.lease import Leases
from segue.outbox.scope import Scope
from segue.store.engine import open_engine
from tests.outbox.desk import EVERYTHING, Desk
from tests.outbox.shop import an_offer, journey, step

#: How many messages the connector sends before it reads an answer.
AHEAD = 4
#: The most it leaves marked and unanswered, as it declares.
WINDOW = 10


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a child is to do."""

    url: str
    home: Path
    port: int
    record: Path
    #: Where to die or stop: a probe's name, or `left`, `sent`, `heard` within the connector. Empty: nowhere.
    at: str = ""
    #: At which passing of that point.
    nth: int = 1
    how: Literal["kill", "stop"] = "kill"
    on_uncertain: Literal["wait", "repeat"] = "wait"
    lease_ttl: float = 0.3
    #: Keep draining, moving the clock on by half an hour each time, this often.
    rounds: int = 1
    steps: int = 1
    #: Sleep at least and at most so many seconds after judging.
    stall: tuple[float, float] = (0.0, 0.0)
    #: Which of a person's messages this worker likes best.
    favourite: int = 0
    #: Trust one's memory instead of the fence.
    without_fence: bool = False
    seed: int = 0


@dataclass
class Points:
    """Counts how often each named point was passed, and ends the process where it is told to."""

    orders: Orders
    passed: Counter[str] = field(default_factory=Counter)

    def __call__(self, name: str) -> None:
        self.passed[name] += 1
        if name == self.orders.at and self.passed[name] == self.orders.nth:
            os.kill(os.getpid(), signal.SIGKILL if self.orders.how == "kill" else signal.SIGSTOP)


class TcpConnector:
    """Sends `key, code, expiry` lines to the recorder."""

    name = "tcp"
    channels = frozenset({Channel.EMAIL})
    capabilities = Capabilities(max_batch=WINDOW, window=WINDOW)

    def __init__(self, orders: Orders, points: Callable[[str], None]) -> None:
        self._points = points
        self._socket = socket.create_connection(("127.0.0.1", orders.port), timeout=30)
        self._answers = self._socket.makefile("rb")
        self._socket.sendall(f"{orders.record}\n".encode())

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Hand over the batch, `AHEAD` at a time."""
        for start in range(0, len(batch), AHEAD):
            share = batch[start : start + AHEAD]
            for message in share:
                leaving(message.key)
                self._points("left")
                self._socket.sendall(f"{message.key}\t{message.content.text}\n".encode())  # type: ignore[union-attr]
                self._points("sent")
            for message in share:
                if self._answers.readline() != b"OK\n":
                    raise AssertionError("the recorder hung up")
                self._points("heard")
                yield accepted(message.key, "recorder")

    def publish(self, vouchers: Sequence[Voucher]) -> Iterator[Result]:
        """Know every code at once."""
        for voucher in vouchers:
            yield accepted(voucher.key)

    def withdraw(self, codes: Sequence[str]) -> Iterator[str]:
        """Forget codes."""
        yield from codes

    def redemptions(self) -> Iterator[Any]:
        """None were used."""
        yield from ()

    def close(self) -> None:
        """Hang up."""
        self._answers.close()
        self._socket.close()


def open_desk(orders: Orders, points: Callable[[str], None]) -> Desk:
    """The child's own worker on its own connections."""
    steps = [
        step(f"step{n}", on_uncertain=orders.on_uncertain, offer=an_offer if orders.steps == 1 else None)
        for n in range(orders.steps)
    ]
    connector = TcpConnector(orders, points)
    return Desk(
        open_engine(orders.url),
        orders.home,
        [journey(*steps)],
        connector=connector,
        offers=connector,
        tell=points,
        lease_ttl=timedelta(seconds=orders.lease_ttl),
        shard_size=16 if orders.steps == 1 else 4_000,
        judgement_max_age=timedelta(seconds=60),
        caps={"email": ["1/24h"]},
    )


def close(desk: Desk) -> None:
    """Leave as a healthy worker does."""
    desk.worker.close()
    desk.connector.close()
    desk.engine.dispose()


def work(orders: Orders) -> None:
    """Promise and drain everything; die on the way where told to."""
    points = Points(orders)
    desk = open_desk(orders, points)
    desk.promise()
    points("promised")
    for _ in range(orders.rounds):
        drain_all(desk)
        desk.clock.advance(timedelta(minutes=30))
    close(desk)


def drain_all(desk: Desk, scope: Scope = EVERYTHING) -> None:
    """Drain, and again while somebody else leases buckets with work."""
    end = time.monotonic() + 20
    desk.drain(scope)
    while desk.worker.missed and time.monotonic() < end:
        time.sleep(0.05)
        desk.drain(scope)


def contend(orders: Orders, barrier: Barrier) -> None:
    """Drain beside other workers: slow between judging and marking, and fond of another message than they."""
    draw = random.Random(orders.seed)

    def stall(name: str) -> None:
        if name == "judged":
            time.sleep(draw.uniform(*orders.stall))

    def fetch(connection: Connection, rows: Select[Any]) -> pd.DataFrame:
        frame = frames.fetch(connection, rows)
        if not frame.empty:
            place = frame["step"].str.removeprefix("step").astype(int)
            frame["priority"] = (place + orders.favourite) % orders.steps
        return frame

    judging.fetch = fetch  # type: ignore[attr-defined]
    if orders.without_fence:
        Leases.fence = lambda self, _connection, buckets: set(buckets) & self.epochs.keys()  # type: ignore[method-assign]
    desk = open_desk(orders, stall)
    barrier.wait(30)
    end = time.monotonic() + 20
    while time.monotonic() < end and {row.state for row in desk.rows()} & {"queued", "handed_over"}:
        desk.drain()
    close(desk)
