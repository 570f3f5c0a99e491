"""What goes with what somebody bought: products the shop related to it, in stock, in her size, and new to her.

A handful of questions to the store, however many people are asked about. Sizes are looked at as in `fitting`: a
variant without a size fits everybody; where hers is known only that one is shown; where it is not, the product is shown
without a size as long as any of them is there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from segue.journeys.fitting import Item, in_stock, item_of
from segue.journeys.size_rules import KNOWN, ONE_SIZE
from segue.store.sql import listed
from segue.store.tables import listing, order, order_line, product, product_relation, profile_size, variant
from segue.store.types import UtcTime

_NOW = bindparam("now", type_=UtcTime)
_RELATED = (
    select(product_relation.c.product_id, product_relation.c.related_id)
    .where(listed(product_relation.c.product_id, "products"), product_relation.c.kind == "goes_with")
    .order_by(product_relation.c.rank, product_relation.c.id)
)
#: Of a product nobody ever listed we know nothing; of one that was listed, that it is not any more.
_ON_OFFER = or_(
    select(listing.c.id)
    .where(
        listing.c.product_id == product.c.id,
        listing.c.listed_from <= _NOW,
        or_(listing.c.listed_until.is_(None), listing.c.listed_until > _NOW),
    )
    .exists(),
    ~select(listing.c.id).where(listing.c.product_id == product.c.id).exists(),
)
_VARIANTS = (
    select(variant, product.c.title, product.c.category, product.c.size_system, product.c.url, product.c.image_url)
    .join(product, product.c.id == variant.c.product_id)
    # A price of 0 is one that nobody has told us; what has no page cannot be bought.
    .where(listed(variant.c.product_id, "products"), variant.c.price_minor > 0, product.c.url.is_not(None), _ON_OFFER)
    .order_by(variant.c.price_minor, variant.c.id)
)
_SIZES = (
    select(profile_size.c.profile_id, profile_size.c.category, profile_size.c.system, profile_size.c.size)
    .where(listed(profile_size.c.profile_id, "people"), profile_size.c.confidence >= KNOWN)
    .order_by(profile_size.c.confidence, profile_size.c.size)  # the last word on a kind is the best
)
_BOUGHT = (
    select(order.c.profile_id, variant.c.product_id)
    .select_from(
        order.join(order_line, order_line.c.order_id == order.c.id).join(
            variant, variant.c.id == order_line.c.variant_id
        )
    )
    .where(
        listed(order.c.profile_id, "people"),
        order.c.occurred_at <= _NOW,
        or_(order.c.cancelled_at.is_(None), order.c.cancelled_at > _NOW),
    )
    .distinct()
)


def goes_with(
    connection: Connection, asked: Sequence[tuple[int, Sequence[int]]], now: datetime, *, limit: int = 3
) -> list[list[Item]]:
    """Return, for each of `asked` (profile id, ids of products she has), up to `limit` things, the best first."""
    wanted = sorted({product_id for _, products in asked for product_id in products})
    related: defaultdict[int, list[int]] = defaultdict(list)
    for product_id, related_id in connection.execute(_RELATED, {"products": wanted}):
        related[product_id].append(related_id)
    if not related:
        return [[] for _ in asked]
    people = {"people": [profile_id for profile_id, _ in asked], "now": now}
    shelf = _shelf(connection, sorted({one for ids in related.values() for one in ids}), now)
    sizes = {(row[0], row[1], row[2]): row[3] for row in connection.execute(_SIZES, {"people": people["people"]})}
    bought: defaultdict[int, set[int]] = defaultdict(set)
    for profile_id, product_id in connection.execute(_BOUGHT, people):
        bought[profile_id].add(product_id)
    return [
        _choose(profile_id, _in_turns([related[one] for one in products]), shelf, sizes, bought[profile_id], limit)
        for profile_id, products in asked
    ]


def _shelf(connection: Connection, products: Sequence[int], now: datetime) -> dict[int, list[Any]]:
    """The variants that are there of each product, the cheapest first."""
    rows = connection.execute(_VARIANTS, {"products": products, "now": now}).all()
    there = in_stock(connection, [row.id for row in rows], now)
    shelf: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        if row.id in there:
            shelf[row.product_id].append(row)
    return shelf


def _in_turns(lists: Sequence[Sequence[int]]) -> list[int]:
    """The first of each list, then the second of each: every product she has gets its word."""
    longest = max(map(len, lists), default=0)
    return list(dict.fromkeys(ids[turn] for turn in range(longest) for ids in lists if turn < len(ids)))


def _choose(
    profile_id: int,
    candidates: Sequence[int],
    shelf: Mapping[int, Sequence[Any]],
    sizes: Mapping[tuple[int, str, str], str],
    bought: Collection[int],
    limit: int,
) -> list[Item]:
    found: list[Item] = []
    for product_id in candidates:
        if len(found) == limit:
            break
        for row in shelf.get(product_id, ()) if product_id not in bought else ():
            sizeless = row.size is None or row.size_system == ONE_SIZE
            hers = None if sizeless else sizes.get((profile_id, row.category, row.size_system))
            if sizeless or hers is None or row.size == hers:
                found.append(item_of(row, hers))
                break
    return found
