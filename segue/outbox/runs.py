"""A run's own row."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from segue.journeys.definition import Brief, Journey
from segue.store.tables import run


def run_of(connection: Connection, journey: Journey, brief: Brief, flow_run_id: str | None, now: datetime) -> int:
    """The run of `flow_run_id`, made if it is new; without one, always a new run."""
    row = {
        "journey": journey.name,
        "flow_run_id": flow_run_id,
        "brief": brief.model_dump(mode="json"),
        "started_at": now,
    }
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    made = connection.scalar(dialect.insert(run).values(row).on_conflict_do_nothing().returning(run.c.id))
    if made is None:
        made = connection.execute(select(run.c.id).where(run.c.flow_run_id == flow_run_id)).scalar_one()
    return int(made)
