"""What a referral needs to earn anything, whoever approves it, and which of it lacks: a fact, so nobody is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, case, false, func, null, select

from segue.offers.kept import kept_minor
from segue.offers.referral import is_first, stands
from segue.offers.referral_keys import is_granted
from segue.settings.house import Referral
from segue.store.tables import order, referral

#: Why a referral earns nothing -> the same in words.
LACKS: Final[Mapping[str, str]] = {
    "same_person": "the friend is herself",
    "not_the_friends": "the order is no longer the friend's",
    "cancelled": "the friend's order was cancelled, or is not paid after all",
    "rewarded_before": "a reward was granted for this friend before",
    "bought_before": "it is not the friend's first order",
    "another_currency": "the friend's order is in another currency",
    "too_little": "what the friend kept is worth less than the least order",
}


def may_come(now: datetime, rules: Referral) -> ColumnElement[bool]:
    """True for a referral (joined with its order) that earns something once its time has come."""
    return and_(*_needs(now, rules).values())


def lacks(now: datetime, rules: Referral) -> ColumnElement[str | None]:
    """The first of `LACKS` that is true of a referral (joined with its order); null where it may earn something."""
    return case(*((~func.coalesce(need, false()), lack) for lack, need in _needs(now, rules).items()), else_=null())


def _needs(now: datetime, rules: Referral) -> Mapping[str, ColumnElement[bool]]:
    before = referral.alias("of_this_friend")
    return {
        "same_person": referral.c.profile_id != referral.c.friend_id,
        "not_the_friends": order.c.profile_id == referral.c.friend_id,
        "cancelled": stands(order, now),
        # One reward a friend, for ever: also of two friends who turned out to be one.
        "rewarded_before": ~(
            select(before.c.id).where(before.c.friend_id == referral.c.friend_id, is_granted(before.c.id)).exists()
        ),
        "bought_before": is_first(order, now),
        "another_currency": order.c.currency == rules.currency,
        "too_little": kept_minor(now) >= rules.least_order_minor,
    }
