"""The review queue: referrals that look like abuse wait until somebody has looked; and how all of them stand.

What can earn nothing, whoever approves it, is refused by that fact and never waits: see `referral_needs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, case, func, literal, select, update

from segue.offers.referral import one_at_a_time
from segue.offers.referral_keys import is_granted
from segue.offers.referral_needs import LACKS, lacks, may_come
from segue.offers.referral_signals import WEIGHTS
from segue.settings.house import Referral
from segue.store.tables import order, referral

_SOMEBODY = "by somebody"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectReferral:
    """A referral that waits for somebody to look at it. It names nobody."""

    id: int
    #: Who referred, and the friend: ids of ours, to look up with *explain-customer*.
    profile_id: int
    friend_id: int
    #: The friend's order, as the shop calls it.
    order_number: str
    #: 0 to 100: how much speaks for abuse.
    score: int
    #: What speaks for it, each with its part of the score.
    signals: Mapping[str, int]
    #: When the friend's order was paid.
    occurred_at: datetime
    #: When it was found, and waits since.
    found_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedReferral:
    """What somebody decided."""

    id: int
    is_approved: bool
    #: Who, and the reason in brackets where one was given.
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralCount:
    """How all referrals stand; the parts add up to all there are."""

    #: Wait for their time; nobody has to do anything.
    pending: int
    #: Wait for a review.
    to_review: int
    #: Both vouchers are written.
    granted: int
    #: Earn nothing.
    refused: int
    #: Why they were refused, in words: by somebody, or by a fact that no approval changes.
    refusals: Mapping[str, int]


def referrals_to_review(connection: Connection, now: datetime, rules: Referral) -> list[SuspectReferral]:
    """Return those that wait for a review, the most suspicious first."""
    rows = connection.execute(
        select(
            referral.c.id,
            referral.c.profile_id,
            referral.c.friend_id,
            func.coalesce(order.c.number, order.c.external_id).label("order_number"),
            referral.c.score,
            referral.c.signals,
            referral.c.occurred_at,
            referral.c.recorded_at,
        )
        .join(order, order.c.id == referral.c.order_id)
        .where(
            referral.c.review.is_(None),
            referral.c.score >= rules.review_from,
            ~is_granted(referral.c.id),
            may_come(now, rules),
        )
        .order_by(referral.c.score.desc(), referral.c.id)
    )
    return [
        SuspectReferral(
            id=row.id,
            profile_id=row.profile_id,
            friend_id=row.friend_id,
            order_number=row.order_number,
            score=row.score,
            signals={signal: WEIGHTS.get(signal, 0) for signal in row.signals},
            occurred_at=row.occurred_at,
            found_at=row.recorded_at,
        )
        for row in rows
    ]


def reviewed_referrals(connection: Connection, limit: int) -> list[ReviewedReferral]:
    """Return what was decided last, the latest first."""
    rows = connection.execute(
        select(referral.c.id, referral.c.review, referral.c.reviewed_by, referral.c.reviewed_at)
        .where(referral.c.review.is_not(None))
        .order_by(referral.c.reviewed_at.desc(), referral.c.id.desc())
        .limit(limit)
    )
    return [
        ReviewedReferral(id=row.id, is_approved=row.review == "approved", by=row.reviewed_by, at=row.reviewed_at)
        for row in rows
    ]


def review_referral(
    connection: Connection,
    referral_id: int,
    *,
    approve: bool,
    by: str,
    now: datetime,
    rules: Referral,
    reason: str | None = None,
) -> None:
    """Approve or refuse a referral; whoever looks later may still change it while nothing was granted.

    The reason is kept behind the name. Raises KeyError for an id nobody has, and ValueError without a name, once the
    vouchers are out, and where an approval would change nothing.
    """
    if not by.strip():
        raise ValueError("a review needs the name of who looked; write --by NAME")
    one_at_a_time(connection)
    found = connection.execute(
        select(is_granted(referral.c.id).label("granted"), lacks(now, rules).label("lack"))
        .join(order, order.c.id == referral.c.order_id)
        .where(referral.c.id == referral_id)
    ).first()
    if found is None:
        raise KeyError(f"there is no referral {referral_id}; `segue referrals` lists those that wait")
    if found.granted:
        raise ValueError(
            f"referral {referral_id} was granted, both have their vouchers; `segue vouchers --revoke CODE` takes one"
            " back"
        )
    if approve and found.lack is not None:
        raise ValueError(
            f"referral {referral_id} earns nothing, approved or not: {LACKS[found.lack]}; leave it as it is"
        )
    told = f"{by.strip()} ({reason.strip()})" if reason and reason.strip() else by.strip()
    connection.execute(
        update(referral)
        .where(referral.c.id == referral_id)
        .values(review="approved" if approve else "refused", reviewed_at=now, reviewed_by=told)
    )


def count_referrals(connection: Connection, now: datetime, rules: Referral) -> ReferralCount:
    """Count all referrals as they stand."""
    suspect = and_(referral.c.review.is_(None), referral.c.score >= rules.review_from)
    lack = lacks(now, rules)
    stands_as = case(
        (is_granted(referral.c.id), literal("granted")),
        (func.coalesce(referral.c.review, "") == "refused", literal(_SOMEBODY)),
        (lack.is_not(None), lack),
        (suspect, literal("to_review")),
        else_=literal("pending"),
    )
    each = select(stands_as.label("so")).join(order, order.c.id == referral.c.order_id).subquery("each")
    counts = dict(connection.execute(select(each.c.so, func.count()).group_by(each.c.so)).tuples().all())
    refusals = {words: counts[so] for so, words in {_SOMEBODY: _SOMEBODY, **LACKS}.items() if counts.get(so)}
    return ReferralCount(
        pending=counts.get("pending", 0),
        to_review=counts.get("to_review", 0),
        granted=counts.get("granted", 0),
        refused=sum(refusals.values()),
        refusals=refusals,
    )
