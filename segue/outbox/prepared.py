"""Looking as a run would: what a journey's `prepare` would write is there while we look, and undone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from segue.journeys.definition import Brief, Journey, Moment
from segue.store.engine import read, write
from segue.store.locks import lock_promises


@contextmanager
def as_if_prepared(
    engine: Engine, journey: Journey, moment: Moment, brief: Brief, secret: bytes
) -> Iterator[Connection]:
    """A transaction that sees what a run of `journey` would find, and leaves nothing behind.

    It holds the locks that a run holds while it chooses, so nobody else sees or loses anything by it. Where `prepare`
    has nothing new to write they are given back before anybody looks; else a `rollback()` gives them back as soon as
    all is read.
    """
    if journey.prepare is not None:
        with write(engine) as connection, prepared(connection, journey, moment, brief, secret) as has_written:
            if has_written:
                yield connection
                return
    with read(engine) as connection:
        yield connection


@contextmanager
def prepared(connection: Connection, journey: Journey, moment: Moment, brief: Brief, secret: bytes) -> Iterator[bool]:
    """The same within a transaction that writes; says whether there was anything to prepare."""
    if journey.prepare is None:
        yield False
        return
    lock_promises(connection)  # before `prepare` locks people, as a run does
    before = _changes(connection)
    with connection.begin_nested() as savepoint:
        journey.prepare(connection, moment, brief, secret)
        try:
            yield _changes(connection) != before
        finally:
            if savepoint.is_active:
                savepoint.rollback()


def _changes(connection: Connection) -> Any:
    """Something that is another once this transaction has written a row."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        return driver.total_changes
    return connection.scalar(select(func.txid_current_if_assigned()))
