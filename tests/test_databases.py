"""What one test did to a PostgreSQL database, the next one must not see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from segue.store.engine import open_engine, read, write
from tests.databases import Databases
from tests.outbox.shop import add_people

SEEN = (
    "SELECT relname, relpages, reltuples FROM pg_class WHERE oid >= 16384 AND relkind = 'r' ORDER BY 1",
    "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1",
    "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE oid >= 16384 AND relkind = 'r' ORDER BY 1",
    "SELECT * FROM lease ORDER BY ctid",
    "SELECT * FROM alembic_version",
    "SELECT count(*) FROM pg_statistic WHERE starelid >= 16384",
)


@pytest.fixture
def url(migrated_postgres: Databases) -> Iterator[str]:
    """A copy that no test has had, given back at the end."""
    free, migrated_postgres._free = migrated_postgres._free, []
    taken = migrated_postgres.take()
    yield taken.render_as_string(hide_password=False)
    migrated_postgres._free += free


def seen(url: str) -> list[Any]:
    engine = open_engine(url)
    with read(engine) as connection:
        found = [connection.execute(text(one)).all() for one in SEEN]
    engine.dispose()
    return found


def handed_on(databases: Databases, url: str) -> str:
    databases.give_back(make_url(url))
    return databases.take().render_as_string(hide_password=False)


def test_what_is_handed_on_is_as_new(migrated_postgres: Databases, url: str) -> None:
    """Rows, space, counters and statistics are gone, under another name, and whoever was connected is not."""
    new = seen(url)
    engine = open_engine(url)
    add_people(engine, 3)
    with write(engine) as connection:
        connection.execute(text("UPDATE lease SET epoch = epoch + 1"))
        connection.execute(text("ANALYZE"))
    assert seen(url) != new
    late = engine.connect()
    late.execute(text("SELECT 1"))
    following = handed_on(migrated_postgres, url)
    assert following != url
    assert migrated_postgres._free == []
    assert seen(following) == new
    with pytest.raises(Exception, match=r"terminat|closed"):
        late.execute(text("SELECT 1"))
    late.invalidate()
    late.close()
    with pytest.raises(Exception, match="does not exist"):
        engine.connect()
    engine.dispose()
    migrated_postgres.give_back(make_url(following))


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE profile ADD COLUMN odd integer",
        "ALTER TABLE profile ALTER COLUMN locale SET NOT NULL",
        "ALTER TABLE profile RENAME COLUMN locale TO odd",
        "CREATE INDEX odd ON profile (locale)",
        "CREATE TABLE odd (id integer)",
        "INSERT INTO segment SELECT repeat(n::text, 300), 'odd', '{}', now() FROM generate_series(1, 2000) n",
    ],
)
def test_what_has_another_schema_or_has_grown_is_dropped(migrated_postgres: Databases, url: str, change: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(change)
    migrated_postgres.give_back(make_url(url))
    assert migrated_postgres._free == []
