"""Leases by bucket, and the fence that opens every marking transaction."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update

from segue.outbox.lease import Leases
from segue.store.engine import read, write
from segue.store.tables import lease

MINUTE = timedelta(minutes=1)


@pytest.fixture
def anna(engine: Engine) -> Leases:
    return Leases(engine, "anna", MINUTE)


@pytest.fixture
def ben(engine: Engine) -> Leases:
    return Leases(engine, "ben", MINUTE)


def fence(leases: Leases, engine: Engine, buckets: set[int]) -> set[int]:
    with write(engine) as connection:
        return leases.fence(connection, buckets)


def expire(engine: Engine, *buckets: int) -> None:
    with write(engine) as connection:
        connection.execute(update(lease).where(lease.c.bucket.in_(buckets)).values(expires_at=0))


def test_a_bucket_belongs_to_one_worker(anna: Leases, ben: Leases) -> None:
    assert anna.claim(range(1, 4)) == {1, 2, 3}
    assert ben.claim(range(2, 6)) == {4, 5}
    assert anna.claim([1, 9]) == {9}


def test_a_lease_that_ran_out_is_taken_over_under_a_higher_epoch(engine: Engine, anna: Leases, ben: Leases) -> None:
    anna.claim([1, 2])
    expire(engine, 1)
    assert ben.claim([1, 2]) == {1}
    assert ben.epochs[1] == anna.epochs[1] + 1


def test_the_fence_drops_lost_buckets_only(engine: Engine, anna: Leases, ben: Leases) -> None:
    anna.claim([1, 2, 3])
    expire(engine, 2)
    ben.claim([2])
    assert fence(anna, engine, {1, 2, 3}) == {1, 3}
    assert set(anna.epochs) == {1, 3}
    assert fence(ben, engine, {2}) == {2}


def test_the_fence_drops_a_bucket_that_was_lost_and_won_back_by_a_namesake(engine: Engine, anna: Leases) -> None:
    """The epoch tells one holding of a bucket from the next, even under the same name."""
    anna.claim([1])
    with write(engine) as connection:
        connection.execute(update(lease).where(lease.c.bucket == 1).values(epoch=lease.c.epoch + 2))
    assert fence(anna, engine, {1}) == set()


def test_the_fence_renews(engine: Engine, anna: Leases, ben: Leases) -> None:
    anna.claim([1])
    expire(engine, 1)
    assert fence(anna, engine, {1}) == {1}, "it ran out, but nobody took it"
    assert ben.claim([1]) == set()


def test_a_lease_ends_by_itself(engine: Engine, ben: Leases) -> None:
    short = Leases(engine, "short", timedelta(seconds=0.2))
    short.claim([1])
    assert ben.claim([1]) == set()
    time.sleep(0.3)
    assert ben.claim([1]) == {1}


def test_released_buckets_are_free_at_once_and_lost_ones_stay_with_their_holder(
    engine: Engine, anna: Leases, ben: Leases
) -> None:
    anna.claim([1, 2])
    expire(engine, 2)
    ben.claim([2])
    anna.release()
    assert anna.epochs == {}
    assert Leases(engine, "carl", MINUTE).claim([1, 2]) == {1}
    with read(engine) as connection:
        assert connection.scalar(select(lease.c.owner).where(lease.c.bucket == 2)) == "ben"


def test_a_mark_in_progress_keeps_the_bucket_from_being_taken(engine: Engine, anna: Leases, ben: Leases) -> None:
    """Between the fence and the commit nobody can take the bucket over, even when the lease had run out."""
    anna.claim([1])
    expire(engine, 1)
    taken: list[set[int]] = []
    rival = threading.Thread(target=lambda: taken.append(ben.claim([1])))
    with write(engine) as connection:
        assert anna.fence(connection, {1}) == {1}
        rival.start()
        rival.join(0.2)
    rival.join()
    assert taken == [set()]
