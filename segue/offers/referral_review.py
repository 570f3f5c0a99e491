"""The review queue: referrals that look like abuse wait until somebody has looked; and how all of them stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select, update

from segue.offers.referral import one_at_a_time
from segue.offers.referral_keys import is_granted
from segue.offers.referral_signals import WEIGHTS
from segue.settings.house import Referral
from segue.store.tables import referral


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectReferral:
    """A referral that waits for somebody to look at it. It names nobody."""

    id: int
    #: 0 to 100: how much speaks for abuse.
    score: int
    #: What speaks for it, each with its part of the score.
    signals: Mapping[str, int]
    #: When the friend's order was paid.
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralCount:
    """How all referrals stand; the parts add up to all there are."""

    #: Wait for their time, or will never be worth enough; nobody has to do anything.
    pending: int
    #: Wait for a review.
    to_review: int
    #: Both vouchers are written.
    granted: int
    refused: int


def referrals_to_review(connection: Connection, rules: Referral) -> list[SuspectReferral]:
    """Return those that wait for a review, the most suspicious first."""
    rows = connection.execute(
        select(referral.c.id, referral.c.score, referral.c.signals, referral.c.occurred_at)
        .where(referral.c.review.is_(None), referral.c.score >= rules.review_from, ~is_granted(referral.c.id))
        .order_by(referral.c.score.desc(), referral.c.id)
    )
    return [
        SuspectReferral(
            id=row.id,
            score=row.score,
            signals={signal: WEIGHTS.get(signal, 0) for signal in row.signals},
            occurred_at=row.occurred_at,
        )
        for row in rows
    ]


def review_referral(connection: Connection, referral_id: int, *, approve: bool, by: str, now: datetime) -> None:
    """Approve or refuse a referral; whoever looks later may still change it while nothing was granted.

    Raises KeyError for an id nobody has, and ValueError without a name or once the vouchers are out.
    """
    if not by.strip():
        raise ValueError("a review needs the name of who looked; write --by NAME")
    one_at_a_time(connection)
    granted = connection.scalar(select(is_granted(referral.c.id)).where(referral.c.id == referral_id))
    if granted is None:
        raise KeyError(f"there is no referral {referral_id}; `segue referrals` lists those that wait")
    if granted:
        raise ValueError(
            f"referral {referral_id} was granted, both have their vouchers; `segue vouchers --revoke CODE` takes one"
            " back"
        )
    connection.execute(
        update(referral)
        .where(referral.c.id == referral_id)
        .values(review="approved" if approve else "refused", reviewed_at=now, reviewed_by=by.strip())
    )


def count_referrals(connection: Connection, rules: Referral) -> ReferralCount:
    """Count all referrals as they stand."""
    granted = is_granted(referral.c.id)
    everything = func.count(referral.c.id)
    refused = ~granted & (func.coalesce(referral.c.review, "") == "refused")
    suspect = ~granted & referral.c.review.is_(None) & (referral.c.score >= rules.review_from)
    waiting = ~granted & or_(
        referral.c.review == "approved", referral.c.review.is_(None) & (referral.c.score < rules.review_from)
    )
    row = connection.execute(
        select(
            everything.filter(waiting).label("pending"),
            everything.filter(suspect).label("to_review"),
            everything.filter(granted).label("granted"),
            everything.filter(refused).label("refused"),
        )
    ).one()
    return ReferralCount(**row._mapping)  # noqa: SLF001 - the public way to a row's names
