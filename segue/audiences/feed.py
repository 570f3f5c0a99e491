"""The product feed: one row a variant, and whether it is to be had in its size. It decides which things ads show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import Connection, func, literal, select

from segue.contract import CatalogueItem
from segue.journeys.advertised import offered
from segue.journeys.carts import stock_at
from segue.store.tables import product, variant


def feed_items(
    connection: Connection,
    now: datetime,
    *,
    sales_channel: str,
    page: Callable[[str], str],
    picture: Callable[[str], str],
    brand: str,
) -> Iterator[CatalogueItem]:
    """What `sales_channel` offers at `now`, sold-out sizes among it, in the order of products and variants.

    `page` and `picture` make absolute addresses of the shop's. A thing without a page, a picture or a price is left
    out: no platform takes it. What nobody ever counted is available.
    """
    on_hand = stock_at(now, select(variant.c.id))
    rows = connection.execute(
        select(
            variant.c.sku,
            variant.c.size,
            variant.c.colour,
            variant.c.price_minor,
            variant.c.currency,
            product.c.external_id,
            product.c.title,
            product.c.category,
            product.c.url,
            product.c.image_url,
            func.coalesce(on_hand.c.quantity > 0, literal(value=True)).label("available"),
        )
        .select_from(
            variant.join(product, product.c.id == variant.c.product_id).outerjoin(
                on_hand, on_hand.c.variant_id == variant.c.id
            )
        )
        .where(
            product.c.id.in_(offered(now, sales_channel)),
            product.c.url.is_not(None),
            product.c.image_url.is_not(None),
            variant.c.price_minor > 0,
        )
        .order_by(product.c.id, variant.c.id)
    )
    for row in rows:
        yield CatalogueItem(
            id=row.sku,
            group=row.external_id,
            title=row.title,
            category=row.category,
            size=row.size,
            colour=row.colour,
            available=bool(row.available),
            price_minor=row.price_minor,
            currency=row.currency,
            url=page(row.url),
            image_url=picture(row.image_url),
            brand=brand,
        )
