"""What an order is still worth once things came back: points and rewards are reckoned by it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, BindParameter, ColumnElement, case, cast, func, literal, select, union_all

from segue.store.sql import larger
from segue.store.tables import order, order_line, order_return
from segue.store.types import UtcTime

_NONE = cast(literal(0), BigInteger)
#: What an order was sold for, and by how much it was edited down since.
_SOLD = larger(order.c.sold_minor, order.c.total_minor)
_FALLEN = _SOLD - order.c.total_minor


def kept_minor(now: datetime | BindParameter[datetime]) -> ColumnElement[int]:
    """What an order is still worth at `now` in minor units: what it was sold for less what is gone; may fall below 0.

    Money that was refunded, goods that were returned and a total that fell since it was sold are tellings of one thing:
    the largest counts. Only what the shop's own files say was paid back comes on top of a total that fell, since both
    are told by one system, unless it is just what the total fell by: that system tells it twice.
    """
    at = now if isinstance(now, BindParameter) else literal(now, UtcTime)
    paid_back = case((order.c.refunded_minor == _FALLEN, 0), else_=order.c.refunded_minor)
    return _SOLD - larger(_FALLEN + paid_back, larger(_told_minor(at), _goods_minor(at)))


def refunded_minor(at: BindParameter[Any]) -> ColumnElement[int]:
    """The money given back by `at`: what the shop's own files say, or what events add up to, if that is more."""
    return larger(order.c.refunded_minor, _told_minor(at))


def _told_minor(at: BindParameter[Any]) -> ColumnElement[int]:
    """The money that events tell was given back."""
    told = select(func.coalesce(func.sum(order_return.c.total_minor), 0)).where(
        order_return.c.order_id == order.c.id, order_return.c.variant_id.is_(None), order_return.c.occurred_at <= at
    )
    return cast(told.scalar_subquery(), BigInteger)


def _goods_minor(at: BindParameter[Any]) -> ColumnElement[int]:
    """What the goods cost that came back: of each variant the most that lines, events or documents say of it.

    One shirt that came back is told of by the till's event and by the warehouse's document; two tellings of one variant
    are never added up, those of different ones are. Lines cost what they did before the order's discount, so of them
    each bears its part of it; a document says itself what it is worth, if it does so in the order's currency.
    Once all the order still has came back, nothing of its goods is left, whatever it was edited down by.
    """
    paper, line = order_return.c, order_line.c
    lines = select(
        line.variant_id,
        line.total_minor.label("held"),
        case((line.returned_at <= at, line.total_minor), else_=0).label("by_line"),
        _NONE.label("by_event"),
        _NONE.label("by_paper"),
    ).where(line.order_id == order.c.id, (line.returned_at <= at) | (_FALLEN > 0))
    papers = select(
        paper.variant_id,
        _NONE,
        _NONE,
        case((paper.by_event, paper.total_minor), else_=0),
        case(
            (paper.by_event, 0),
            (paper.currency == order.c.currency, paper.total_minor),
            else_=_paid(_sold_minor()),
        ),
    ).where(paper.order_id == order.c.id, paper.variant_id.is_not(None), paper.occurred_at <= at)
    told = union_all(lines.correlate(order), papers.correlate(order)).subquery("told")
    held, by_line, by_event, by_paper = (
        cast(func.sum(told.c[name]), BigInteger) for name in ("held", "by_line", "by_event", "by_paper")
    )
    most = larger(_paid(larger(by_line, by_event)), by_paper)
    each = select(most.label("minor"), held.label("held"), case((most < _paid(held), 1), else_=0).label("is_left"))
    variants = each.group_by(told.c.variant_id).correlate(order).subquery("came_back")
    minor, goods = (cast(func.sum(variants.c[name]), BigInteger) for name in ("minor", "held"))
    is_all = (func.sum(variants.c.is_left) == 0) & (goods > 0) & (_FALLEN > 0)
    back = select(case((is_all, larger(minor, _FALLEN + _paid(goods))), else_=func.coalesce(minor, 0)))
    return cast(back.select_from(variants).correlate(order).scalar_subquery(), BigInteger)


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
    is_of_goods = (order.c.discount_minor > 0) & (
        (goods > _SOLD) | (goods - order.c.discount_minor == order.c.total_minor)
    )
    return case((is_of_goods, minor * left // goods), else_=minor)


__all__ = ["kept_minor", "refunded_minor"]
