"""Leases by bucket, with a fence.

A worker may touch a person's messages only while it leases the person's bucket. Every taking of a bucket
raises its epoch. The fence is one conditional UPDATE that renews, locks and checks in a single statement;
it opens the transaction that marks messages handed over, so a worker that slept past its lease marks nothing
in the buckets it lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, or_, select, update

from segue.store.engine import write
from segue.store.sql import among, database_clock
from segue.store.tables import lease


class Leases:
    """The buckets one worker holds, and the epoch it holds each under."""

    def __init__(self, engine: Engine, owner: str, ttl: timedelta) -> None:
        self._engine = engine
        self.owner = owner
        self._ttl = ttl.total_seconds()
        self.epochs: dict[int, int] = {}

    def claim(self, buckets: Iterable[int]) -> set[int]:
        """Take those of `buckets` that are free or whose lease ran out; return the ones taken."""
        wanted = sorted(set(buckets) - self.epochs.keys())
        if not wanted:
            return set()
        with write(self._engine) as connection:
            clock = database_clock(connection)
            is_free = or_(lease.c.owner.is_(None), lease.c.expires_at <= clock)
            free = and_(among(connection, lease.c.bucket, wanted), is_free)
            taken = connection.execute(
                update(lease)
                .where(lease.c.bucket.in_(_in_order(connection, free, skip_locked=True)))
                .values(owner=self.owner, epoch=lease.c.epoch + 1, expires_at=clock + self._ttl)
                .returning(lease.c.bucket, lease.c.epoch)
            )
            fresh: dict[int, int] = dict(taken.tuples().all())
        self.epochs |= fresh
        return set(fresh)

    def fence(self, connection: Connection, buckets: Collection[int]) -> set[int]:
        """Renew, lock and check `buckets` in one statement; return those still held under our epoch.

        Buckets that were lost are forgotten, so that nothing of theirs is sent.
        """
        clock = database_clock(connection)
        ours = and_(among(connection, lease.c.bucket, sorted(buckets)), lease.c.owner == self.owner)
        kept = connection.execute(
            update(lease)
            .where(lease.c.bucket.in_(_in_order(connection, ours)), lease.c.owner == self.owner)
            .values(expires_at=clock + self._ttl)
            .returning(lease.c.bucket, lease.c.epoch)
        )
        held = {bucket for bucket, epoch in kept if self.epochs.get(bucket) == epoch}
        for lost in set(buckets) - held:
            self.epochs.pop(lost, None)
        return held

    def release(self) -> None:
        """Give back what is still ours."""
        if not self.epochs:
            return
        with write(self._engine) as connection:
            ours = and_(among(connection, lease.c.bucket, sorted(self.epochs)), lease.c.owner == self.owner)
            connection.execute(
                update(lease)
                .where(lease.c.bucket.in_(_in_order(connection, ours)), lease.c.owner == self.owner)
                .values(owner=None, expires_at=0)
            )
        self.epochs.clear()


def _in_order(
    connection: Connection, condition: ColumnElement[bool], *, skip_locked: bool = False
) -> Select[tuple[int]]:
    """The buckets meeting `condition`; on PostgreSQL locked in bucket order, so two workers cannot deadlock."""
    rows = select(lease.c.bucket).where(condition)
    if connection.dialect.name == "postgresql":
        rows = rows.order_by(lease.c.bucket).with_for_update(skip_locked=skip_locked)
    return rows
