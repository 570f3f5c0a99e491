"""Refer a friend: a voucher for both once the friend's first order stays, and one reminder to who shared her link.

A reward is due when the friend's order is past its return window; `prepare` writes both vouchers in the transaction
that promises the two messages. While the journey is paused it grants nothing, so that somebody can look and refuse;
once it is resumed, what is due by then is granted and told. Each message says what its reader has earned, and nothing
about the other one. The friend's address is never asked of anybody: who is a friend says so herself, with the code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from pydantic import Field
from sqlalchemy import Connection, Select, String, cast, func, literal, select, tuple_, union_all

from segue.contract import Channel
from segue.journeys.definition import Brief, Journey, Moment, Step
from segue.journeys.why_not import about_friends
from segue.offers import (
    Standing,
    find_referrals,
    grant_rewards,
    grantable,
    known_codes,
    next_rewards,
    referral_codes,
    standings,
    vouchers_of,
)
from segue.offers.referral_keys import ROLES, key_of, occasion
from segue.store.sql import later, listed
from segue.store.tables import order, referral, touchpoint, voucher
from segue.store.types import UtcTime

TOO_LATE = timedelta(days=30)


class ReferralFollowupBrief(Brief):
    """What a marketer may turn on the referral follow-up; what both get is a setting of the house."""

    nudge: bool = Field(True, title="Reminder", description="Remind who shared her link once, if no friend has bought.")
    nudge_days: int = Field(
        7, ge=1, le=60, title="Reminder after, days", description="How long a shared link is given before the reminder."
    )


def reward_due(moment: Moment, _brief: ReferralFollowupBrief) -> Select[Any]:
    """Both people of every referral that has earned its reward: granted lately, or to be granted now."""
    now = literal(moment.now, UtcTime)
    fresh = grantable(moment.now, moment.house.referral)
    since = max(moment.now - TOO_LATE, moment.live_from)
    granted = (
        select(referral.c.id, referral.c.profile_id, referral.c.friend_id, voucher.c.valid_from.label("granted_at"))
        .join(voucher, voucher.c.key == key_of(referral.c.id, "referrer"))
        .where(voucher.c.valid_from >= since, voucher.c.valid_from <= moment.now)
    )
    owed = union_all(
        select(fresh.c.id, fresh.c.profile_id, fresh.c.friend_id, now.label("granted_at")).where(
            literal(not moment.is_paused)
        ),
        granted,
    ).subquery("owed")
    people = {"referrer": owed.c.profile_id, "friend": owed.c.friend_id}
    each = union_all(
        *(
            select(
                occasion(owed.c.id, role).label("occasion"),
                people[role].label("profile_id"),
                owed.c.id.label("subject_id"),
                later(owed.c.granted_at, TOO_LATE).label("deadline_at"),
            )
            for role in ROLES
        )
    ).subquery("each")
    return select(each.c.occasion, each.c.profile_id, each.c.subject_id, each.c.deadline_at)


def reward_facts(
    connection: Connection, rows: pd.DataFrame, moment: Moment, _brief: ReferralFollowupBrief
) -> pd.DataFrame:
    """There is nothing left to tell of once the voucher was used, taken back or has run out."""
    named = vouchers_of(connection, rows["key"].tolist())
    gone = []
    for key in rows["key"]:
        one = named.get(key)  # none: a preview, before anything is granted
        gone.append(one is not None and (one.is_spent or one.voucher.valid_until <= moment.now))
    return pd.DataFrame({"gone": gone}, index=rows.index)


def reward_words(
    _connection: Connection, rows: pd.DataFrame, _moment: Moment, _brief: ReferralFollowupBrief
) -> Sequence[Mapping[str, Any]]:
    """Whether she referred somebody or was referred; what she earned is the voucher."""
    return [{"role": key.rpartition(":")[2]} for key in rows["key"]]


def reward_next_due(moment: Moment, _brief: ReferralFollowupBrief) -> Select[Any]:
    """When the next friend's order is past its return window."""
    return next_rewards(moment.now, moment.house.referral)


def nudge_due(moment: Moment, brief: ReferralFollowupBrief) -> Select[Any]:
    """The last time each person shared her link, if that was some days ago."""
    wait = timedelta(days=brief.nudge_days)
    again = touchpoint.alias("again")
    shared_again = (
        select(again.c.id)
        .where(
            again.c.profile_id == touchpoint.c.profile_id,
            again.c.kind == "share",
            again.c.occurred_at <= moment.now,
            tuple_(again.c.occurred_at, again.c.id) > tuple_(touchpoint.c.occurred_at, touchpoint.c.id),
        )
        .exists()
    )
    return select(
        literal("share:").concat(cast(touchpoint.c.id, String)).label("occasion"),
        touchpoint.c.profile_id,
        touchpoint.c.id.label("subject_id"),
        later(touchpoint.c.occurred_at, wait + TOO_LATE).label("deadline_at"),
    ).where(
        touchpoint.c.kind == "share",
        touchpoint.c.profile_id.is_not(None),
        touchpoint.c.occurred_at <= moment.now - wait,
        touchpoint.c.occurred_at > max(moment.now - wait - 2 * TOO_LATE, moment.live_from),
        ~shared_again,
        literal(brief.nudge),
    )


_SHARES = select(touchpoint.c.id, touchpoint.c.occurred_at).where(listed(touchpoint.c.id, "shares"))
_LAST_SHARES = (
    select(touchpoint.c.profile_id, func.max(touchpoint.c.occurred_at))
    .where(listed(touchpoint.c.profile_id, "people"), touchpoint.c.kind == "share")
    .group_by(touchpoint.c.profile_id)
)
_LAST_FRIENDS = (
    select(referral.c.profile_id, func.max(order.c.paid_at))
    .join(order, order.c.id == referral.c.order_id)
    .where(
        listed(referral.c.profile_id, "people"),
        referral.c.friend_id != referral.c.profile_id,  # her own order is no friend's
        order.c.cancelled_at.is_(None),
    )
    .group_by(referral.c.profile_id)
)


def nudge_facts(
    connection: Connection, rows: pd.DataFrame, moment: Moment, _brief: ReferralFollowupBrief
) -> pd.DataFrame:
    """A friend has bought since (converted); she shared again, or can earn nothing more this year (gone)."""
    people = rows["profile_id"].tolist()
    shares = rows["subject_id"].astype("int64").tolist()
    shared_at: dict[int, datetime] = dict(connection.execute(_SHARES, {"shares": shares}).tuples().all())
    last: dict[int, datetime] = dict(connection.execute(_LAST_SHARES, {"people": people}).tuples().all())
    friends: dict[int, datetime] = dict(connection.execute(_LAST_FRIENDS, {"people": people}).tuples().all())
    stand = standings(connection, people, moment.now, moment.house.referral)
    converted, gone = [], []
    for who, share in zip(people, shares, strict=True):
        at = shared_at.get(share)
        converted.append(at is not None and who in friends and friends[who] >= at)
        is_full = stand.get(who, Standing()).this_year >= moment.house.referral.rewards_a_year
        gone.append(at is None or at < last.get(who, at) <= moment.now or is_full)
    return pd.DataFrame({"converted": converted, "gone": gone}, index=rows.index)


def nudge_words(
    connection: Connection, rows: pd.DataFrame, moment: Moment, _brief: ReferralFollowupBrief
) -> Sequence[Mapping[str, Any]]:
    """Her code, what both get, and how she stands: pending is said to be pending."""
    people = rows["profile_id"].tolist()
    codes = known_codes(connection, people)
    rules = moment.house.referral
    stand = standings(connection, people, moment.now, rules)
    return [
        {
            "code": codes[who],
            "reward_minor": rules.reward_minor,
            "currency": rules.currency,
            "least_minor": rules.least_order_minor,
            "return_days": rules.return_window_days,
            "pending": stand.get(who, Standing()).pending,
            "earned": stand.get(who, Standing()).earned,
        }
        for who in people
    ]


def nudge_next_due(moment: Moment, brief: ReferralFollowupBrief) -> Select[Any]:
    """When the next shared link has waited long enough."""
    wait = timedelta(days=brief.nudge_days)
    return select(later(func.min(touchpoint.c.occurred_at), wait)).where(
        touchpoint.c.kind == "share", touchpoint.c.occurred_at > moment.now - wait, literal(brief.nudge)
    )


def prepare(connection: Connection, moment: Moment, brief: ReferralFollowupBrief, secret: bytes) -> None:
    """Find who referred whom, grant what was earned unless we are paused, and give whoever is reminded a code."""
    rules = moment.house.referral
    find_referrals(connection, moment.now, rules)
    if not moment.is_paused:
        grant_rewards(connection, moment.now, rules, secret)
    due = nudge_due(moment, brief).subquery("due")
    referral_codes(connection, list(connection.scalars(select(due.c.profile_id))), moment.now, secret)


JOURNEY = Journey(
    name="referral_followup",
    title="Referral follow-up",
    brief=ReferralFollowupBrief,
    asks="a friend's first order whose return window is over, or her own link that she shared and nobody used",
    why_not=about_friends,
    steps=(
        Step(
            name="reward",
            due=reward_due,
            channels=(Channel.EMAIL,),  # no text message at night, and none to a number that said STOP
            facts=reward_facts,
            words=reward_words,
            next_due=reward_next_due,
            shows_granted_code=True,
            priority=70,
            transactional=True,
            on_uncertain="repeat",  # told twice, it is the same code
        ),
        Step(
            name="nudge",
            due=nudge_due,
            channels=(Channel.EMAIL,),
            facts=nudge_facts,
            words=nudge_words,
            next_due=nudge_next_due,
            priority=20,
            over_budget="drop",
        ),
    ),
    prepare=prepare,
    prepares_every=timedelta(days=1),
)
