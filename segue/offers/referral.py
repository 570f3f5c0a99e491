"""Refer a friend: the code she gives away, and the first orders that come by it.

Nobody is asked for a friend's address: a friend makes herself known by naming the code, at a checkout or a till. Her
first paid order that stands becomes a row in `referral`, once; what speaks for abuse is weighed beside it
(`referral_signals`), what it earns is granted later (`referral_rewards`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, and_, literal, or_, select, text, tuple_

from segue.offers.mint import code_for
from segue.offers.redeem import codes_in
from segue.offers.referral_keys import is_granted
from segue.offers.referral_signals import weigh_open
from segue.settings.house import Referral
from segue.store.bulk import insert_new, rows_where
from segue.store.locks import lock_promises
from segue.store.tables import order, profile, referral, referral_code
from segue.store.types import UtcTime

#: One at a time finds and grants: "referral" in bytes.
_LOCK = 0x726566657272616C
_CODES = select(referral_code.c.profile_id, referral_code.c.code).order_by(referral_code.c.id.desc())
_OWNERS = select(referral_code.c.code, referral_code.c.profile_id)
_STAYING = select(profile.c.id).where(profile.c.merged_into.is_(None))


def referral_codes(connection: Connection, people: Collection[int], now: datetime, secret: bytes) -> dict[int, str]:
    """Return the code of each of `people`, made where she has none; who was merged away is left out.

    The same code for ever. Two profiles that became one have two, of which the older is shown; both lead to her.
    """
    wanted = sorted(set(people))
    held = known_codes(connection, wanted)
    new = [row.id for row in rows_where(connection, _STAYING, profile.c.id, [one for one in wanted if one not in held])]
    if not new:
        return held
    rows = [
        {"code": code_for(f"referral:profile:{one}", secret), "profile_id": one, "created_at": now}
        for one in sorted(new)
    ]
    # Any conflict: somebody made it at the same instant; or, once in 2**50, it is another one's, and she gets none.
    insert_new(connection, referral_code, rows)
    return held | known_codes(connection, new)


def known_codes(connection: Connection, people: Collection[int]) -> dict[int, str]:
    """Return the code of each of `people` who has one: of several the oldest."""
    rows = rows_where(connection, _CODES, referral_code.c.profile_id, set(people))
    return {row.profile_id: row.code for row in rows}


def find_referrals(connection: Connection, now: datetime, rules: Referral) -> int:
    """Write a row for each friend's first order under somebody else's code; return how many were new.

    An order names a code by `referral_code`, else by `discount_code`, in any case. Whoever bought before is nobody's
    friend to win. An order that was cancelled before anything was granted is as if it had never been. An order under
    her own code alone is written down, too, first or not: it earns nothing, and somebody may ask why. What speaks for
    abuse is weighed again for all that wait.
    """
    del rules  # an order below the least worth is found all the same: her standing counts it for nothing
    if connection.scalar(select(referral_code.c.id).limit(1)) is None:
        return 0
    one_at_a_time(connection)
    rows = []
    for one, codes in _naming(connection, now):
        by = next(((code, owner) for code, owner in codes if one.is_first and owner != one.profile_id), None)
        by = by or next(((code, owner) for code, owner in codes if owner == one.profile_id), None)
        if by is not None:
            rows.append(
                {
                    "profile_id": by[1],
                    "friend_id": one.profile_id,
                    "order_id": one.id,
                    "code": by[0],
                    "occurred_at": one.paid_at,
                    "score": 0,
                    "signals": [],
                    "recorded_at": now,
                }
            )
    new = insert_new(connection, referral, sorted(rows, key=lambda row: row["order_id"])) if rows else 0
    weigh_open(connection)
    return new


def one_at_a_time(connection: Connection) -> None:
    """Wait until nobody else finds or grants referrals, and keep merges out; until this transaction ends."""
    lock_promises(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:room)"), {"room": _LOCK})


def stands(orders: FromClause, now: datetime) -> ColumnElement[bool]:
    """True for an order that is paid and not cancelled."""
    columns = orders.c
    at = literal(now, UtcTime)
    return and_(columns.paid_at <= at, or_(columns.cancelled_at.is_(None), columns.cancelled_at > at))


def is_first(orders: FromClause, now: datetime) -> ColumnElement[bool]:
    """True where she paid for nothing before this order; what was cancelled she did not buy."""
    earlier = order.alias("earlier")
    return ~(
        select(earlier.c.id)
        .where(
            earlier.c.profile_id == orders.c.profile_id,
            stands(earlier, now),
            tuple_(earlier.c.paid_at, earlier.c.id) < tuple_(orders.c.paid_at, orders.c.id),
        )
        .exists()
    )


def _naming(connection: Connection, now: datetime) -> list[tuple[Row[Any], list[tuple[str, int]]]]:
    """Orders that name a code of ours and are no referral yet, each with these codes and their owners.

    First ones, and those of people who have a code themselves: they may have named their own.
    """
    asked: dict[str, dict[str, list[str]]] = {}
    for column in (order.c.referral_code, order.c.discount_code):
        cells = connection.scalars(select(column).where(column.is_not(None)).distinct())
        asked[column.name] = {cell: codes_in(cell) for cell in cells}
    named = {code for cells in asked.values() for codes in cells.values() for code in codes}
    owners: Mapping[str, int] = {
        row.code: row.profile_id for row in rows_where(connection, _OWNERS, referral_code.c.code, sorted(named))
    }
    if not owners:
        return []
    before, bought = referral.alias("before"), order.alias("bought")
    # A friend is one once; an order that was cancelled before it earned anything does not count, nor what she did
    # under her own code.
    is_new = ~(
        select(before.c.id)
        .join(bought, bought.c.id == before.c.order_id)
        .where(
            before.c.friend_id == order.c.profile_id,
            or_(and_(stands(bought, now), before.c.profile_id != before.c.friend_id), is_granted(before.c.id)),
        )
        .exists()
    )
    wins_a_friend = and_(is_first(order, now), is_new)
    question = select(
        order.c.id,
        order.c.profile_id,
        order.c.paid_at,
        order.c.referral_code,
        order.c.discount_code,
        wins_a_friend.label("is_first"),
    ).where(
        order.c.profile_id.is_not(None),
        stands(order, now),
        ~select(before.c.id).where(before.c.order_id == order.c.id).exists(),
        or_(wins_a_friend, select(referral_code.c.id).where(referral_code.c.profile_id == order.c.profile_id).exists()),
    )
    found: dict[int, Row[Any]] = {}
    for column in (order.c.referral_code, order.c.discount_code):
        ours = [cell for cell, codes in asked[column.name].items() if any(code in owners for code in codes)]
        found |= {row.id: row for row in rows_where(connection, question, column, ours)}
    named_by: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    for one in found.values():
        for name in ("referral_code", "discount_code"):
            cell = getattr(one, name)
            named_by[one.id] += [(code, owners[code]) for code in asked[name].get(cell, ()) if code in owners]
    return [(one, named_by[one.id]) for one in found.values()]
