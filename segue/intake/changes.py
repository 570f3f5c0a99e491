"""Changes to rows that are already there, held back until the end of a file.

Within one file the later row wins. Comparing only the last word with what the database holds is what
makes a second import of the same file change nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Table, select

from segue.store.bulk import fresh_ids, insert_new, rows_where, update_many


class Changes:
    """Pending changes of one table: row id -> column -> new value."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._pending: defaultdict[int, dict[str, Any]] = defaultdict(dict)

    def __contains__(self, row_id: int) -> bool:
        return bool(self._pending.get(row_id))

    def compare(self, row_id: int, held: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        """Note what `given` would change in the row that holds `held`; None in `given` says nothing."""
        for column, value in given.items():
            if value is None:
                continue
            if held[column] != value:
                self._pending[row_id][column] = value
            elif row_id in self._pending:
                self._pending[row_id].pop(column, None)

    def fill(self, row_id: int, held: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        """Note what `given` adds to the row that holds `held`: only what is unknown, and the first word counts."""
        for column, value in given.items():
            if value is not None and held[column] is None:
                self._pending[row_id].setdefault(column, value)

    def last_word(self, row_id: int, held: Mapping[str, Any], column: str) -> Any:
        """Return what the row that holds `held` will have there."""
        return self._pending.get(row_id, {}).get(column, held[column])

    def forget(self, row_ids: Iterable[int]) -> None:
        """Drop what is pending for these rows."""
        for row_id in row_ids:
            self._pending.pop(row_id, None)

    def rows(self) -> set[int]:
        """Return the ids of the rows about to change."""
        return {row_id for row_id, changes in self._pending.items() if changes}

    def touching(self, *columns: str) -> set[int]:
        """Return the ids of rows in which any of these columns is about to change."""
        return {row_id for row_id, changes in self._pending.items() if not changes.keys().isdisjoint(columns)}

    def apply(self, connection: Connection) -> int:
        """Write what is pending and return how many rows change."""
        rows = [{"id": row_id, **changes} for row_id, changes in sorted(self._pending.items()) if changes]
        rows.sort(key=sorted)
        for _, alike in groupby(rows, key=sorted):
            update_many(connection, self.table, [{name: row[name] for name in sorted(row)} for row in alike])
        self._pending.clear()
        return len(rows)


class Seen:
    """Finds rows by a unique column and makes those that are missing."""

    def __init__(self, connection: Connection, table: Table, key: str) -> None:
        self._connection = connection
        self._table = table
        self._key = key

    def held(self, keys: Iterable[Any]) -> dict[Any, dict[str, Any]]:
        """Return the rows already there, by their key."""
        rows = rows_where(self._connection, select(self._table), self._table.c[self._key], set(keys))
        return {row[self._key]: dict(row) for row in (found._mapping for found in rows)}  # noqa: SLF001 - SQLAlchemy's public name

    def make(self, rows: Mapping[Any, Mapping[str, Any]]) -> dict[Any, int]:
        """Insert `rows` (by key, none of them there yet) and return their ids."""
        ids = dict(zip(rows, fresh_ids(self._connection, self._table), strict=False))
        insert_new(self._connection, self._table, [{"id": ids[key], **row} for key, row in rows.items()], [self._key])
        return ids
