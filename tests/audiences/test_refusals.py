"""One whom a platform refuses stops nobody else, and no pause of plans keeps a no waiting."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from segue.contract import AudienceChange, RejectedError, Result
from segue.contract.fake_audience import FakeAudiences, FakePlatform
from segue.outbox.brake import set_paused
from segue.store.engine import write
from segue.store.tables import identifier
from tests.audiences.people import DAY, NOW, Town, held, line, spelled
from tests.audiences.test_sync import in_carts

HOUR = timedelta(hours=1)


class Picky(FakeAudiences):
    """Refuses a whole request, without a word on why, while one of these addresses is in it."""

    def __init__(self, platform: FakePlatform, *unbearable: str, removals: bool = False) -> None:
        super().__init__(platform=platform, max_batch=8)
        self.unbearable = set(unbearable)
        self.asked: list[set[str]] = []
        self._removals = removals

    def sync(self, change: AudienceChange) -> Iterator[Result]:
        people = (*change.add, *(change.remove if self._removals else ()))
        self.asked.append({one["email"] for _, one in (*change.add, *change.remove)})
        if self.unbearable & {one["email"] for _, one in people}:
            raise RejectedError("http 400", reason="http_400")
        return super().sync(change)


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine)


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


def address(who: int) -> str:
    return f"p{who}@example.com"


def pause(town: Town, name: str, *, paused: bool = True) -> None:
    with write(town.engine) as connection:
        set_paused(connection, name, paused=paused, reason="test", now=NOW)


def test_one_who_is_refused_stops_nobody_else(town: Town, platform: FakePlatform) -> None:
    """The others are added; she stays as she is in our books, is counted, and rests for a day."""
    people = in_carts(town, 11)
    bad = people[4]
    connector = Picky(platform, address(bad))
    first = line(town.sync(connector), "cart")
    assert (first.problem, first.added, first.members, first.rejected, first.waiting) == (None, 10, 10, 1, 0)
    assert len(held(platform, connector, "cart")) == 10
    (row,) = [one for one in town.rows("cart") if one.state != "in"]
    assert (row.profile_id, row.state, row.reason) == (bad, "adding", "refused:http_400")
    assert row.identifiers["email"] == address(bad)

    connector.asked.clear()
    town.clock.advance(23 * HOUR)
    again = line(town.sync(connector), "cart")
    assert (again.rejected, again.waiting, again.problem, connector.asked) == (1, 0, None, [])
    town.clock.advance(HOUR)
    connector.unbearable.clear()
    healed = line(town.sync(connector), "cart")
    assert (healed.rejected, healed.added, healed.members) == (0, 1, 11)
    assert connector.asked == [{address(bad)}]


def test_a_no_does_not_wait_behind_a_refused_addition(town: Town, platform: FakePlatform) -> None:
    people = in_carts(town, 3)
    connector = Picky(platform)
    town.sync(connector)
    (bad,) = in_carts(town, 1)
    connector.unbearable.add(address(bad))
    town.consent(people[0], "denied")
    both = line(town.sync(connector), "cart")
    assert (both.removed, both.rejected, both.members, both.waiting_noes) == (1, 1, 2, 0)
    town.consent(people[1], "denied")
    assert line(town.sync(connector), "cart").removed == 1
    assert len(held(platform, connector, "cart")) == 1


def test_other_identifiers_are_offered_at_once(town: Town, platform: FakePlatform) -> None:
    first, bad = in_carts(town, 2)
    connector = Picky(platform, address(bad))
    town.sync(connector)
    with write(town.engine) as connection:
        connection.execute(update(identifier).where(identifier.c.profile_id == bad).values(value="new@example.com"))
    town.clock.advance(HOUR)
    report = line(town.sync(connector), "cart")
    assert (report.added, report.removed, report.members, report.rejected) == (1, 0, 2, 0)
    assert held(platform, connector, "cart") == {
        spelled(connector, {"email": one, "country": "US"}) for one in (address(first), "new@example.com")
    }


def test_a_refused_no_is_told_and_stops_no_other_no(town: Town, platform: FakePlatform) -> None:
    """Her removal is asked for daily; meanwhile the report says that she may be in it."""
    people = in_carts(town, 4)
    connector = Picky(platform, removals=True)
    town.sync(connector)
    connector.unbearable.add(address(people[1]))
    for who in people[:3]:
        town.consent(who, "denied")
    report = town.sync(connector)
    cart = line(report, "cart")
    assert (cart.removed, cart.members, cart.rejected, cart.waiting_noes, cart.problem) == (2, 1, 1, 1, None)
    assert report.problems == ("cart at fake: 1 who must not be in it are not known to be out",)
    assert [row.reason for row in town.rows("cart") if row.state == "removing"] == ["denied refused:http_400"]
    town.clock.advance(DAY)
    town.sync(connector)
    connector.unbearable.clear()
    town.clock.advance(DAY)
    healed = line(town.sync(connector), "cart")
    assert (healed.removed, healed.waiting_noes, healed.rejected) == (1, 0, 0)
    assert [(row.state, row.reason, row.identifiers) for row in town.rows("cart")][1] == ("out", "denied", {})


def test_a_platform_that_refuses_everybody_is_not_asked_about_everybody(town: Town, platform: FakePlatform) -> None:
    people = in_carts(town, 40)
    connector = Picky(platform, *map(address, people))
    report = line(town.sync(connector), "cart")
    assert (report.problem, report.rejected, report.waiting) == ("http 400", 25, 15)
    assert len(connector.asked) < 60
    connector.unbearable.clear()
    assert line(town.sync(connector), "cart").members == 15
    town.clock.advance(DAY)
    assert line(town.sync(connector), "cart").members == 40


def test_a_paused_journey_adds_nobody_and_goes_on_removing(town: Town, platform: FakePlatform) -> None:
    people = in_carts(town, 3)
    connector = FakeAudiences(platform=platform)
    town.sync(connector)
    pause(town, "journey:retargeting")
    town.consent(people[0], "denied")
    in_carts(town, 2)
    report = town.sync(connector)
    cart = line(report, "cart")
    assert (cart.removed, cart.added, cart.members, cart.waiting, cart.waiting_noes) == (1, 0, 2, 2, 0)
    assert cart.problem == "paused: journey:retargeting"
    assert len(held(platform, connector, "cart")) == 2
    pause(town, "journey:retargeting", paused=False)
    assert line(town.sync(connector), "cart").members == 4


def test_a_pause_between_two_additions_is_heard(town: Town, platform: FakePlatform) -> None:
    in_carts(town, 5)
    asked: list[str] = []

    def brake(name: str) -> None:
        if name == "audience_answered":
            asked.append(name)
            pause(town, "journey:retargeting")

    report = line(town.sync(FakeAudiences(platform=platform, max_batch=2), probe=brake), "cart")
    assert (report.members, report.waiting, report.problem) == (2, 3, "paused: journey:retargeting")


@pytest.mark.parametrize("name", ["all", "channel:audience", "connector:fake"])
def test_a_pause_of_the_way_out_holds_everything_and_says_how_many_noes_wait(
    town: Town, platform: FakePlatform, name: str
) -> None:
    people = in_carts(town, 4)
    connector = FakeAudiences(platform=platform)
    town.sync(connector)
    pause(town, name)
    before = platform.requests
    for who in people[:2]:
        town.consent(who, "denied")
    town.buy(people[2], town.variant(1))  # to be taken out as well, and no no
    report = town.sync(connector)
    cart = line(report, "cart")
    assert (cart.removed, cart.waiting_noes, cart.waiting, platform.requests) == (0, 2, 3, before)
    assert f"cart at fake: paused: {name}; 2 who must not be in it are not known to be out" in report.problems
    pause(town, name, paused=False)
    gone = line(town.sync(connector), "cart")
    assert (gone.removed, gone.waiting_noes, gone.problem) == (3, 0, None)
