"""What ads may show: things on offer in somebody's size, and what people looked at, as parts of a select."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CTE, Select, Text, and_, case, cast, func, literal, or_, select, union

from segue.journeys.carts import stock_at
from segue.journeys.size_evidence import VIEW, sku_viewed
from segue.journeys.size_rules import KNOWN, ONE_SIZE
from segue.store.sql import path_of
from segue.store.tables import (
    event,
    listing,
    order,
    order_line,
    product,
    profile_size,
    touchpoint,
    variant,
)

#: Touchpoints that lead to a page, which may be a product's.
_LEADS = ("landing", "click", "ad_click")


def offered(now: datetime, sales_channel: str) -> Select[Any]:
    """Products listed on the channel; one that no listing names anywhere is taken as offered: unknown is not no."""
    is_listed = (
        select(listing.c.id)
        .where(
            listing.c.product_id == product.c.id,
            listing.c.sales_channel == sales_channel,
            listing.c.listed_from <= now,
            or_(listing.c.listed_until.is_(None), listing.c.listed_until > now),
        )
        .exists()
    )
    is_known = select(listing.c.id).where(listing.c.product_id == product.c.id).exists()
    return select(product.c.id).where(or_(is_listed, ~is_known))


def on_sale(now: datetime, sales_channel: str) -> CTE:
    """What can be bought: `product_id`, `size`, `fits_all` (1: it has no size, or is the only one)."""
    on_hand = stock_at(now, select(variant.c.id))
    fits_all = case((or_(variant.c.size.is_(None), product.c.size_system == ONE_SIZE), 1), else_=0)
    return (
        select(variant.c.product_id, variant.c.size, func.max(fits_all).label("fits_all"))
        .select_from(
            variant.join(product, product.c.id == variant.c.product_id).outerjoin(
                on_hand, on_hand.c.variant_id == variant.c.id
            )
        )
        .where(
            variant.c.price_minor > 0,  # 0 is a price that nobody has told us
            variant.c.product_id.in_(offered(now, sales_channel)),
            func.coalesce(on_hand.c.quantity > 0, literal(value=True)),
        )
        .group_by(variant.c.product_id, variant.c.size)
        .cte("on_sale")
    )


def shown(things: Select[Any], now: datetime, sales_channel: str) -> Select[Any]:
    """Count what is left to show of `things` (`profile_id`, `product_id`, `chosen`: a size, or null), a row a person.

    Her size is the one she is known to wear in the thing's category and size system, else the one she chose; where
    there is neither, any will do. What she ever bought, and did not cancel, is not shown again.
    """
    thing = things.cte("thing")
    whose = select(thing.c.profile_id)
    ranked = (
        select(
            profile_size.c.profile_id,
            profile_size.c.category,
            profile_size.c.system,
            profile_size.c.size,
            func.row_number()
            .over(
                partition_by=(profile_size.c.profile_id, profile_size.c.category, profile_size.c.system),
                order_by=(profile_size.c.confidence.desc(), profile_size.c.size.desc()),
            )
            .label("place"),
        )
        .where(profile_size.c.profile_id.in_(whose), profile_size.c.confidence >= KNOWN)
        .cte("ranked_size")
    )
    # One row a key by its own grouping: SQLite then joins it by an index and not by reading all of it for each thing.
    best = (
        select(ranked.c.profile_id, ranked.c.category, ranked.c.system, func.max(ranked.c.size).label("size"))
        .where(ranked.c.place == 1)
        .group_by(ranked.c.profile_id, ranked.c.category, ranked.c.system)
        .cte("best_size")
    )
    owned = (
        select(order.c.profile_id, variant.c.product_id)
        .select_from(
            order.join(order_line, order_line.c.order_id == order.c.id).join(
                variant, variant.c.id == order_line.c.variant_id
            )
        )
        .where(
            order.c.profile_id.in_(whose),
            order.c.occurred_at <= now,
            or_(order.c.cancelled_at.is_(None), order.c.cancelled_at > now),
        )
        .distinct()
        .cte("owned")
    )
    sale = on_sale(now, sales_channel)
    her_size = func.coalesce(best.c.size, thing.c.chosen)
    fits = or_(sale.c.fits_all == 1, her_size.is_(None), sale.c.size == her_size)
    wanted = (
        select(
            thing.c.profile_id,
            thing.c.product_id,
            func.max(case((owned.c.product_id.is_not(None), 1), else_=0)).label("is_bought"),
            func.max(case((and_(sale.c.product_id.is_not(None), fits), 1), else_=0)).label("is_there"),
        )
        .select_from(
            thing.join(product, product.c.id == thing.c.product_id)
            .outerjoin(
                best,
                and_(
                    best.c.profile_id == thing.c.profile_id,
                    best.c.category == product.c.category,
                    best.c.system == product.c.size_system,
                ),
            )
            .outerjoin(owned, and_(owned.c.profile_id == thing.c.profile_id, owned.c.product_id == thing.c.product_id))
            .outerjoin(sale, sale.c.product_id == thing.c.product_id)
        )
        .group_by(thing.c.profile_id, thing.c.product_id)
        .subquery("wanted")
    )
    left = case((and_(wanted.c.is_there == 1, wanted.c.is_bought == 0), 1), else_=0)
    return (
        select(
            wanted.c.profile_id,
            func.count().label("wanted"),
            func.sum(wanted.c.is_bought).label("bought"),
            func.sum(left).label("remaining"),
        )
        .group_by(wanted.c.profile_id)
        .order_by(wanted.c.profile_id)
    )


def looked_at(since: datetime, now: datetime) -> Select[Any]:
    """`profile_id`, `product_id`, `chosen` (null) of every look after `since`: pages viewed, and links to a product."""
    pages = (
        select(event.c.profile_id, variant.c.product_id, cast(literal(None), Text).label("chosen"))
        .join(variant, variant.c.sku == sku_viewed())
        .where(
            event.c.profile_id.is_not(None),
            event.c.occurred_at > since,
            event.c.occurred_at <= now,
            func.lower(event.c.name) == VIEW,
        )
    )
    # Of where a link led the path is kept; a catalogue may give whole addresses.
    page = select(product.c.id, path_of(product.c.url).label("path")).where(product.c.url.is_not(None)).cte("page")
    links = (
        select(touchpoint.c.profile_id, page.c.id, cast(literal(None), Text))
        .join(page, page.c.path == func.rtrim(touchpoint.c.target, "/"))
        .where(
            touchpoint.c.profile_id.is_not(None),
            touchpoint.c.kind.in_(_LEADS),
            page.c.path != "",  # the shop's first page shows everything
            touchpoint.c.occurred_at > since,
            touchpoint.c.occurred_at <= now,
        )
    )
    found = union(pages, links).subquery("looked")
    return select(found.c.profile_id, found.c.product_id, found.c.chosen)
