"""Writes down addresses that must not be written to again.

The first time an address and a reason are told counts. Only of a stop the latest instant does, since a text message
that says START lifts the stops before it and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from segue.store.bulk import insert_new, rows_where
from segue.store.tables import suppression

_ONCE = ("address_hash", "reason")
#: The reason that may be lifted.
STOP = "stop"


def insert_suppressions(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Write `rows` (address_hash, reason, occurred_at, recorded_at); return how many were new.

    A stop that is known from an earlier instant moves to the later one.
    """
    first: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        known = first.setdefault((row["address_hash"], row["reason"]), row)
        if row["reason"] == STOP and known["occurred_at"] < row["occurred_at"]:
            first[row["address_hash"], STOP] = row
    new = insert_new(connection, suppression, list(first.values()), _ONCE)
    stops = {digest: row for (digest, reason), row in first.items() if reason == STOP}
    if new < len(first) and stops:
        _move(connection, stops)
    return new


def _move(connection: Connection, stops: Mapping[str, Mapping[str, Any]]) -> None:
    """Let the stops that are known from earlier stand at their new instants, under new ids: they are news."""
    columns = select(suppression.c.address_hash, suppression.c.occurred_at).where(suppression.c.reason == STOP)
    known = rows_where(connection, columns, suppression.c.address_hash, stops)
    later = [dict(stops[digest]) for digest, at in known if at < stops[digest]["occurred_at"]]
    if not later:
        return
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(suppression)
    told = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=_ONCE,
            set_={"id": told.id, "occurred_at": told.occurred_at, "recorded_at": told.recorded_at},
            where=suppression.c.occurred_at < told.occurred_at,
        ),
        later,
    )
