"""Who is told of points, when, and how often; each rule on both databases, and once through the whole of it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Connection, Engine, insert, select, update

from segue.clock import VirtualClock
from segue.contract import Channel
from segue.contract.fake import FakeConnector, FakeOffers, FakeWire
from segue.journeys.definition import Moment
from segue.journeys.loyalty_notice import (
    JOURNEY,
    LoyaltyNoticeBrief,
    expiry_due,
    expiry_facts,
    month_due,
    month_facts,
    month_words,
    prepare,
    reward_due,
    reward_facts,
    words,
)
from segue.journeys.month_turns import month_turns, turns_by
from segue.journeys.points_shown import SOON
from segue.offers.loyalty import spend
from segue.outbox.connectors import Connectors
from segue.service import Segue, open_segue
from segue.settings import House, Loyalty, Settings
from segue.store.engine import read, write
from segue.store.tables import consent_event, event, identifier, location, message, order, profile, referral

BRIEF = LoyaltyNoticeBrief()
PAID = datetime(2026, 9, 1, 16, tzinfo=UTC)
#: Orders of that day count from here, and end a year later.
COUNTS = PAID + timedelta(days=30)
ENDS = COUNTS + timedelta(days=365)


HOUSE = House(loyalty=Loyalty(starts_on=date(2026, 8, 1)))


def moment(now: datetime, live_from: datetime = PAID, house: House = HOUSE) -> Moment:
    return Moment(now=now, live_from=live_from, house=house)


def person(connection: Connection, number: int, zone: str | None, dollars: int, paid_at: datetime = PAID) -> None:
    """Somebody with so many points."""
    connection.execute(insert(profile).values(id=number, zone=zone, country="US", created_at=PAID))
    buy(connection, number, number, dollars, paid_at)


def buy(connection: Connection, number: int, who: int, dollars: int, paid_at: datetime) -> None:
    connection.execute(
        insert(order).values(
            id=number,
            external_id=str(number),
            profile_id=who,
            sales_channel="web",
            currency="USD",
            total_minor=dollars * 100,
            occurred_at=paid_at,
            paid_at=paid_at,
            recorded_at=PAID,
        )
    )


def due(
    engine: Engine, question: Any, now: datetime, live_from: datetime = PAID, house: House = HOUSE
) -> dict[str, datetime]:
    """The occasions, and until when each is worth a message."""
    asked = moment(now, live_from, house)
    with write(engine) as connection:
        prepare(connection, asked, BRIEF, b"")
        return {row.occasion: row.deadline_at for row in connection.execute(question(asked, BRIEF))}


def gone(engine: Engine, question: Any, now: datetime, who: int = 1, house: House = HOUSE) -> bool:
    rows = pd.DataFrame({"key": ["k"], "profile_id": [who], "subject_id": [who]})
    with read(engine) as connection:
        return bool(question(connection, rows, moment(now, house=house), BRIEF)["gone"].iloc[0])


@pytest.mark.parametrize(
    ("zone", "turn"),
    [
        # The night of 1 November 2026 is the one on which clocks go back in New York: ten o'clock is 15:00, not 14:00.
        ("America/New_York", datetime(2026, 11, 1, 15, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 11, 1, 9, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2026, 10, 31, 20, tzinfo=UTC)),
        ("Pacific/Pago_Pago", datetime(2026, 11, 1, 21, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 11, 1, 4, 15, tzinfo=UTC)),
        ("US/Eastern", datetime(2026, 11, 1, 15, tzinfo=UTC)),
        (None, datetime(2026, 11, 1, 22, tzinfo=UTC)),  # once it has turned everywhere
        ("Mars/Olympus", datetime(2026, 11, 1, 22, tzinfo=UTC)),
    ],
)
def test_the_month_turns_in_her_own_zone(engine: Engine, zone: str | None, turn: datetime) -> None:
    with write(engine) as connection:
        person(connection, 4, zone, 60)
    before = due(engine, month_due, turn - timedelta(seconds=1))
    assert "month:2026-11:profile:4" not in before
    assert due(engine, month_due, turn) == {"month:2026-11:profile:4": turn + timedelta(days=7)}
    assert due(engine, month_due, turn, live_from=turn + timedelta(seconds=1)) == {}


def test_clocks_that_go_forward_or_never_ring_twice_in_a_year() -> None:
    """Every zone has each month's turn once, at ten by its wall."""
    for month in (3, 4, 10, 11):
        seen = [zone for turn in month_turns(2026, month, 10) for zone in turn.zones]
        assert len(seen) == len(set(seen)) > 400
    assert turns_by(datetime(2026, 12, 31, 20, tzinfo=UTC), 10)[0].month == "2027-01"
    assert turns_by(datetime(2026, 12, 31, 19, 59, tzinfo=UTC), 10)[0].month == "2026-12"
    assert turns_by(datetime(2027, 1, 1, 3, tzinfo=UTC), 10)[0].month == "2027-01"


def test_who_has_too_few_points_or_none_that_count_gets_no_balance(engine: Engine) -> None:
    turn = datetime(2026, 11, 1, 15, tzinfo=UTC)
    with write(engine) as connection:
        person(connection, 1, "America/New_York", 25)
        person(connection, 2, "America/New_York", 24)
        person(connection, 3, "America/New_York", 500, paid_at=turn - timedelta(days=2))
    assert set(due(engine, month_due, turn)) == {"month:2026-11:profile:1"}
    assert not gone(engine, month_facts, turn)
    with write(engine) as connection:
        assert spend(connection, 1, 1, "till", turn)
    assert gone(engine, month_facts, turn)


def test_a_reward_is_announced_when_it_is_reached_and_each_one_once(engine: Engine) -> None:
    with write(engine) as connection:
        person(connection, 4, None, 249)
    assert due(engine, reward_due, COUNTS) == {}
    with write(engine) as connection:
        buy(connection, 40, 4, 300, PAID + timedelta(days=5))
    reached = COUNTS + timedelta(days=5)
    assert due(engine, reward_due, reached - timedelta(seconds=1)) == {}
    assert due(engine, reward_due, reached) == {"reward:2:profile:4": reached + timedelta(days=7)}
    assert due(engine, reward_due, reached + timedelta(days=90)) == {"reward:2:profile:4": reached + timedelta(days=7)}
    assert due(engine, reward_due, reached, live_from=reached + timedelta(seconds=1)) == {}
    with write(engine) as connection:
        assert spend(connection, 4, 500, "till", reached)
        buy(connection, 41, 4, 300, PAID + timedelta(days=50))
    assert gone(engine, reward_facts, reached, 4)
    assert due(engine, reward_due, reached + timedelta(days=1)) == {}
    again = COUNTS + timedelta(days=50)
    assert due(engine, reward_due, again) == {"reward:3:profile:4": again + timedelta(days=7)}


@pytest.mark.parametrize(
    ("dollars", "number"), [(249, 0), (250, 1), (260, 1), (374, 1), (375, 1), (400, 1), (499, 1), (510, 2), (640, 2)]
)
def test_a_reward_begun_is_none_yet(engine: Engine, dollars: int, number: int) -> None:
    with write(engine) as connection:
        person(connection, 4, None, dollars)
    assert list(due(engine, reward_due, COUNTS)) == ([f"reward:{number}:profile:4"] if number else [])


def test_what_came_back_announces_no_reward_anew(engine: Engine) -> None:
    with write(engine) as connection:
        person(connection, 4, None, 600)
    assert list(due(engine, reward_due, COUNTS)) == ["reward:2:profile:4"]
    with write(engine) as connection:
        connection.execute(update(order).values(refunded_minor=20_000))
    assert list(due(engine, reward_due, COUNTS + timedelta(days=2))) == ["reward:2:profile:4"]


def test_points_that_run_out_are_told_thirty_days_before_by_their_date(engine: Engine) -> None:
    with write(engine) as connection:
        person(connection, 4, None, 100)
        buy(connection, 40, 4, 50, PAID + timedelta(days=3))
        buy(connection, 41, 4, 500, PAID + timedelta(days=60))
    early = ENDS - timedelta(days=30)
    assert due(engine, expiry_due, early - timedelta(seconds=1)) == {}
    occasion = f"expiry:{ENDS:%Y-%m-%d}:profile:4"
    assert due(engine, expiry_due, early) == {occasion: early + timedelta(days=7)}
    assert due(engine, expiry_due, ENDS - timedelta(days=1)) == {occasion: ENDS}
    with read(engine) as connection:
        rows = pd.DataFrame({"key": ["k"], "profile_id": [4], "subject_id": [4]})
        (said,) = words(connection, rows, moment(early + timedelta(days=3)), BRIEF)
    assert (said["points"]["ending"], said["points"]["available"], said["points"]["rewards"]) == (150, 650, 2)
    assert said["points"]["ends_at"] == ENDS.isoformat()
    with write(engine) as connection:
        assert spend(connection, 4, 130, "till", early)
    assert due(engine, expiry_due, early + timedelta(days=3)) == {}  # 20 are too few to be told of
    assert gone(engine, expiry_facts, early, 4)


@pytest.mark.parametrize(
    ("state", "hears"),
    [("accepted", False), ("uncertain", False), ("held", False), ("skipped", True), ("rejected", True)],
)
def test_a_warning_that_came_to_nothing_told_her_nothing(engine: Engine, state: str, hears: bool) -> None:
    warned = ENDS - timedelta(days=30)
    with write(engine) as connection:
        person(connection, 4, None, 100)
        connection.execute(
            insert(message).values(
                key="loyalty_notice/expiry/x", profile_id=4, bucket=4, journey="loyalty_notice", step="expiry",
                subject_id=4, priority=1, state=state, not_before=warned, deadline_at=warned, promised_at=warned,
            )
        )  # fmt: skip
    assert bool(due(engine, expiry_due, warned + timedelta(days=2))) is hears


def test_points_that_had_less_than_thirty_days_left_when_it_began_are_no_news(engine: Engine) -> None:
    with write(engine) as connection:
        person(connection, 4, None, 100)
    now = ENDS - timedelta(days=20)
    assert due(engine, expiry_due, now, live_from=ENDS - timedelta(days=30))
    assert due(engine, expiry_due, now, live_from=ENDS - timedelta(days=30) + timedelta(seconds=1)) == {}


def test_where_there_is_no_programme_nobody_is_told_of_points(engine: Engine) -> None:
    turn = datetime(2026, 11, 1, 15, tzinfo=UTC)
    with write(engine) as connection:
        person(connection, 1, "America/New_York", 300)
    ahead = House(loyalty=Loyalty(starts_on=date(2028, 1, 1)))
    asked = (
        (month_due, turn, month_facts),
        (reward_due, COUNTS, reward_facts),
        (expiry_due, ENDS - SOON, expiry_facts),
    )
    for house in (House(), ahead):  # nothing is earned
        for question, now, _ in asked:
            assert due(engine, question, now, house=house) == {}
    for question, now, _ in asked:
        assert len(due(engine, question, now)) == 1
    for house in (House(), ahead):  # it was given up: what waits is not said any more
        for question, now, facts in asked:
            assert due(engine, question, now, house=house) == {}
            assert gone(engine, facts, now, house=house)
            assert not gone(engine, facts, now)


def test_who_was_told_what_runs_out_hears_no_more_of_it_for_three_weeks(engine: Engine) -> None:
    told = ENDS - timedelta(days=30)
    with write(engine) as connection:
        person(connection, 4, None, 100)
        buy(connection, 40, 4, 100, PAID + timedelta(days=22))
        connection.execute(
            insert(message).values(
                key="loyalty_notice/expiry/x", profile_id=4, bucket=4, journey="loyalty_notice", step="expiry",
                subject_id=4, priority=1, state="accepted", not_before=told, deadline_at=told, promised_at=told,
            )
        )  # fmt: skip
    assert due(engine, expiry_due, told + timedelta(days=20)) == {}
    assert set(due(engine, expiry_due, told + timedelta(days=21))) == {f"expiry:{ENDS:%Y-%m-%d}:profile:4"}


def test_she_is_told_of_the_shop_and_the_pop_up_near_her(engine: Engine) -> None:
    now = COUNTS
    with write(engine) as connection:
        person(connection, 1, None, 60)
        person(connection, 2, None, 60)
        connection.execute(update(profile).where(profile.c.id == 1).values(home_latitude=40.7, home_longitude=-74.0))
        connection.execute(update(profile).where(profile.c.id == 2).values(home_latitude=52.5, home_longitude=13.4))
        for name, kind, latitude, opens, closes in (
            ("SoHo", "popup", 40.72, 5, 9),
            ("Past", "popup", 40.7, -9, -1),
            ("Far ahead", "popup", 40.7, 40, 50),
            ("Store", "store", 40.9, None, None),
            ("Nearer store", "store", 40.71, None, None),
            ("Warehouse", "warehouse", 40.7, None, None),
        ):
            connection.execute(
                insert(location).values(
                    external_id=name,
                    name=name,
                    kind=kind,
                    latitude=latitude,
                    longitude=-74.0,
                    opens_at=None if opens is None else now + timedelta(days=opens),
                    closes_at=None if closes is None else now + timedelta(days=closes),
                )
            )
        rows = pd.DataFrame({"key": ["a", "b"], "profile_id": [1, 2], "subject_id": [1, 2]})
        near, far = words(connection, rows, moment(now), BRIEF)
    assert [near["places"][kind]["name"] for kind in ("store", "popup")] == ["Nearer store", "SoHo"]
    assert far["places"] == {"store": None, "popup": None}


def test_the_month_tells_of_vouchers_that_come_for_friends(engine: Engine) -> None:
    """Of what is pending by all that is known; not of what is reviewed, and not of what came to nothing."""
    friends = ((2, 0, None), (3, 60, None), (4, 0, PAID), (5, 0, None))
    with write(engine) as connection:
        person(connection, 1, None, 60)
        for who, score, cancelled_at in friends:
            person(connection, who, None, 60, PAID + timedelta(days=who))
            connection.execute(update(order).where(order.c.id == who).values(cancelled_at=cancelled_at))
            connection.execute(
                insert(referral).values(
                    profile_id=1, friend_id=who, order_id=who, code="C", occurred_at=PAID + timedelta(days=who),
                    score=score, signals=[], recorded_at=PAID,
                )
            )  # fmt: skip
        rows = pd.DataFrame({"key": ["a", "b"], "profile_id": [1, 2], "subject_id": [1, 2]})
        hers, friends_own = month_words(connection, rows, moment(PAID + timedelta(days=9)), BRIEF)
        assert hers["coming"] == {"many": 2, "is_over": (PAID + timedelta(days=32)).isoformat()}
        assert friends_own["coming"] is None
        later = month_words(connection, rows, moment(PAID + timedelta(days=32)), BRIEF)[0]["coming"]
        assert later == {"many": 1, "is_over": (PAID + timedelta(days=35)).isoformat()}


#: By profile: dollars, and whether she agreed to e-mail.
TOWN = {1: (300, True), 2: (300, False), 3: (20, True), 4: (60, True)}


def test_through_the_whole_of_it_each_is_told_once_and_nobody_who_said_no(tmp_path: Path, database_url: str) -> None:
    wire = FakeWire()
    connectors = Connectors(by_channel={Channel.EMAIL: FakeConnector(wire=wire)}, offers=FakeOffers())
    settings = Settings(home=tmp_path, database_url=database_url, holdout_journey=0, house=HOUSE)
    with open_segue(settings, VirtualClock(PAID), connectors=connectors) as segue:
        segue.install()
        segue.switch_on("loyalty_notice")
        with write(segue.engine) as connection:
            for number, (dollars, agreed) in TOWN.items():
                person(connection, number, "America/New_York", dollars)
                allow(connection, number, agreed=agreed)
            connection.execute(insert(message).values(_mailed(4, datetime(2026, 10, 1, 15, tzinfo=UTC))))
        segue.play(datetime(2026, 12, 2, tzinfo=UTC))
        assert told(segue) == {
            "loyalty_notice/reward/reward:1:profile:1": "accepted",
            "loyalty_notice/reward/reward:1:profile:2": "skipped",
            "loyalty_notice/month/month:2026-11:profile:1": "accepted",
            "loyalty_notice/month/month:2026-11:profile:2": "skipped",
            "loyalty_notice/month/month:2026-12:profile:1": "accepted",
            "loyalty_notice/month/month:2026-12:profile:2": "skipped",
            # The reward came on the same day and told the balance: it is not told again a day later.
            "loyalty_notice/month/month:2026-10:profile:1": "skipped",
            "loyalty_notice/month/month:2026-10:profile:2": "skipped",
            # Another journey had October's first day: it waited for the second.
            "loyalty_notice/month/month:2026-10:profile:4": "accepted",
            "loyalty_notice/month/month:2026-11:profile:4": "accepted",
            "loyalty_notice/month/month:2026-12:profile:4": "accepted",
        }
        assert Counter(one.address for one in wire.received) == {"p1@example.com": 3, "p4@example.com": 3}


def test_a_message_held_for_the_night_says_nothing_that_she_spent_since(tmp_path: Path, database_url: str) -> None:
    wire = FakeWire()
    connectors = Connectors(by_channel={Channel.EMAIL: FakeConnector(wire=wire)}, offers=FakeOffers())
    settings = Settings(home=tmp_path, database_url=database_url, holdout_journey=0, house=HOUSE)
    night, till = datetime(2026, 10, 2, 7, tzinfo=UTC), datetime(2026, 10, 2, 10, tzinfo=UTC)  # 03:00 and 06:00
    clock = VirtualClock(PAID)
    with open_segue(settings, clock, connectors=connectors) as segue:
        segue.install()
        segue.switch_on("loyalty_notice")
        with write(segue.engine) as connection:
            for number in (1, 2):
                person(connection, number, "America/New_York", 300)
                allow(connection, number, agreed=True)
        clock.set(night)
        segue.drain_run(segue.start_run(JOURNEY, BRIEF.model_copy(update={"month": False})))
        assert set(told(segue).values()) == {"held"}
        spending = {"name": "Points Redeemed", "properties": {"points": 250}, "occurred_at": till, "recorded_at": till}
        with write(segue.engine) as connection:
            connection.execute(insert(event).values(dedupe="till", profile_id=1, **spending))
        clock.set(till + timedelta(hours=1, minutes=30))
        segue.drain_ready()
        assert told(segue) == {
            "loyalty_notice/reward/reward:1:profile:1": "skipped",
            "loyalty_notice/reward/reward:1:profile:2": "accepted",
        }
        assert [one.address for one in wire.received] == ["p2@example.com"]


def _mailed(number: int, at: datetime) -> dict[str, Any]:
    """What another journey sent her at `at`."""
    return {
        "key": f"style_followup/looks/order:{number}", "profile_id": number, "bucket": number,
        "journey": "style_followup", "step": "looks", "priority": 20, "state": "accepted", "channel": "email",
        "not_before": at, "promised_at": at, "deadline_at": at, "handed_over_at": at, "answered_at": at,
    }  # fmt: skip


def told(segue: Segue) -> dict[str, str]:
    with read(segue.engine) as connection:
        mine = select(message.c.key, message.c.state).where(message.c.journey == "loyalty_notice")
        return dict(connection.execute(mine).tuples().all())


def allow(connection: Connection, number: int, *, agreed: bool) -> None:
    address = f"p{number}@example.com"
    connection.execute(insert(identifier).values(profile_id=number, kind="email", value=address, recorded_at=PAID))
    connection.execute(
        insert(consent_event).values(
            profile_id=number,
            channel="email",
            state="granted" if agreed else "denied",
            basis="opt_in",
            source="checkout_tick",
            dedupe=f"consent:{number}",
            occurred_at=PAID,
            recorded_at=PAID,
        )
    )


def test_points_that_run_out_are_outside_holdout_and_cap() -> None:
    steps = {step.name: (step.in_cap, step.in_holdout) for step in JOURNEY.steps}
    assert steps == {"expiry": (False, False), "reward": (True, True), "month": (True, True)}
