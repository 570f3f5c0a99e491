"""What came of a run: news of its messages, and what people ordered afterwards, beside those left alone on purpose.

An order counts for a group where it was placed within seven days of the message, paid, and not cancelled. That says
when somebody bought, not why; what the journey did is the difference to the comparison group.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Subquery, and_, case, distinct, func, literal, select, union

from segue.store.sql import later
from segue.store.tables import delivery_event, message, order, run, touchpoint

#: How long after her message an order is counted.
WINDOW = timedelta(days=7)
#: Below this many people in either group, shares say nothing.
ENOUGH = 100
#: What providers tell, as people read it; the rest (deferred) is not final.
_NEWS = {
    "delivered": "delivered",
    "bounced": "not delivered",
    "dropped": "not delivered",
    "blocked": "not delivered",
    "failed": "not delivered",
    "opened": "opened",
    "clicked": "clicked",
    "unsubscribed": "unsubscribed",
    "complained": "complained",
}
#: In reading order.
NEWS = ("delivered", "not delivered", "opened", "clicked", "unsubscribed", "complained")
_CLICKS = ("click", "landing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People, and what they ordered within the window."""

    people: int
    #: Those of them who ordered.
    buyers: int
    orders: int
    #: What the orders are worth after refunds, minor units by currency.
    worth: Mapping[str, int]

    @property
    def share(self) -> float:
        """Of the people, those who ordered: 0 to 1."""
        return self.buyers / self.people if self.people else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What came of one run; counts only."""

    run_id: int
    #: Messages that a provider took.
    sent: int
    #: Messages with at least one piece of news of a kind, by `NEWS`, zeros included.
    news: Mapping[str, int]
    treated: Group
    control: Group
    #: When the last message's window closes, UTC; None where nothing was sent.
    until: datetime | None

    @property
    def difference(self) -> tuple[float, float, float] | None:
        """How far the shares of buyers are apart, with the bounds of its 95 % interval; None for too few people."""
        here, there = self.treated, self.control
        if min(here.people, there.people) < ENOUGH:
            return None
        spread = 1.96 * math.sqrt(_variance(here) + _variance(there))
        apart = here.share - there.share
        return apart, apart - spread, apart + spread


def results_of(connection: Connection, run_id: int) -> Results:
    """Count what came of a run so far."""
    mine = message.c.run_id == run_id
    sent, last = connection.execute(
        select(func.count(), func.max(_left_at())).where(mine, message.c.state == "accepted")
    ).one()
    return Results(
        run_id=run_id,
        sent=sent,
        news=_news(connection, mine),
        treated=_group(connection, _treated(run_id)),
        control=_group(connection, _control(run_id)),
        until=None if last is None else last + WINDOW,
    )


def runs_to_refresh(connection: Connection, *, since: datetime, limit: int) -> list[tuple[int, str, str]]:
    """Id, journey and Prefect's id of runs since then that sent something, newest first."""
    sent = select(message.c.id).where(message.c.run_id == run.c.id, message.c.state == "accepted").exists()
    rows = connection.execute(
        select(run.c.id, run.c.journey, run.c.flow_run_id)
        .where(run.c.started_at >= since, run.c.flow_run_id.is_not(None), sent)
        .order_by(run.c.id.desc())
        .limit(limit)
    )
    return [(run_id, journey, flow_run) for run_id, journey, flow_run in rows]


def _left_at() -> ColumnElement[datetime]:
    return func.coalesce(message.c.handed_over_at, message.c.answered_at, message.c.promised_at)


def _news(connection: Connection, mine: ColumnElement[bool]) -> dict[str, int]:
    kind = case(_NEWS, value=delivery_event.c.kind).label("kind")
    told = select(delivery_event.c.message_id, kind).where(delivery_event.c.kind.in_(_NEWS))
    came = select(touchpoint.c.message_id, literal("clicked").label("kind")).where(touchpoint.c.kind.in_(_CLICKS))
    of_mine = [one.join(message, message.c.id == one.selected_columns.message_id).where(mine) for one in (told, came)]
    news = union(*of_mine).subquery()
    counts = dict(connection.execute(select(news.c.kind, func.count()).group_by(news.c.kind)).tuples().all())
    return {kind: counts.get(kind, 0) for kind in NEWS}


def _treated(run_id: int) -> Subquery:
    """Who got it, and when first."""
    return (
        select(message.c.profile_id, func.min(_left_at()).label("at"))
        .where(message.c.run_id == run_id, message.c.state == "accepted")
        .group_by(message.c.profile_id)
        .subquery("people")
    )


def _control(run_id: int) -> Subquery:
    """Who was left alone to measure, and when that was decided; not who got another message of the same run."""
    got = message.alias("got")
    treated = select(got.c.profile_id).where(got.c.run_id == run_id, got.c.state == "accepted")
    return (
        select(message.c.profile_id, func.min(message.c.promised_at).label("at"))
        .where(message.c.run_id == run_id, message.c.state == "control", message.c.profile_id.not_in(treated))
        .group_by(message.c.profile_id)
        .subquery("people")
    )


def _group(connection: Connection, people: Subquery) -> Group:
    bought = and_(
        order.c.profile_id == people.c.profile_id,
        order.c.occurred_at >= people.c.at,
        order.c.occurred_at < later(people.c.at, WINDOW),
        order.c.paid_at.is_not(None),
        order.c.cancelled_at.is_(None),
    )
    size = connection.scalar(select(func.count()).select_from(people)) or 0
    buyers, orders = connection.execute(
        select(func.count(distinct(order.c.profile_id)), func.count()).select_from(people).join(order, bought)
    ).one()
    worth = connection.execute(
        select(order.c.currency, func.sum(order.c.total_minor - order.c.refunded_minor))
        .select_from(people)
        .join(order, bought)
        .group_by(order.c.currency)
        .order_by(order.c.currency)
    )
    return Group(people=size, buyers=buyers, orders=orders, worth={name: int(minor) for name, minor in worth})


def _variance(group: Group) -> float:
    return group.share * (1 - group.share) / group.people
