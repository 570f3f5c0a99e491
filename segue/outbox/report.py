"""Counting what became of people, and when something may become due next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from segue.journeys.definition import Brief, Journey, Moment
from segue.outbox.states import HANDED_OVER, PENDING
from segue.outbox.summary import GROUPS, Spending, Summary, example_name, lines_of
from segue.store.tables import message, run

_EXAMPLES = 5
#: What was handed over and not refused, so far as we know: what may be billed.
_BILLED = (HANDED_OVER, "accepted", "uncertain")


def summary_of(connection: Connection, *, journey: str | None, run_id: int | None) -> Summary:
    """The sum of one run, or of a journey's whole life."""
    if run_id is not None:
        journey = connection.execute(select(run.c.journey).where(run.c.id == run_id)).scalar_one()
        mine = message.c.run_id == run_id
    else:
        mine = message.c.journey == journey
    place = (message.c.step, message.c.state, message.c.reason, message.c.channel)
    rows = connection.execute(select(*place, func.count()).where(mine).group_by(*place)).all()
    numbered = (
        select(
            *place,
            message.c.profile_id,
            func.row_number().over(partition_by=place, order_by=message.c.id).label("place"),
        )
        .where(mine)
        .subquery()
    )
    examples: dict[str, tuple[int, ...]] = {}
    for step, state, reason, channel, profile_id, _ in connection.execute(
        select(numbered).where(numbered.c.place <= _EXAMPLES)
    ):
        name = example_name(step, GROUPS[state], reason, channel)
        examples[name] = (*examples.get(name, ()), profile_id)[:_EXAMPLES]
    return Summary(
        journey=str(journey),
        run_id=run_id,
        preview=False,
        lines=lines_of((row[0], row[1], row[2], row[3], row[4]) for row in rows),
        examples=examples,
        spendings=_spendings(connection, mine),
    )


def _spendings(connection: Connection, mine: ColumnElement[bool]) -> tuple[Spending, ...]:
    place = (message.c.step, message.c.channel, message.c.cost_currency)
    rows = connection.execute(
        select(*place, func.count(), func.sum(message.c.segments), func.sum(message.c.cost_micros))
        .where(mine, message.c.state.in_(_BILLED))
        .where(or_(message.c.segments.is_not(None), message.c.cost_micros.is_not(None)))
        .group_by(*place)
    ).all()
    made = (
        Spending(
            step=step,
            channel=channel,
            messages=count,
            segments=None if segments is None else int(segments),
            micros=None if micros is None else int(micros),
            currency=currency,
        )
        for step, channel, currency, count, segments, micros in rows
    )
    return tuple(sorted(made, key=lambda one: (one.step, one.channel, one.currency or "")))


def unsettled(connection: Connection) -> list[tuple[str, str, str, str | None, int]]:
    """Journey, step, state, reason and number of all messages that wait or are uncertain."""
    columns = (message.c.journey, message.c.step, message.c.state, message.c.reason)
    rows = connection.execute(
        select(*columns, func.count())
        .where(message.c.state.in_((*PENDING, HANDED_OVER, "uncertain")))
        .group_by(*columns)
        .order_by(*columns)
    )
    return [tuple(row) for row in rows]


def next_due_at(
    connection: Connection, asked: Iterable[tuple[Journey, Brief, Moment]], *, now: datetime
) -> datetime | None:
    """The soonest instant after `now` at which a step or a pending message may want something."""
    return min(plan_ahead(connection, asked, now=now).values(), default=None)


def plan_ahead(
    connection: Connection, asked: Iterable[tuple[Journey, Brief, Moment]], *, now: datetime
) -> dict[str, datetime]:
    """By journey the soonest instant after `now` at which a step may want something; under "" that of what waits."""
    waiting = select(func.min(message.c.not_before)).where(message.c.state.in_(PENDING), message.c.not_before > now)
    questions: dict[str, list[Select[Any]]] = {"": [waiting]}
    for journey, brief, moment in asked:
        questions[journey.name] = [step.next_due(moment, brief) for step in journey.steps]
    planned: dict[str, datetime] = {}
    for name, of_steps in questions.items():
        times = [connection.scalar(question) for question in of_steps]
        if ahead := [time for time in times if time is not None and time > now]:
            planned[name] = min(ahead)
    return planned
