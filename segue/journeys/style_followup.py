"""Style follow-up: some days after she has it, how to wear it, where to follow us, and how to show it.

Due is every order that arrived: its parcel was delivered (the last parcel we heard of, where there are several), it was
picked up, or it was rung up at a till. Gifts are somebody else's to wear, and a marketplace's customer is not ours to
write to. A shop that never says when parcels arrive has nobody due but those of its tills.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from pydantic import Field
from sqlalchemy import CTE, Connection, Select, String, bindparam, cast, func, literal, select, union_all

from segue.contract import Channel
from segue.journeys.definition import Brief, Journey, Moment, Step
from segue.journeys.goes_with import goes_with
from segue.journeys.why_not import about_orders
from segue.offers.kept import refunded_minor
from segue.store.sql import later, listed
from segue.store.tables import fulfilment, order, order_line, order_return, product, touchpoint, variant
from segue.store.types import UtcTime

TOO_LATE = timedelta(days=14)
#: What arrived longer ago is not even looked at; anything younger is counted, if only as too late.
LOOKBACK = timedelta(days=28)
LOOKS = 3


class StyleFollowupBrief(Brief):
    """What a marketer may turn on the style follow-up."""

    after_days: int = Field(
        7, ge=1, le=30, title="Days after delivery", description="How long she has it before we ask how she wears it."
    )
    show_looks: bool = Field(
        True, title="Show what goes with it", description="Up to three things in her size that the shop relates to it."
    )


def _arrived(now: datetime) -> CTE:
    """When each order was in its buyer's hands: `order_id`, `at`."""
    brought = (
        select(fulfilment.c.order_id, func.max(fulfilment.c.occurred_at).label("at"))
        .where(fulfilment.c.kind.in_(("delivered", "picked_up")), fulfilment.c.occurred_at <= now)
        .group_by(fulfilment.c.order_id)
    )
    rung_up = select(order.c.id, order.c.occurred_at).where(
        order.c.delivery == "none", order.c.location_id.is_not(None), order.c.occurred_at <= now
    )
    either = union_all(brought, rung_up).subquery()
    return select(either.c.order_id, func.max(either.c.at).label("at")).group_by(either.c.order_id).cte("arrived")


def style_due(moment: Moment, brief: StyleFollowupBrief) -> Select[Any]:
    """Every order that she has had for a few days."""
    wait = timedelta(days=brief.after_days)
    arrived = _arrived(moment.now)
    return (
        select(
            literal("order:").concat(cast(order.c.id, String)).label("occasion"),
            order.c.profile_id,
            order.c.id.label("subject_id"),
            later(arrived.c.at, wait + TOO_LATE).label("deadline_at"),
        )
        .select_from(arrived.join(order, order.c.id == arrived.c.order_id))
        .where(
            order.c.profile_id.is_not(None),
            order.c.gift.is_(False),
            order.c.marketplace.is_(False),
            arrived.c.at <= moment.now - wait,
            arrived.c.at > moment.now - wait - LOOKBACK,
            arrived.c.at >= moment.live_from,
        )
    )


_NOW = bindparam("now", type_=UtcTime)
_ORDERS = select(
    order.c.id,
    order.c.number,
    order.c.external_id,
    order.c.cancelled_at,
    order.c.total_minor,
    refunded_minor(_NOW).label("refunded_minor"),
).where(listed(order.c.id, "orders"))
_LINES = (
    select(order_line, variant.c.product_id, variant.c.colour, product.c.title, product.c.url, product.c.image_url)
    .select_from(
        order_line.join(variant, variant.c.id == order_line.c.variant_id).join(
            product, product.c.id == variant.c.product_id
        )
    )
    .where(listed(order_line.c.order_id, "orders"))
    # What cost most is what she looks at first.
    .order_by(order_line.c.order_id, order_line.c.unit_price_minor.desc(), order_line.c.position)
)
_BROUGHT_BACK = (
    select(order_return.c.order_id, order_return.c.variant_id, func.sum(order_return.c.quantity))
    .where(listed(order_return.c.order_id, "orders"), order_return.c.occurred_at <= _NOW)
    .group_by(order_return.c.order_id, order_return.c.variant_id, order_return.c.by_event)
)
_FOLLOWED = (
    select(touchpoint.c.profile_id, touchpoint.c.network)
    .where(
        listed(touchpoint.c.profile_id, "people"),
        touchpoint.c.kind == "follow",
        touchpoint.c.network.is_not(None),
        touchpoint.c.occurred_at <= _NOW,
    )
    .distinct()
    .order_by(touchpoint.c.network)
)


def _kept(connection: Connection, order_ids: Sequence[int], now: datetime) -> tuple[dict[int, list[Any]], set[int]]:
    """The lines of each order of which she has something still, and the orders of which we know lines at all."""
    asked = {"orders": list(order_ids)}
    # Lines, events and documents tell of the same goods: what one of them says is not taken off again for another.
    back: defaultdict[tuple[int, int], int] = defaultdict(int)
    for order_id, variant_id, count in connection.execute(_BROUGHT_BACK, {**asked, "now": now}):
        back[order_id, variant_id] = max(back[order_id, variant_id], int(count))
    kept: defaultdict[int, list[Any]] = defaultdict(list)
    known: set[int] = set()
    lines = connection.execute(_LINES, asked).all()
    returned = {line.id for line in lines if line.returned_at is not None and line.returned_at <= now}
    for line in sorted(lines, key=lambda line: line.id not in returned):  # those first; else in their order
        known.add(line.order_id)
        count = max(line.quantity, 1)  # a quantity of 0 is one that nobody has told us
        came_back = min(back[line.order_id, line.variant_id], count)
        back[line.order_id, line.variant_id] -= came_back
        if line.id not in returned and came_back < count:
            kept[line.order_id].append(line)
    return kept, known


def facts(connection: Connection, rows: pd.DataFrame, moment: Moment, _brief: StyleFollowupBrief) -> pd.DataFrame:
    """Gone: the order is cancelled, its money was given back, or nothing of it was kept."""
    order_ids = rows["subject_id"].astype("int64").tolist()
    found = {row.id: row for row in connection.execute(_ORDERS, {"orders": order_ids, "now": moment.now})}
    kept, known = _kept(connection, order_ids, moment.now)

    def is_gone(order_id: int) -> bool:
        row = found.get(order_id)
        return (
            row is None
            or (row.cancelled_at is not None and row.cancelled_at <= moment.now)
            or 0 < row.total_minor <= row.refunded_minor
            or (order_id in known and order_id not in kept)
        )

    return pd.DataFrame({"gone": [is_gone(one) for one in order_ids]}, index=rows.index)


def words(
    connection: Connection, rows: pd.DataFrame, moment: Moment, brief: StyleFollowupBrief
) -> Sequence[Mapping[str, Any]]:
    """What she bought, what goes with it, the networks she follows us on, and what following and posting earn."""
    order_ids, people = rows["subject_id"].astype("int64").tolist(), rows["profile_id"].tolist()
    kept, _ = _kept(connection, order_ids, moment.now)
    followed: defaultdict[int, list[str]] = defaultdict(list)
    for profile_id, network in connection.execute(_FOLLOWED, {"people": people, "now": moment.now}):
        followed[profile_id].append(network)
    asked = [
        (profile_id, list(dict.fromkeys(line.product_id for line in kept.get(order_id, ()))))
        for profile_id, order_id in zip(people, order_ids, strict=True)
    ]
    looks = goes_with(connection, asked, moment.now, limit=LOOKS) if brief.show_looks else [[] for _ in asked]
    loyalty = moment.house.loyalty
    is_on = loyalty.is_on(moment.now)
    points = {
        "follow": loyalty.follow_points if is_on else 0,
        "mention": loyalty.mention_points if is_on and loyalty.mentions_a_month else 0,
        "mentions": loyalty.mentions_a_month,
    }
    return [
        {
            "bought": [
                {"title": line.title, "colour": line.colour, "url": line.url, "image_url": line.image_url}
                for line in {line.product_id: line for line in reversed(kept.get(order_id, []))}.values()
            ][::-1],
            "items": [
                {
                    "sku": item.sku,
                    "title": item.title,
                    "size": item.size,
                    "colour": item.colour,
                    "quantity": 1,
                    "price_minor": item.price_minor,
                    "currency": item.currency,
                    "url": item.url,
                    "image_url": item.image_url,
                }
                for item in things
            ],
            "followed": followed[profile_id],
            "points": points,
        }
        for profile_id, order_id, things in zip(people, order_ids, looks, strict=True)
    ]


def style_next_due(moment: Moment, brief: StyleFollowupBrief) -> Select[Any]:
    """When the next order will have been hers for long enough."""
    wait = timedelta(days=brief.after_days)
    brought = select(fulfilment.c.occurred_at.label("at")).where(fulfilment.c.kind.in_(("delivered", "picked_up")))
    rung_up = select(order.c.occurred_at).where(order.c.delivery == "none", order.c.location_id.is_not(None))
    either = union_all(brought, rung_up).subquery()
    return select(later(func.min(either.c.at), wait)).where(either.c.at > moment.now - wait)


JOURNEY = Journey(
    name="style_followup",
    title="Style follow-up",
    brief=StyleFollowupBrief,
    asks="an order that reached her some days ago, neither a gift nor a marketplace's; one mail an order",
    why_not=about_orders,
    steps=(
        Step(
            name="looks",
            due=style_due,
            channels=(Channel.EMAIL,),
            facts=facts,
            words=words,
            next_due=style_next_due,
            priority=20,
        ),
    ),
)
