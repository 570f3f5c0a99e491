"""Retargeting: who came, looked, left a cart, or bought, as sets of people for ad platforms to show ads to.

An audience holds people; which things they see the product feed decides. So each rule says whom it is about and
counts her things: `wanted`, how many of them she `bought`, and how many are `remaining`: not bought, offered, and in
stock in her size. Whether she may be in it is policy's to say. Each rule is one select, led by what happened lately.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import Select, Text, case, cast, func, literal, or_, select

from segue.journeys.advertised import looked_at, shown
from segue.journeys.carts import contents, fillings
from segue.journeys.definition import Brief, Journey, Moment
from segue.store.tables import cart, cart_event, order, order_line, product_relation, touchpoint, variant
from segue.store.types import UtcTime

Name = Literal["cart", "viewed", "landed", "related", "buyers"]


class RetargetingBrief(Brief):
    """What a marketer may turn on retargeting."""

    cart_days: int = Field(
        14, ge=1, le=180, title="Carts, days", description="A cart filled longer ago than this is forgotten."
    )
    viewed_days: int = Field(
        14, ge=1, le=180, title="Looks, days", description="A look at a product longer ago than this is forgotten."
    )
    landed_days: int = Field(
        14, ge=1, le=180, title="Landings, days", description="A landing page opened longer ago than this is forgotten."
    )
    related_days: int = Field(
        60,
        ge=1,
        le=365,
        title="Related items, days",
        description="So long after a purchase, what goes with it is shown.",
    )
    buyers_days: int = Field(
        180,
        ge=1,
        le=540,
        title="Buyers, days",
        description="So long somebody counts as a buyer, to be left out of ads.",
    )
    sales_channel: str = Field(
        "web", min_length=1, title="Sales channel", description="Only what is listed there is shown."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceRule:
    """A set of people that ad platforms mirror."""

    name: Name
    title: str
    #: What people at the platform read.
    description: str
    #: `(moment, brief)` -> a select of `profile_id`, `wanted`, `bought`, `remaining`; one row a person.
    considered: Callable[[Moment, RetargetingBrief], Select[Any]]


def in_cart(moment: Moment, brief: RetargetingBrief) -> Select[Any]:
    """Whoever has something in a cart that was filled lately; a thing is what she put in, in her size."""
    since = _since(moment, brief.cart_days)
    touched = select(cart_event.c.cart_id).where(
        cart_event.c.kind == "added", cart_event.c.occurred_at > since, cart_event.c.occurred_at <= moment.now
    )
    filling = fillings(moment.now, touched)
    held = contents(moment.now, filling)
    things = (
        select(cart.c.profile_id, variant.c.product_id, func.max(variant.c.size).label("chosen"))
        .select_from(
            held.join(cart, cart.c.id == held.c.cart_id)
            .join(filling, filling.c.cart_id == held.c.cart_id)
            .join(variant, variant.c.id == held.c.variant_id)
        )
        .where(cart.c.profile_id.is_not(None), filling.c.last_add_at > since)
        .group_by(cart.c.profile_id, variant.c.product_id)
    )
    return shown(things, moment.now, brief.sales_channel)


def viewed(moment: Moment, brief: RetargetingBrief) -> Select[Any]:
    """Whoever looked at something lately; a page opens on some size by itself, so that says nothing of hers."""
    return shown(looked_at(_since(moment, brief.viewed_days), moment.now), moment.now, brief.sales_channel)


def landed(moment: Moment, brief: RetargetingBrief) -> Select[Any]:
    """Whoever opened a landing page lately, such as the one behind a card's code, and has ordered nothing since.

    The page is no thing of the shop's: what she came for counts as one, which any order of hers fulfils.
    """
    last = (
        select(touchpoint.c.profile_id, func.max(touchpoint.c.occurred_at, type_=UtcTime()).label("at"))
        .where(
            touchpoint.c.profile_id.is_not(None),
            touchpoint.c.kind == "landing",
            touchpoint.c.occurred_at > _since(moment, brief.landed_days),
            touchpoint.c.occurred_at <= moment.now,
        )
        .group_by(touchpoint.c.profile_id)
        .cte("last_landing")
    )
    has_ordered = (
        select(order.c.id)
        .where(
            order.c.profile_id == last.c.profile_id,
            order.c.occurred_at >= last.c.at,
            order.c.occurred_at <= moment.now,
            or_(order.c.cancelled_at.is_(None), order.c.cancelled_at > moment.now),
        )
        .exists()
    )
    return select(
        last.c.profile_id,
        literal(1).label("wanted"),
        case((has_ordered, 1), else_=0).label("bought"),
        case((has_ordered, 0), else_=1).label("remaining"),
    ).order_by(last.c.profile_id)


def related(moment: Moment, brief: RetargetingBrief) -> Select[Any]:
    """Whoever bought something for herself lately; her things are what goes with it, and she may own some already."""
    bought = (
        select(order.c.profile_id, variant.c.product_id)
        .select_from(
            order.join(order_line, order_line.c.order_id == order.c.id).join(
                variant, variant.c.id == order_line.c.variant_id
            )
        )
        .where(
            *_ordered(_since(moment, brief.related_days), moment),
            order.c.gift.is_(False),
            or_(order_line.c.returned_at.is_(None), order_line.c.returned_at > moment.now),
        )
        .distinct()
        .cte("bought_lately")
    )
    things = (
        select(
            bought.c.profile_id,
            product_relation.c.related_id.label("product_id"),
            cast(literal(None), Text).label("chosen"),
        )
        .join(product_relation, product_relation.c.product_id == bought.c.product_id)
        .where(product_relation.c.kind == "goes_with", product_relation.c.recorded_at <= moment.now)
        .distinct()
    )
    return shown(things, moment.now, brief.sales_channel)


def buyers(moment: Moment, brief: RetargetingBrief) -> Select[Any]:
    """Whoever bought lately, for platforms to leave out. It triggers nothing, so history counts as well."""
    since = moment.now - timedelta(days=brief.buyers_days)
    none = literal(0)
    return (
        select(order.c.profile_id, none.label("wanted"), none.label("bought"), none.label("remaining"))
        .where(*_ordered(since, moment))
        .distinct()
        .order_by(order.c.profile_id)
    )


def _since(moment: Moment, days: int) -> Any:
    """The window's begin; what happened before retargeting was switched on is history."""
    return max(moment.now - timedelta(days=days), moment.live_from)


def _ordered(since: Any, moment: Moment) -> tuple[Any, ...]:
    return (
        order.c.profile_id.is_not(None),
        order.c.occurred_at > since,
        order.c.occurred_at <= moment.now,
        or_(order.c.cancelled_at.is_(None), order.c.cancelled_at > moment.now),
    )


AUDIENCES = (
    AudienceRule(
        name="cart",
        title="Left in a cart",
        description="Put something in a cart and has not bought it; it is in stock in her size.",
        considered=in_cart,
    ),
    AudienceRule(
        name="viewed",
        title="Looked at",
        description="Looked at something and has not bought it; it is in stock in her size.",
        considered=viewed,
    ),
    AudienceRule(
        name="landed",
        title="Opened a landing page",
        description="Opened a landing page, such as the one behind a card's code, and has ordered nothing since.",
        considered=landed,
    ),
    AudienceRule(
        name="related",
        title="Goes with what she bought",
        description="Bought lately; what goes with it is in stock in her size, and she does not own it.",
        considered=related,
    ),
    AudienceRule(
        name="buyers",
        title="Buyers",
        description="Bought lately. To be excluded from ads for new customers.",
        considered=buyers,
    ),
)

#: No step sends a message: audiences are mirrored, not sent. It is here to be switched on, braked and held out.
JOURNEY = Journey(name="retargeting", title="Retargeting", brief=RetargetingBrief, steps=())
