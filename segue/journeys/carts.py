"""What a cart is, as a question to its events: nothing about a cart is stored but what happened to it.

A cart has *fillings*: its own order empties it, and the next add begins another. A filling is left behind
when nothing but silence follows its last add, view or checkout event; views and checkout events count only
while the filling has begun, so looking at an empty cart starts nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, Connection, Select, and_, case, func, literal, or_, select

from segue.store.sql import among
from segue.store.tables import cart_event, order, product, stock_event, variant

ACTIVITY = ("added", "viewed", "checkout_started")


def fillings(now: datetime, carts: Select[Any]) -> CTE:
    """One row a cart of `carts` whose current filling has begun, as known at `now`.

    Columns: `cart_id`, `emptied` (how often it was ordered), `begun_at` (first add of this filling),
    `last_add_at`, `active_at` (last add, view or checkout event of this filling).
    """
    known = (
        select(cart_event.c.cart_id, cart_event.c.kind, cart_event.c.occurred_at)
        .where(cart_event.c.cart_id.in_(carts), cart_event.c.occurred_at <= now)
        .cte("known")
    )
    emptied = (
        select(known.c.cart_id, func.count().label("times"), func.max(known.c.occurred_at).label("at"))
        .where(known.c.kind == "ordered")
        .group_by(known.c.cart_id)
        .cte("emptied")
    )
    begun = (
        select(
            known.c.cart_id,
            func.coalesce(func.max(emptied.c.times), 0).label("emptied"),
            func.min(known.c.occurred_at).label("begun_at"),
            func.max(known.c.occurred_at).label("last_add_at"),
        )
        .select_from(known.outerjoin(emptied, emptied.c.cart_id == known.c.cart_id))
        .where(known.c.kind == "added", or_(emptied.c.at.is_(None), known.c.occurred_at > emptied.c.at))
        .group_by(known.c.cart_id)
        .cte("begun")
    )
    return (
        select(
            begun.c.cart_id,
            begun.c.emptied,
            begun.c.begun_at,
            begun.c.last_add_at,
            func.max(known.c.occurred_at).label("active_at"),
        )
        .select_from(
            begun.join(known, and_(known.c.cart_id == begun.c.cart_id, known.c.occurred_at >= begun.c.begun_at))
        )
        .where(known.c.kind.in_(ACTIVITY))
        .group_by(begun.c.cart_id, begun.c.emptied, begun.c.begun_at, begun.c.last_add_at)
        .cte("filling")
    )


def contents(now: datetime, filling: CTE) -> CTE:
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


def carts_now(connection: Connection, cart_ids: Sequence[int], now: datetime) -> dict[int, Any]:
    """The current filling of each cart that has one, by cart id."""
    wanted = select(cart_event.c.cart_id).where(among(connection, cart_event.c.cart_id, cart_ids))
    return {row.cart_id: row for row in connection.execute(select(fillings(now, wanted)))}


def times_emptied(connection: Connection, cart_ids: Sequence[int], now: datetime) -> dict[int, int]:
    """How often each cart was ordered up to `now`; carts never ordered are missing."""
    rows = connection.execute(
        select(cart_event.c.cart_id, func.count())
        .where(
            among(connection, cart_event.c.cart_id, cart_ids),
            cart_event.c.kind == "ordered",
            cart_event.c.occurred_at <= now,
        )
        .group_by(cart_event.c.cart_id)
    )
    return dict(rows.tuples().all())


def items_now(connection: Connection, cart_ids: Sequence[int], now: datetime) -> dict[int, list[Any]]:
    """What each cart holds, in the order it was put in, with product, price and `in_stock`.

    A variant nobody ever counted is taken as in stock: unknown is not zero.
    """
    wanted = select(cart_event.c.cart_id).where(among(connection, cart_event.c.cart_id, cart_ids))
    held = contents(now, fillings(now, wanted))
    on_hand = stock_at(now, select(held.c.variant_id))
    rows = connection.execute(
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
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.cart_id, []).append(row)
    return found


def stock_at(now: datetime, variants: Select[Any]) -> CTE:
    """How many of each variant were on hand at `now`, over all locations: `variant_id`, `quantity`."""
    latest = (
        select(
            stock_event.c.variant_id,
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
        select(latest.c.variant_id, func.sum(latest.c.quantity).label("quantity"))
        .where(latest.c.age == 1)
        .group_by(latest.c.variant_id)
        .cte("on_hand")
    )


def last_orders(connection: Connection, profile_ids: Sequence[int], now: datetime) -> dict[int, datetime]:
    """When each profile last ordered anything, on any channel, up to `now`; cancelled orders do not count."""
    rows = connection.execute(
        select(order.c.profile_id, func.max(order.c.occurred_at))
        .where(
            among(connection, order.c.profile_id, profile_ids),
            order.c.occurred_at <= now,
            or_(order.c.cancelled_at.is_(None), order.c.cancelled_at > now),
        )
        .group_by(order.c.profile_id)
    )
    return dict(rows.tuples().all())
