"""What an order is still worth once things came back: points and rewards are reckoned by it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, BindParameter, ColumnElement, case, cast, func, literal, select, union_all

from segue.store.sql import larger
from segue.store.tables import order, order_line, order_return
from segue.store.types import UtcTime

_NONE = cast(literal(0), BigInteger)


def kept_minor(now: datetime | BindParameter[datetime]) -> ColumnElement[int]:
    """What an order is still worth at `now` in minor units: its total less what came back; may fall below 0.

    Money that was refunded and goods that were returned are two tellings of one thing: the larger counts.
    """
    at = now if isinstance(now, BindParameter) else literal(now, UtcTime)
    goods, money = _goods_minor(at), refunded_minor(at)
    return order.c.total_minor - larger(money, goods)


def refunded_minor(at: BindParameter[Any]) -> ColumnElement[int]:
    """The money given back by `at`: what the shop's own files say, or what events add up to, if that is more."""
    told = select(func.coalesce(func.sum(order_return.c.total_minor), 0)).where(
        order_return.c.order_id == order.c.id, order_return.c.variant_id.is_(None), order_return.c.occurred_at <= at
    )
    return larger(order.c.refunded_minor, cast(told.scalar_subquery(), BigInteger))


def _goods_minor(at: BindParameter[Any]) -> ColumnElement[int]:
    """What the goods cost that came back: of each variant the most that lines, events or documents say of it.

    One shirt that came back is told of by the till's event and by the warehouse's document; two tellings of one variant
    are never added up, those of different ones are. Lines cost what they did before the order's discount, so of them
    each bears its part of it; a document says itself what it is worth, if it does so in the order's currency.
    """
    paper = order_return.c
    lines = select(
        order_line.c.variant_id,
        order_line.c.total_minor.label("by_line"),
        _NONE.label("by_event"),
        _NONE.label("by_paper"),
    ).where(order_line.c.order_id == order.c.id, order_line.c.returned_at.is_not(None), order_line.c.returned_at <= at)
    papers = select(
        paper.variant_id,
        _NONE,
        case((paper.by_event, paper.total_minor), else_=0),
        case(
            (paper.by_event, 0),
            (paper.currency == order.c.currency, paper.total_minor),
            else_=_paid(_sold_minor()),
        ),
    ).where(paper.order_id == order.c.id, paper.variant_id.is_not(None), paper.occurred_at <= at)
    told = union_all(lines.correlate(order), papers.correlate(order)).subquery("told")
    by_line, by_event, by_paper = (
        cast(func.sum(told.c[name]), BigInteger) for name in ("by_line", "by_event", "by_paper")
    )
    most = select(larger(_paid(larger(by_line, by_event)), by_paper).label("minor")).group_by(told.c.variant_id)
    variants = most.correlate(order).subquery("came_back")
    back = select(func.coalesce(func.sum(variants.c.minor), 0)).correlate(order)
    return cast(back.scalar_subquery(), BigInteger)


def _sold_minor() -> ColumnElement[int]:
    """What so many of a returned variant cost in the order, whatever its document says in another currency."""
    line = order_line.c
    each = select(func.sum(line.total_minor) * order_return.c.quantity / func.nullif(func.sum(line.quantity), 0))
    mine = each.where(line.order_id == order_return.c.order_id, line.variant_id == order_return.c.variant_id)
    return cast(func.coalesce(mine.correlate(order_return).scalar_subquery(), 0), BigInteger)


def _paid(minor: ColumnElement[int]) -> ColumnElement[int]:
    """What was paid for goods that cost so much before their order's discount.

    Where the order is worth no less than its goods, the discount was of the shipping, or is in the lines already.
    """
    sold = select(func.coalesce(func.sum(order_line.c.total_minor), 0)).where(order_line.c.order_id == order.c.id)
    goods = cast(sold.correlate(order).scalar_subquery(), BigInteger)
    left = larger(goods - order.c.discount_minor, _NONE)
    is_of_goods = (order.c.discount_minor > 0) & (goods > order.c.total_minor)
    return case((is_of_goods, minor * left // goods), else_=minor)


__all__ = ["kept_minor", "refunded_minor"]
