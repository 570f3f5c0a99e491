"""What promising says it did."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from segue.journeys.definition import Brief, Moment
from tests.outbox.conftest import Desks
from tests.outbox.shop import everybody, step


def _after_a_with(moment: Moment, brief: Brief) -> Select[Any]:
    due = everybody(moment, brief).cte("everybody")
    return select(due.c.occasion, due.c.profile_id, due.c.subject_id, due.c.deadline_at)


def test_rows_are_counted_for_a_query_that_begins_with_a_with(desk: Desks) -> None:
    """SQLite's driver counts no rows of such a statement by itself."""
    one = desk(step(due=_after_a_with), people=3)  # the desk compares the count of its promise
    assert len(one.rows()) == 3
    assert one.promise() == 0


def test_rows_of_one_lease_lie_side_by_side(desk: Desks) -> None:
    """A window that leaves by bucket is on few of the table's pages; by person it was on all of them."""
    one = desk(step(), people=257)
    buckets = [row.bucket for row in one.rows()]  # oldest first
    assert len(buckets) == 257
    assert buckets == sorted(buckets)
