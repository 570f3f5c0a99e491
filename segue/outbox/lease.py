"""Leases by bucket, with a fence.

A worker may touch a person's messages only while it leases the person's bucket. Every taking of a bucket
raises its epoch. The fence is one conditional UPDATE that renews, locks and checks in a single statement;
it opens the transaction that marks messages handed over, so a worker that slept past its lease marks nothing
in the buckets it lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from sqlalchemy import Connection, Engine, Float, Text, bindparam, or_, select, update

from segue.store.engine import write
from segue.store.sql import database_clock, listed
from segue.store.tables import lease

# Built once. PostgreSQL locks the rows in bucket order, so two workers cannot deadlock; SQLite has one writer anyway.
_WANTED = select(lease.c.bucket).where(listed(lease.c.bucket, "buckets")).order_by(lease.c.bucket)
_IS_OURS = lease.c.owner == bindparam("me", type_=Text())
_UNTIL = database_clock() + bindparam("ttl", type_=Float(53))
_IS_FREE = or_(lease.c.owner.is_(None), lease.c.expires_at <= database_clock())
_CLAIM = (
    update(lease)
    .where(lease.c.bucket.in_(_WANTED.where(_IS_FREE).with_for_update(skip_locked=True)))
    .values(owner=bindparam("me", type_=Text()), epoch=lease.c.epoch + 1, expires_at=_UNTIL)
    .returning(lease.c.bucket, lease.c.epoch)
)
_HELD = lease.c.bucket.in_(_WANTED.where(_IS_OURS).with_for_update())
_FENCE = update(lease).where(_HELD, _IS_OURS).values(expires_at=_UNTIL).returning(lease.c.bucket, lease.c.epoch)
_RELEASE = update(lease).where(_HELD, _IS_OURS).values(owner=None, expires_at=0)


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
            taken = connection.execute(_CLAIM, {"buckets": wanted, "me": self.owner, "ttl": self._ttl})
            fresh: dict[int, int] = dict(taken.tuples().all())
        self.epochs |= fresh
        return set(fresh)

    def fence(self, connection: Connection, buckets: Collection[int]) -> set[int]:
        """Renew, lock and check `buckets` in one statement; return those still held under our epoch.

        Buckets that were lost are forgotten, so that nothing of theirs is sent.
        """
        kept = connection.execute(_FENCE, {"buckets": sorted(buckets), "me": self.owner, "ttl": self._ttl}).all()
        held = {bucket for bucket, epoch in kept if self.epochs.get(bucket) == epoch}
        for lost in set(buckets) - held:
            self.epochs.pop(lost, None)
        return held

    def release(self) -> None:
        """Give back what is still ours."""
        if not self.epochs:
            return
        with write(self._engine) as connection:
            connection.execute(_RELEASE, {"buckets": sorted(self.epochs), "me": self.owner})
        self.epochs.clear()
