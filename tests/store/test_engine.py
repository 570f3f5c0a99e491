"""Transactions: what a crash or a second writer may find."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.exc import DBAPIError

from segue.store import engine as store
from segue.store.engine import open_engine, read, write
from segue.store.tables import lease
from tests.engines import AS_SHIPPED


def owner(engine: Engine) -> str | None:
    with read(engine) as connection:
        return connection.scalar(select(lease.c.owner).where(lease.c.bucket == 0))


def test_an_error_rolls_back(engine: Engine) -> None:
    with suppress(KeyError), write(engine) as connection:
        connection.execute(update(lease).values(owner="anna"))
        raise KeyError
    assert owner(engine) is None


def test_a_commit_survives_a_power_cut(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite in WAL mode loses the last commits unless it is told to be FULL."""
    monkeypatch.setattr(store, "_PRAGMAS", AS_SHIPPED)
    engine = open_engine(database_url)
    with read(engine) as connection:
        if engine.dialect.name == "sqlite":
            assert connection.scalar(text("PRAGMA synchronous")) == 2
            assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        else:
            assert connection.scalar(text("SHOW synchronous_commit")) == "on"
    engine.dispose()


def test_readers_and_a_writer_do_not_wait_for_each_other(engine: Engine) -> None:
    with write(engine) as connection:
        connection.execute(update(lease).values(owner="anna"))
        assert owner(engine) is None
    assert owner(engine) == "anna"


def test_two_writers_queue(engine: Engine) -> None:
    """Read, then write: the second one starts after the first has committed, and fails neither."""

    def count_up() -> None:
        for _ in range(10):
            with write(engine) as connection:
                row = select(lease.c.epoch).where(lease.c.bucket == 0).with_for_update()
                before = connection.scalar(row)
                connection.execute(update(lease).where(lease.c.bucket == 0).values(epoch=before + 1))

    crowd = [threading.Thread(target=count_up) for _ in range(4)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    with read(engine) as connection:
        assert connection.scalar(select(lease.c.epoch).where(lease.c.bucket == 0)) == 40


def test_a_new_database_is_opened_while_another_process_makes_it(tmp_path: Path) -> None:
    """SQLite itself waits for no lock when it is to keep a log beside the database."""
    file = tmp_path / "new.db"
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = threading.Timer(0.3, other.execute, ("COMMIT",))
        done.start()
        engine = open_engine(f"sqlite:///{file}")
        with read(engine) as connection:
            assert not done.is_alive()
            assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        engine.dispose()


def test_values_never_appear_in_error_texts(engine: Engine) -> None:
    """They may be addresses, and errors are logged."""
    with pytest.raises(DBAPIError) as caught, read(engine) as connection:
        connection.execute(
            text("SELECT nothing FROM nowhere WHERE address = :address"), {"address": "sarah@example.com"}
        )
    assert "sarah" not in str(caught.value)
