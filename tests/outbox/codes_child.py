"""A worker that mints, publishes to a till's codes file and sends, in a process of its own, and dies where it is told.

The points are finer than the outbox's own: before each commit, and between any two answers of the till.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

from sqlalchemy import event

from connectors.files import FilesConnector
from segue.contract import Result, Voucher
from segue.offers import settle
from segue.store.engine import open_engine
from tests.outbox.child import Orders, Points, TcpConnector, close, drain_all
from tests.outbox.desk import Desk
from tests.outbox.shop import NOW, an_offer, journey, step

SHARD = 16


@dataclass(frozen=True, kw_only=True)
class CodeOrders(Orders):
    """What this child is to do besides."""

    #: The till's folder.
    till: Path
    #: Settle with the till before and after draining.
    settles: bool = False


class Till(FilesConnector):
    """The real codes file, with a point at each step of publishing."""

    def __init__(self, folder: Path, points: Points) -> None:
        super().__init__(folder=folder)
        self._points = points

    def publish(self, vouchers: Sequence[Voucher]) -> Iterator[Result]:
        """Publish in two halves, as a shop does that takes codes in chunks."""
        self._points("minted")
        middle = (len(vouchers) + 1) // 2
        for part in (vouchers[:middle], vouchers[middle:]):
            for result in super().publish(part):
                self._points("publishing")
                yield result
        self._points("published")


def work(orders: CodeOrders) -> None:
    """Promise and drain everything; die on the way where told to."""
    points = Points(orders)
    engine = open_engine(orders.url)
    connector = TcpConnector(orders, points)
    till = Till(orders.till, points)
    desk = Desk(
        engine,
        orders.home,
        [journey(step("step0", on_uncertain=orders.on_uncertain, offer=an_offer))],
        connector=connector,
        offers=till,
        tell=points,
        lease_ttl=timedelta(seconds=orders.lease_ttl),
        shard_size=SHARD,
        judgement_max_age=timedelta(seconds=60),
        caps={"email": ["100/24h"]},
    )
    event.listen(engine, "commit", lambda _connection: points("commit"))
    desk.promise()
    for _ in range(orders.rounds):
        if orders.settles:
            settle(engine, till, desk.clock.now())
        drain_all(desk)
        desk.clock.advance(timedelta(minutes=30))
    if orders.settles:
        settle(engine, till, desk.clock.now())
    close(desk)


def settle_at_once(orders: CodeOrders, barrier: Barrier) -> None:
    """Settle with the till when the others do."""
    engine = open_engine(orders.url)
    till = Till(orders.till, Points(orders))
    with engine.connect():
        pass
    barrier.wait(60)
    settle(engine, till, NOW)
    engine.dispose()
