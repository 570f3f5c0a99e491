"""The sync: removals first, a row before anything leaves, nothing lost when the platform is unwell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, update

from segue.contract import AudienceChange, Result
from segue.contract.fake_audience import FakeAudiences, FakePlatform
from segue.journeys.retargeting import RetargetingBrief
from segue.outbox.brake import set_paused
from segue.outbox.lease import Leases
from segue.store.bulk import insert_new
from segue.store.engine import write
from segue.store.tables import identifier, lease, profile
from tests.audiences.people import DAY, NOW, SECRET, Town, held, line, spelled
from tests.outbox import merges


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine)


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


@pytest.fixture
def connector(platform: FakePlatform) -> FakeAudiences:
    return FakeAudiences(platform=platform, max_batch=2)


def in_carts(town: Town, number: int) -> list[int]:
    people = [town.person() for _ in range(number)]
    for who in people:
        town.add_to_cart(who, town.variant(1))
    return people


def test_fills_empties_and_counts(town: Town, platform: FakePlatform, connector: FakeAudiences) -> None:
    people = in_carts(town, 5)
    town.consent(people[4], "denied")
    report = town.sync(connector)
    cart = line(report, "cart")
    assert (cart.considered, cart.wanted, cart.added, cart.members, dict(cart.out)) == (5, 4, 4, 4, {"denied": 1})
    assert held(platform, connector, "cart") == {
        spelled(connector, {"email": f"p{who}@example.com", "country": "US"}) for who in people[:4]
    }
    town.buy(people[0], town.variant(1))
    town.consent(people[1], "denied")
    again = line(town.sync(connector), "cart")
    assert (again.added, again.removed, again.members, again.waiting) == (0, 2, 2, 0)
    assert dict(again.out) == {"converted": 1, "denied": 2}
    assert len(held(platform, connector, "cart")) == 2
    gone = [row for row in town.rows("cart") if row.state == "out"]
    assert [(row.reason, row.identifiers) for row in gone] == [("converted", {}), ("denied", {})]


class Choosy(FakeAudiences):
    """A platform's connector that hears of each request how many entries are of no use, and not whose."""

    useless = 0

    def sync(self, change: AudienceChange) -> Iterator[Result]:
        """The first answer carries the count."""
        for number, result in enumerate(super().sync(change)):
            yield replace(result, unusable=0 if number else self.useless)


def test_what_a_platform_cannot_use_stays_counted_until_it_goes(town: Town, platform: FakePlatform) -> None:
    """By later syncs, too, which add nobody; a preview says the same; who is removed takes her share along."""
    connector = Choosy(platform=platform, max_batch=3)
    connector.useless = 2
    people = in_carts(town, 6)
    first, second = (line(town.sync(connector), "cart") for _ in range(2))
    assert [(one.members, one.unusable) for one in (first, second)] == [(6, 4), (6, 4)]
    assert line(town.syncer(connector).preview(town.moment(), RetargetingBrief()), "cart").unusable == 4
    assert first.beyond_use is not None
    assert "4 of the 6 in it" in first.beyond_use
    connector.useless = 3
    for who in people[:3]:
        town.consent(who, "denied")
    third = line(town.sync(connector), "cart")
    assert (third.members, third.unusable) == (3, 1)


@pytest.mark.parametrize(
    ("traits", "out"),
    [
        ({"born": 2012}, {"underage": 1}),
        ({"country": "DE"}, {"no_consent": 1}),
        ({"born": 1984}, {}),
        ({"born": None, "country": None}, {}),
    ],
    ids=["younger", "where consent is asked for", "older", "nothing known"],
)
def test_a_merge_lets_nobody_in_who_was_out(
    town: Town, connector: FakeAudiences, traits: dict[str, Any], out: dict[str, int]
) -> None:
    """Of two years of birth the later counts, and of two countries nobody knows which."""
    (elder,) = in_carts(town, 1)
    other = town.person(**traits)
    town.add_to_cart(other, town.variant(1))
    merges.found(town.engine, (elder, other))
    merges.merge(town.engine, town.clock.now())
    report = line(town.sync(connector), "cart")
    assert (report.considered, dict(report.out)) == (1, out)


def test_nothing_to_do_asks_nothing(town: Town, platform: FakePlatform, connector: FakeAudiences) -> None:
    in_carts(town, 3)
    town.sync(connector)
    before = platform.requests
    assert line(town.sync(connector), "cart").added == 0
    assert platform.requests == before


def test_a_preview_counts_the_same_and_touches_nothing(
    town: Town, platform: FakePlatform, connector: FakeAudiences
) -> None:
    in_carts(town, 3)
    shown = line(town.syncer(connector).preview(town.moment(), RetargetingBrief()), "cart")
    assert (shown.considered, shown.wanted, shown.added, shown.members) == (3, 3, 3, 0)
    assert (platform.audiences, town.rows("cart")) == ({}, [])
    done = line(town.sync(connector), "cart")
    assert (done.considered, done.wanted, done.added) == (3, 3, 3)


def test_who_is_considered_no_more_is_removed(town: Town, platform: FakePlatform, connector: FakeAudiences) -> None:
    (who,) = in_carts(town, 1)
    town.sync(connector)
    town.clock.advance(15 * DAY)
    assert line(town.sync(connector), "cart").removed == 1
    assert held(platform, connector, "cart") == set()
    town.add_to_cart(who, town.variant(1))
    assert line(town.sync(connector), "cart").added == 1
    assert [row.state for row in town.rows("cart")] == ["in"]


@pytest.mark.parametrize("trouble", ["throttled", "unauthorised", "silence", "lost"])
def test_what_is_not_answered_stays_open_and_is_asked_again(
    town: Town, platform: FakePlatform, connector: FakeAudiences, trouble: str
) -> None:
    people = in_carts(town, 3)
    platform.answer(trouble)
    ill = line(town.sync(connector), "cart")
    assert ill.problem
    assert (ill.waiting, ill.members) == (3, 0)
    town.consent(people[0], "denied")  # nobody knows whether she is in it
    platform.answer("ok")
    well = line(town.sync(connector), "cart")
    assert (well.problem, well.members, well.waiting) == (None, 2, 0)
    assert len(held(platform, connector, "cart")) == 2


def test_an_answer_that_never_came_is_no_answer(town: Town, platform: FakePlatform) -> None:
    """The first of a batch was taken; of the others nobody knows, and they were not."""
    in_carts(town, 3)
    connector = FakeAudiences(platform=platform, request_size=1)
    platform.answer("ok", "lost")
    ill = line(town.sync(connector), "cart")
    assert (ill.members, ill.waiting) == (1, 2)
    assert "no_answer" in ill.problem
    platform.answer("ok")
    assert line(town.sync(connector), "cart").members == len(held(platform, connector, "cart")) == 3


def test_who_may_be_in_and_should_not_be_is_removed(
    town: Town, platform: FakePlatform, connector: FakeAudiences
) -> None:
    """The platform took her without a word; meanwhile she bought it."""
    (who,) = in_carts(town, 1)
    platform.answer("silence")
    town.sync(connector)
    assert len(held(platform, connector, "cart")) == 1
    town.buy(who, town.variant(1))
    platform.answer("ok")
    assert line(town.sync(connector), "cart").removed == 1
    assert held(platform, connector, "cart") == set()


def test_who_is_wanted_again_while_she_leaves_comes_back(
    town: Town, platform: FakePlatform, connector: FakeAudiences
) -> None:
    """Her removal may have been heard or not: it is asked once more, and then she is added, in one sync."""
    in_carts(town, 1)
    town.sync(connector)
    town.stock(town.variant(1), 0)
    platform.answer("silence")
    town.sync(connector)
    town.stock(town.variant(1), 1)
    platform.answer("ok")
    done = line(town.sync(connector), "cart")
    assert (done.removed, done.added, done.members) == (1, 1, 1)
    assert len(held(platform, connector, "cart")) == 1


def test_a_changed_address_goes_out_before_it_comes_in(
    town: Town, platform: FakePlatform, connector: FakeAudiences
) -> None:
    (who,) = in_carts(town, 1)
    town.sync(connector)
    with write(town.engine) as connection:
        connection.execute(update(identifier).where(identifier.c.profile_id == who).values(value="new@example.com"))
    done = line(town.sync(connector), "cart")
    assert (done.removed, done.added) == (1, 1)
    assert held(platform, connector, "cart") == {spelled(connector, {"email": "new@example.com", "country": "US"})}


def test_an_address_whose_removal_is_open_is_not_added(
    town: Town, platform: FakePlatform, connector: FakeAudiences
) -> None:
    """A removal that is repeated later would take her out again, and our books would not know."""
    first, second = in_carts(town, 2)
    town.consent(second, "denied")
    town.sync(connector)
    town.clock.advance(DAY / 24)
    town.consent(first, "denied")
    town.consent(second, "granted")
    with write(town.engine) as connection:
        connection.execute(update(identifier).where(identifier.c.profile_id == first).values(value="x@example.com"))
        connection.execute(
            update(identifier).where(identifier.c.profile_id == second).values(value=f"p{first}@example.com")
        )

    class Stubborn(FakeAudiences):
        """Refuses removals, as some platforms do of small audiences."""

        def sync(self, change):
            from segue.contract import rejected

            if change.remove:
                return iter([rejected(key, "too_small") for key, _ in change.remove])
            return super().sync(change)

    report = line(town.sync(Stubborn(platform=platform, max_batch=2)), "cart")
    assert (report.added, report.waiting, report.problem) == (0, 2, None)
    assert line(town.sync(connector), "cart").waiting == 0
    assert held(platform, connector, "cart") == {
        spelled(connector, {"email": f"p{first}@example.com", "country": "US"})
    }


def test_what_the_platform_refuses_is_not_offered_again(town: Town, platform: FakePlatform) -> None:
    who = town.person()
    with write(town.engine) as connection:
        connection.execute(update(identifier).where(identifier.c.profile_id == who).values(value="no address"))
    town.add_to_cart(who, town.variant(1))
    connector = FakeAudiences(platform=platform)
    first, second = (line(town.sync(connector), "cart") for _ in range(2))
    assert (first.rejected, second.rejected) == (1, 1)
    (row,) = town.rows("cart")
    assert (row.state, row.reason) == ("out", "rejected:invalid_entry")
    assert "no address" not in str(row.identifiers)
    changed = row.changed_at
    with write(town.engine) as connection:
        connection.execute(update(identifier).where(identifier.c.profile_id == who).values(value="a@example.com"))
    town.clock.advance(DAY / 24)
    assert line(town.sync(connector), "cart").added == 1
    assert town.rows("cart")[0].changed_at > changed


def test_an_audience_deleted_at_the_platform_is_made_and_filled_anew(
    town: Town, platform: FakePlatform, connector: FakeAudiences
) -> None:
    people = in_carts(town, 3)
    town.sync(connector)
    platform.delete(platform.audience_called("segue cart"))
    town.consent(people[0], "denied")
    done = line(town.sync(connector), "cart")
    assert (done.problem, done.members, done.waiting) == (None, 2, 0)
    assert len(held(platform, connector, "cart")) == 2


def test_two_who_become_one_are_one_member(town: Town, platform: FakePlatform, connector: FakeAudiences) -> None:
    kept, gone = in_carts(town, 2)
    town.sync(connector)
    merge(town, kept, gone)
    done = line(town.sync(connector), "cart")
    assert (done.considered, done.members, done.waiting) == (1, 1, 0)
    # She is asked for once more: a platform that matches by any one address took her out with her double.
    assert (done.removed, done.added) == (1, 1)
    rows = town.rows("cart")
    assert [(row.key, row.state, row.reason) for row in rows] == [
        (f"cart/profile:{kept}", "in", None),
        (f"cart/profile:{gone}", "out", "merged"),
    ]
    assert held(platform, connector, "cart") == {spelled(connector, {"email": f"p{kept}@example.com", "country": "US"})}


def merge(town: Town, kept: int, gone: int) -> None:
    from segue.outbox.merge_facts import move_facts, move_identifiers

    with write(town.engine) as connection:
        connection.execute(update(profile).where(profile.c.id == gone).values(merged_into=kept))
        move_identifiers(connection, {gone: kept})
        move_facts(connection, {gone: kept}, town.clock.now())


def test_the_brake_holds_before_anything_is_asked(town: Town, platform: FakePlatform, connector: FakeAudiences) -> None:
    in_carts(town, 3)
    for name in ("all", "channel:audience", "journey:retargeting", "connector:fake"):
        with write(town.engine) as connection:
            set_paused(connection, name, paused=True, reason="test", now=NOW)
        report = line(town.sync(connector), "cart")
        assert report.problem == f"paused: {name}"
        assert (platform.requests, platform.audiences) == (0, {})
        with write(town.engine) as connection:
            set_paused(connection, name, paused=False, reason=None, now=NOW)
    assert line(town.sync(connector), "cart").members == 3


def test_the_brake_holds_between_two_batches(town: Town, platform: FakePlatform) -> None:
    in_carts(town, 5)

    def brake(name: str) -> None:
        if name == "audience_answered":
            with write(town.engine) as connection:
                set_paused(connection, "all", paused=True, reason="test", now=NOW)

    report = line(town.sync(FakeAudiences(platform=platform, max_batch=2), probe=brake), "cart")
    assert (report.members, report.waiting, report.problem) == (2, 3, "paused: all")


def test_a_no_between_plan_and_request_is_heard(town: Town, platform: FakePlatform) -> None:
    first, _second = in_carts(town, 2)

    def say_no(name: str) -> None:
        if name == "audience_planned" and not town.rows("viewed"):
            town.consent(first, "denied")

    report = line(town.sync(FakeAudiences(platform=platform), probe=say_no), "cart")
    assert (report.members, report.waiting) == (1, 0)


def test_somebody_elses_sync_is_not_disturbed(town: Town, connector: FakeAudiences, platform: FakePlatform) -> None:
    from datetime import timedelta

    in_carts(town, 2)
    other = Leases(town.engine, "other", timedelta(seconds=60))
    with write(town.engine) as connection:
        insert_new(connection, lease, [{"bucket": 1024}], ["bucket"])
    assert other.claim({1024})
    report = town.sync(connector)
    assert (report.busy, report.lines, platform.requests) == (True, (), 0)
    other.release()
    assert not town.sync(connector).busy


@pytest.mark.parametrize("adding", [True, False])
def test_who_lost_the_lease_while_asking_trusts_nothing(town: Town, platform: FakePlatform, adding: bool) -> None:
    """Its request may have come after the other sync's: what that one settled is open again, and put right."""
    from datetime import timedelta

    (who,) = in_carts(town, 1)
    if not adding:
        town.sync(FakeAudiences(platform=platform))
        town.consent(who, "denied")
    slow = FakeAudiences(platform=platform)
    other = FakeAudiences(platform=platform)
    passed = []

    def stall(name: str) -> None:
        if name == "audience_asking" and not passed:
            passed.append(name)
            with write(town.engine) as connection:
                connection.execute(update(lease).where(lease.c.bucket == 1024).values(expires_at=0))
            town.clock.advance(timedelta(seconds=1))
            town.consent(who, "denied" if adding else "granted")
            town.sync(other)  # settles the opposite, before the slow one's request arrives

    report = line(town.sync(slow, probe=stall), "cart")
    assert "took over" in (report.problem or "")
    assert line(town.sync(other), "cart").waiting == 0
    assert len(held(platform, other, "cart")) == (0 if adding else 1)


def test_platforms_are_apart(town: Town, platform: FakePlatform, connector: FakeAudiences) -> None:
    """One platform's trouble is not the other's, and an audience keeps the fields it was made with."""
    in_carts(town, 2)
    ill = FakePlatform()
    ill.answer("unauthorised")
    report = town.sync(FakeAudiences(platform=ill, name="ill", fields=("email",)), connector)
    carts = {one.connector: one for one in report.lines if one.audience == "cart"}
    assert (carts["ill"].problem is None, carts["ill"].members, carts["fake"].members) == (False, 0, 2)
    ill.answer("ok")
    richer = FakeAudiences(platform=ill, name="ill", fields=("email", "first_name"))
    town.sync(richer)
    assert all("first_name" not in text for text in held(ill, richer, "cart"))
    assert len(held(ill, richer, "cart")) == 2


def test_a_shared_phone_is_nobodys(town: Town, platform: FakePlatform) -> None:
    who = town.person(email=False)
    town.put(identifier, kind="phone", value="+12025550123", profile_id=who, identifies=False, recorded_at=NOW)
    town.add_to_cart(who, town.variant(1))
    assert dict(line(town.sync(FakeAudiences(platform=platform)), "cart").out) == {"no_address": 1}


def test_a_suppressed_second_address_counts(town: Town, platform: FakePlatform) -> None:
    who = town.person()
    town.put(identifier, kind="phone", value="+12025550123", profile_id=who, identifies=False, recorded_at=NOW)
    town.add_to_cart(who, town.variant(1))
    town.suppress("+12025550123", "stop")
    assert dict(line(town.sync(FakeAudiences(platform=platform)), "cart").out) == {"suppressed": 1}


def test_the_holdout_is_counted_and_stays_out(town: Town, platform: FakePlatform) -> None:
    in_carts(town, 40)
    report = line(town.sync(FakeAudiences(platform=platform), share=0.5), "cart")
    assert report.considered == report.wanted + report.control == 40
    assert 5 < report.control < 35
    assert len(held(platform, FakeAudiences(platform=platform), "cart")) == report.wanted


def test_nobodys_address_is_in_a_report(town: Town, platform: FakePlatform) -> None:
    in_carts(town, 2)

    class Talkative(FakeAudiences):
        def sync(self, change):
            raise ValueError(f"cannot take {change.add}")

    report = town.sync(Talkative(platform=platform))
    assert line(report, "cart").problem == "failed with ValueError"
    assert "example.com" not in str(report)
    assert SECRET.decode() not in str(report)
