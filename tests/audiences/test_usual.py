"""An audience that empties or swells within a day is told of, with why most had to leave."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from segue.audiences.usual import UnusualAudience, size_of, unusual_audiences
from segue.contract.fake_audience import FakeAudiences, FakePlatform
from segue.outbox.usual import Size
from segue.store.engine import open_engine, read, write
from segue.store.tables import audience_member
from tests.audiences.people import DAY, Town

HOUR = timedelta(hours=1)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


def found(town: Town) -> list[UnusualAudience]:
    with read(town.engine) as connection:
        return unusual_audiences(connection, town.clock.now())


@pytest.mark.parametrize(
    ("members", "before", "size"),
    [
        (49, 16, None), (50, 16, Size.MANY), (50, 17, None), (500, 0, None),
        (0, 49, None), (16, 50, Size.FEW), (17, 50, None), (0, 50, Size.FEW),
    ],
)  # fmt: skip
def test_three_times_as_many_or_a_third_and_never_by_chance(members: int, before: int, size: Size | None) -> None:
    assert size_of(members, before) is size


def test_an_audience_that_empties_within_a_day_is_told_with_why(engine: Engine) -> None:
    """As with a stock file that says nothing is left. The first fill is nothing unusual, nor is a day like the last."""
    town = Town(engine)
    files = FakeAudiences(platform=FakePlatform(), name="files")
    for _ in range(60):
        town.add_to_cart(town.person(), town.variant(1))
    town.sync(files)
    assert found(town) == []
    town.clock.advance(DAY + HOUR)
    town.sync(files)
    assert found(town) == []
    town.stock(town.variant(1), 0)
    town.sync(files)
    (cart,) = found(town)
    assert (cart.title, cart.connector, cart.size) == ("Left in a cart", "files", Size.FEW)
    assert (cart.members, cart.before, cart.reason) == (0, 60, "sold_out")
    town.clock.advance(DAY)
    assert found(town) == []


def test_what_never_was_in_it_has_not_left_it(engine: Engine) -> None:
    """Neither whom the platform can do nothing with, nor anybody in an audience that is younger than a day."""
    town = Town(engine)
    files = FakeAudiences(platform=FakePlatform(), name="files")
    people = [town.person() for _ in range(60)]
    for who in people:
        town.add_to_cart(who, town.variant(1))
    town.sync(files)
    for who in people:
        town.consent(who, "denied")
    town.clock.advance(HOUR)
    town.sync(files)
    assert found(town) == [], "yesterday it was not there"
    town.clock.advance(DAY)
    with write(engine) as connection:
        now = town.clock.now()
        connection.execute(update(audience_member).values(reason="rejected:address_malformed", changed_at=now))
    assert found(town) == [], "nobody was in it"


def test_an_audience_that_swells_is_told(engine: Engine) -> None:
    town = Town(engine)
    files = FakeAudiences(platform=FakePlatform(), name="files")
    for _ in range(20):
        town.add_to_cart(town.person(), town.variant(1))
    town.sync(files)
    town.clock.advance(DAY + HOUR)
    for _ in range(41):
        town.add_to_cart(town.person(), town.variant(1))
    town.sync(files)
    (cart,) = found(town)
    assert (cart.size, cart.members, cart.before, cart.reason) == (Size.MANY, 61, 20, None)
