"""Referral follow-up: both are told of what they earned, once, and who shared her link is reminded once."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from segue.journeys.definition import Moment
from segue.journeys.referral_followup import JOURNEY, nudge_next_due, reward_due
from segue.offers import referral_codes
from segue.outbox.summary import Summary
from segue.service import Segue
from segue.settings import DEFAULT_HOUSE
from segue.store.engine import read, write
from segue.store.tables import identifier, message, order, profile_merge, referral, touchpoint, voucher
from tests.journeys.orders import BEFORE, DAY, START, buys, got, mail, person, reasons, shop

REWARD, NUDGE = "referral_followup/reward", "referral_followup/nudge"
SARAH, FRIEND = 1, 2
AT = START + timedelta(hours=1)
RIPE = AT + 30 * DAY
LATER = timedelta(minutes=1)


def play(segue: Segue, at: datetime, **brief: Any) -> None:
    """What happens at this instant."""
    segue.clock.set(at)  # type: ignore[attr-defined]
    segue.tick({"referral_followup": JOURNEY.brief(**brief)})


def look(segue: Segue, at: datetime) -> Summary:
    segue.clock.set(at)  # type: ignore[attr-defined]
    return segue.preview(JOURNEY, JOURNEY.brief())


def code_of(segue: Segue, who: int) -> str:
    with write(segue.engine) as connection:
        return referral_codes(connection, [who], BEFORE, segue.secret)[who]


def befriend(segue: Segue, **friend: Any) -> str:
    """Sarah, and a friend who buys with her code at the pop-up; the code."""
    person(segue.engine, SARAH)
    person(segue.engine, FRIEND, **friend)
    code = code_of(segue, SARAH)
    buys(segue.engine, 1, FRIEND, AT, referral_code=code.lower(), sales_channel="popup", delivery="none")
    return code


def shares(segue: Segue, number: int, at: datetime, who: int = SARAH) -> None:
    with write(segue.engine) as connection:
        connection.execute(
            insert(touchpoint).values(
                id=number, dedupe=f"share{number}", profile_id=who, kind="share", occurred_at=at, recorded_at=at
            )
        )


def test_both_get_a_voucher_once_the_order_stays_and_each_hears_of_her_own(tmp_path: Path, database_url: str) -> None:
    """The friend never agreed to marketing: this is no marketing. Nothing before the return window is over."""
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        befriend(segue, basis=None)
        play(segue, RIPE - LATER)
        assert wire.received == []
        for _ in range(3):
            play(segue, RIPE)
        with read(segue.engine) as connection:
            vouchers = {one.key: one for one in connection.execute(select(voucher))}
            (which,) = connection.scalars(select(referral.c.id))
        told = got(wire, REWARD)
        assert len(wire.received) == 2
        assert {key: one.address for key, one in told.items()} == {
            f"friend:{which}:referrer": "p1@example.com",
            f"friend:{which}:friend": "p2@example.com",
        }
        for occasion, one in told.items():
            hers = vouchers.pop(f"{REWARD}/{occasion}")
            said = mail(one)
            assert hers.code in said.text
            assert "$15" in said.text
            assert hers.published_at is not None, "the shop knew it first"
            assert said.unsubscribe_url is None, "what she earned is no advertisement"
            other = next(o for k, o in told.items() if k != occasion)
            assert mail(other).text.count(hers.code) == 0
        assert "Name2" not in mail(told[f"friend:{which}:referrer"]).text
        assert vouchers == {}


def test_a_preview_counts_what_a_run_would_grant_and_writes_nothing(tmp_path: Path, database_url: str) -> None:
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        befriend(segue)
        play(segue, AT + DAY)
        before = look(segue, RIPE - LATER)
        shown = look(segue, RIPE)
        assert (before.considered, shown.considered) == (0, 2)
        assert {(line.step, line.group, line.count) for line in shown.lines} == {("reward", "accepted", 2)}
        with read(segue.engine) as connection:
            assert connection.scalars(select(voucher.c.id)).all() == []
        play(segue, RIPE)
        assert len(wire.received) == 2


def test_no_text_message_says_it(tmp_path: Path, database_url: str) -> None:
    """A reward may come ripe at three in the morning, and to a number that said STOP: it is told by mail or not."""
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        befriend(segue)
        with write(segue.engine) as connection:
            connection.execute(
                update(identifier).where(identifier.c.profile_id == FRIEND).values(kind="phone", value="+12025550123")
            )
        play(segue, RIPE)
        assert [one.channel for one in wire.received] == ["email"]
        assert ("skipped", "no_address") in reasons(segue, "referral_followup", "reward")


def test_what_was_spent_before_she_heard_of_it_is_not_told(tmp_path: Path, database_url: str) -> None:
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        befriend(segue)
        segue.clock.set(RIPE)  # type: ignore[attr-defined]
        segue.start_run(JOURNEY, JOURNEY.brief())
        with read(segue.engine) as connection:
            codes = connection.scalars(select(voucher.c.code).order_by(voucher.c.key)).all()
        segue.revoke(codes[:1])
        segue.drain_ready()
        assert len(wire.received) == 1
        assert reasons(segue, "referral_followup", "reward") == {
            ("accepted", None): 1,
            ("skipped", "occasion_gone"): 1,
        }


def test_after_thirty_days_nobody_is_told_and_the_voucher_stands(tmp_path: Path, database_url: str) -> None:
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        befriend(segue)
        segue.clock.set(RIPE)  # type: ignore[attr-defined]
        segue.start_run(JOURNEY, JOURNEY.brief())
        play(segue, RIPE + 30 * DAY)
        assert wire.received == []
        assert reasons(segue, "referral_followup", "reward") == {("skipped", "too_late"): 2}
        with read(segue.engine) as connection:
            assert len(connection.execute(select(voucher)).all()) == 2


def test_without_its_voucher_a_reward_waits(tmp_path: Path, database_url: str) -> None:
    """A mutant of the data: somebody lost the row; no mail leaves that names nothing."""
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        befriend(segue)
        segue.clock.set(RIPE)  # type: ignore[attr-defined]
        segue.start_run(JOURNEY, JOURNEY.brief())
        with write(segue.engine) as connection:
            connection.execute(voucher.delete())
        segue.drain_ready()
        assert wire.received == []
        with read(segue.engine) as connection:
            assert set(connection.execute(select(message.c.state, message.c.reason)).all()) == {
                ("held", "code_unpublished")
            }


def test_both_hear_of_it_under_their_own_keys_after_a_merge(tmp_path: Path, database_url: str) -> None:
    """Sarah turns out to be her own elder profile between the grant and the mail: told once, with the same code."""
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        person(segue.engine, 3)
        befriend(segue)
        segue.clock.set(RIPE)  # type: ignore[attr-defined]
        segue.start_run(JOURNEY, JOURNEY.brief())
        with write(segue.engine) as connection:
            connection.execute(insert(profile_merge).values(kept_id=SARAH, gone_id=3, because="email", found_at=RIPE))
        segue.merge_found()
        play(segue, RIPE + LATER)
        play(segue, RIPE + DAY)
        assert len(got(wire, REWARD)) == len(wire.received) == 2


def test_facts_of_before_it_was_switched_on_are_no_news(engine: Any) -> None:
    moment = Moment(now=RIPE, live_from=RIPE, house=DEFAULT_HOUSE)
    with write(engine) as connection:
        assert connection.execute(reward_due(moment, JOURNEY.brief())).all() == []


def test_who_shared_and_won_nobody_is_reminded_once(tmp_path: Path, database_url: str) -> None:
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        person(segue.engine, SARAH)
        person(segue.engine, 9, state="denied")
        shares(segue, 1, AT)
        shares(segue, 2, AT, who=9)
        with read(segue.engine) as connection:
            moment = Moment(now=AT, live_from=START)
            assert connection.scalar(nudge_next_due(moment, JOURNEY.brief())) == AT + 7 * DAY
        play(segue, AT + 7 * DAY - LATER)
        assert wire.received == []
        for days in (7, 8, 20):
            play(segue, AT + days * DAY)
        told = got(wire, NUDGE)
        assert set(told) == {"share:1"}
        assert len(wire.received) == 1
        said = mail(told["share:1"])
        code = code_of(segue, SARAH)
        assert f"/r/{code}" in said.text
        assert "How you stand" not in said.text
        assert said.unsubscribe_url is not None
        assert reasons(segue, "referral_followup", "nudge") == {("accepted", None): 1, ("skipped", "denied"): 1}


def test_who_won_a_friend_is_not_reminded_and_who_waits_for_rewards_is_told_so(
    tmp_path: Path, database_url: str
) -> None:
    """The friend's order of before the share is a reward that is pending; one of after it is what we would ask for."""
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        code = befriend(segue)
        shares(segue, 1, AT + DAY)
        play(segue, AT + 8 * DAY)
        assert "0 rewards earned, 1 pending" in mail(got(wire, NUDGE)["share:1"]).text
        shares(segue, 2, AT + 40 * DAY)
        person(segue.engine, 3)
        buys(segue.engine, 2, 3, AT + 41 * DAY, referral_code=code)
        play(segue, AT + 50 * DAY)
        assert set(got(wire, NUDGE)) == {"share:1"}
        assert reasons(segue, "referral_followup", "nudge") == {("accepted", None): 1, ("skipped", "converted"): 1}


def test_the_newest_share_counts_and_the_marketer_may_turn_it_off(tmp_path: Path, database_url: str) -> None:
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        person(segue.engine, SARAH)
        for number, days in enumerate((0, 1, 3), start=1):
            shares(segue, number, AT + days * DAY)
        play(segue, AT + 20 * DAY, nudge=False)
        play(segue, AT + 9 * DAY)
        assert wire.received == []
        play(segue, AT + 10 * DAY)
        assert set(got(wire, NUDGE)) == {"share:3"}


def test_a_share_that_was_followed_by_another_while_it_waited_is_gone(tmp_path: Path, database_url: str) -> None:
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        person(segue.engine, SARAH)
        shares(segue, 1, AT)
        segue.clock.set(AT + 7 * DAY)  # type: ignore[attr-defined]
        segue.start_run(JOURNEY, JOURNEY.brief())
        shares(segue, 2, AT + 7 * DAY)
        segue.drain_ready()
        assert wire.received == []
        assert reasons(segue, "referral_followup", "nudge") == {("skipped", "occasion_gone"): 1}


def test_who_can_earn_nothing_more_this_year_is_not_asked_to(tmp_path: Path, database_url: str) -> None:
    house = DEFAULT_HOUSE.model_copy(
        update={"referral": DEFAULT_HOUSE.referral.model_copy(update={"rewards_a_year": 1})}
    )
    with shop(tmp_path, database_url, "referral_followup", house=house) as (segue, wire):
        befriend(segue)
        play(segue, RIPE)
        shares(segue, 1, RIPE + DAY)
        play(segue, RIPE + 9 * DAY)
        assert got(wire, NUDGE) == {}
        assert reasons(segue, "referral_followup", "nudge") == {("skipped", "occasion_gone"): 1}


@pytest.mark.parametrize("facts", [{"cancelled_at": AT}, {"refunded_minor": 4000}], ids=["cancelled", "returned"])
def test_an_order_that_came_back_in_time_earns_nobody_anything(
    tmp_path: Path, database_url: str, facts: dict[str, Any]
) -> None:
    with shop(tmp_path, database_url, "referral_followup") as (segue, wire):
        befriend(segue)
        play(segue, AT + DAY)
        with write(segue.engine) as connection:
            connection.execute(update(order).values(facts))
        play(segue, RIPE)
        assert wire.received == []
