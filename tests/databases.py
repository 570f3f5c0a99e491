"""PostgreSQL databases that tests hand on: emptied after one test, they are the next one's.

Copying a database costs PostgreSQL ten times what emptying one does, and more than most tests. What is handed on is as
a copy would be: no rows but those of the template, no space left over, counters at their start, statistics forgotten,
nobody connected, and another name. Whatever is not like that, or has grown, is dropped, and a copy takes its place.
"""

from __future__ import annotations

from itertools import count
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

#: A table above this size costs more to empty than a copy does.
_LARGE: Final = 512 * 1024
_TABLES: Final = (
    "SELECT relname, pg_relation_size(oid) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
)
#: Changes with every change of the schema, since its rows are written anew then; and with nothing else.
_SCHEMA: Final = " UNION ALL ".join(
    f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM {name}"  # noqa: S608 - names of our own
    for name in ("pg_attribute", "pg_constraint", "pg_index", "pg_trigger", "pg_proc", "pg_attrdef", "pg_namespace")
)
_FORGET: Final = (
    "SELECT pg_clear_relation_stats('public', relname::text) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND (relpages > 0 OR reltuples >= 0)"
)
_numbers = count(1)


class Databases:
    """Copies of one template, which must not be written to any more."""

    def __init__(self, server: URL, template: str) -> None:
        self._server = server
        self._template = template
        self._free: list[str] = []
        self._desk = _connect(server.set(database="postgres"))
        with _connect(server.set(database=template)) as connection:
            self._schema = connection.execute(_SCHEMA).fetchall()
            self._rows = {name: _content(connection, name) for name, size in connection.execute(_TABLES) if size}
            found = connection.execute("SELECT sequencename, start_value, last_value FROM pg_sequences")
            starts = [(name, last or start, last is not None) for name, start, last in found]
        self._counters = sql.SQL("SELECT {}").format(
            sql.SQL(", ").join(sql.SQL("setval({}, {}, {})").format(f'public."{one[0]}"', *one[1:]) for one in starts)
        )

    def take(self) -> URL:
        """A database as the template is, of nobody else's."""
        if self._free:
            return self._server.set(database=self._free.pop())
        name = f"segue_{next(_numbers)}"
        # Twice as fast as PostgreSQL's usual way, which writes every page to its log.
        self._tell("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, self._template)
        return self._server.set(database=name)

    def give_back(self, url: URL) -> None:
        """Empty a database for the next; whoever is still connected to it is thrown out."""
        name = str(url.database)
        self._throw_out(name)
        if not self._emptied(url):
            self._tell("DROP DATABASE {} WITH (FORCE)", name)
            return
        # Who was thrown out may come again, under the name that it knew.
        other = f"segue_{next(_numbers)}"
        self._throw_out(name)
        self._tell("ALTER DATABASE {} RENAME TO {}", name, other)
        self._free.append(other)

    def close(self) -> None:
        """Let go of the server."""
        self._desk.close()

    def _emptied(self, url: URL) -> bool:
        with _connect(url) as connection:
            if connection.execute(_SCHEMA).fetchall() != self._schema:
                return False
            used = {name: size for name, size in connection.execute(_TABLES) if size}
            if max(used.values(), default=0) > _LARGE:
                return False
            names = sql.SQL(", ").join(sql.Identifier(name) for name in used)
            # In this role foreign keys are not looked at, so tables may be emptied in any order.
            emptied = [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in used]
            connection.execute(sql.SQL("; ").join([sql.SQL("SET session_replication_role = replica"), *emptied]))
            connection.execute(sql.SQL("VACUUM {}").format(names))
            connection.execute(self._counters)
            for name, rows in self._rows.items():
                with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as copy:
                    copy.write(rows)
            connection.execute("DELETE FROM pg_statistic WHERE starelid >= 16384")
            connection.execute(_FORGET)
        return True

    def _throw_out(self, name: str) -> None:
        self._desk.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])

    def _tell(self, statement: str, *names: str) -> None:
        self._desk.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


def _connect(url: URL) -> psycopg.Connection[Any]:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def _content(connection: psycopg.Connection[Any], table: str) -> bytes:
    with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        return b"".join(copy)
