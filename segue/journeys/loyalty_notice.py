"""Loyalty notice: how many points she has, a reward she has reached, points that run out.

All three are asked of the ledger, which `prepare` brings up to date first. A month turns in her own zone, at a civil
hour. A reward has the number it has in all she ever earned, so it is announced once, whatever she spends. Points
run out day by day for who shops often; so one message speaks of all that end within 30 days, and the next one of hers
waits three weeks. Where the shop has no programme, or its first day is ahead, nobody is told anything.

Each has an instant at which it became news, and is told only if the journey was on by then: the turn of a month, the
entry that reached the reward, the day on which points had 30 days left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pandas as pd
from pydantic import Field
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    case,
    cast,
    exists,
    func,
    literal,
    select,
)

from segue.contract import Channel
from segue.journeys.definition import Brief, Journey, Moment, Step
from segue.journeys.month_turns import turn_case, turns_by
from segue.journeys.points_ahead import expiry_next_due, month_next_due, reward_next_due
from segue.journeys.points_shown import SOON, book_shown, points_shown
from segue.journeys.why_not import about_points
from segue.offers import ahead, standings
from segue.offers.loyalty import balances, ending_by, ends_next, running_out
from segue.store.sql import among, later
from segue.store.tables import loyalty_entry, message, profile
from segue.store.types import UtcTime

TOO_LATE = timedelta(days=7)
#: Who was told of what runs out is not told again for so long.
EXPIRY_PAUSE = timedelta(days=21)
#: Who was told of a reward, or of what runs out, has read her balance: the month's is left out for so long. Longer than
#: the day for which the frequency budget may have it wait.
JUST_TOLD = timedelta(days=2)
_NAME = "loyalty_notice"
#: It has reached her or may have; the second: or still may.
_REACHED = ("handed_over", "accepted", "uncertain")
_REACHES = ("queued", "held", "deferred", *_REACHED)


class LoyaltyNoticeBrief(Brief):
    """What a marketer may turn on the loyalty notice."""

    month: bool = Field(True, title="Monthly balance", description="Once a month: how many points she has.")
    reward: bool = Field(True, title="Reward reached", description="As soon as her points buy another reward.")
    expiry: bool = Field(True, title="Points run out", description="When points of hers end within 30 days.")
    hour: int = Field(
        10, ge=8, le=19, title="Hour of the monthly balance", description="On the first of the month, by her own clock."
    )
    least_points: int = Field(
        25, ge=1, title="From how many points", description="Who has fewer gets no monthly balance and no warning."
    )


def prepare(connection: Connection, moment: Moment, _brief: LoyaltyNoticeBrief, _secret: bytes) -> None:
    """Book what facts say of points by now."""
    book_shown(connection, moment)


def month_due(moment: Moment, brief: LoyaltyNoticeBrief) -> Select[Any]:
    """Everybody with points in whose zone the month has turned; where the zone is unknown, once it did everywhere."""
    turns = turns_by(moment.now, brief.hour)
    turned_at = turn_case(turns, profile.c.zone)
    holders = _holders(moment, brief.least_points).subquery("holders")
    return (
        select(
            _about_her(literal(f"month:{turns[0].month}"), holders.c.profile_id).label("occasion"),
            holders.c.profile_id,
            holders.c.profile_id.label("subject_id"),
            later(turned_at, TOO_LATE).label("deadline_at"),
        )
        .select_from(holders.join(profile, profile.c.id == holders.c.profile_id))
        .where(
            turned_at <= literal(moment.now, UtcTime),
            turned_at >= literal(moment.live_from, UtcTime),
            _is_told(moment, wanted=brief.month),
        )
    )


def reward_due(moment: Moment, brief: LoyaltyNoticeBrief) -> Select[Any]:
    """Everybody whose points buy a reward, with the number of the last reward that all she ever earned amounts to."""
    size = moment.house.loyalty.reward_points
    counted = loyalty_entry.c.counts_from <= literal(moment.now, UtcTime)
    earned = loyalty_entry.c.reason.not_in(("reward", "expiry"))
    # PostgreSQL sums to a numeric, whose division has decimals: 400 by 250 would be 1.6, and 2 once it is cast.
    reached = cast(
        func.sum(loyalty_entry.c.points).over(
            partition_by=loyalty_entry.c.profile_id, order_by=loyalty_entry.c.counts_from
        ),
        BigInteger,
    )
    history = (
        select(loyalty_entry.c.profile_id, loyalty_entry.c.counts_from, reached.label("reached"))
        .where(counted, earned, loyalty_entry.c.profile_id.in_(_holders(moment, size)))
        .cte("history")  # asked twice, counted once
    )
    # The most she had earned at any time: what comes back later announces no reward anew.
    number = func.max(history.c.reached) // size
    best = (
        select(history.c.profile_id, number.label("number"))
        .group_by(history.c.profile_id)
        .having(number >= 1)
        .subquery("best")
    )
    reached_at = func.min(history.c.counts_from, type_=UtcTime())
    name = literal("reward:").concat(cast(best.c.number, String))
    return (
        select(
            _about_her(name, best.c.profile_id).label("occasion"),
            best.c.profile_id,
            best.c.profile_id.label("subject_id"),
            later(reached_at, TOO_LATE).label("deadline_at"),
        )
        .select_from(best.join(history, history.c.profile_id == best.c.profile_id))
        .where(history.c.reached >= best.c.number * size, _is_told(moment, wanted=brief.reward))
        .group_by(best.c.profile_id, best.c.number)
        .having(reached_at >= literal(moment.live_from, UtcTime))
    )


def expiry_due(moment: Moment, brief: LoyaltyNoticeBrief) -> Select[Any]:
    """Everybody who loses enough points within 30 days and was not told so lately; the date is the soonest of them."""
    soon = select(loyalty_entry.c.profile_id).where(
        loyalty_entry.c.expires_at > literal(moment.now, UtcTime),
        loyalty_entry.c.expires_at <= literal(moment.now + SOON, UtcTime),
    )
    # Of nobody else are all points counted through: most have none that end so soon.
    ends = ends_next(moment.now, loyalty_entry.c.profile_id.in_(soon)).subquery("ends")
    losing = ending_by(moment.now + SOON).subquery("losing")
    told = exists().where(
        message.c.profile_id == ends.c.profile_id,
        message.c.journey == _NAME,
        message.c.step == "expiry",
        message.c.promised_at > literal(moment.now - EXPIRY_PAUSE, UtcTime),
        message.c.state.in_(_REACHES),  # what came to nothing told her nothing
    )
    last = literal(moment.now + TOO_LATE, UtcTime)
    return (
        select(
            _about_her(literal("expiry:").concat(_day_of(ends.c.at, moment)), ends.c.profile_id).label("occasion"),
            ends.c.profile_id,
            ends.c.profile_id.label("subject_id"),
            case((ends.c.at < last, ends.c.at), else_=last).label("deadline_at"),
        )
        .select_from(ends.join(losing, losing.c.profile_id == ends.c.profile_id))
        .where(
            ends.c.at <= literal(moment.now + SOON, UtcTime),
            ends.c.at >= literal(moment.live_from + SOON, UtcTime),
            losing.c.points >= brief.least_points,
            ~told,
            _is_told(moment, wanted=brief.expiry),
        )
    )


def month_facts(connection: Connection, rows: pd.DataFrame, moment: Moment, brief: LoyaltyNoticeBrief) -> pd.DataFrame:
    """She may have spent them meanwhile, or have read how many they are in another of these notices."""
    found = _gone_below(connection, rows, moment, brief.least_points)
    people = rows["profile_id"].tolist()
    told = select(message.c.profile_id).where(
        among(connection, message.c.profile_id, people),
        message.c.journey == _NAME,
        message.c.step.in_(("reward", "expiry")),
        message.c.state.in_(_REACHED),
        message.c.handed_over_at > moment.now - JUST_TOLD,
    )
    return found.assign(gone=found["gone"] | rows["profile_id"].isin(connection.scalars(told).all()))


def reward_facts(
    connection: Connection, rows: pd.DataFrame, moment: Moment, _brief: LoyaltyNoticeBrief
) -> pd.DataFrame:
    """She may have taken the reward meanwhile."""
    return _gone_below(connection, rows, moment, moment.house.loyalty.reward_points)


def expiry_facts(connection: Connection, rows: pd.DataFrame, moment: Moment, brief: LoyaltyNoticeBrief) -> pd.DataFrame:
    """She may have spent what would run out."""
    people = rows["profile_id"].tolist()
    ending = running_out(connection, people, moment.now + SOON)
    is_over = not moment.house.loyalty.is_on(moment.now)
    return pd.DataFrame(
        {"gone": [is_over or ending.get(one, 0) < brief.least_points for one in people]}, index=rows.index
    )


def words(
    connection: Connection, rows: pd.DataFrame, moment: Moment, _brief: LoyaltyNoticeBrief
) -> Sequence[Mapping[str, Any]]:
    """Her points, what they are worth, what runs out, and the shop and the pop-up near her."""
    return points_shown(connection, rows["profile_id"].tolist(), moment.now, moment.house.loyalty)


def month_words(
    connection: Connection, rows: pd.DataFrame, moment: Moment, brief: LoyaltyNoticeBrief
) -> Sequence[Mapping[str, Any]]:
    """The same, and the vouchers that come for friends who have bought: nowhere else is she told while they wait."""
    people, rules = rows["profile_id"].tolist(), moment.house.referral
    coming = ahead(connection, standings(connection, people, moment.now, rules), moment.now, rules)
    told = words(connection, rows, moment, brief)
    return [{**one, "coming": coming.get(who)} for who, one in zip(people, told, strict=True)]


def _holders(moment: Moment, least: int) -> Select[Any]:
    """Everybody with at least so many points by now."""
    return (
        select(loyalty_entry.c.profile_id)
        .where(loyalty_entry.c.counts_from <= literal(moment.now, UtcTime))
        .group_by(loyalty_entry.c.profile_id)
        .having(func.sum(loyalty_entry.c.points) >= least)
    )


def _gone_below(connection: Connection, rows: pd.DataFrame, moment: Moment, least: int) -> pd.DataFrame:
    people = rows["profile_id"].tolist()
    held = balances(connection, people, moment.now)
    is_over = not moment.house.loyalty.is_on(moment.now)
    return pd.DataFrame({"gone": [is_over or held[one].available < least for one in people]}, index=rows.index)


def _is_told(moment: Moment, *, wanted: bool) -> ColumnElement[bool]:
    return literal(wanted and moment.house.loyalty.is_on(moment.now))


def _about_her(what: ColumnElement[str], profile_id: ColumnElement[int]) -> ColumnElement[str]:
    """`month:2026-11:profile:4`: a merge rewrites what is called a profile."""
    return what.concat(":profile:").concat(cast(profile_id, String))


def _day_of(at: ColumnElement[Any], moment: Moment) -> ColumnElement[str]:
    """The date (UTC) of an instant within the next 30 days. Written out: databases write dates each their own way."""
    first = moment.now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [first + timedelta(days=number) for number in range(SOON.days + 2)]
    return case(
        *((at < literal(day + timedelta(days=1), UtcTime), f"{day:%Y-%m-%d}") for day in days[:-1]),
        else_=f"{days[-1]:%Y-%m-%d}",
    )


_CHANNELS = (Channel.EMAIL, Channel.SMS)
JOURNEY = Journey(
    name=_NAME,
    title="Loyalty notice",
    brief=LoyaltyNoticeBrief,
    asks="the turn of a month with points to tell of, a reward reached, or points that run out soon; each is told once",
    why_not=about_points,
    prepare=prepare,
    refresh=book_shown,
    steps=(
        Step(
            name="expiry",
            due=expiry_due,
            channels=_CHANNELS,
            facts=expiry_facts,
            words=words,
            next_due=expiry_next_due,
            priority=70,
            in_cap=False,  # it saves her something: nobody is left out of it by lot, or for having had a newsletter
            in_holdout=False,
        ),
        Step(
            name="reward",
            due=reward_due,
            channels=_CHANNELS,
            facts=reward_facts,
            words=words,
            next_due=reward_next_due,
            priority=60,
        ),
        Step(
            name="month",
            due=month_due,
            channels=_CHANNELS,
            facts=month_facts,
            words=month_words,
            next_due=month_next_due,
            priority=30,
        ),
    ),
)
