"""Brings a database to the current tables: the same steps on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, insert, select

from segue.store.engine import read, write
from segue.store.tables import lease

_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(engine: Engine, *, buckets: range) -> None:
    """Apply every migration that is missing and make the lease rows; safe to call at every start."""
    with write(engine) as connection:
        _one_at_a_time(connection)
        command.upgrade(config(connection), "head")
        known = set(connection.scalars(select(lease.c.bucket)))
        missing = [{"bucket": bucket} for bucket in buckets if bucket not in known]
        if missing:
            connection.execute(insert(lease), missing)


def revision_of(engine: Engine) -> str | None:
    """The newest migration applied; None for an empty database."""
    with read(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def config(connection: Connection) -> Config:
    """Alembic's configuration on an open connection."""
    settings = Config()
    settings.set_main_option("script_location", str(_SCRIPTS))
    settings.attributes["connection"] = connection
    return settings


def _one_at_a_time(connection: Connection) -> None:
    """Two processes starting at once migrate one after the other (SQLite's write lock does it by itself)."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(731337)")
