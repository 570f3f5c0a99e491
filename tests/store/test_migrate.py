"""Migrations make the tables that the code knows, once, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.synchronize import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Engine, func, inspect, select

from segue.outbox.states import ALL_BUCKETS
from segue.store.engine import open_engine, read, write
from segue.store.migrate import migrate, newest, revision_of
from segue.store.tables import lease, metadata
from segue.store.upgrade import config
from tests.processes import CONTEXT


def differences(engine: Engine) -> list[object]:
    with read(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def test_the_migrations_make_what_the_tables_say(engine: Engine) -> None:
    assert differences(engine) == []


def test_partial_indexes_and_checks_are_made_too(engine: Engine) -> None:
    """Alembic does not compare these, and the outbox is slow or wrong without them."""
    with read(engine) as connection:
        seen = inspect(connection)
        for table in metadata.sorted_tables:
            indexes = {index["name"]: index for index in seen.get_indexes(table.name)}
            for index in table.indexes:
                there = indexes[str(index.name)]
                assert there["column_names"] == [column.name for column in index.columns]
                assert bool(there["unique"]) == bool(index.unique)
                dialect = connection.dialect.name
                wanted = index.dialect_options[dialect]["where"]
                stored = there.get("dialect_options", {}).get(f"{dialect}_where")
                assert (wanted is None) == (stored is None), index.name
            checks = {c.name for c in table.constraints if isinstance(c, CheckConstraint)}
            assert len(seen.get_check_constraints(table.name)) == len(checks), table.name


def test_a_database_is_current_where_alembic_would_say_so(engine: Engine) -> None:
    """A start asks Alembic nothing: what is newest is told by the files' names, what was applied by Alembic's table."""
    with read(engine) as connection:
        assert [newest()] == ScriptDirectory.from_config(config(connection)).get_heads()
        assert revision_of(engine) == MigrationContext.configure(connection).get_current_revision() == newest()


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    before = revision_of(engine)
    assert before is not None
    with write(engine) as connection:
        connection.execute(lease.update().where(lease.c.bucket == 7).values(owner="anna", epoch=3))
    migrate(engine, buckets=ALL_BUCKETS)
    assert revision_of(engine) == before
    with read(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(lease)) == len(ALL_BUCKETS)
        assert connection.scalar(select(lease.c.owner).where(lease.c.bucket == 7)) == "anna"


def migrate_together(url: str, barrier: Barrier) -> None:
    barrier.wait(30)
    engine = open_engine(url)
    migrate(engine, buckets=ALL_BUCKETS)
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_that_start_at_once_migrate_one_after_the_other(kind: str, new_database: Callable[..., str]) -> None:
    url = new_database(kind, empty=True)
    barrier = CONTEXT.Barrier(3)
    crowd = [CONTEXT.Process(target=migrate_together, args=(url, barrier)) for _ in range(3)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(60)
    assert [one.exitcode for one in crowd] == [0, 0, 0]
    engine = open_engine(url)
    assert differences(engine) == []
    with read(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(lease)) == len(ALL_BUCKETS)
    engine.dispose()
