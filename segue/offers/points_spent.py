"""Points that were used up, as the shop or a till tells it: events called `Points Redeemed`.

They bring `points`, and `order_id` (the shop's own) where they paid for an order. What her points do not cover is
booked as soon as they do, so it does not matter what is told first. An order that is told of under several events was
paid for once: the most that any of them tells counts. So it is where two who told of one order turn out to be one: what
was booked beyond that is given back as if it had never been used. Points spent on an order that was cancelled come
back as new ones: they live a full life again, or she would lose by the cancellation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, String, cast, exists, func, literal, literal_column, select

from segue.offers.points_account import Account, Entry
from segue.settings.house import Loyalty
from segue.store.sql import listed
from segue.store.tables import event, loyalty_entry, order, profile
from segue.store.types import UtcTime

_MOST = 2**53
#: Spelled out, so that SQLite sees that the index of them will do.
_REDEEMED: ColumnElement[bool] = literal_column("event.name = 'Points Redeemed'")
_NAME = literal("spent:event:").concat(cast(event.c.id, String))
_BOOKED = exists().where(loyalty_entry.c.dedupe == _NAME)
_BOOKED_POINTS = exists().where(loyalty_entry.c.dedupe == _NAME, loyalty_entry.c.points < 0)
_ORDER_REF = cast(event.c.properties["order_id"].as_string(), String)
#: Everything of this kind that these people's events tell, in the order it came in.
_ALL_TOLD = (
    select(event.c.id, event.c.profile_id, event.c.occurred_at, _ORDER_REF.label("order_ref"), event.c.properties)
    .where(_REDEEMED, listed(event.c.profile_id, "people"), _ORDER_REF.is_not(None))
    .order_by(event.c.id)
)
_FIRST_PART = exists().where(loyalty_entry.c.dedupe == _NAME.concat("/0"))
_GIVEN_BACK = exists().where(loyalty_entry.c.dedupe == literal("given_back:").concat(_NAME))


def _told(now: datetime, loyalty: Loyalty) -> Select[Any]:
    """Every such event that is not done with: points to book, or to give back since its order was cancelled."""
    paid_for = order.c.external_id == _ORDER_REF
    cancelled = (order.c.cancelled_at <= now).label("is_cancelled")
    was_used = _BOOKED_POINTS | _FIRST_PART
    return (
        select(event.c.id, event.c.profile_id, event.c.properties, event.c.occurred_at, cancelled)
        .select_from(event.outerjoin(order, paid_for))
        .where(
            _REDEEMED,
            event.c.profile_id.is_not(None),
            event.c.occurred_at <= literal(now, UtcTime),
            event.c.occurred_at >= literal(loyalty.starts_at, UtcTime),
            ~_GIVEN_BACK,
            (~_BOOKED & cancelled.element.is_not(True)) | (was_used & cancelled.element.is_(True)),
        )
    )


def who_redeemed(connection: Connection, now: datetime, loyalty: Loyalty) -> set[int]:
    """Whoever used points, as events tell, and has them not booked yet or not given back."""
    rows = connection.execute(_told(now, loyalty))
    return {row.profile_id for row in rows if _points_of(row.properties) > 0}


def book_redeemed(connection: Connection, accounts: Mapping[int, Account], now: datetime, loyalty: Loyalty) -> None:
    """Book the events of these people, oldest first."""
    people = {"people": sorted(accounts)}
    told = _told(now, loyalty).where(listed(event.c.profile_id, "people")).order_by(event.c.occurred_at, event.c.id)
    rows = connection.execute(told, people).all()
    owed = _owed(connection, accounts, loyalty) if rows else {}
    for row in rows:
        account, ref = accounts[row.profile_id], f"event:{row.id}"
        if row.is_cancelled:
            give_back_spent(account, ref, now, loyalty)
        else:
            points = _points_of(row.properties)
            if points:
                _book(account, ref, owed[row.id].points if row.id in owed else points, row.occurred_at, now)


def who_redeemed_twice(connection: Connection) -> set[int]:
    """Whoever has two such events for one order since a merge; what each told may be booked in full."""
    merged = select(profile.c.merged_into).where(profile.c.merged_into.is_not(None))
    twice = (
        select(event.c.profile_id)
        .where(_REDEEMED, event.c.profile_id.in_(merged), _ORDER_REF.is_not(None))
        .group_by(event.c.profile_id, _ORDER_REF)
        .having(func.count() > 1)
    )
    return set(connection.scalars(twice))


def give_back_doubled(connection: Connection, accounts: Mapping[int, Account], now: datetime, loyalty: Loyalty) -> None:
    """Give back what is booked for an event beyond what it adds to the events before it: two were not known to be one.

    As if it had never been used. What came back with its order is left alone: there is nothing of it to give back.
    """
    for event_id, owed in _owed(connection, accounts, loyalty).items():
        account, name = accounts[owed.profile_id], f"spent:event:{event_id}"
        parts = account.named(name)
        beyond = -sum(one.points for one in parts) - owed.points
        if beyond <= 0 or account.named(f"given_back:{name}"):
            continue
        account.book(
            Entry(
                dedupe=f"{name}/{len(parts)}",
                profile_id=account.profile_id,
                kind="given_back",
                reason="reward",
                points=beyond,
                occurred_at=owed.at,
                counts_from=now,
            )
        )


class _Owed(NamedTuple):
    """What an event adds to those that told of the same order before."""

    profile_id: int
    at: datetime
    points: int


def _owed(connection: Connection, accounts: Mapping[int, Account], loyalty: Loyalty) -> dict[int, _Owed]:
    """By event that names an order: what it adds to the most that those which came in before it told of that order.

    So what each adds is settled when it comes in, and all that are told for an order add up to the most of them.
    """
    most: dict[tuple[int, str], int] = {}
    found: dict[int, _Owed] = {}
    since = _ALL_TOLD.where(event.c.occurred_at >= literal(loyalty.starts_at, UtcTime))
    for row in connection.execute(since, {"people": sorted(accounts)}):
        key = row.profile_id, row.order_ref
        before, points = most.get(key, 0), _points_of(row.properties)
        found[row.id] = _Owed(row.profile_id, row.occurred_at, max(0, points - before))
        most[key] = max(before, points)
    return found


def give_back_spent(account: Account, ref: str, now: datetime, loyalty: Loyalty) -> int:
    """Book what was spent under `ref` as new points of hers; return how many, 0 where that was done before."""
    spent = -sum(one.points for one in account.named(f"spent:{ref}"))
    if spent <= 0 or account.named(f"given_back:spent:{ref}"):
        return 0
    account.book(
        Entry(
            dedupe=f"given_back:spent:{ref}",
            profile_id=account.profile_id,
            kind="given_back",
            reason="reward",
            points=spent,
            occurred_at=now,
            counts_from=now,
            expires_at=now + timedelta(days=loyalty.expires_after_days),
        )
    )
    return spent


def spent_entry(account: Account, dedupe: str, points: int, at: datetime, now: datetime) -> Entry:
    """The row that uses up `points`, which were spent at `at`."""
    return Entry(
        dedupe=dedupe,
        profile_id=account.profile_id,
        kind="spent",
        reason="reward",
        points=-points,
        occurred_at=at,
        counts_from=now,
    )


def _book(account: Account, ref: str, points: int, at: datetime, now: datetime) -> None:
    """Book what her points cover: what ran out after `at` was still good then, and comes back for it.

    Nothing owed is booked as 0: that says that the event is done with.
    """
    name = f"spent:{ref}"
    parts = account.named(name)
    owed = points + sum(one.points for one in parts)
    covered = min(owed, max(0, account.available(now)) + account.expired_between(at, now))
    if covered <= 0 < owed:
        return
    # The last part has the plain name: by it everybody sees that the event is done with.
    account.book(spent_entry(account, name if covered == owed else f"{name}/{len(parts)}", covered, at, now))
    account.settle_expiry(now)


def _points_of(properties: Any) -> int:
    """How many points an event tells of; 0 where it tells nothing that can be counted."""
    told = properties.get("points") if isinstance(properties, dict) else None
    if isinstance(told, str) and told.strip().isascii() and told.strip().isdigit():
        told = int(told) if len(told.strip()) <= 16 else None
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 < told < _MOST:
        return 0
    return int(told)
