"""What a referral earns: two vouchers, one for each, written together or not at all, once.

A reward is pending until the friend's order can no longer come back. What is granted stays, whatever becomes of the
order afterwards: the promise said so, and the return window is over. Who has earned as many as a year allows waits
until the oldest of them is a year old.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Select, and_, func, literal, or_, select

from segue.offers.ledger import lock_people
from segue.offers.mint import code_for
from segue.offers.referral import one_at_a_time
from segue.offers.referral_keys import OFFERS, ROLES, key_for
from segue.offers.referral_needs import may_come
from segue.settings.house import Referral
from segue.store.bulk import insert_new, rows_where
from segue.store.sql import later, listed
from segue.store.tables import order, referral, voucher
from segue.store.types import UtcTime

YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands as a referrer."""

    #: Rewards that may still come: the friend's order can still be returned, is being reviewed, or waits for its turn.
    pending: int = 0
    #: Rewards she was granted, ever.
    earned: int = 0
    #: Of these, those that count towards the year's limit.
    this_year: int = 0


def grantable(now: datetime, rules: Referral) -> CTE:
    """The referrals whose reward may be granted at `now`: `id`, `profile_id`, `friend_id`, oldest first up to a limit.

    Its orders stand, are the friend's first, worth enough, and past the return window; nothing speaks for abuse, or
    somebody approved; and no reward was granted for that friend before.
    """
    turn = func.row_number().over(partition_by=referral.c.profile_id, order_by=(referral.c.occurred_at, referral.c.id))
    ready = (
        select(referral.c.id, referral.c.profile_id, referral.c.friend_id, turn.label("turn"))
        .join(order, order.c.id == referral.c.order_id)
        .where(
            may_come(now, rules),
            order.c.paid_at <= literal(now - timedelta(days=rules.return_window_days), UtcTime),
            _is_agreed(rules),
        )
        .cte("ready")
    )
    had = (
        select(func.count())
        .select_from(voucher)
        .where(*_this_year(now), voucher.c.profile_id == ready.c.profile_id)
        .scalar_subquery()
    )
    return (
        select(ready.c.id, ready.c.profile_id, ready.c.friend_id)
        .where(ready.c.turn <= rules.rewards_a_year - had)
        .cte("grantable")
    )


def grant_rewards(connection: Connection, now: datetime, rules: Referral, secret: bytes) -> int:
    """Write both vouchers of each referral that has earned them; return of how many referrals.

    Both or none: they are one statement in the caller's transaction. Safe to repeat, after any crash and in several
    processes at once: the keys are the messages', and one process at a time looks and writes.
    """
    one_at_a_time(connection)
    found = grantable(now, rules)
    owed = connection.execute(select(found).order_by(found.c.id)).all()
    if not owed:
        return 0
    lock_people(connection, {one for row in owed for one in (row.profile_id, row.friend_id)})
    until = (now + timedelta(days=rules.voucher_days)).replace(microsecond=0)
    rows = {
        row.id: [
            _voucher(row.id, role, {"referrer": row.profile_id, "friend": row.friend_id}[role], rules, secret)
            | {"valid_from": now, "valid_until": until}
            for role in ROLES
        ]
        for row in owed
    }
    # Once in 2**50 somebody holds such a code already; then neither of the two is written.
    codes = {one["code"] for pair in rows.values() for one in pair}
    taken = {row.code for row in rows_where(connection, select(voucher.c.code), voucher.c.code, sorted(codes))}
    fresh = [pair for pair in rows.values() if not taken & {one["code"] for one in pair}]
    written = insert_new(connection, voucher, [one for pair in fresh for one in pair], ["key"]) if fresh else 0
    if written != 2 * len(fresh):
        raise RuntimeError("vouchers of referrals were written beside the lock; nothing was granted, run it again")
    return len(fresh)


def standings(
    connection: Connection, people: Collection[int], now: datetime, rules: Referral
) -> Mapping[int, Standing]:
    """How each of `people` stands; who never referred anybody is missing."""
    pending = (
        select(referral.c.profile_id, func.count().label("number"))
        .join(order, order.c.id == referral.c.order_id)
        .where(
            listed(referral.c.profile_id, "people"),
            may_come(now, rules),
            or_(referral.c.review.is_(None), referral.c.review == "approved"),
        )
        .group_by(referral.c.profile_id)
    )
    lately = func.count().filter(voucher.c.valid_from > literal(now - YEAR, UtcTime))
    earned = (
        select(voucher.c.profile_id, func.count().label("number"), lately.label("lately"))
        .where(listed(voucher.c.profile_id, "people"), voucher.c.offer == OFFERS["referrer"])
        .group_by(voucher.c.profile_id)
    )
    asked = {"people": sorted(set(people))}
    waits = {row.profile_id: row.number for row in connection.execute(pending, asked).all()}
    has = {row.profile_id: (row.number, row.lately) for row in connection.execute(earned, asked).all()}
    return {one: Standing(waits.get(one, 0), *has.get(one, (0, 0))) for one in waits.keys() | has.keys()}


def ahead(
    connection: Connection, stand: Mapping[int, Standing], now: datetime, rules: Referral
) -> Mapping[int, Mapping[str, Any]]:
    """Who of `stand` has rewards that come once a return window is over: how `many`, and when the first one `is_over`.

    Only what comes by all that is known: nothing that waits for a review, and no more than the year allows.
    """
    people = sorted(who for who, one in stand.items() if one.pending)
    if not people:
        return {}
    rows = connection.execute(
        select(referral.c.profile_id, order.c.paid_at)
        .join(order, order.c.id == referral.c.order_id)
        .where(listed(referral.c.profile_id, "people"), may_come(now, rules), _is_agreed(rules))
        .order_by(referral.c.occurred_at, referral.c.id),
        {"people": people},
    )
    ends: defaultdict[int, list[datetime]] = defaultdict(list)
    for row in rows:
        ends[row.profile_id].append(row.paid_at + timedelta(days=rules.return_window_days))
    found = {}
    for who, known in ends.items():
        coming = [end for end in known[: max(0, rules.rewards_a_year - stand[who].this_year)] if end > now]
        if coming:
            found[who] = {"many": len(coming), "is_over": min(coming).isoformat()}
    return found


def next_rewards(now: datetime, rules: Referral) -> Select[Any]:
    """When the next reward is past its return window, by all that is known."""
    window = timedelta(days=rules.return_window_days)
    is_named = or_(order.c.id.in_(select(referral.c.order_id)), order.c.referral_code.is_not(None))
    return select(later(func.min(order.c.paid_at), window)).where(
        order.c.paid_at > literal(now - window, UtcTime), is_named
    )


def _is_agreed(rules: Referral) -> ColumnElement[bool]:
    """Nothing speaks for abuse, or somebody approved."""
    return or_(referral.c.review == "approved", and_(referral.c.review.is_(None), referral.c.score < rules.review_from))


def _this_year(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return voucher.c.offer == OFFERS["referrer"], voucher.c.valid_from > literal(now - YEAR, UtcTime)


def _voucher(referral_id: int, role: Any, profile_id: int, rules: Referral, secret: bytes) -> dict[str, Any]:
    key = key_for(referral_id, role)
    return {
        "key": key,
        "message_key": key,
        "code": code_for(key, secret),
        "profile_id": profile_id,
        "offer": OFFERS[role],
        "earned": True,
        "percent": None,
        "amount_minor": rules.reward_minor,
        "currency": rules.currency,
    }
