"""What size somebody wears, as her order lines say it.

Gifts, returned lines and cancelled orders say nothing about her; so do variants without a size and
products without a category or size system.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, Float, cast, delete, func, select

from segue.store.bulk import insert_from, rows_where
from segue.store.sql import among
from segue.store.tables import order, order_line, product, profile_size, variant

_CHUNK = 10_000


def refresh_sizes(connection: Connection, order_ids: Collection[int]) -> None:
    """Rewrite `profile_size` of everybody whose orders these are, from all their order lines."""
    owners = select(order.c.profile_id).where(order.c.profile_id.is_not(None))
    people = sorted({row[0] for row in rows_where(connection, owners, order.c.id, order_ids)})
    for start in range(0, len(people), _CHUNK):
        _rewrite(connection, people[start : start + _CHUNK])


def _rewrite(connection: Connection, people: list[int]) -> None:
    connection.execute(delete(profile_size).where(among(connection, profile_size.c.profile_id, people)))
    worn = (order.c.profile_id, product.c.category, product.c.size_system, variant.c.size)
    lines = func.count(order_line.c.id)
    share = cast(lines, Float) / cast(func.sum(lines).over(partition_by=worn[:3]), Float)
    statement = (
        select(*worn, lines, share)
        .join(order_line, order_line.c.order_id == order.c.id)
        .join(variant, variant.c.id == order_line.c.variant_id)
        .join(product, product.c.id == variant.c.product_id)
        .where(
            among(connection, order.c.profile_id, people),
            order.c.gift.is_(False),
            order.c.cancelled_at.is_(None),
            order_line.c.returned_at.is_(None),
            *(column.is_not(None) for column in worn[1:]),
        )
        .group_by(*worn)
    )
    columns = ["profile_id", "category", "system", "size", "evidence", "confidence"]
    insert_from(connection, profile_size, columns, statement)
