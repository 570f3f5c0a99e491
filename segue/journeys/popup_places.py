"""How many more people a pop-up wants to invite, as a question to the store.

    invitations in all = free places / show rate, rounded up
    free places        = places - people who came without an invitation; none once as many came as there are places

Who came with an invitation is what the show rate stands for, so she uses no place a second time. Who came is known by
orders: somebody with an order rung up or picked up at that location that is not cancelled; an order of nobody we know
is a person of its own. The show rate is the one of earlier pop-ups, once enough were invited there; until then the
house's. An invitation counts from its promise until it is settled as skipped, rejected or control: so one that is held
for the night keeps its turn, and what came to nothing is open for the next wave.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    case,
    exists,
    func,
    literal,
    or_,
    select,
)

from segue.settings import PopUp
from segue.store.sql import among
from segue.store.tables import location, message, order

JOURNEY_NAME = "popup_invite"
#: Who reads an invitation later than this before the end has no time left to come.
TIME_TO_COME = timedelta(hours=3)
#: What settles an invitation without anybody being invited.
_CAME_TO_NOTHING = ("skipped", "rejected", "control")
#: It reached her, or may have.
_REACHED = ("handed_over", "accepted", "uncertain")
#: Finer show rates than this are told apart by nobody.
_FINEST = 1_000_000


def is_open(now: datetime, places: int | None = None) -> ColumnElement[bool]:
    """True for a pop-up that one can still be invited to; one without an end or a place for anybody is called off."""
    return (
        (location.c.kind == "popup")
        & (location.c.closes_at > now + TIME_TO_COME)
        & (func.coalesce(location.c.capacity, places) > 0)
    )


def popups_to_offer(now: datetime) -> Select[Any]:
    """The pop-ups that a marketer may choose: `external_id`, `name`, `zone`, `opens_at`, `closes_at`, next first.

    One without a capacity is among them, since the form may give it places; one that stands nowhere is not.
    """
    return (
        select(location.c.external_id, location.c.name, location.c.zone, location.c.opens_at, location.c.closes_at)
        .where(
            is_open(now, 1),
            location.c.opens_at.is_not(None),
            location.c.latitude.is_not(None),
            location.c.longitude.is_not(None),
        )
        .order_by(location.c.opens_at, location.c.id)
    )


def popups_with_room(
    now: datetime, house: PopUp, *, opens_within: timedelta, external_id: str | None, places: int | None = None
) -> CTE:
    """Return the pop-ups that want to invite people: `id`, `latitude`, `longitude`, `closes_at`, `room` above 0.

    `external_id` names one of them, else all count that are open or open soon; `places` stands in for its capacity.
    """
    wanted = select(
        location.c.id,
        location.c.latitude,
        location.c.longitude,
        location.c.closes_at,
        (location.c.capacity if places is None else literal(places, Integer)).label("places"),
    ).where(
        is_open(now, places),
        location.c.latitude.is_not(None),
        location.c.longitude.is_not(None),
        location.c.opens_at <= now + opens_within,
    )
    if external_id is not None:
        wanted = wanted.where(location.c.external_id == external_id)
    popup = wanted.cte("popup")
    rate = _show_rate(now, house)
    invited = (
        select(func.count())
        .select_from(message)
        .where(
            message.c.journey == JOURNEY_NAME,
            message.c.subject_id == popup.c.id,
            message.c.state.not_in(_CAME_TO_NOTHING),
        )
        .scalar_subquery()
    )
    came = _came(popup, now)
    counted = (
        select(
            popup.c.id,
            case(
                (func.coalesce(came.c.everybody, 0) >= popup.c.places, 0),
                else_=popup.c.places - func.coalesce(came.c.uninvited, 0),
            ).label("free"),
            invited.label("invited"),
        )
        .select_from(popup.outerjoin(came, came.c.location_id == popup.c.id))
        .cte("counted")
    )
    # Whole numbers only: both databases cut a division of them off, so it is rounded up by hand.
    in_all = (counted.c.free * rate.c.asked + rate.c.came - 1) // rate.c.came
    room = in_all - counted.c.invited
    return (
        select(popup.c.id, popup.c.latitude, popup.c.longitude, popup.c.closes_at, room.label("room"))
        .select_from(popup.join(counted, counted.c.id == popup.c.id).join(rate, literal(value=True)))
        .where(room > 0)
        .cte("popup_with_room")
    )


def full(connection: Connection, location_ids: Collection[int], now: datetime, *, places: int | None) -> set[int]:
    """Return those of some pop-ups to which as many people came as there are places."""
    popup = (
        select(location.c.id, (location.c.capacity if places is None else literal(places, Integer)).label("places"))
        .where(among(connection, location.c.id, location_ids))
        .cte("popup")
    )
    came = _came(popup, now)
    joined = popup.join(came, came.c.location_id == popup.c.id)
    return set(connection.scalars(select(popup.c.id).select_from(joined).where(came.c.everybody >= popup.c.places)))


def who_came(now: datetime) -> Select[Any]:
    """Every order that says that somebody was at a location: `location_id`, `profile_id`."""
    return select(order.c.location_id, order.c.profile_id).where(_was_there(order, now))


def _was_there(orders: FromClause, now: datetime) -> ColumnElement[bool]:
    """A parcel that a location packs brought nobody there."""
    columns = orders.c
    return (
        columns.location_id.is_not(None)
        & (columns.occurred_at <= now)
        & or_(columns.delivery.is_(None), columns.delivery != "ship")
        & or_(columns.cancelled_at.is_(None), columns.cancelled_at > now)
    )


def _came(popup: CTE, now: datetime) -> CTE:
    """How many people came to each pop-up: `location_id`, `everybody`, `uninvited`."""
    was_invited = exists().where(
        message.c.journey == JOURNEY_NAME,
        message.c.subject_id == order.c.location_id,
        message.c.profile_id == order.c.profile_id,
        message.c.state.not_in(_CAME_TO_NOTHING),
    )
    visitor = (
        select(
            order.c.location_id,
            func.coalesce(order.c.profile_id, -order.c.id).label("who"),
            case((was_invited, 0), else_=1).label("uninvited"),
        )
        .where(order.c.location_id.in_(select(popup.c.id)), _was_there(order, now))
        .distinct()
        .cte("visitor")
    )
    return (
        select(visitor.c.location_id, func.count().label("everybody"), func.sum(visitor.c.uninvited).label("uninvited"))
        .group_by(visitor.c.location_id)
        .cte("came")
    )


def _show_rate(now: datetime, house: PopUp) -> CTE:
    """One row, `came` out of `asked`: of the people invited to pop-ups that are over, else as the house expects.

    Of those who were asked at least one is taken to have come, or a failure would invite the whole world.
    """
    expected = Fraction(str(house.expected_show_rate)).limit_denominator(_FINEST)
    expected = max(expected, Fraction(1, _FINEST))
    past = (
        select(message.c.subject_id, message.c.profile_id)
        .join(location, location.c.id == message.c.subject_id)
        .where(
            message.c.journey == JOURNEY_NAME,
            message.c.state.in_(_REACHED),
            location.c.kind == "popup",
            location.c.closes_at <= now,
        )
        .distinct()
        .cte("past_invitation")
    )
    showed = exists().where(
        order.c.profile_id == past.c.profile_id, order.c.location_id == past.c.subject_id, _was_there(order, now)
    )
    measured = select(func.count().label("asked"), func.count(case((showed, 1))).label("came")).select_from(past)
    found = measured.cte("measured")
    enough = found.c.asked >= house.measured_from
    return select(
        case((enough & (found.c.came > 0), found.c.came), (enough, 1), else_=expected.numerator).label("came"),
        case((enough, found.c.asked), else_=expected.denominator).label("asked"),
    ).cte("show_rate")
