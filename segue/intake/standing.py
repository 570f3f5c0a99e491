"""What stands at an instant: for files that date nothing, so that telling the same once more is no news."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, or_, select

from segue.store.bulk import rows_where
from segue.store.tables import listing, stock_event


def listed(connection: Connection, products: Collection[int], now: datetime) -> set[tuple[int, str]]:
    """Return where these products are listed: product id and sales channel."""
    held = select(listing.c.product_id, listing.c.sales_channel).where(
        listing.c.listed_from <= now, or_(listing.c.listed_until.is_(None), listing.c.listed_until > now)
    )
    return {(row[0], row[1]) for row in rows_where(connection, held, listing.c.product_id, products)}


def levels(connection: Connection, variants: Collection[int], now: datetime) -> dict[tuple[int, int], int]:
    """Return how many of these variants each place holds: (variant id, location id) -> quantity."""
    later = stock_event.alias()
    overtaken = (
        select(later.c.id)
        .where(
            later.c.variant_id == stock_event.c.variant_id,
            later.c.location_id == stock_event.c.location_id,
            later.c.occurred_at > stock_event.c.occurred_at,
            later.c.occurred_at <= now,
        )
        .exists()
    )
    held = select(stock_event.c.variant_id, stock_event.c.location_id, stock_event.c.quantity).where(
        stock_event.c.occurred_at <= now, ~overtaken
    )
    return {(row[0], row[1]): row[2] for row in rows_where(connection, held, stock_event.c.variant_id, variants)}


def places(connection: Connection, variants: Collection[int]) -> defaultdict[int, set[int]]:
    """Return where each of these variants was ever counted: variant id -> location ids."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    counted = select(stock_event.c.variant_id, stock_event.c.location_id).distinct()
    for variant_id, location_id in rows_where(connection, counted, stock_event.c.variant_id, variants):
        found[variant_id].add(location_id)
    return found
