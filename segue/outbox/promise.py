"""Promising: a row before a message, inserted only where its key is new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, exists, literal, select

from segue.journeys.definition import Brief, Journey, Moment, Step
from segue.outbox.states import PERSON_BUCKETS
from segue.store.sql import insert_where_new
from segue.store.tables import message, run_audience
from segue.store.types import UtcTime


def promise(
    connection: Connection,
    journey: Journey,
    step: Step,
    brief: Brief,
    moment: Moment,
    *,
    run_id: int,
    only: ColumnElement[bool] | None = None,
    leave_to: Sequence[int] = (),
) -> int:
    """Insert a queued row for every due occasion whose key is new; return how many.

    `only` narrows it to the rows of `run_audience` it is true of, which are about the same key; what the runs
    `leave_to` have frozen is left to them. One `INSERT ... SELECT ... ON CONFLICT DO NOTHING`: two runs at once, a
    double click or a clock going back meet the unique key and add nothing.
    """
    due = step.due(moment, brief).subquery("due")
    bucket = due.c.profile_id % PERSON_BUCKETS
    source: dict[str, ColumnElement[Any]] = {
        "key": key_of(journey, step, due),
        "profile_id": due.c.profile_id,
        "bucket": bucket + PERSON_BUCKETS if step.transactional else bucket,
        "run_id": literal(run_id),
        "journey": literal(journey.name),
        "step": literal(step.name),
        "subject_id": due.c.subject_id,
        "transactional": literal(step.transactional),
        "priority": literal(step.priority),
        "state": literal("queued"),
        "not_before": literal(moment.now, UtcTime),
        "deadline_at": due.c.deadline_at,
        "promised_at": literal(moment.now, UtcTime),
    }
    rows = select(*source.values()).where(is_new(journey, step, due))
    if only is not None:
        rows = rows.where(exists().where(run_audience.c.key == key_of(journey, step, due), only))
    if leave_to:
        rows = rows.where(~_frozen_by(leave_to, key_of(journey, step, due)))
    # One lease's rows lie side by side, so that a window is on few of the table's pages.
    rows = rows.order_by(bucket, due.c.profile_id)
    done = connection.execute(
        insert_where_new(message).from_select(list(source), rows, include_defaults=False),
        execution_options={"preserve_rowcount": True},
    )
    if connection.dialect.name == "sqlite":  # its driver counts no rows of a statement that begins with WITH
        return int(connection.exec_driver_sql("SELECT changes()").scalar_one())
    return done.rowcount


def candidates(
    journey: Journey,
    step: Step,
    brief: Brief,
    moment: Moment,
    *,
    leave_to: Sequence[int] = (),
    person: int | None = None,
) -> Select[Any]:
    """The same occasions as rows to judge, without promising them: what a preview looks at; of one `person`, or all."""
    due = step.due(moment, brief).subquery("due")
    rows = select(
        literal(0).label("id"),
        key_of(journey, step, due).label("key"),
        due.c.profile_id,
        due.c.subject_id,
        literal(step.name).label("step"),
        literal(step.priority).label("priority"),
        due.c.deadline_at,
    ).where(is_new(journey, step, due))
    if person is not None:
        rows = rows.where(due.c.profile_id == person)
    return rows.where(~_frozen_by(leave_to, key_of(journey, step, due))) if leave_to else rows


def key_of(journey: Journey, step: Step, due: Subquery) -> ColumnElement[str]:
    """`journey/step/occasion`."""
    return literal(f"{journey.name}/{step.name}/").concat(due.c.occasion)


def is_new(journey: Journey, step: Step, due: Subquery) -> ColumnElement[bool]:
    """True where nobody promised this key yet."""
    return ~exists().where(message.c.key == key_of(journey, step, due))


def _frozen_by(runs: Sequence[int], key: ColumnElement[str]) -> ColumnElement[bool]:
    return exists().where(run_audience.c.run_id.in_(runs), run_audience.c.key == key)
