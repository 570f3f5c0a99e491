"""One engine a process, and the two kinds of transaction: `read` and `write`.

SQLite runs in WAL with `synchronous=FULL`, so a committed mark survives a power cut. A write
transaction begins `IMMEDIATE`: it queues for the one write lock at its start instead of failing in
the middle. PostgreSQL runs READ COMMITTED; what must not race takes its row locks itself.
"""

from __future__ import annotations

import gc
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry

_BUSY_MS = 60_000
_PRAGMAS = (
    "synchronous=FULL",
    "foreign_keys=ON",
    f"busy_timeout={_BUSY_MS}",
    "cache_size=-65536",  # kibibytes
)
#: How many new objects Python lets come together before it looks for cycles among them; its own 700 are for programs
#: that hold few. Of rows by the thousand hardly any is in one, and looking took a tenth of all the time.
_YOUNG = 20_000


def open_engine(url: str) -> Engine:
    """Return an engine for `url` (`sqlite:///file` or `postgresql+psycopg://...`).

    Values never appear in error texts (`hide_parameters`): they may be personal data.
    """
    _collect_rarely()
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": _BUSY_MS / 1000})
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    return create_engine(parsed, hide_parameters=True, pool_pre_ping=True)


def _collect_rarely() -> None:
    """Let Python look for cycles once in `_YOUNG` objects; who chose more, or none at all (0), keeps that."""
    young, *older = gc.get_threshold()
    if 0 < young < _YOUNG:
        gc.set_threshold(_YOUNG, *older)


def _sqlite_connect(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event below says BEGIN, not the driver
    cursor = connection.cursor()
    _use_wal(cursor)
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """Keep the database's log beside it; asks again while another process begins to.

    SQLite waits for no lock here: of two that switch a new database at one instant, one is told that it is locked.
    """
    last = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # The low byte is the plain code of an extended one.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                raise
            time.sleep(0.02)
        else:
            return


def _sqlite_begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("segue_mode", "read")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if mode == "write" else "BEGIN")


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """A transaction that only looks; one consistent picture on SQLite."""
    with engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes something; commits at the end, rolls back on an error."""
    with engine.connect().execution_options(segue_mode="write") as connection, connection.begin():
        yield connection
