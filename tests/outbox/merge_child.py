"""Processes that merge, and die on the way or meet in a crowd; the merge's kill and crowd tests start them."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Sequence
from datetime import timedelta
from multiprocessing.synchronize import Barrier

from sqlalchemy import Engine, func, select

from segue.outbox import merge as merging
from segue.outbox.lease import Leases
from segue.store.bulk import insert_new
from segue.store.engine import open_engine, read, write
from segue.store.tables import profile, profile_merge
from tests.outbox import child
from tests.outbox.desk import Desk
from tests.outbox.shop import NOW, journey, step

#: How long mergers and workers keep at it.
_PATIENCE = 40
TTL = timedelta(seconds=0.3)


def merge_until_killed(orders: child.Orders, batch: int) -> None:
    """Carry out what was found, `batch` people a transaction; die where told to."""
    merging.BATCH = batch
    engine = open_engine(orders.url)
    merging.merge_found(engine, leases=Leases(engine, "killed", TTL), now=NOW, probe=child.Points(orders))
    engine.dispose()


def merge_in_a_crowd(orders: child.Orders, pairs: Sequence[tuple[int, int]], barrier: Barrier) -> None:
    """Find one pair after the other and merge them, among others who find pairs with the same people.

    Each merge is told to the recorder, after it was committed.
    """
    draw = random.Random(orders.seed)
    engine = open_engine(orders.url)
    leases = Leases(engine, f"merger {orders.seed}", timedelta(seconds=5))
    told: set[int] = set()
    with socket.create_connection(("127.0.0.1", orders.port), timeout=30) as recorder, recorder.makefile("rb") as said:
        recorder.sendall(f"{orders.record}\n".encode())
        barrier.wait(60)
        waiting = list(pairs)
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and (waiting or _pending(engine)):
            if waiting:
                kept, gone = sorted(waiting.pop())
                row = {"kept_id": kept, "gone_id": gone, "because": "email", "found_at": NOW, "merged_at": None}
                with write(engine) as connection:
                    insert_new(connection, profile_merge, [row], ["kept_id", "gone_id"])
            merging.merge_found(engine, leases=leases, now=NOW)
            with read(engine) as connection:
                redirected = dict(
                    connection.execute(
                        select(profile.c.id, profile.c.merged_into).where(profile.c.merged_into.is_not(None))
                    )
                    .tuples()
                    .all()
                )
            for gone in redirected.keys() - told:
                recorder.sendall(f"merged:{redirected[gone]}:{gone}\t-\t-\n".encode())
                assert said.readline() == b"OK\n"
            told |= redirected.keys()
            time.sleep(draw.uniform(0, 0.05))
    engine.dispose()


def drain_in_a_crowd(orders: child.Orders, barrier: Barrier) -> None:
    """Drain beside mergers, few buckets at a time, now and then sleeping past the lease with judged messages."""
    draw = random.Random(orders.seed)

    def stall(name: str) -> None:
        if name == "judged" and draw.random() < 0.3:
            time.sleep(draw.uniform(*orders.stall))

    connector = child.TcpConnector(orders, lambda _name: None)
    desk = Desk(
        open_engine(orders.url),
        orders.home,
        [journey(*(step(f"step{n}") for n in range(orders.steps)))],
        connector=connector,
        offers=connector,
        tell=stall,
        lease_ttl=timedelta(seconds=orders.lease_ttl),
        shard_size=8,
        judgement_max_age=timedelta(seconds=60),
        caps={"email": ["1/24h"]},
    )
    barrier.wait(60)
    end = time.monotonic() + _PATIENCE
    adopted = 0
    while time.monotonic() < end and (
        {row.state for row in desk.rows()} & {"queued", "handed_over"} or _pending(desk.engine)
    ):
        adopted += desk.drain().adopted
        time.sleep(0.01)
    for _ in range(adopted):
        connector._socket.sendall(b"adopted\t-\t-\n")
        assert connector._answers.readline() == b"OK\n"
    child.close(desk)


def _pending(engine: Engine) -> bool:
    with read(engine) as connection:
        waiting = select(func.count()).select_from(profile_merge).where(profile_merge.c.merged_at.is_(None))
        return bool(connection.scalar(waiting)) or not connection.scalar(select(func.count(profile.c.merged_into)))
