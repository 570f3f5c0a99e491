"""What each condition of a segment means in SQL: one set of profile ids a condition, the same on both databases.

Nothing is asked person by person, and no set holds a null: `NOT IN` would then name nobody at all.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, exists, func, literal, or_, select, true, union_all

from segue.journeys.nearby import homes_around, homes_within
from segue.journeys.segment_rules import (
    Bought,
    CameFrom,
    CartedNotBought,
    ClickedNotBought,
    Everyone,
    Fits,
    Follows,
    Lives,
    LivesWithin,
    Not,
    NotBought,
    PointsAtLeast,
    Speaks,
)
from segue.journeys.size_rules import KNOWN
from segue.store.tables import (
    cart,
    cart_event,
    delivery_event,
    location,
    loyalty_entry,
    message,
    order,
    order_line,
    product,
    profile,
    profile_size,
    touchpoint,
    variant,
)
from segue.store.types import UtcTime

CLICKS = ("click", "ad_click")


def holds(condition: Any, now: datetime) -> ColumnElement[bool]:
    """True, never null, for each row of `profile` of whom `condition` holds at `now` (UTC)."""
    return _MEANINGS[type(condition)](condition, now)


def _everyone(_condition: Everyone, _now: datetime) -> ColumnElement[bool]:
    return true()


def _bought(condition: Bought, now: datetime) -> ColumnElement[bool]:
    orders = select(order.c.profile_id).where(*_standing(order, now), _within(order.c.occurred_at, condition.days, now))
    if condition.channel is not None:
        orders = orders.where(order.c.sales_channel == condition.channel)
    if condition.location is not None:
        place = select(location.c.id).where(location.c.external_id == condition.location)
        orders = orders.where(
            order.c.location_id.in_(place), or_(order.c.delivery.is_(None), order.c.delivery != "ship")
        )
    if condition.category is not None:
        lines = (
            select(order_line.c.order_id)
            .join(variant, variant.c.id == order_line.c.variant_id)
            .join(product, product.c.id == variant.c.product_id)
            .where(product.c.category == condition.category)
        )
        orders = orders.where(order.c.id.in_(lines))
    return profile.c.id.in_(orders)


def _not_bought(condition: NotBought, now: datetime) -> ColumnElement[bool]:
    return ~_bought(condition, now)


def _fits(condition: Fits, _now: datetime) -> ColumnElement[bool]:
    worn = select(profile_size.c.profile_id).where(
        profile_size.c.size == condition.size, profile_size.c.confidence >= KNOWN
    )
    if condition.category is not None:
        worn = worn.where(profile_size.c.category == condition.category)
    if condition.system is not None:
        worn = worn.where(profile_size.c.system == condition.system)
    return profile.c.id.in_(worn)


def _lives_within(condition: LivesWithin, _now: datetime) -> ColumnElement[bool]:
    if condition.latitude is not None and condition.longitude is not None:
        homes = homes_within(condition.latitude, condition.longitude, condition.km).order_by(None).subquery()
        return profile.c.id.in_(select(homes.c.id))
    place = (
        select(location.c.id, location.c.latitude, location.c.longitude)
        .where(
            location.c.external_id == condition.location,
            location.c.latitude.is_not(None),
            location.c.longitude.is_not(None),
        )
        .subquery()
    )
    around = homes_around(place, condition.km).subquery()
    return profile.c.id.in_(select(around.c.profile_id))


def _clicked_not_bought(condition: ClickedNotBought, now: datetime) -> ColumnElement[bool]:
    here = select(touchpoint.c.profile_id, touchpoint.c.occurred_at.label("at")).where(
        touchpoint.c.profile_id.is_not(None),
        touchpoint.c.kind.in_(CLICKS),
        _within(touchpoint.c.occurred_at, condition.days, now),
    )
    told = (
        select(message.c.profile_id, delivery_event.c.occurred_at)
        .join(message, message.c.id == delivery_event.c.message_id)
        .where(delivery_event.c.kind == "clicked", _within(delivery_event.c.occurred_at, condition.days, now))
    )
    return _bought_nothing_since(union_all(here, told).subquery(), now)


def _carted_not_bought(condition: CartedNotBought, now: datetime) -> ColumnElement[bool]:
    added = (
        select(cart.c.profile_id, cart_event.c.occurred_at.label("at"))
        .join(cart, cart.c.id == cart_event.c.cart_id)
        .where(
            cart.c.profile_id.is_not(None),
            cart_event.c.kind == "added",
            _within(cart_event.c.occurred_at, condition.days, now),
        )
    )
    return _bought_nothing_since(added.subquery(), now)


def _bought_nothing_since(happened: FromClause, now: datetime) -> ColumnElement[bool]:
    """Who did something (`profile_id`, `at`) and has placed no order from the first of it on."""
    first = (
        select(happened.c.profile_id, func.min(happened.c.at, type_=UtcTime()).label("at"))
        .group_by(happened.c.profile_id)
        .subquery()
    )
    has_order = exists().where(
        order.c.profile_id == first.c.profile_id, *_standing(order, now), order.c.occurred_at >= first.c.at
    )
    return profile.c.id.in_(select(first.c.profile_id).where(~has_order))


def _points(condition: PointsAtLeast, now: datetime) -> ColumnElement[bool]:
    rich = (
        select(loyalty_entry.c.profile_id)
        .where(loyalty_entry.c.counts_from <= literal(now, UtcTime))
        .group_by(loyalty_entry.c.profile_id)
        .having(func.sum(loyalty_entry.c.points) >= condition.points)
    )
    return profile.c.id.in_(rich)


def _lives(condition: Lives, _now: datetime) -> ColumnElement[bool]:
    found = profile.c.country.is_not_distinct_from(condition.country)
    return found if condition.region is None else found & profile.c.region.is_not_distinct_from(condition.region)


def _speaks(condition: Speaks, _now: datetime) -> ColumnElement[bool]:
    wanted = condition.locale.lower().replace("_", "-")
    hers = func.replace(func.lower(func.coalesce(profile.c.locale, "")), "_", "-")
    return or_(hers == wanted, hers.like(f"{wanted}-%"))


def _came_from(condition: CameFrom, _now: datetime) -> ColumnElement[bool]:
    return profile.c.source.is_not_distinct_from(condition.channel)


def _follows(condition: Follows, now: datetime) -> ColumnElement[bool]:
    followed = select(touchpoint.c.profile_id).where(
        touchpoint.c.profile_id.is_not(None),
        touchpoint.c.kind == "follow",
        touchpoint.c.network == condition.network,
        touchpoint.c.occurred_at <= now,
    )
    return profile.c.id.in_(followed)


def _not(condition: Not, now: datetime) -> ColumnElement[bool]:
    return ~holds(condition.condition, now)


def _standing(orders: FromClause, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """An order somebody placed by `now` and that is not cancelled by then."""
    columns = orders.c
    return (
        columns.profile_id.is_not(None),
        columns.occurred_at <= now,
        or_(columns.cancelled_at.is_(None), columns.cancelled_at > now),
    )


def _within(at: ColumnElement[Any], days: int, now: datetime) -> ColumnElement[bool]:
    return (at > now - timedelta(days=days)) & (at <= now)


_MEANINGS: dict[type, Callable[[Any, datetime], ColumnElement[bool]]] = {
    Everyone: _everyone,
    Bought: _bought,
    NotBought: _not_bought,
    Fits: _fits,
    LivesWithin: _lives_within,
    ClickedNotBought: _clicked_not_bought,
    CartedNotBought: _carted_not_bought,
    PointsAtLeast: _points,
    Lives: _lives,
    Speaks: _speaks,
    CameFrom: _came_from,
    Follows: _follows,
    Not: _not,
}


def people(conditions: tuple[Any, ...], now: datetime) -> Select[Any]:
    """Profile ids of whom all `conditions` hold; a merged profile is nobody."""
    return select(profile.c.id).where(profile.c.merged_into.is_(None), *(holds(one, now) for one in conditions))
