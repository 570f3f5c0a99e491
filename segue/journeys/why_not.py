"""Why somebody is not due, as far as facts tell it cheaply: sentences about her that are true, none that is guessed.

Each returns the ends of sentences, read after "Not due now:". No address, no name, no distance: Prefect keeps them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, func, or_, select

from segue.journeys.definition import Moment
from segue.offers.loyalty import balances
from segue.store.tables import cart, cart_event, order, referral
from segue.store.types import UtcTime


def about_carts(connection: Connection, profile_id: int, moment: Moment, _brief: Any) -> list[str]:
    """When she last put something into a cart, and whether an order came after it."""
    last = connection.scalar(
        select(func.max(cart_event.c.occurred_at, type_=UtcTime()))
        .join(cart, cart.c.id == cart_event.c.cart_id)
        .where(cart.c.profile_id == profile_id, cart_event.c.kind == "added", cart_event.c.occurred_at <= moment.now)
    )
    if last is None:
        return ["no cart of hers is known"]
    told = [f"she last put something into a cart on {day(last)}"]
    if last < moment.live_from:
        told.append(_older(moment))
    elif connection.scalar(select(exists().where(_hers(profile_id, moment.now), order.c.occurred_at >= last))):
        told.append("and she has ordered since")
    return told


def about_orders(connection: Connection, profile_id: int, moment: Moment, _brief: Any) -> list[str]:
    """When her last order was."""
    last = connection.scalar(
        select(func.max(order.c.occurred_at, type_=UtcTime())).where(_hers(profile_id, moment.now))
    )
    if last is None:
        return ["no order of hers is known that stands"]
    told = [f"her last order is of {day(last)}"]
    return [*told, _older(moment)] if last < moment.live_from else told


def about_points(connection: Connection, profile_id: int, moment: Moment, _brief: Any) -> list[str]:
    """Whether there is a programme, and how many points she has."""
    if not moment.house.loyalty.is_on(moment.now):
        return ["there is no points programme here"]
    points = balances(connection, [profile_id], moment.now)[profile_id].available
    return [f"{points:,} points are booked for her" if points else "no points are booked for her"]


def about_friends(connection: Connection, profile_id: int, moment: Moment, _brief: Any) -> list[str]:
    """Whether a friend has ordered with her code."""
    mine = exists().where(
        or_(referral.c.profile_id == profile_id, referral.c.friend_id == profile_id),
        referral.c.occurred_at <= moment.now,
    )
    if connection.scalar(select(mine)):
        return []
    return ["no order with her code is known, and none of hers with a friend's"]


def day(at: datetime) -> str:
    """A date in UTC, as people write it."""
    return f"{at.day} {at:%B %Y}"


def _hers(profile_id: int, now: datetime) -> Any:
    return (
        (order.c.profile_id == profile_id)
        & (order.c.occurred_at <= now)
        & or_(order.c.cancelled_at.is_(None), order.c.cancelled_at > now)
    )


def _older(moment: Moment) -> str:
    return f"which does not count: the journey was switched on {day(moment.live_from)}"
