"""Times and lists mean the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, insert, select
from sqlalchemy.exc import StatementError

from segue.store.engine import read, write
from segue.store.sql import among, database_clock, later, micros
from segue.store.types import UtcTime, to_micros

_NEW_YORK = ZoneInfo("America/New_York")
_moments = Table("moment", MetaData(), Column("id", Integer, primary_key=True), Column("at", UtcTime))

MOMENTS = {
    "before the epoch": datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    "the last microsecond of a year": datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    "far ahead": datetime(9999, 1, 1, tzinfo=UTC),
    "just before the clocks go forward": datetime(2026, 3, 8, 1, 59, 59, 1, tzinfo=_NEW_YORK),
    "just after the clocks go forward": datetime(2026, 3, 8, 3, 0, tzinfo=_NEW_YORK),
    "half past one, summer time": datetime(2026, 11, 1, 1, 30, tzinfo=_NEW_YORK, fold=0),
    "half past one, winter time": datetime(2026, 11, 1, 1, 30, tzinfo=_NEW_YORK, fold=1),
    "an odd offset": datetime(2026, 5, 1, 12, 0, 0, 123_456, tzinfo=ZoneInfo("Asia/Kathmandu")),
}


@pytest.fixture
def moments(engine: Engine) -> Engine:
    """The store with one small table of times."""
    _moments.create(engine)
    return engine


@pytest.mark.parametrize("at", MOMENTS.values(), ids=MOMENTS.keys())
def test_a_time_comes_back_as_the_same_instant_in_utc(moments: Engine, at: datetime) -> None:
    with write(moments) as connection:
        connection.execute(insert(_moments).values(id=1, at=at))
    with read(moments) as connection:
        back = connection.scalar(select(_moments.c.at))
        assert connection.scalar(select(micros(connection, _moments.c.at))) == to_micros(at)
        assert connection.scalar(select(_moments.c.id).where(_moments.c.at == at)) == 1
    assert back is not None
    assert back.utcoffset() == timedelta(0)
    assert back.timestamp() == at.timestamp()
    assert back.microsecond == at.microsecond


def test_the_hour_that_happens_twice_stays_two_instants(moments: Engine) -> None:
    first, second = MOMENTS["half past one, summer time"], MOMENTS["half past one, winter time"]
    with write(moments) as connection:
        connection.execute(insert(_moments), [{"id": 1, "at": first}, {"id": 2, "at": second}])
    with read(moments) as connection:
        stored = connection.scalars(select(_moments.c.at).order_by(_moments.c.at)).all()
    assert stored[1] - stored[0] == timedelta(hours=1)


def test_no_time_stays_no_time(moments: Engine) -> None:
    with write(moments) as connection:
        connection.execute(insert(_moments).values(id=1, at=None))
        assert connection.scalar(select(_moments.c.at)) is None


def test_a_time_without_a_zone_is_refused(moments: Engine) -> None:
    with pytest.raises(StatementError, match="without a zone"), write(moments) as connection:
        connection.execute(insert(_moments).values(id=1, at=datetime(2026, 5, 1)))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("by", [timedelta(0), timedelta(hours=20), timedelta(days=400), timedelta(hours=-3)], ids=str)
def test_later_moves_an_instant_in_sql(moments: Engine, by: timedelta) -> None:
    at = MOMENTS["just before the clocks go forward"]
    with write(moments) as connection:
        connection.execute(insert(_moments).values(id=1, at=at))
        assert connection.scalar(select(later(_moments.c.at, by))) == at.astimezone(UTC) + by


def test_later_takes_whole_seconds_only_as_a_constant(moments: Engine) -> None:
    """Two deltas of one statement are two parameters, not one cached text."""
    at = MOMENTS["far ahead"] - timedelta(days=1)
    with write(moments) as connection:
        connection.execute(insert(_moments).values(id=1, at=at))
        moved = [connection.scalar(select(later(_moments.c.at, timedelta(hours=h)))) for h in (1, 2)]
    assert moved == [at + timedelta(hours=1), at + timedelta(hours=2)]


@pytest.mark.parametrize("values", [[], [2], list(range(70_000))], ids=["none", "one", "more than any limit"])
def test_among_takes_lists_of_any_length(moments: Engine, values: list[int]) -> None:
    with write(moments) as connection:
        connection.execute(insert(_moments), [{"id": n, "at": None} for n in (1, 2, 3)])
        found = set(connection.scalars(select(_moments.c.id).where(among(connection, _moments.c.id, values))))
    assert found == {1, 2, 3} & set(values)


def test_the_database_clock_moves_within_a_transaction(engine: Engine) -> None:
    """Leases are renewed at the end of long transactions: a clock that stands still would end them early."""
    with write(engine) as connection:
        first = connection.scalar(select(database_clock(connection)))
        end = first + 0.05
        while (now := connection.scalar(select(database_clock(connection)))) < end:
            assert now >= first
    assert abs(now - datetime.now(UTC).timestamp()) < 60
