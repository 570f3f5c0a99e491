"""Brings a database to the current tables: the same steps on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, Table, Text, insert, inspect, select

from segue.store.engine import read, write
from segue.store.tables import lease

_VERSIONS = Path(__file__).parent / "migrations" / "versions"
#: Where Alembic keeps what was applied. It is read here, since every start asks and hardly any has something to apply.
_APPLIED = Table("alembic_version", MetaData(), Column("version_num", Text))


def migrate(engine: Engine, *, buckets: range) -> None:
    """Apply every migration that is missing and make the lease rows; safe to call at every start."""
    with write(engine) as connection:
        _one_at_a_time(connection)
        if _applied(connection) != newest():
            from segue.store.upgrade import upgrade

            upgrade(connection)
        known = set(connection.scalars(select(lease.c.bucket)))
        missing = [{"bucket": bucket} for bucket in buckets if bucket not in known]
        if missing:
            connection.execute(insert(lease), missing)


def revision_of(engine: Engine) -> str | None:
    """The newest migration applied; None for an empty database."""
    with read(engine) as connection:
        return _applied(connection)


def newest() -> str:
    """The newest migration there is; a migration's file begins with its revision."""
    return max(file.name for file in _VERSIONS.glob("[0-9]*.py")).partition("_")[0]


def _applied(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_APPLIED.name):
        return None
    return connection.scalar(select(_APPLIED.c.version_num))


def _one_at_a_time(connection: Connection) -> None:
    """Two processes starting at once migrate one after the other (SQLite's write lock does it by itself)."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(731337)")
