"""What an order is still worth once things came back: points and rewards are reckoned by it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, case, cast, func, literal, select

from segue.store.tables import order, order_line, order_return
from segue.store.types import UtcTime


def kept_minor(now: datetime) -> ColumnElement[int]:
    """What an order is still worth at `now` in minor units: its total less what came back; may fall below 0.

    Money that was refunded and goods that were returned are two tellings of one thing: the larger counts.
    """
    at = literal(now, UtcTime)
    lines = select(func.coalesce(func.sum(order_line.c.total_minor), 0)).where(
        order_line.c.order_id == order.c.id, order_line.c.returned_at.is_not(None), order_line.c.returned_at <= at
    )
    papers = select(func.coalesce(func.sum(order_return.c.total_minor), 0)).where(
        order_return.c.order_id == order.c.id, order_return.c.occurred_at <= at
    )
    goods = cast(lines.scalar_subquery() + papers.scalar_subquery(), BigInteger)
    return order.c.total_minor - case((order.c.refunded_minor > goods, order.c.refunded_minor), else_=goods)


__all__ = ["kept_minor"]
