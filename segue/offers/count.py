"""How codes stand, counted: for whoever answers for the money. No code and no person is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, literal, select

from segue.offers.ledger import IS_REDEEMED
from segue.store.tables import voucher
from segue.store.types import UtcTime

#: A live code that runs out within this time is counted as ending soon.
SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCount:
    """How many personal codes there are, and how they stand."""

    #: All there ever were.
    minted: int
    #: Worth something now: not run out, not revoked, not redeemed.
    live: int
    #: Of the live ones, those the shop knows.
    live_published: int
    #: Of the live ones, those that run out within a week.
    live_ending: int
    #: Ever told to the shop, and taken by it.
    published: int
    #: Used, whatever became of them before or after.
    redeemed: int
    #: Taken back by us.
    revoked: int
    #: Of the revoked ones, those the shop took out as well.
    withdrawn: int
    #: Of the revoked ones, those the shop may still take until their end: `settle` asks again.
    standing: int
    #: What live codes are worth in minor units, by currency.
    at_stake: Mapping[str, int]
    #: How many live codes are worth how many percent of an order.
    percentages: Mapping[int, int]


def count_codes(connection: Connection, now: datetime) -> CodeCount:
    """Count every voucher as it stands at `now`."""
    at = literal(now, UtcTime)
    is_live = and_(voucher.c.valid_until > at, voucher.c.revoked_at.is_(None), ~IS_REDEEMED)
    is_published = voucher.c.published_at.is_not(None)
    is_revoked = voucher.c.revoked_at.is_not(None)
    is_withdrawn = voucher.c.withdrawn_at.is_not(None)
    everything = func.count(voucher.c.id)
    counts = connection.execute(
        select(
            everything.label("minted"),
            everything.filter(is_live).label("live"),
            everything.filter(is_live, is_published).label("live_published"),
            everything.filter(is_live, voucher.c.valid_until <= literal(now + SOON, UtcTime)).label("live_ending"),
            everything.filter(is_published).label("published"),
            everything.filter(IS_REDEEMED).label("redeemed"),
            everything.filter(is_revoked).label("revoked"),
            everything.filter(is_revoked, is_withdrawn).label("withdrawn"),
            everything.filter(is_revoked, ~is_withdrawn, voucher.c.valid_until > at).label("standing"),
        )
    ).one()
    worth = select(voucher.c.currency, func.sum(voucher.c.amount_minor)).where(
        is_live, voucher.c.amount_minor.is_not(None)
    )
    share = select(voucher.c.percent, everything).where(is_live, voucher.c.percent.is_not(None))
    return CodeCount(
        **counts._mapping,  # noqa: SLF001 - the public way to a row's names
        at_stake={
            currency: int(total)
            for currency, total in connection.execute(worth.group_by(voucher.c.currency).order_by(voucher.c.currency))
        },
        percentages=dict(
            connection.execute(share.group_by(voucher.c.percent).order_by(voucher.c.percent)).tuples().all()
        ),
    )
