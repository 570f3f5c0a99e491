"""Points for what she did not keep: returned, refunded or cancelled orders, and a follow that was hers already.

An order that was edited and is worth less than when its points were booked is one of them, whatever else came back.

Taken back is the difference, bit by bit as it becomes known, and as far as her points reach: the balance never falls
below 0. What is missing is taken from the next points that count. Points that have run out are not taken once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, func, literal, or_, select

from segue.offers.kept import kept_minor
from segue.offers.points_account import Account, Entry
from segue.store.currencies import minor_per_unit, minor_per_unit_sql
from segue.store.tables import loyalty_entry, order, order_line, order_return
from segue.store.types import UtcTime


def who_returned(connection: Connection, now: datetime) -> set[int]:
    """Whoever has an order that is worth more or fewer points by now than are booked for it."""
    return {row.profile_id for row in _touched_orders(connection, now) if row.booked != _deserved(row)}


def take_back_orders(connection: Connection, accounts: Mapping[int, Account], now: datetime) -> None:
    """Bring what is booked for each order to what she kept of it."""
    for row in _touched_orders(connection, now):
        account = accounts.get(row.profile_id)
        if account is not None:
            lot = next((one for one in account.entries if one.kind == "earned" and one.order_id == row.id), None)
            if lot is not None:  # else another booking earned it since the account was read: the next one brings it
                is_edit = row.is_edited and row.kept == row.total_minor
                _bring(account, lot, _deserved(row), "correction" if is_edit else "return", now)


def take_back_doubled_follows(accounts: Iterable[Account], now: datetime) -> None:
    """Of two follows of one network, which only a merge can bring about, the earlier one counts.

    So the end is the same as if there had been one profile all along, in whatever order follows and merge came.
    """
    for account in accounts:
        for lot in doubled_follows(account.entries):
            _bring(account, lot, 0, "correction", now)


def doubled_follows(entries: Iterable[Entry]) -> list[Entry]:
    """The follows after the first of each network."""
    seen: set[str | None] = set()
    doubled = []
    for one in sorted(entries, key=lambda one: (one.occurred_at, one.dedupe)):
        if one.kind == "earned" and one.reason == "follow":
            if one.network in seen:
                doubled.append(one)
            seen.add(one.network)
    return doubled


def who_followed_twice(connection: Connection) -> set[int]:
    """Whoever has two follows of one network."""
    return set(
        connection.scalars(
            select(loyalty_entry.c.profile_id)
            .where(
                loyalty_entry.c.network.is_not(None),
                loyalty_entry.c.kind == "earned",
                loyalty_entry.c.reason == "follow",
            )
            .group_by(loyalty_entry.c.profile_id, loyalty_entry.c.network)
            .having(func.count() > 1)
        )
    )


def _bring(account: Account, lot: Entry, deserved: int, reason: str, now: datetime) -> None:
    """Book the difference between what is there of `lot` and what is deserved, as far as her points reach."""
    if lot.expires_at is None or lot.expires_at <= now:
        return
    name = f"taken_back:{lot.dedupe}"
    parts = account.named(name)
    difference = deserved - lot.points - sum(one.points for one in parts)
    if difference < 0 and lot.counts_from <= now:
        difference = -min(-difference, max(0, account.available(now)))
    if not difference:
        return
    account.book(
        Entry(
            dedupe=f"{name}/{len(parts)}",
            profile_id=account.profile_id,
            kind="taken_back" if difference < 0 else "given_back",
            reason=reason,
            points=difference,
            occurred_at=now,
            counts_from=max(now, lot.counts_from),
            expires_at=lot.expires_at,
            order_id=lot.order_id,
            network=lot.network,
            verified=lot.verified,
        )
    )


def _deserved(row: Any) -> int:
    """What is left of the promise: by the rate it was made at, and never more than it."""
    units = max(0, int(row.kept)) // minor_per_unit(row.currency)
    return min(int(row.promised), units * int(row.points_per_thousand) // 1000)


def _touched_orders(connection: Connection, now: datetime) -> list[Any]:
    """Orders with live points of which something may have come back, or whose points were changed before."""
    return list(connection.execute(_touched(), {"now": now}))


@cache
def _touched() -> Select[Any]:
    """Made once, since it is asked often and making it takes longer than asking; as of the parameter `now`."""
    at = bindparam("now", type_=UtcTime)
    is_cancelled = order.c.cancelled_at <= at
    changes = loyalty_entry.alias("changes")
    mine = (loyalty_entry.c.order_id == order.c.id, loyalty_entry.c.kind == "earned")
    booked = select(func.sum(changes.c.points)).where(changes.c.order_id == order.c.id).scalar_subquery()
    sold = order.c.total_minor // minor_per_unit_sql(order.c.currency) * loyalty_entry.c.points_per_thousand
    is_edited = sold // literal(1000) < loyalty_entry.c.points
    return (
        select(
            order.c.id,
            loyalty_entry.c.profile_id,
            order.c.currency,
            order.c.total_minor,
            is_edited.label("is_edited"),
            loyalty_entry.c.points.label("promised"),
            loyalty_entry.c.points_per_thousand,
            case((is_cancelled, 0), else_=kept_minor(at)).label("kept"),
            booked.label("booked"),
        )
        .select_from(order.join(loyalty_entry, mine[0] & mine[1]))
        .where(
            loyalty_entry.c.expires_at > at,
            or_(
                is_edited,
                order.c.refunded_minor > 0,
                is_cancelled,
                order.c.id.in_(select(order_line.c.order_id).where(order_line.c.returned_at.is_not(None))),
                order.c.id.in_(select(order_return.c.order_id)),
                order.c.id.in_(
                    select(loyalty_entry.c.order_id).where(loyalty_entry.c.kind.in_(("taken_back", "given_back")))
                ),
            ),
        )
        .order_by(loyalty_entry.c.occurred_at, order.c.id)
    )
