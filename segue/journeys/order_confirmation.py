"""Order confirmation: what was bought, on whatever channel, and how it comes to her.

Due is every order that is paid, the till's among them; not what a marketplace sold, which confirms by itself and wants
no second voice. The mail holds a block that explains refer-a-friend. That block is marketing: it is judged as
such, and left out for whoever may not be sent any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pandas as pd
from pydantic import Field
from sqlalchemy import Connection, Select, String, cast, func, literal, select

from segue.contract import Channel
from segue.journeys.definition import Brief, Journey, Moment, Step
from segue.journeys.why_not import about_orders
from segue.offers import Standing, ahead, known_codes, referral_codes, standings
from segue.store.sql import later, listed
from segue.store.tables import location, order, order_line, product, referral_code, variant

#: Orders paid longer ago than this are not even looked at; anything younger is counted, if only as too late.
LOOKBACK = timedelta(days=3)
TOO_LATE = timedelta(hours=24)


class OrderConfirmationBrief(Brief):
    """What a marketer may turn on the order confirmation."""

    refer_a_friend: bool = Field(
        True, title="Refer a friend", description="Explain the programme to whoever may be sent marketing by e-mail."
    )


def due(moment: Moment, _brief: OrderConfirmationBrief) -> Select[Any]:
    """Every order that was paid lately, by someone we know."""
    return select(
        literal("order:").concat(cast(order.c.id, String)).label("occasion"),
        order.c.profile_id,
        order.c.id.label("subject_id"),
        later(order.c.paid_at, TOO_LATE).label("deadline_at"),
    ).where(
        order.c.profile_id.is_not(None),
        order.c.marketplace.is_(False),
        order.c.paid_at > max(moment.now - LOOKBACK, moment.live_from),
        order.c.paid_at <= moment.now,
    )


_ORDERS = (
    select(
        order.c.id,
        order.c.number,
        order.c.external_id,
        order.c.delivery,
        order.c.currency,
        order.c.total_minor,
        order.c.discount_minor,
        order.c.paid_at,
        order.c.cancelled_at,
        location.c.kind.label("place_kind"),
        location.c.name.label("place"),
        location.c.address,
    )
    .outerjoin(location, location.c.id == order.c.location_id)
    .where(listed(order.c.id, "orders"))
)
_LINES = (
    select(
        order_line.c.order_id,
        order_line.c.quantity,
        order_line.c.total_minor,
        variant.c.size,
        variant.c.colour,
        product.c.title,
        product.c.url,
        product.c.image_url,
    )
    .join(variant, variant.c.id == order_line.c.variant_id)
    .join(product, product.c.id == variant.c.product_id)
    .where(listed(order_line.c.order_id, "orders"))
    .order_by(order_line.c.order_id, order_line.c.position)
)
_CANCELLED = select(order.c.id, order.c.cancelled_at).where(listed(order.c.id, "orders"))


def facts(connection: Connection, rows: pd.DataFrame, moment: Moment, _brief: OrderConfirmationBrief) -> pd.DataFrame:
    """An order that was cancelled meanwhile is not confirmed any more."""
    order_ids = rows["subject_id"].astype("int64").tolist()
    known = dict(connection.execute(_CANCELLED, {"orders": order_ids}).tuples().all())
    gone = [one not in known or (known[one] is not None and known[one] <= moment.now) for one in order_ids]
    return pd.DataFrame({"gone": gone}, index=rows.index)


def words(
    connection: Connection, rows: pd.DataFrame, moment: Moment, brief: OrderConfirmationBrief
) -> Sequence[Mapping[str, Any]]:
    """The order, its lines, where it is or goes, and what a friend would get."""
    order_ids = rows["subject_id"].astype("int64").tolist()
    asked = {"orders": order_ids}
    orders = {row.id: row for row in connection.execute(_ORDERS, asked).all()}
    lines: dict[int, list[dict[str, Any]]] = {}
    for row in connection.execute(_LINES, asked).all():
        lines.setdefault(row.order_id, []).append(
            {
                "title": row.title,
                "size": row.size,
                "colour": row.colour,
                "quantity": row.quantity,
                "price_minor": row.total_minor,
                "currency": orders[row.order_id].currency,
                "url": row.url,
                "image_url": row.image_url,
            }
        )
    people = rows["profile_id"].tolist()
    promotions = _promotions(connection, people, moment) if brief.refer_a_friend else {}
    return [
        {
            "order": _order(orders[order_id], sum(line["price_minor"] for line in lines.get(order_id, ()))),
            "items": lines.get(order_id, []),
            "promotion": promotions.get(who),
        }
        for who, order_id in zip(people, order_ids, strict=True)
    ]


def _order(row: Any, goods_minor: int) -> Mapping[str, Any]:
    """What is said of the order. Rows between the goods and the total are named only where they add up to it.

    Some shops tell what a line cost before a discount, others after it, and none of them what the delivery cost.
    """
    # Where a parcel is packed is nothing to her; where she bought or picks up is.
    is_place = row.delivery == "pickup" or (row.delivery != "ship" and row.place_kind in ("store", "popup"))
    left = row.total_minor - goods_minor + row.discount_minor
    return {
        "number": row.number or row.external_id,
        "paid_at": row.paid_at.isoformat(),
        "delivery": row.delivery,
        "place": {"name": row.place, "address": row.address} if is_place and row.place is not None else None,
        "total_minor": row.total_minor,
        "discount_minor": row.discount_minor if left == 0 else 0,
        "extra_minor": left if goods_minor and row.discount_minor == 0 and left > 0 else 0,
        "currency": row.currency,
    }


def _promotions(connection: Connection, people: Sequence[int], moment: Moment) -> dict[int, Mapping[str, Any]]:
    """What is said to whom of the programme and of rewards that come; nothing to who has earned all a year allows."""
    rules = moment.house.referral
    stand = standings(connection, people, moment.now, rules)
    coming = ahead(connection, stand, moment.now, rules)
    return {
        who: {
            "code": code,
            "reward_minor": rules.reward_minor,
            "currency": rules.currency,
            "least_minor": rules.least_order_minor,
            "return_days": rules.return_window_days,
            "coming": coming.get(who),
        }
        for who, code in known_codes(connection, people).items()
        if stand.get(who, Standing()).this_year < rules.rewards_a_year
    }


def next_due(moment: Moment, _brief: OrderConfirmationBrief) -> Select[Any]:
    """When the next order is paid, by all that is known."""
    return select(func.min(order.c.paid_at)).where(
        order.c.paid_at > moment.now, order.c.profile_id.is_not(None), order.c.marketplace.is_(False)
    )


def prepare(connection: Connection, moment: Moment, brief: OrderConfirmationBrief, secret: bytes) -> None:
    """Give whoever has ordered lately a code of her own, before a mail names it."""
    if not brief.refer_a_friend:
        return
    asked = due(moment, brief).subquery("due")
    has_code = select(referral_code.c.id).where(referral_code.c.profile_id == asked.c.profile_id).exists()
    new = connection.scalars(select(asked.c.profile_id).where(~has_code).distinct()).all()
    referral_codes(connection, new, moment.now, secret)


JOURNEY = Journey(
    name="order_confirmation",
    title="Order confirmation",
    brief=OrderConfirmationBrief,
    asks="an order paid within the last days, other than a marketplace's; each is confirmed once",
    why_not=about_orders,
    steps=(
        Step(
            name="receipt",
            due=due,
            channels=(Channel.EMAIL,),
            facts=facts,
            words=words,
            next_due=next_due,
            has_promotion=True,
            priority=90,
            transactional=True,
            on_uncertain="repeat",  # better twice than never: she has paid
        ),
    ),
    prepare=prepare,
)
