"""What a cart is, as a question to its events: nothing about a cart is stored but what happened to it.

A cart has *fillings*: its own order empties it, and the next add begins another. A filling is left behind
when nothing but silence follows its last add, view or checkout event; views and checkout events count only
while the filling has begun, so looking at an empty cart starts nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Select, and_, bindparam, case, func, literal, or_, select

from segue.store.sql import listed
from segue.store.tables import cart, cart_event, location, order, product, stock_event, variant
from segue.store.types import UtcTime

#: A time, or a parameter that becomes one.
Instant = datetime | ColumnElement[datetime]
ACTIVITY = ("added", "viewed", "checkout_started")


def fillings(now: Instant, carts: Select[Any]) -> CTE:
    """One row a cart of `carts` whose current filling has begun, as known at `now`.

    Columns: `cart_id`, `emptied` (how often it was ordered), `begun_at` (first add of this filling),
    `last_add_at`, `active_at` (last add, view or checkout event of this filling).
    """
    is_order = cart_event.c.kind == "ordered"
    known = (
        select(
            cart_event.c.cart_id,
            cart_event.c.kind,
            cart_event.c.occurred_at,
            func.max(case((is_order, cart_event.c.occurred_at))).over(partition_by=cart_event.c.cart_id).label("at"),
            func.count(case((is_order, 1))).over(partition_by=cart_event.c.cart_id).label("times"),
        )
        .where(cart_event.c.cart_id.in_(carts), cart_event.c.occurred_at <= now)
        .cte("known")
    )
    added_at = case((known.c.kind == "added", known.c.occurred_at))
    return (
        select(
            known.c.cart_id,
            func.max(known.c.times).label("emptied"),
            func.min(added_at).label("begun_at"),
            func.max(added_at).label("last_add_at"),
            # What came before the first add cannot be the last, since an add is activity, too.
            func.max(case((known.c.kind.in_(ACTIVITY), known.c.occurred_at))).label("active_at"),
        )
        .where(or_(known.c.at.is_(None), known.c.occurred_at > known.c.at))
        .group_by(known.c.cart_id)
        .having(func.count(added_at) > 0)
        .cte("filling")
    )


def contents(now: Instant, filling: CTE) -> CTE:
    """What each filling holds: `cart_id`, `variant_id`, `quantity` (above zero), `added_at`."""
    signed = case((cart_event.c.kind == "added", cart_event.c.quantity), else_=-cart_event.c.quantity)
    return (
        select(
            cart_event.c.cart_id,
            cart_event.c.variant_id,
            func.sum(signed).label("quantity"),
            func.min(cart_event.c.occurred_at).label("added_at"),
        )
        .select_from(
            filling.join(
                cart_event,
                and_(
                    cart_event.c.cart_id == filling.c.cart_id,
                    cart_event.c.occurred_at >= filling.c.begun_at,
                    cart_event.c.occurred_at <= now,
                    cart_event.c.kind.in_(("added", "removed")),
                ),
            )
        )
        .group_by(cart_event.c.cart_id, cart_event.c.variant_id)
        .having(func.sum(signed) > 0)
        .cte("contents")
    )


def stock_at(now: Instant, variants: Select[Any]) -> CTE:
    """How many of each variant were on hand at `now`, over all locations: `variant_id`, `quantity`.

    What was counted in a place that has closed, or has not opened yet, is not to be had there: it counts as none.
    """
    shut = select(location.c.id).where(or_(location.c.closes_at <= now, location.c.opens_at > now))
    latest = (
        select(
            stock_event.c.variant_id,
            stock_event.c.location_id,
            stock_event.c.quantity,
            func.row_number()
            .over(
                partition_by=(stock_event.c.variant_id, stock_event.c.location_id),
                order_by=stock_event.c.occurred_at.desc(),
            )
            .label("age"),
        )
        .where(stock_event.c.variant_id.in_(variants), stock_event.c.occurred_at <= now)
        .cte("latest_count")
    )
    return (
        select(
            latest.c.variant_id,
            func.sum(case((latest.c.location_id.in_(shut), 0), else_=latest.c.quantity)).label("quantity"),
        )
        .where(latest.c.age == 1)
        .group_by(latest.c.variant_id)
        .cte("on_hand")
    )


# What is asked of some carts is built once: putting such a question together costs more than its answer. Each takes
# `carts` (or `people`), a list of ids, and `now`.
_NOW = bindparam("now", type_=UtcTime)
_ASKED = select(cart.c.id).where(listed(cart.c.id, "carts"))
_FILLINGS = select(fillings(_NOW, _ASKED))
_TIMES_EMPTIED = (
    select(cart_event.c.cart_id, func.count())
    .where(listed(cart_event.c.cart_id, "carts"), cart_event.c.kind == "ordered", cart_event.c.occurred_at <= _NOW)
    .group_by(cart_event.c.cart_id)
)
_LAST_ORDERS = (
    select(order.c.profile_id, func.max(order.c.occurred_at))
    .where(
        listed(order.c.profile_id, "people"),
        order.c.occurred_at <= _NOW,
        or_(order.c.cancelled_at.is_(None), order.c.cancelled_at > _NOW),
    )
    .group_by(order.c.profile_id)
)


def _items() -> Select[Any]:
    held = contents(_NOW, fillings(_NOW, _ASKED))
    on_hand = stock_at(_NOW, select(held.c.variant_id))
    return (
        select(
            held.c.cart_id,
            held.c.quantity,
            variant.c.sku,
            variant.c.size,
            variant.c.colour,
            variant.c.price_minor,
            variant.c.currency,
            product.c.title,
            product.c.url,
            product.c.image_url,
            func.coalesce(on_hand.c.quantity > 0, literal(value=True)).label("in_stock"),
        )
        .select_from(
            held.join(variant, variant.c.id == held.c.variant_id)
            .join(product, product.c.id == variant.c.product_id)
            .outerjoin(on_hand, on_hand.c.variant_id == held.c.variant_id)
        )
        .order_by(held.c.cart_id, held.c.added_at, variant.c.id)
    )


_ITEMS = _items()


def carts_now(connection: Connection, cart_ids: Sequence[int], now: datetime) -> dict[int, Any]:
    """The current filling of each cart that has one, by cart id."""
    return {row.cart_id: row for row in connection.execute(_FILLINGS, {"carts": cart_ids, "now": now}).all()}


def times_emptied(connection: Connection, cart_ids: Sequence[int], now: datetime) -> dict[int, int]:
    """How often each cart was ordered up to `now`; carts never ordered are missing."""
    return dict(connection.execute(_TIMES_EMPTIED, {"carts": cart_ids, "now": now}).tuples().all())


def items_now(connection: Connection, cart_ids: Sequence[int], now: datetime) -> dict[int, list[Any]]:
    """What each cart holds, in the order it was put in, with product, price and `in_stock`.

    A variant nobody ever counted is taken as in stock: unknown is not zero.
    """
    found: dict[int, list[Any]] = {}
    for row in connection.execute(_ITEMS, {"carts": cart_ids, "now": now}).all():
        found.setdefault(row.cart_id, []).append(row)
    return found


def last_orders(connection: Connection, profile_ids: Sequence[int], now: datetime) -> dict[int, datetime]:
    """When each profile last ordered anything, on any channel, up to `now`; cancelled orders do not count."""
    return dict(connection.execute(_LAST_ORDERS, {"people": profile_ids, "now": now}).tuples().all())
