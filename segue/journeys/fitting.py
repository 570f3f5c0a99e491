"""What else would fit her: things in stock that the channel she bought on does not list, for many people at once.

Four questions to the store, however many people are asked about. A variant fits whose size is hers in its category and
system, if we know one well enough (`size_rules.KNOWN`); so does one without a size, and one that is the only size there
is. Where we know none, nothing is filtered: the product is shown without a size, as long as any of them is there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal, or_, select

from segue.journeys.carts import stock_at
from segue.journeys.size_rules import KNOWN, ONE_SIZE
from segue.store.sql import listed
from segue.store.tables import listing, order, order_line, product, profile_size, variant
from segue.store.types import UtcTime

_NOW = bindparam("now", type_=UtcTime)
_IS_LISTED = (listing.c.listed_from <= _NOW, or_(listing.c.listed_until.is_(None), listing.c.listed_until > _NOW))


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to show. `size` None: it has none, it is the only one, or we do not know hers."""

    product_id: int
    #: Where `size` is None but the product has sizes: the cheapest variant that is there.
    variant_id: int
    sku: str
    title: str
    category: str | None
    size: str | None
    colour: str | None
    price_minor: int
    currency: str
    url: str | None
    image_url: str | None
    in_stock: bool = True


#: Newest listing first, cheapest first, lowest id: the order among things that fit equally well.
_Rank = tuple[float, int, int]
#: Of one product and one size: the best variant there is.
_Offers = list[tuple[_Rank, Item]]
#: What she is known to wear: category and size system -> (size, confidence).
_Sizes = dict[tuple[str, str], tuple[str, float]]

_LISTINGS = (
    select(listing.c.product_id, listing.c.sales_channel, func.max(listing.c.listed_from))
    .where(*_IS_LISTED)
    .group_by(listing.c.product_id, listing.c.sales_channel)
)
_OLD = select(listing.c.product_id).where(listing.c.listed_from < bindparam("since", type_=UtcTime)).distinct()
_SIZES = (
    select(profile_size.c.profile_id, profile_size.c.category, profile_size.c.system, profile_size.c.size)
    .add_columns(profile_size.c.confidence)
    .where(listed(profile_size.c.profile_id, "people"), profile_size.c.confidence >= KNOWN)
    .order_by(profile_size.c.confidence, profile_size.c.size)  # the last word on a kind is the best
)
_BOUGHT = (
    select(order.c.profile_id, variant.c.product_id, product.c.category, order.c.gift)
    .select_from(
        order.join(order_line, order_line.c.order_id == order.c.id)
        .join(variant, variant.c.id == order_line.c.variant_id)
        .join(product, product.c.id == variant.c.product_id)
    )
    .where(
        listed(order.c.profile_id, "people"),
        order.c.occurred_at <= _NOW,
        or_(order.c.cancelled_at.is_(None), order.c.cancelled_at > _NOW),
    )
    .distinct()
)


def _variants() -> Any:
    offered = select(listing.c.product_id).where(*_IS_LISTED)
    candidates = select(variant.c.id).where(variant.c.product_id.in_(offered))
    on_hand = stock_at(_NOW, candidates)
    return (
        select(variant, product.c.title, product.c.category, product.c.size_system, product.c.url, product.c.image_url)
        .select_from(
            variant.join(product, product.c.id == variant.c.product_id).outerjoin(
                on_hand, on_hand.c.variant_id == variant.c.id
            )
        )
        # A price of 0 is one that nobody has told us.
        .where(variant.c.product_id.in_(offered), variant.c.price_minor > 0, _is_there(on_hand))
        .order_by(variant.c.price_minor, variant.c.id)
    )


def _is_there(on_hand: Any) -> Any:
    """A variant nobody ever counted is taken as in stock: unknown is not zero."""
    return func.coalesce(on_hand.c.quantity > 0, literal(value=True))


def _in_stock() -> Any:
    on_hand = stock_at(_NOW, select(variant.c.id).where(listed(variant.c.id, "variants")))
    return (
        select(variant.c.id)
        .outerjoin(on_hand, on_hand.c.variant_id == variant.c.id)
        .where(listed(variant.c.id, "variants"), _is_there(on_hand))
    )


_VARIANTS = _variants()
_IN_STOCK = _in_stock()


def in_stock(connection: Connection, variant_ids: Collection[int], now: datetime) -> set[int]:
    """Return those of `variant_ids` that are to be had anywhere at `now`; what nobody ever counted is."""
    return set(connection.scalars(_IN_STOCK, {"variants": list(variant_ids), "now": now}))


def fitting(
    connection: Connection,
    people: Sequence[tuple[int, str | None]],
    now: datetime,
    *,
    limit: int = 4,
    listed_since: datetime | None = None,
) -> dict[int, list[Item]]:
    """Return up to `limit` things for each of `people` (profile id, sales channel she bought on), the best first.

    They are listed at `now` on some other channel and not on hers (None: anything listed), in stock, and nothing she
    ever bought. Categories she has not bought in come first; within that each category gets a turn, so that a card
    does not show four beanies; then what surely fits, then the newest listing, then the lower price. People for whom
    there is nothing have an empty list. With `listed_since` only what no channel listed before it is shown.
    """
    if not people or limit <= 0:
        return {profile_id: [] for profile_id, _ in people}
    shop = _Shop(connection, now, listed_since)
    ids = {"people": [profile_id for profile_id, _ in people], "now": now}
    sizes: defaultdict[int, _Sizes] = defaultdict(dict)
    for profile_id, category, system, size, confidence in connection.execute(_SIZES, {"people": ids["people"]}):
        sizes[profile_id][category, system] = (size, confidence)
    bought: defaultdict[int, set[int]] = defaultdict(set)
    wears: defaultdict[int, set[str | None]] = defaultdict(set)
    for profile_id, product_id, category, is_gift in connection.execute(_BOUGHT, ids):
        bought[profile_id].add(product_id)
        if not is_gift:
            wears[profile_id].add(category)
    return {
        profile_id: shop.shelf(channel).choose(sizes[profile_id], bought[profile_id], wears[profile_id], limit)
        for profile_id, channel in people
    }


@dataclass(slots=True)
class _Rack:
    """The products of one category and size system on a shelf, each list best first."""

    everybody: _Offers = field(default_factory=list)
    #: For whom we know no size.
    anybody: _Offers = field(default_factory=list)
    by_size: defaultdict[str, _Offers] = field(default_factory=lambda: defaultdict(list))

    _taken: set[tuple[int, str | None, bool]] = field(default_factory=set)

    def add(self, rank: _Rank, row: Any) -> None:
        """Take a variant, unless a cheaper one that serves the same people is here already."""
        fits_all = row.size is None or row.size_system == ONE_SIZE
        places = [(self.everybody, None)] if fits_all else [(self.anybody, None), (self.by_size[row.size], row.size)]
        for offers, size in places:
            key = (row.product_id, size, fits_all)
            if key not in self._taken:
                self._taken.add(key)
                offers.append((rank, item_of(row, size)))

    def sort(self) -> None:
        for offers in (self.everybody, self.anybody, *self.by_size.values()):
            offers.sort(key=itemgetter(0))

    def fitting(self, worn: tuple[str, float] | None) -> Iterator[tuple[float, _Rank, Item]]:
        """Yield what fits who wears `worn` (size, confidence), the surest first, with minus how sure it is."""
        yield from ((-1.0, rank, item) for rank, item in self.everybody)
        size, confidence = worn or (None, 0.0)
        offers = self.anybody if size is None else self.by_size.get(size, [])
        yield from ((-confidence, rank, item) for rank, item in offers)


class _Shelf:
    """What may be shown to those who bought on one channel, by category and size system."""

    def __init__(self, variants: Sequence[Any], newest: dict[int, datetime]) -> None:
        """`newest` says since when each product that may be shown is listed; `variants` are in order of price."""
        racks: defaultdict[str | None, defaultdict[str | None, _Rack]] = defaultdict(lambda: defaultdict(_Rack))
        for row in variants:
            if row.product_id in newest:
                rank = (-newest[row.product_id].timestamp(), row.price_minor, row.product_id)
                racks[row.category][row.size_system].add(rank, row)
        for rack in (rack for of_category in racks.values() for rack in of_category.values()):
            rack.sort()
        self._racks = racks

    def choose(self, sizes: _Sizes, bought: set[int], wears: set[str | None], limit: int) -> list[Item]:
        """Return up to `limit` things for somebody, one variant a product, the best first."""
        found = []
        for category, racks in self._racks.items():
            each = (rack.fitting(_worn(sizes, category, system)) for system, rack in racks.items())
            fits = merge(*each, key=itemgetter(0, 1))
            turn = 0
            seen = set(bought)
            for unsure, rank, item in fits:
                if item.product_id in seen:
                    continue
                seen.add(item.product_id)
                found.append(((category in wears, turn, unsure, rank), item))
                turn += 1
                if turn == limit:
                    break
        found.sort(key=itemgetter(0))
        return [item for _, item in found[:limit]]


def _worn(sizes: _Sizes, category: str | None, system: str | None) -> tuple[str, float] | None:
    return None if category is None or system is None else sizes.get((category, system))


def item_of(row: Any, size: str | None) -> Item:
    """Make what is shown of a variant's row; `size` is hers, None where none is known."""
    return Item(
        product_id=row.product_id,
        variant_id=row.id,
        sku=row.sku,
        title=row.title,
        category=row.category,
        size=size,
        colour=row.colour,
        price_minor=row.price_minor,
        currency=row.currency,
        url=row.url,
        image_url=row.image_url,
    )


class _Shop:
    """What is listed and there at `now`, read once for all people."""

    def __init__(self, connection: Connection, now: datetime, listed_since: datetime | None) -> None:
        self._variants = connection.execute(_VARIANTS, {"now": now}).all()
        self._listings = connection.execute(_LISTINGS, {"now": now}).tuples().all()
        if listed_since is not None:
            old = set(connection.scalars(_OLD, {"since": listed_since}))
            self._listings = [one for one in self._listings if one[0] not in old]
        self._shelves: dict[str | None, _Shelf] = {}

    def shelf(self, channel: str | None) -> _Shelf:
        """Return what `channel` does not list and another channel does."""
        if channel not in self._shelves:
            known = {product_id for product_id, name, _ in self._listings if name == channel}
            newest: dict[int, datetime] = {}
            for product_id, _, since in self._listings:
                if product_id not in known:
                    newest[product_id] = max(since, newest.get(product_id, since))
            self._shelves[channel] = _Shelf(self._variants, newest)
        return self._shelves[channel]
