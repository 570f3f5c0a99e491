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
    Dialect,
    Float,
    Insert,
    String,
    Text,
    bindparam,
    cast,
    func,
    literal,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

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


class larger(FunctionElement[int]):  # noqa: N801 - reads as SQL: larger(one, other)
    """`larger(one, other)`: the larger of two numbers, each of them reckoned once."""

    inherit_cache = True
    type = BigInteger()
    name = "larger"


@compiles(larger)
def _larger(element: larger, compiler: SQLCompiler, **kw: Any) -> str:
    name = "max" if compiler.dialect.name == "sqlite" else "greatest"
    return f"{name}({compiler.process(element.clauses, **kw)})"


@compiles(later, "postgresql")
def _later_postgresql(element: later, compiler: SQLCompiler, **kw: Any) -> str:
    moment, seconds = element.clauses
    return f"({compiler.process(moment, **kw)} + {compiler.process(seconds, **kw)} * interval '1 second')"


class path_of(FunctionElement[str]):  # noqa: N801 - reads as SQL: path_of(url)
    """`path_of(url)`: the path of an address, whole or without its site; no query and no slash at its end."""

    inherit_cache = True
    type = Text()
    name = "path_of"


@compiles(path_of, "sqlite")
def _path_sqlite(element: path_of, compiler: SQLCompiler, **kw: Any) -> str:
    plain = compiler.process(element.clauses, **kw)
    for end in "?#":
        plain = f"substr({plain}, 1, instr({plain} || '{end}', '{end}') - 1)"
    after = f"substr({plain}, instr({plain}, '://') + 3) || '/'"
    path = f"substr({after}, instr({after}, '/'))"
    return f"rtrim(CASE WHEN instr({plain}, '://') > 0 THEN {path} ELSE {plain} END, '/')"


@compiles(path_of, "postgresql")
def _path_postgresql(element: path_of, compiler: SQLCompiler, **kw: Any) -> str:
    url = compiler.process(element.clauses, **kw)
    return f"rtrim(regexp_replace({url}, '^[^/?#]*://[^/?#]*|[?#].*$', '', 'g'), '/')"


def micros(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[int]:
    """An instant as integer microseconds since 1970."""
    if connection.dialect.name == "sqlite":
        return type_coerce(column, BigInteger)
    return cast(func.extract("epoch", column) * 1_000_000, BigInteger)


def database_clock(_connection: Connection | None = None) -> ColumnElement[float]:
    """The database's clock, in seconds since 1970."""
    return _Clock()


class _Clock(FunctionElement[float]):
    inherit_cache = True
    type = Float(53)
    name = "database_clock"


@compiles(_Clock)
def _clock(_element: _Clock, compiler: SQLCompiler, **_kw: Any) -> str:
    return _DATABASE_CLOCK[compiler.dialect.name]


def among(_connection: Connection | None, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """`column IN values` for lists of any length as one bound value, so that the statement stays cached."""
    listed = list(values)
    words = isinstance(listed[0] if listed else column.type, str | String)
    return _In(column, bindparam(None, listed, _WORDS if words else _NUMBERS, unique=True))


def listed(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """`column IN values` for a statement that is built once and gets its list as the parameter `name`."""
    return _In(column, bindparam(name, type_=_WORDS if isinstance(column.type, String) else _NUMBERS))


class insert_where_new(Insert):  # noqa: N801 - reads as SQL
    """`INSERT ... ON CONFLICT DO NOTHING`; SQLAlchemy's own forms of it are compiled anew each time they run."""

    inherit_cache = True


@compiles(insert_where_new)
def _insert_where_new(element: insert_where_new, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{compiler.visit_insert(element, **kw)} ON CONFLICT DO NOTHING"  # type: ignore[no-untyped-call]


class _Listing(TypeDecorator[list[Any]]):
    """A list in one parameter: JSON on SQLite, an array on PostgreSQL."""

    impl = Text
    cache_ok = True

    def __init__(self, *, words: bool) -> None:
        super().__init__()
        self.words = words

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose how this dialect takes a list."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(ARRAY(Text() if self.words else BigInteger()))

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:
        """Python to database."""
        return json.dumps(value) if dialect.name == "sqlite" else value


_WORDS, _NUMBERS = _Listing(words=True), _Listing(words=False)


class _In(FunctionElement[Any]):
    """Written by hand for each dialect: put together from SQLAlchemy's parts it costs ten times as much, each time."""

    inherit_cache = True
    name = "among"


@compiles(_In, "sqlite")
def _in_sqlite(element: _In, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = element.clauses
    rows = f"SELECT value FROM json_each({compiler.process(values, **kw)})"  # noqa: S608 - compiled, no value in it
    return f"({compiler.process(column, **kw)} IN ({rows}))"


@compiles(_In, "postgresql")
def _in_postgresql(element: _In, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = element.clauses
    return f"({compiler.process(column, **kw)} = ANY ({compiler.process(values, **kw)}))"
