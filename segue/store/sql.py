"""The few pieces of SQL that the two dialects spell differently."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Float,
    String,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from segue.store.types import UtcTime

#: Seconds since 1970 by the database's own clock, read when the statement runs. PostgreSQL's `now()` would
#: stand still within a transaction; leases must not.
_DATABASE_CLOCK = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "extract(epoch from clock_timestamp())::float8",
}


class later(FunctionElement[Any]):  # noqa: N801 - reads as SQL: later(column, delta)
    """`later(column, delta)`: an instant moved by a constant, on both dialects."""

    inherit_cache = True
    type = UtcTime()
    name = "later"

    def __init__(self, moment: ColumnElement[Any], by: timedelta) -> None:
        super().__init__(moment, literal(int(by.total_seconds()), BigInteger))


@compiles(later, "sqlite")
def _later_sqlite(element: later, compiler: SQLCompiler, **kw: Any) -> str:
    moment, seconds = element.clauses
    return f"({compiler.process(moment, **kw)} + {compiler.process(seconds, **kw)} * 1000000)"


@compiles(later, "postgresql")
def _later_postgresql(element: later, compiler: SQLCompiler, **kw: Any) -> str:
    moment, seconds = element.clauses
    return f"({compiler.process(moment, **kw)} + {compiler.process(seconds, **kw)} * interval '1 second')"


def micros(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[int]:
    """An instant as integer microseconds since 1970."""
    if connection.dialect.name == "sqlite":
        return type_coerce(column, BigInteger)
    return cast(func.extract("epoch", column) * 1_000_000, BigInteger)


def database_clock(connection: Connection) -> ColumnElement[float]:
    """The database's clock, in seconds since 1970."""
    return literal_column(_DATABASE_CLOCK[connection.dialect.name], Float(53))


def among(connection: Connection, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """`column IN values` for lists of any length as one bound value, so that the statement stays cached."""
    listed = list(values)
    words = isinstance(listed[0] if listed else column.type, str | String)
    if connection.dialect.name == "sqlite":
        rows = func.json_each(bindparam(None, json.dumps(listed), Text, unique=True)).table_valued("value")
        return column.in_(select(rows.c.value))
    kind = ARRAY(Text if words else BigInteger)
    return column == any_(bindparam(None, listed, kind, unique=True))
