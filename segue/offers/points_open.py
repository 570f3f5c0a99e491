"""What is owed in points and codes, by the month in which it runs out: for whoever answers for the money.

Counts and sums; nobody's points, code or name is in it. Months are those of UTC.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, literal, select

from segue.offers.ledger import IS_REDEEMED
from segue.offers.points_account import USED_UP
from segue.offers.points_earned import foreign_orders
from segue.settings.house import Loyalty
from segue.store.tables import loyalty_entry, voucher
from segue.store.types import UtcTime

#: Where points have no end, as corrections may.
NEVER = "no end"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMonth:
    """What runs out in one month if nobody uses it."""

    #: `2026-11`, or `no end`.
    month: str
    #: Points that may be spent by now.
    available: int = 0
    #: Points that do not count yet, since goods may still come back.
    pending: int = 0
    #: What both are worth as rewards, in minor units.
    points_minor: int = 0
    #: Codes that may still be used.
    vouchers: int = 0
    #: How many of them have an amount, and what those are worth in minor units, by currency.
    voucher_counts: Mapping[str, int] = field(default_factory=dict)
    voucher_minor: Mapping[str, int] = field(default_factory=dict)
    #: How many of them are worth a share of an order: their worth is known when they are used.
    percentages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPromises:
    """Everything open at an instant."""

    at: datetime
    #: What points are worth is in this currency.
    currency: str
    months: tuple[OpenMonth, ...]
    total: OpenMonth
    #: Paid orders that earned no points, only since they are in another currency than these.
    foreign_orders: int = 0


def open_promises(connection: Connection, now: datetime, loyalty: Loyalty) -> OpenPromises:
    """Return all open points and codes at `now`. Book points before, or what ran out since is among them."""
    points = _points(connection, now)
    codes = _codes(connection, now)
    names = sorted({month for month, _ in points} | set(codes))
    months = tuple(_month(name, points, codes.get(name, []), loyalty) for name in names)
    everything: Counter[tuple[str, bool]] = Counter()
    for (_, is_pending), number in points.items():
        everything["total", is_pending] += number
    total = _month("total", everything, [one for some in codes.values() for one in some], loyalty)
    return OpenPromises(
        at=now,
        currency=loyalty.currency,
        months=months,
        total=total,
        foreign_orders=foreign_orders(connection, now, loyalty),
    )


_Code = tuple[str | None, int]


def _month(name: str, points: Mapping[tuple[str, bool], int], codes: list[_Code], loyalty: Loyalty) -> OpenMonth:
    available, pending = points.get((name, False), 0), points.get((name, True), 0)
    worth: Counter[str] = Counter()
    for currency, minor in codes:
        if currency is not None:
            worth[currency] += minor
    return OpenMonth(
        month=name,
        available=available,
        pending=pending,
        points_minor=round((available + pending) * loyalty.reward_minor / loyalty.reward_points),
        vouchers=len(codes),
        voucher_counts=Counter(currency for currency, _ in codes if currency is not None),
        voucher_minor=dict(sorted(worth.items())),
        percentages=sum(currency is None for currency, _ in codes),
    )


def _points(connection: Connection, now: datetime) -> Counter[tuple[str, bool]]:
    """Open points by month, and whether they are pending. The oldest are used up first."""
    owner, pending = loyalty_entry.c.profile_id, loyalty_entry.c.counts_from > literal(now, UtcTime)
    used = select(owner, func.sum(loyalty_entry.c.points).label("used")).where(USED_UP).group_by(owner).subquery("used")
    size = func.sum(loyalty_entry.c.points)
    lots = (
        select(
            owner,
            loyalty_entry.c.expires_at,
            pending.label("is_pending"),
            size.label("size"),
            func.sum(size).over(partition_by=owner, order_by=(loyalty_entry.c.expires_at, pending)).label("reached"),
        )
        .where(loyalty_entry.c.expires_at.is_not(None))
        .group_by(owner, loyalty_entry.c.expires_at, pending)
        .subquery("lots")
    )
    reached = lots.c.reached + func.coalesce(used.c.used, 0)
    rows = (
        select(lots.c.expires_at, lots.c.is_pending, lots.c.size, reached.label("reached"))
        .select_from(lots.outerjoin(used, used.c.profile_id == lots.c.profile_id))
        .where(reached > 0, lots.c.size > 0)
    )
    found: Counter[tuple[str, bool]] = Counter()
    for row in connection.execute(rows):
        found[f"{row.expires_at:%Y-%m}", bool(row.is_pending)] += int(min(row.size, row.reached))
    sums = select(func.coalesce(func.sum(loyalty_entry.c.points), 0))
    endless = int(connection.execute(sums).scalar_one()) - sum(found.values())
    if endless:
        found[NEVER, False] = endless
    return found


def _codes(connection: Connection, now: datetime) -> dict[str, list[_Code]]:
    """Live codes by the month of their end: currency and amount of each, no currency for a percentage."""
    live = select(voucher.c.valid_until, voucher.c.currency, voucher.c.amount_minor).where(
        voucher.c.valid_until > literal(now, UtcTime), voucher.c.revoked_at.is_(None), ~IS_REDEEMED
    )
    found: defaultdict[str, list[_Code]] = defaultdict(list)
    for until, currency, minor in connection.execute(live):
        found[f"{until:%Y-%m}"].append((None, 0) if minor is None else (currency, int(minor)))
    return found
