"""When points will next give a reason to write: lets a rehearsal jump there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, literal, select, union_all

from segue.journeys.definition import Moment
from segue.journeys.month_turns import turn_case, turns_after
from segue.journeys.points_shown import SOON
from segue.store.sql import later
from segue.store.tables import journey_state, loyalty_entry, order, profile
from segue.store.types import UtcTime

#: A rehearsal looks once a day, as the schedule does.
A_DAY = timedelta(days=1)


def month_next_due(moment: Moment, brief: Any) -> Select[Any]:
    """When the month turns next for anybody who has points."""
    turns = turns_after(moment.now, brief.hour)
    known = select(loyalty_entry.c.profile_id)
    first = {zone: turn for turn in reversed(turns) for zone in turn.zones}
    by_turn = sorted({turn.at: turn for turn in first.values()}.values(), key=lambda turn: turn.at)
    soonest = turn_case(tuple(by_turn), profile.c.zone)
    return select(func.min(soonest, type_=UtcTime())).where(
        profile.c.id.in_(known), _is_on(moment), literal(brief.month)
    )


def reward_next_due(moment: Moment, brief: Any) -> Select[Any]:
    """When the next points count, once a day at most."""
    now = literal(moment.now, UtcTime)
    window = timedelta(days=moment.house.loyalty.return_window_days)
    booked = select(func.min(loyalty_entry.c.counts_from)).where(loyalty_entry.c.counts_from > now).scalar_subquery()
    ahead = select(func.min(order.c.paid_at)).where(order.c.paid_at > now).scalar_subquery()
    return _soonest(moment, booked, later(ahead, window)).where(literal(brief.reward))


def expiry_next_due(moment: Moment, brief: Any) -> Select[Any]:
    """When the next points will have 30 days left, once a day at most."""
    ahead = select(func.min(loyalty_entry.c.expires_at)).where(
        loyalty_entry.c.expires_at > literal(moment.now + SOON, UtcTime)
    )
    return _soonest(moment, later(ahead.scalar_subquery(), -SOON)).where(literal(brief.expiry))


def _soonest(moment: Moment, *instants: ColumnElement[Any]) -> Select[Any]:
    day = literal(moment.now + A_DAY, UtcTime)
    times = union_all(*(select(one.label("at")) for one in instants)).subquery("times")
    soonest = func.min(times.c.at, type_=UtcTime())
    return select(case((soonest < day, day), else_=soonest).label("at")).where(_is_on(moment))


def _is_on(moment: Moment) -> ColumnElement[bool]:
    """A rehearsal need not stop for a journey that nobody switched on, nor where there is no programme."""
    has_programme = literal(moment.house.loyalty.starts_at is not None)
    return exists().where(journey_state.c.journey == "loyalty_notice") & has_programme
