"""Points for what somebody did: bought, followed, mentioned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from segue.offers.kept import kept_minor
from segue.offers.points_account import Account, Entry
from segue.settings.house import Loyalty
from segue.store.currencies import minor_per_unit_sql
from segue.store.sql import insert_where_new, later, listed
from segue.store.tables import loyalty_entry, order, touchpoint
from segue.store.types import UtcTime

_THOUSAND = 1000


def book_orders(connection: Connection, now: datetime, loyalty: Loyalty) -> int:
    """Book points for every paid order of somebody known that has none yet; return how many orders.

    They count once its goods can no longer come back, and live from then on. What a point is worth is in one currency:
    an order in another earns none.
    """
    rate = round(loyalty.points_per_unit * _THOUSAND)
    if not rate or not loyalty.is_on(now):
        return 0
    worth = _worth(now, rate, loyalty).subquery("worth")
    counts_from = later(worth.c.paid_at, timedelta(days=loyalty.return_window_days))
    columns: dict[str, ColumnElement[Any]] = {
        "dedupe": literal("earned:order:").concat(cast(worth.c.id, String)),
        "profile_id": worth.c.profile_id,
        "kind": literal("earned"),
        "reason": literal("order"),
        "points": worth.c.points,
        "occurred_at": worth.c.paid_at,
        "counts_from": counts_from,
        "expires_at": later(worth.c.paid_at, timedelta(days=loyalty.return_window_days + loyalty.expires_after_days)),
        "order_id": worth.c.id,
        "verified": literal(True),
        "points_per_thousand": cast(literal(rate), Integer),
        "recorded_at": literal(now, UtcTime),
    }
    rows = select(*columns.values()).where(worth.c.points > 0).order_by(worth.c.id)
    done = connection.execute(
        insert_where_new(loyalty_entry).from_select(list(columns), rows, include_defaults=False),
        execution_options={"preserve_rowcount": True},
    )
    return done.rowcount


def foreign_orders(connection: Connection, now: datetime, loyalty: Loyalty) -> int:
    """How many paid orders of somebody known earned nothing, only since they are in another currency."""
    if not loyalty.is_on(now):
        return 0
    booked = exists().where(loyalty_entry.c.order_id == order.c.id)
    foreign = order.c.currency != loyalty.currency
    asked = select(func.count()).select_from(order).where(*_earns(now, loyalty), foreign, ~booked)
    return int(connection.execute(asked).scalar_one())


def _earns(now: datetime, loyalty: Loyalty) -> tuple[ColumnElement[bool], ...]:
    """Paid by `now` and since the programme began, by somebody known, and not cancelled."""
    return (
        order.c.profile_id.is_not(None),
        order.c.paid_at <= literal(now, UtcTime),
        order.c.paid_at >= literal(loyalty.starts_at, UtcTime),
        or_(order.c.cancelled_at.is_(None), order.c.cancelled_at > literal(now, UtcTime)),
        order.c.total_minor > 0,
    )


def _worth(now: datetime, rate: int, loyalty: Loyalty) -> Select[Any]:
    booked = exists().where(loyalty_entry.c.order_id == order.c.id)
    units = kept_minor(now) // minor_per_unit_sql(order.c.currency)
    points = cast(units * literal(rate) // literal(_THOUSAND), BigInteger)
    return select(order.c.id, order.c.profile_id, order.c.paid_at, points.label("points")).where(
        *_earns(now, loyalty), order.c.currency == loyalty.currency, ~booked
    )


#: Spelled out, so that SQLite sees that the index of them will do.
_EARNING: ColumnElement[bool] = literal_column("touchpoint.kind IN ('follow', 'mention')")
_IS_BOOKED = exists().where(
    loyalty_entry.c.dedupe == literal("earned:touchpoint:").concat(cast(touchpoint.c.id, String))
)
_UNBOOKED = select(
    touchpoint.c.id,
    touchpoint.c.profile_id,
    touchpoint.c.kind,
    touchpoint.c.network,
    touchpoint.c.verified,
    touchpoint.c.occurred_at,
).where(_EARNING, touchpoint.c.profile_id.is_not(None), ~_IS_BOOKED)


def who_followed_or_mentioned(connection: Connection, now: datetime, loyalty: Loyalty) -> set[int]:
    """Whoever did something of the kind that has no points yet; it may have earned none by the rules."""
    news = _UNBOOKED.with_only_columns(touchpoint.c.profile_id).where(*_counts(now, loyalty))
    return set(connection.scalars(news))


def _counts(now: datetime, loyalty: Loyalty) -> tuple[ColumnElement[bool], ...]:
    """Since the programme began, and on a network it is about: any other name may be somebody's invention."""
    return (
        touchpoint.c.occurred_at <= literal(now, UtcTime),
        touchpoint.c.occurred_at >= literal(loyalty.starts_at, UtcTime),
        touchpoint.c.network.in_(loyalty.networks),
    )


def book_follows_and_mentions(
    connection: Connection, accounts: Mapping[int, Account], now: datetime, loyalty: Loyalty
) -> None:
    """Book a follow once per network and person, ever, and so many mentions per network and month (by UTC)."""
    rows = _UNBOOKED.where(listed(touchpoint.c.profile_id, "people"), *_counts(now, loyalty))
    ordered = rows.order_by(touchpoint.c.occurred_at, touchpoint.c.id)
    for row in connection.execute(ordered, {"people": sorted(accounts)}):
        account = accounts[row.profile_id]
        if row.kind == "follow":
            points, is_open = loyalty.follow_points, not _had(account, "follow", row.network)
        else:
            had = _mentions(account)[row.network, _month(row.occurred_at)]
            points, is_open = loyalty.mention_points, had < loyalty.mentions_a_month
        if points and is_open:
            account.book(
                Entry(
                    dedupe=f"earned:touchpoint:{row.id}",
                    profile_id=row.profile_id,
                    kind="earned",
                    reason=row.kind,
                    points=points,
                    occurred_at=row.occurred_at,
                    counts_from=row.occurred_at,
                    expires_at=row.occurred_at + timedelta(days=loyalty.expires_after_days),
                    network=row.network,
                    verified=row.verified,
                )
            )


def _had(account: Account, reason: str, network: str) -> bool:
    return any(one.kind == "earned" and one.reason == reason and one.network == network for one in account.entries)


def _mentions(account: Account) -> Counter[tuple[str | None, str]]:
    return Counter(
        (one.network, _month(one.occurred_at))
        for one in account.entries
        if one.kind == "earned" and one.reason == "mention"
    )


def _month(at: datetime) -> str:
    return f"{at:%Y-%m}"


__all__ = ["book_follows_and_mentions", "book_orders", "foreign_orders", "who_followed_or_mentioned"]
