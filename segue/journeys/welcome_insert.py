"""Welcome insert: a printed card in somebody's first parcel.

Due is the first order of hers that becomes a parcel: paid (a total of 0 is paid), to be shipped, not cancelled, and
neither a gift nor a marketplace's, pick-up or till order. Those are no parcels to her, so her first parcel may well
be her third order. It must still be in the house: once anything is packed or shipped, the card is too late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pandas as pd
from pydantic import Field
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    case,
    cast,
    func,
    literal,
    select,
    tuple_,
)

from segue.contract import Channel
from segue.journeys.definition import Brief, Journey, Moment, Step
from segue.journeys.fitting import fitting
from segue.journeys.parcels import SHOWN_IF_LEFT, SPOOLED, age, deadline, is_parcel, lost, packed_as, slip, unpacked
from segue.journeys.waves import next_wave
from segue.journeys.why_not import about_orders
from segue.offers import Offer
from segue.store.sql import listed
from segue.store.tables import message, order, print_page
from segue.store.types import UtcTime

ITEMS = 4
#: Where a rehearsal looks for parcels: late enough for nearly all orders of a wave.
BEFORE_THE_WAVE = timedelta(minutes=1)


class WelcomeInsertBrief(Brief):
    """What a marketer may turn on the welcome insert."""

    percent: int = Field(
        15, ge=0, le=50, title="Discount in percent", description="Worth of the personal code; 0 gives no code."
    )
    code_days: int = Field(60, ge=14, le=365, title="Code lives, days", description="How long the code is valid.")
    show_items: bool = Field(
        True, title="Show things that fit", description="Up to four things in her size that her channel does not list."
    )


def insert_due(moment: Moment, _brief: WelcomeInsertBrief) -> Select[Any]:
    """Every first parcel paid lately that nobody has packed yet."""
    earlier = order.alias("earlier")
    has_earlier = (
        select(earlier.c.id)
        .where(
            earlier.c.profile_id == order.c.profile_id,
            is_parcel(earlier, moment.now),
            tuple_(*age(earlier)) < tuple_(*age(order)),
        )
        .exists()
    )
    return select(
        literal("order:").concat(cast(order.c.id, String)).label("occasion"),
        order.c.profile_id,
        order.c.id.label("subject_id"),
        deadline(moment).label("deadline_at"),
    ).where(
        *unpacked(moment, moment.live_from),
        ~has_earlier,
        ~_has_card(order.c.profile_id),
    )


def _has_card(profile_id: Any) -> ColumnElement[bool]:
    """True where a card of hers was spooled for another order; a card taken out again is settled as skipped."""
    return (
        select(message.c.id)
        .where(
            message.c.profile_id == profile_id,
            message.c.journey == "welcome_insert",
            message.c.state.in_(SPOOLED),
        )
        .exists()
    )


_HAD = (
    select(message.c.profile_id, message.c.key, message.c.id, print_page.c.position)
    .outerjoin(print_page, print_page.c.message_id == message.c.id)
    .where(
        listed(message.c.profile_id, "people"),
        message.c.journey == "welcome_insert",
        message.c.state.in_(SPOOLED),
    )
)


def facts(connection: Connection, rows: pd.DataFrame, moment: Moment, _brief: WelcomeInsertBrief) -> pd.DataFrame:
    """What could make the card pointless: the order is cancelled or packed, or she has had her card."""
    order_ids = rows["subject_id"].astype("int64").tolist()
    people = rows["profile_id"].tolist()
    # Two people who became one may have a card each in the spool: what was printed comes first, then the older one.
    had: dict[int, list[tuple[bool, int, str]]] = {}
    for profile_id, key, message_id, position in connection.execute(_HAD, {"people": people}).all():
        had.setdefault(profile_id, []).append((position is None, message_id, key))
    first_here: set[int] = set()
    gone = []
    for key, profile_id, is_lost in zip(
        rows["key"], people, lost(connection, people, order_ids, moment.now), strict=True
    ):
        is_gone = is_lost or min(had.get(profile_id, ()), default=(True, 0, key))[2] != key or profile_id in first_here
        gone.append(is_gone)
        if not is_gone:
            first_here.add(profile_id)
    return pd.DataFrame({"gone": gone}, index=rows.index)


def words(
    connection: Connection, rows: pd.DataFrame, moment: Moment, brief: WelcomeInsertBrief
) -> Sequence[Mapping[str, Any]]:
    """Up to four things that fit her and that the channel she bought on does not list, and where the card is packed."""
    order_ids = rows["subject_id"].astype("int64").tolist()
    people = rows["profile_id"].tolist()
    orders = packed_as(connection, order_ids)
    bought_on = [orders[order_id].sales_channel for order_id in order_ids]
    asked = list(zip(people, bought_on, strict=True)) if brief.show_items else []
    things = fitting(connection, asked, moment.now, limit=ITEMS)
    said = []
    for profile_id, order_id in zip(people, order_ids, strict=True):
        said.append(
            {
                "items": [
                    {
                        "title": item.title,
                        "size": item.size,
                        "colour": item.colour,
                        "price_minor": item.price_minor,
                        "currency": item.currency,
                        "image_url": item.image_url,
                    }
                    for item in things.get(profile_id, [])
                ],
                **slip(orders[order_id]),
            }
        )
    return said


def insert_next_due(moment: Moment, _brief: WelcomeInsertBrief) -> Select[Any]:
    """When the next order that becomes a parcel is paid, by all that is known; with waves, just before its wave."""
    ahead = select(func.min(order.c.paid_at)).where(
        order.c.paid_at > moment.now, order.c.delivery == "ship", order.c.profile_id.is_not(None)
    )
    if moment.pick_wave is None:
        return ahead
    # No card is printed before the wave, so a rehearsal need not stop at every order.
    stop = next_wave(moment.now, moment.pick_wave) - BEFORE_THE_WAVE
    soonest = ahead.scalar_subquery()
    return select(case((soonest <= stop, literal(stop, UtcTime)), else_=soonest))


def welcome_offer(brief: WelcomeInsertBrief) -> Offer | None:
    """A code for everybody's first parcel; who holds a live one sees that one."""
    if brief.percent == 0:
        return None
    return Offer(
        name="welcome",
        percent=brief.percent,
        valid_for=timedelta(days=brief.code_days),
        if_live="show",
        shown_if_left=SHOWN_IF_LEFT,
    )


JOURNEY = Journey(
    name="welcome_insert",
    title="Welcome insert",
    brief=WelcomeInsertBrief,
    asks="her first parcel: an order of her own that is paid, to be shipped and not packed yet",
    why_not=about_orders,
    steps=(
        Step(
            name="insert",
            due=insert_due,
            channels=(Channel.PRINT,),
            facts=facts,
            words=words,
            next_due=insert_next_due,
            offer=welcome_offer,
            priority=60,
            in_parcels=True,
            on_uncertain="repeat",  # a spool takes a key once, however often it is given
        ),
    ),
)
