"""Set-based writes that mean the same on SQLite and PostgreSQL.

SQLite takes rows by `executemany` and lists through `json_each`; PostgreSQL takes both as arrays
(`unnest`, `= ANY`), so neither meets its limit of parameters however many rows there are.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    Table,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import sqlite

from segue.store.sql import among

_CHUNK = 10_000
_ID_BLOCK = 500
#: SQLAlchemy forgets how many rows an INSERT wrote unless it is told to keep it.
_COUNTED = {"preserve_rowcount": True}

Values = Mapping[str, Any]


def insert_new(
    connection: Connection, table: Table, rows: Sequence[Values], conflict: Sequence[str] | None = None
) -> int:
    """Insert `rows` (all with the same keys), leave out those that are already there, return how many were new.

    `conflict` names the unique columns that tell; None means any unique constraint of the table.
    """
    new = 0
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        if connection.dialect.name == "postgresql":
            new += _unnest(connection, table, chunk, conflict)
        else:
            new += _executemany(connection, table, chunk, conflict)
    return new


def _executemany(connection: Connection, table: Table, rows: Sequence[Values], conflict: Sequence[str] | None) -> int:
    """One INSERT for many rows, straight to the driver: SQLAlchemy's own way costs more than the insert."""
    names = list(rows[0])
    statement = sqlite.insert(table).on_conflict_do_nothing(index_elements=conflict)
    compiled = statement.compile(dialect=connection.dialect, column_keys=names)
    if set(compiled.positiontup or ()) != set(names):  # a column with a default of Python's own making
        return connection.execute(statement, rows, execution_options=_COUNTED).rowcount
    columns = []
    for name in compiled.positiontup or ():
        to_driver = table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        columns.append([row[name] for row in rows] if to_driver is None else [to_driver(row[name]) for row in rows])
    given = list(zip(*columns, strict=True))
    return connection.exec_driver_sql(str(compiled), given, execution_options=_COUNTED).rowcount


def _unnest(connection: Connection, table: Table, rows: Sequence[Values], conflict: Sequence[str] | None) -> int:
    """One INSERT ... SELECT FROM unnest: an array a column instead of a parameter a cell."""
    names = list(rows[0])
    quote = connection.dialect.identifier_preparer
    columns = [table.c[name] for name in names]
    casts = [f"CAST(:c{i} AS {_array_type(column, connection)}[])" for i, column in enumerate(columns)]
    picks = [f"CAST(r.c{i} AS JSON)" if isinstance(c.type, JSON) else f"r.c{i}" for i, c in enumerate(columns)]
    target = "" if conflict is None else f" ({', '.join(quote.quote(name) for name in conflict)})"
    aliases = ", ".join(f"c{i}" for i in range(len(names)))
    statement = text(
        f"INSERT INTO {quote.format_table(table)} ({', '.join(quote.quote(name) for name in names)}) "  # noqa: S608 - names come from our own tables
        f"SELECT {', '.join(picks)} FROM unnest({', '.join(casts)}) AS r({aliases}) ON CONFLICT{target} DO NOTHING"
    )
    arrays = {f"c{i}": [_cell(column, row[column.name]) for row in rows] for i, column in enumerate(columns)}
    return connection.execute(statement, arrays, execution_options=_COUNTED).rowcount


def _array_type(column: Column[Any], connection: Connection) -> str:
    if isinstance(column.type, (String, JSON)):
        return "TEXT"  # an explicit cast to VARCHAR(n) would cut values without a word
    return column.type.compile(connection.dialect)


def _cell(column: Column[Any], value: Any) -> Any:
    return json.dumps(value) if isinstance(column.type, JSON) and value is not None else value


def insert_from(connection: Connection, table: Table, columns: Sequence[str], rows: Select[Any]) -> int:
    """INSERT ... SELECT; return how many rows were written."""
    return connection.execute(insert(table).from_select(columns, rows), execution_options=_COUNTED).rowcount


def rows_where(
    connection: Connection, statement: Select[Any], column: ColumnElement[Any], values: Collection[Any]
) -> Iterator[Row[Any]]:
    """Yield the rows of `statement` whose `column` is one of `values`, asking for many at a time."""
    wanted = list(values)
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        yield from connection.execute(statement.where(among(connection, column, chunk))).all()


def ids_of(connection: Connection, table: Table, column: str, values: Collection[Any]) -> dict[Any, int]:
    """Map those of `values` that stand in `column` to the `id` of their row."""
    key = table.c[column]
    return {row[0]: row[1] for row in rows_where(connection, select(key, table.c.id), key, values)}


def update_many(connection: Connection, table: Table, rows: Sequence[Values]) -> int:
    """Update rows by `id`; all `rows` have the same keys, `id` among them. Return how many there were."""
    if not rows:
        return 0
    changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != "id"}
    statement = update(table).where(table.c.id == bindparam("row_id")).values(changed)
    connection.execute(
        statement, [{("row_id" if name == "id" else f"new_{name}"): v for name, v in row.items()} for row in rows]
    )
    return len(rows)


def fresh_ids(connection: Connection, table: Table) -> Iterator[int]:
    """Yield ids for rows about to be inserted; only inside a write transaction, and one iterator at a time.

    SQLite counts on from the last row (the write lock keeps others out); PostgreSQL asks the sequence.
    """
    if connection.dialect.name == "sqlite":
        yield from count((connection.scalar(select(func.max(table.c.id))) or 0) + 1)
    sequence = connection.scalar(
        select(func.pg_get_serial_sequence(connection.dialect.identifier_preparer.format_table(table), "id"))
    )
    block = select(func.nextval(sequence)).select_from(func.generate_series(1, _ID_BLOCK))
    while True:
        yield from connection.scalars(block).all()
