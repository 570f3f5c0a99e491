"""The ledger of points: append-only, and the balance is the sum of the rows that count by now.

`book_points` turns facts into entries, each said once by its `dedupe`; called twice, in two processes at once, or after
it was killed, it adds nothing. Facts may come late, twice and in any order. What was promised stays when the
house rules change: an entry keeps its points, its rate, when it counts and when it runs out.

- Earned: by an order that is paid in the programme's currency, once its return window is over (pending until then); by
  a follow, once per network and person; by mentions, so many per network and month. Nothing before it began.
- Taken back: the difference, where less of an order was kept; never more than was earned by it, and never further than
  her balance reaches. The rest waits for her next points.
- Spent: by `spend` under a lock, which refuses what she does not have, or as events of the shop tell.
- Given back: what was spent on an order that was cancelled, as new points.
- Expired: what is left of earned points at their end; the oldest are spent first.

When two profiles become one, her entries are simply together: an order is in the ledger once, of two follows of
one network the later one is taken back, mentions stay (each was promised), an order that either name paid for with
points was paid for once, and expiry is reckoned anew as if there had been one profile, since what she spent under one
name may have been the oldest points of the other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, or_, select, true

from segue.offers.ledger import lock_people
from segue.offers.points_account import USED_UP, Account, accounts_of, write
from segue.offers.points_earned import book_follows_and_mentions, book_orders, who_followed_or_mentioned
from segue.offers.points_spent import (
    book_redeemed,
    give_back_doubled,
    give_back_spent,
    spent_entry,
    who_redeemed,
    who_redeemed_twice,
)
from segue.offers.points_taken import take_back_doubled_follows, take_back_orders, who_followed_twice, who_returned
from segue.settings.house import Loyalty
from segue.store.sql import listed
from segue.store.tables import loyalty_entry, profile
from segue.store.types import UtcTime


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsBooked:
    """How many entries a booking added."""

    #: Orders that earned.
    orders: int = 0
    #: All others: follows, mentions, what was taken or given back, spent or ran out.
    others: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Somebody's points at an instant."""

    #: What she may spend now; never below 0.
    available: int = 0
    #: Earned, and not counted yet: their goods may still come back.
    pending: int = 0
    #: When the next of her points run out, and how many that are if she spends none.
    next_expiry_at: datetime | None = None
    next_expiry_points: int = 0


def book_points(connection: Connection, now: datetime, loyalty: Loyalty) -> PointsBooked:
    """Book everything that facts up to `now` say and that is not booked yet. Needs a write transaction.

    Nothing where there is no programme. Points that a programme of before earned stay, and wait for it to be on again.
    """
    if not loyalty.is_on(now):
        return PointsBooked()
    orders = book_orders(connection, now, loyalty)
    doubled = who_redeemed_twice(connection)
    people = {
        *who_followed_or_mentioned(connection, now, loyalty),
        *who_returned(connection, now),
        *who_followed_twice(connection),
        *who_redeemed(connection, now, loyalty),
        *doubled,
        *_whose_points_ran_out(connection, now),
    }
    if not people:
        return PointsBooked(orders=orders)
    lock_people(connection, people)
    accounts = accounts_of(connection, people)
    book_follows_and_mentions(connection, accounts, now, loyalty)
    if doubled:
        give_back_doubled(connection, {one: accounts[one] for one in doubled}, now, loyalty)
    for account in accounts.values():
        account.settle_expiry(now)
    take_back_doubled_follows(accounts.values(), now)
    take_back_orders(connection, accounts, now)
    book_redeemed(connection, accounts, now, loyalty)
    return PointsBooked(orders=orders, others=len(write(connection, accounts.values(), now)))


def spend(connection: Connection, profile_id: int, points: int, ref: str, now: datetime) -> bool:
    """Use up `points` of hers under the name `ref`; return False, and change nothing, where she has not so many.

    The same `ref` again is the same spending: True, and nothing is used up twice. Raises ValueError where `ref` names
    another person's spending or another number of points, and where `points` is not above 0.
    """
    if points <= 0:
        raise ValueError(f"{points} points cannot be spent; name a number above 0")
    account = _locked_account(connection, profile_id)
    known = connection.execute(
        select(loyalty_entry.c.profile_id, loyalty_entry.c.points).where(loyalty_entry.c.dedupe == f"spent:{ref}")
    ).one_or_none()
    if known is not None:
        if known != (account.profile_id, -points):
            raise ValueError(f"the reference {ref} names another spending; give each spending one of its own")
        return True
    account.settle_expiry(now)
    covers = account.available(now) >= points
    if covers:
        account.book(spent_entry(account, f"spent:{ref}", points, now, now))
    write(connection, [account], now)
    return covers


def give_back(connection: Connection, profile_id: int, ref: str, now: datetime, loyalty: Loyalty) -> int:
    """Give back what `spend` used up under `ref`, as new points; return how many, 0 where that was done before."""
    account = _locked_account(connection, profile_id)
    given = give_back_spent(account, ref, now, loyalty)
    write(connection, [account], now)
    return given


def balances(connection: Connection, people: Collection[int], now: datetime) -> dict[int, Balance]:
    """The balance of each of `people` as it is booked; who has no entry has 0. Call `book_points` before."""
    points, counts = loyalty_entry.c.points, loyalty_entry.c.counts_from <= literal(now, UtcTime)
    mine = listed(loyalty_entry.c.profile_id, "people")
    sums = (
        select(
            loyalty_entry.c.profile_id,
            func.coalesce(func.sum(points).filter(counts), 0).label("available"),
            func.coalesce(func.sum(points).filter(~counts), 0).label("pending"),
        )
        .where(mine)
        .group_by(loyalty_entry.c.profile_id)
    )
    named = {"people": sorted(people)}
    expiry = {row.profile_id: row for row in connection.execute(ends_next(now, mine), named)}
    found = dict.fromkeys(people, Balance())
    for row in connection.execute(sums, named):
        soonest = expiry.get(row.profile_id)
        found[row.profile_id] = Balance(
            available=int(row.available),
            pending=int(row.pending),
            next_expiry_at=soonest.at if soonest is not None else None,
            next_expiry_points=int(soonest.points) if soonest is not None else 0,
        )
    return found


def ends_next(now: datetime, whose: ColumnElement[bool] | None = None) -> Select[Any]:
    """`profile_id`, `at`, `points`: when the next points run out after `now`, and how many; of all, or `whose`."""
    mine = true() if whose is None else whose
    used = (
        select(loyalty_entry.c.profile_id, func.sum(loyalty_entry.c.points).label("used"))
        .where(mine, USED_UP)
        .group_by(loyalty_entry.c.profile_id)
        .subquery("used")
    )
    reached = func.sum(loyalty_entry.c.points).over(
        partition_by=loyalty_entry.c.profile_id, order_by=loyalty_entry.c.expires_at
    )
    ends = (
        select(loyalty_entry.c.profile_id, loyalty_entry.c.expires_at, reached.label("reached"))
        .where(mine, loyalty_entry.c.expires_at.is_not(None))
        .subquery("by_end")
    )
    # The later the end, the more has run out by it: the first one by which anything is left has the least of it.
    left = ends.c.reached + func.coalesce(used.c.used, 0)
    return (
        select(
            ends.c.profile_id,
            func.min(ends.c.expires_at, type_=UtcTime()).label("at"),
            func.min(left).label("points"),
        )
        .select_from(ends.outerjoin(used, used.c.profile_id == ends.c.profile_id))
        .where(ends.c.expires_at > literal(now, UtcTime), left > 0)
        .group_by(ends.c.profile_id)
    )


def running_out(connection: Connection, people: Collection[int], by: datetime) -> dict[int, int]:
    """How many points of each of `people` run out until `by` if they spend none; who loses none is left out."""
    mine = listed(loyalty_entry.c.profile_id, "people")
    rows = connection.execute(ending_by(by).where(mine), {"people": sorted(people)})
    return {row.profile_id: int(row.points) for row in rows}


def ending_by(by: datetime) -> Select[Any]:
    """`profile_id`, `points`: who loses how many points until `by` if nobody spends any."""
    ends = loyalty_entry.c.expires_at <= literal(by, UtcTime)
    left = func.sum(case((or_(ends, USED_UP), loyalty_entry.c.points), else_=0))
    return (
        select(loyalty_entry.c.profile_id, left.label("points")).group_by(loyalty_entry.c.profile_id).having(left > 0)
    )


def _whose_points_ran_out(connection: Connection, now: datetime) -> set[int]:
    """Whoever may have points that ran out and are not booked so, or were booked so before two became one."""
    at = literal(now, UtcTime)
    ended = loyalty_entry.c.expires_at <= at
    open_points = func.sum(case((or_(ended, USED_UP), loyalty_entry.c.points), else_=0))
    came_late = func.max(case((and_(ended, loyalty_entry.c.recorded_at >= at), 1), else_=0))
    ran_out = select(loyalty_entry.c.profile_id).where(or_(ended, USED_UP)).group_by(loyalty_entry.c.profile_id)
    had_expiry = select(loyalty_entry.c.profile_id).where(loyalty_entry.c.reason == "expiry")
    merged = select(profile.c.merged_into).where(profile.c.merged_into.in_(had_expiry))
    return {
        *connection.scalars(ran_out.having(or_(open_points > 0, came_late > 0))),
        *connection.scalars(merged),
    }


def _locked_account(connection: Connection, profile_id: int) -> Account:
    """Her account, locked; a merge that was in the way may have given it to somebody else: asked again."""
    while True:
        lock_people(connection, [profile_id])
        into = connection.scalar(select(profile.c.merged_into).where(profile.c.id == profile_id))
        if into is None:
            return accounts_of(connection, [profile_id])[profile_id]
        profile_id = into


__all__ = [
    "Balance",
    "PointsBooked",
    "balances",
    "book_points",
    "ending_by",
    "ends_next",
    "give_back",
    "running_out",
    "spend",
]
