"""Parcels that a card can still be put into: which orders they are, until when, and where they are packed.

An order is a parcel to whoever placed it if it is paid (a total of 0 is paid), to be shipped, not cancelled, and
neither a gift nor a marketplace's, pick-up or till order. It must still be in the house: once anything is packed or
shipped, a card is too late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, func, literal, or_, select

from segue.journeys.definition import Moment
from segue.journeys.waves import wave_case
from segue.store.sql import later, listed
from segue.store.tables import fulfilment, location, message, order
from segue.store.types import UtcTime

#: Orders paid longer ago than this are not even looked at; anything younger is counted, if only as too late.
LOOKBACK = timedelta(days=14)
#: Where the shop says when it packed: the longest an order may lie unpacked and still get a card.
UNPACKED_AT_MOST = timedelta(days=14)
#: Where an order that names no place is packed.
HOME_LOCATION = "main"
#: A card is read days after it was printed: a code that runs out sooner would be dead paper.
SHOWN_IF_LEFT = timedelta(days=7)
#: States of a card that is in the spool or on paper; one taken out again is settled as skipped.
SPOOLED = ("handed_over", "accepted", "uncertain")

_FACTS = select(
    order.c.id,
    order.c.profile_id,
    order.c.cancelled_at,
    order.c.delivery,
    order.c.gift,
    select(func.min(fulfilment.c.occurred_at))
    .where(fulfilment.c.order_id == order.c.id)
    .scalar_subquery()
    .label("touched_at"),
).where(listed(order.c.id, "orders"))
_PLACES = (
    select(
        order.c.id,
        order.c.number,
        order.c.external_id,
        order.c.sales_channel,
        location.c.external_id.label("place"),
    )
    .outerjoin(location, location.c.id == order.c.location_id)
    .where(listed(order.c.id, "orders"))
)


def is_parcel(orders: FromClause, now: Any) -> ColumnElement[bool]:
    """True for an order that becomes a parcel to the person who placed it."""
    columns = orders.c
    return (
        (columns.delivery == "ship")
        & columns.gift.is_(False)
        & columns.marketplace.is_(False)
        & or_(columns.cancelled_at.is_(None), columns.cancelled_at > now)
    )


def age(orders: FromClause) -> tuple[ColumnElement[Any], ...]:
    """What makes an order the earlier one: when it was paid, then the lower number of the shop's own."""
    return orders.c.paid_at, func.length(orders.c.external_id), orders.c.external_id


def deadline(moment: Moment) -> ColumnElement[Any]:
    """The pick wave that takes the order, or, where the shop says what it packed, much later."""
    if moment.pick_wave is None:
        return later(order.c.paid_at, UNPACKED_AT_MOST)
    return wave_case(order.c.paid_at, since=moment.now - LOOKBACK, until=moment.now, wave=moment.pick_wave)


def unpacked(moment: Moment, since: datetime) -> tuple[ColumnElement[bool], ...]:
    """Of `order`: a parcel to somebody we know, paid after `since`, of which nothing is packed yet."""
    touched = select(fulfilment.c.id).where(fulfilment.c.order_id == order.c.id, fulfilment.c.occurred_at <= moment.now)
    return (
        order.c.profile_id.is_not(None),
        order.c.paid_at > max(moment.now - LOOKBACK, since),
        order.c.paid_at <= moment.now,
        is_parcel(order, moment.now),
        ~touched.exists(),
    )


def waiting(moment: Moment) -> Select[Any]:
    """The parcel of each person that a card can be put into now: her earliest that no wave has taken and no card is in.

    A select of `profile_id`, `subject_id` and `deadline_at`.
    """
    until = deadline(moment)
    holds = select(message.c.id).where(
        message.c.profile_id == order.c.profile_id,
        message.c.channel == "print",
        message.c.subject_id == order.c.id,
        message.c.state.in_(SPOOLED),
    )
    parcels = (
        select(
            order.c.profile_id,
            order.c.id.label("subject_id"),
            until.label("deadline_at"),
            func.row_number().over(partition_by=order.c.profile_id, order_by=age(order)).label("place"),
        )
        .where(*unpacked(moment, moment.now - LOOKBACK), until > literal(moment.now, UtcTime), ~holds.exists())
        .subquery("parcels")
    )
    return select(parcels.c.profile_id, parcels.c.subject_id, parcels.c.deadline_at).where(parcels.c.place == 1)


def lost(connection: Connection, people: Sequence[int], order_ids: Sequence[int], now: datetime) -> list[bool]:
    """For each person and order, whether no card can be put into it any more: cancelled, packed, no parcel of hers."""
    found = {row.id: row for row in connection.execute(_FACTS, {"orders": list(order_ids)}).all()}
    return [
        row is None
        or row.profile_id != person
        or (row.cancelled_at is not None and row.cancelled_at <= now)
        or (row.touched_at is not None and row.touched_at <= now)
        or row.delivery != "ship"
        or row.gift
        for person, row in zip(people, map(found.get, order_ids), strict=True)
    ]


def packed_as(connection: Connection, order_ids: Sequence[int]) -> Mapping[int, Any]:
    """By order: `number`, `external_id`, `sales_channel`, and the `place` where it is packed, if it names one."""
    return {row.id: row for row in connection.execute(_PLACES, {"orders": list(order_ids)}).all()}


def slip(row: Any) -> dict[str, Any]:
    """What a card says for whoever packs it: the order's number, and where."""
    return {"order": {"number": row.number or row.external_id}, "location": row.place or HOME_LOCATION}


def with_another_card(
    connection: Connection, keys: Sequence[str], people: Sequence[int], order_ids: Sequence[int]
) -> list[bool]:
    """For each message, whether the parcel of hers that it is for has a card already: of several, the oldest stays."""
    question = select(message.c.subject_id, message.c.id, message.c.key).where(
        listed(message.c.profile_id, "people"), message.c.channel == "print", message.c.state.in_(SPOOLED)
    )
    first: dict[int, tuple[int, str]] = {}
    for order_id, message_id, key in connection.execute(question, {"people": list(people)}).all():
        first[order_id] = min(first.get(order_id, (message_id, key)), (message_id, key))
    return [first.get(order_id, (0, key))[1] != key for key, order_id in zip(keys, order_ids, strict=True)]
