"""Abandoned cart: a mail while she still remembers, and one last call the next day.

Who is due is asked of facts: a cart with something in it, idle for a while; a reminder accepted about twenty
hours ago. Whether we may write, and whether the cart still wants answering, is judged at the last moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from pydantic import Field
from sqlalchemy import Connection, Select, String, case, cast, func, literal, select

from segue.contract import Channel
from segue.journeys.carts import (
    ACTIVITY,
    carts_now,
    contents,
    fillings,
    items_now,
    last_orders,
    times_emptied,
)
from segue.journeys.definition import Brief, Journey, Moment, Step
from segue.journeys.why_not import about_carts
from segue.offers import Offer
from segue.store.sql import later
from segue.store.tables import cart, cart_event, message

#: Carts left longer ago than this are not even looked at; anything younger is counted, if only as too late.
LOOKBACK = timedelta(days=7)
REMINDER_TOO_LATE = timedelta(hours=24)
LAST_CALL_AFTER = timedelta(hours=20)
LAST_CALL_TOO_LATE = timedelta(hours=47)  # after the cart; US carriers allow one SMS within 48 h of it
_REMINDER_PREFIX = "abandoned_cart/reminder/"


class AbandonedCartBrief(Brief):
    """What a marketer may turn on the abandoned-cart journey."""

    idle_minutes: int = Field(
        45, ge=5, le=1440, title="Idle minutes", description="How long a cart rests before the reminder."
    )
    reminder: bool = Field(True, title="Reminder", description="Send the reminder e-mail.")
    last_call: bool = Field(True, title="Last call", description="Send one last SMS or e-mail the next day.")
    percent: int = Field(
        10, ge=0, le=50, title="Discount in percent", description="Worth of the personal code; 0 gives no code."
    )
    code_hours: int = Field(48, ge=24, le=336, title="Code lives, hours", description="How long the code is valid.")


def reminder_due(moment: Moment, brief: AbandonedCartBrief) -> Select[Any]:
    """Every cart that holds something and has been idle long enough, by someone we know."""
    idle_since = moment.now - timedelta(minutes=brief.idle_minutes)
    touched = select(cart_event.c.cart_id).where(
        cart_event.c.occurred_at > max(moment.now - LOOKBACK, moment.live_from),
        cart_event.c.occurred_at <= moment.now,
    )
    filling = fillings(moment.now, touched)
    held = contents(moment.now, filling)
    return (
        select(
            occasion(filling.c.cart_id, filling.c.emptied).label("occasion"),
            cart.c.profile_id,
            cart.c.id.label("subject_id"),
            later(filling.c.active_at, REMINDER_TOO_LATE).label("deadline_at"),
        )
        .select_from(filling.join(cart, cart.c.id == filling.c.cart_id))
        .where(
            cart.c.profile_id.is_not(None),
            filling.c.active_at <= idle_since,
            filling.c.active_at >= moment.live_from,
            filling.c.cart_id.in_(select(held.c.cart_id)),
        )
        .where(literal(brief.reminder))
    )


def last_call_due(moment: Moment, brief: AbandonedCartBrief) -> Select[Any]:
    """Every cart whose reminder was accepted about twenty hours ago."""
    return select(
        func.substr(message.c.key, len(_REMINDER_PREFIX) + 1).label("occasion"),
        message.c.profile_id,
        message.c.subject_id,
        later(message.c.deadline_at, LAST_CALL_TOO_LATE - REMINDER_TOO_LATE).label("deadline_at"),
    ).where(
        message.c.journey == "abandoned_cart",
        message.c.step == "reminder",
        message.c.state == "accepted",
        message.c.answered_at <= moment.now - LAST_CALL_AFTER,
        message.c.answered_at > moment.now - LOOKBACK,
        message.c.answered_at >= moment.live_from,
        literal(brief.last_call),
    )


def occasion(cart_id: Any, emptied: Any) -> Any:
    """`cart:9`, and `cart:9.1` once it was ordered and filled again."""
    name = literal("cart:").concat(cast(cart_id, String))
    return case((emptied > 0, name.concat(".").concat(cast(emptied, String))), else_=name)


def facts(connection: Connection, rows: pd.DataFrame, moment: Moment, brief: AbandonedCartBrief) -> pd.DataFrame:
    """What could make the message pointless: she ordered, emptied the cart, came back to it, or all is sold out."""
    cart_ids = rows["subject_id"].astype("int64").tolist()
    profile_ids = rows["profile_id"].tolist()
    now_in = carts_now(connection, cart_ids, moment.now)
    items = items_now(connection, cart_ids, moment.now)
    emptied = times_emptied(connection, cart_ids, moment.now)
    ordered_at = last_orders(connection, profile_ids, moment.now)
    idle = timedelta(minutes=brief.idle_minutes)

    converted: list[bool] = []
    gone: list[bool] = []
    sold_out: list[bool] = []
    ready_at: list[datetime] = []
    for key, profile_id, cart_id in zip(rows["key"], profile_ids, cart_ids, strict=True):
        filling = now_in.get(cart_id)
        bought = ordered_at.get(profile_id)
        converted.append(
            emptied.get(cart_id, 0) > _filling_of(key)
            or (filling is not None and bought is not None and bought > filling.last_add_at)
        )
        inside = items.get(cart_id, [])
        gone.append(not inside)
        sold_out.append(bool(inside) and not any(item.in_stock for item in inside))
        ready_at.append(filling.active_at + idle if filling is not None else moment.now)
    return pd.DataFrame(
        {"converted": converted, "gone": gone, "sold_out": sold_out, "ready_at": ready_at}, index=rows.index
    )


def words(
    connection: Connection, rows: pd.DataFrame, moment: Moment, _brief: AbandonedCartBrief
) -> Sequence[Mapping[str, Any]]:
    """The things in her cart that are still there in her size, and where the cart is."""
    cart_ids = rows["subject_id"].astype("int64").tolist()
    items = items_now(connection, cart_ids, moment.now)
    said = []
    for cart_id in cart_ids:
        shown = [
            {
                "sku": item.sku,
                "title": item.title,
                "size": item.size,
                "colour": item.colour,
                "quantity": item.quantity,
                "price_minor": item.price_minor,
                "currency": item.currency,
                "url": item.url or _page(cart_id),
                "image_url": item.image_url,
            }
            for item in items.get(cart_id, [])
            if item.in_stock
        ]
        said.append(
            {
                "items": shown,
                "cart": {
                    "url": _page(cart_id),
                    "item_count": sum(item["quantity"] for item in shown),
                    "total_minor": sum(item["quantity"] * item["price_minor"] for item in shown),
                    "currency": shown[0]["currency"] if shown else "USD",
                },
            }
        )
    return said


def _page(cart_id: int | None) -> str:
    return f"/cart/{cart_id}" if cart_id is not None else "/"


def pages(_brief: AbandonedCartBrief, cart_id: int | None) -> Mapping[str, str]:
    """Where a text message leads: to her cart."""
    return {"cart": _page(cart_id)}


def reminder_next_due(moment: Moment, brief: AbandonedCartBrief) -> Select[Any]:
    """When the next cart will have rested long enough, by all that is known of it."""
    idle = timedelta(minutes=brief.idle_minutes)
    again = cart_event.alias("again")
    touched_again = (
        select(again.c.id)
        .where(
            again.c.cart_id == cart_event.c.cart_id,
            again.c.kind.in_(ACTIVITY),
            again.c.occurred_at > cart_event.c.occurred_at,
            again.c.occurred_at < later(cart_event.c.occurred_at, idle),
        )
        .exists()
    )
    return (
        select(later(cart_event.c.occurred_at, idle))
        .where(
            cart_event.c.kind.in_(ACTIVITY),
            cart_event.c.occurred_at > moment.now - idle,
            ~touched_again,
            literal(brief.reminder),
        )
        .order_by(cart_event.c.occurred_at)
        .limit(1)
    )


def last_call_next_due(moment: Moment, brief: AbandonedCartBrief) -> Select[Any]:
    """When the next reminder will be twenty hours old."""
    return select(later(func.min(message.c.answered_at), LAST_CALL_AFTER)).where(
        message.c.journey == "abandoned_cart",
        message.c.step == "reminder",
        message.c.state == "accepted",
        message.c.answered_at > moment.now - LAST_CALL_AFTER,
        literal(brief.last_call),
    )


def cart_offer(brief: AbandonedCartBrief) -> Offer | None:
    """A code for those who need one: none lately, no full-price order in a year. Who holds a live one sees that one."""
    if brief.percent == 0:
        return None
    return Offer(
        name="cart",
        percent=brief.percent,
        valid_for=timedelta(hours=brief.code_hours),
        cooldown=timedelta(days=90),
        full_price_within=timedelta(days=365),
        if_live="show",
    )


def _filling_of(key: str) -> int:
    """Which filling of the cart a key speaks of: `.../cart:9.1` is 1, `.../cart:9` is 0."""
    return int(key.rpartition(":")[2].partition(".")[2] or 0)


JOURNEY = Journey(
    name="abandoned_cart",
    title="Abandoned cart",
    brief=AbandonedCartBrief,
    asks="a cart with something in it, left alone for a while, that no order followed; one mail, one last call",
    why_not=about_carts,
    steps=(
        Step(
            name="reminder",
            due=reminder_due,
            channels=(Channel.EMAIL,),
            facts=facts,
            words=words,
            pages=pages,
            next_due=reminder_next_due,
            offer=cart_offer,
            priority=80,
            answers_a_cart=True,
        ),
        Step(
            name="last_call",
            due=last_call_due,
            channels=(Channel.SMS, Channel.EMAIL),
            facts=facts,
            words=words,
            pages=pages,
            next_due=last_call_next_due,
            shows_code_of="reminder",
            priority=80,
        ),
    ),
)
