"""Facts put aside in a scratch database until its virtual clock reaches the instant at which they become known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Engine, Index, MetaData, Table, bindparam, insert, select, update

from segue.store.engine import read, write
from segue.store.tables import order, order_line
from segue.store.types import UtcTime

#: What a row learns after it was written.
_CHANGES: Mapping[Table, tuple[str, ...]] = {
    order: ("cancelled_at", "refunded_minor"),
    order_line: ("returned_at", "return_reason"),
}


class Coming:
    """What is still to come, in tables of its own beside the real ones."""

    def __init__(self, scratch: Engine) -> None:
        self._engine = scratch
        self._aside = MetaData()
        self._kept: dict[str, tuple[Table, Table]] = {}
        self._changes: list[tuple[datetime, Table, str, int, Any]] = []

    def keep(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Put rows of `table` aside, each until its `fed_at`."""
        if not rows:
            return
        if table.name not in self._kept:
            aside = Table(
                f"coming_{table.name}",
                self._aside,
                *(Column(column.name, column.type) for column in table.columns),
                Column("fed_at", UtcTime, nullable=False),
                Index(f"ix_coming_{table.name}", "fed_at"),
            )
            aside.create(connection)
            self._kept[table.name] = (table, aside)
        connection.execute(insert(self._kept[table.name][1]), rows)

    def change(self, table: Table, row: dict[str, Any], name: str, at: datetime, *, before: Any = None) -> None:
        """Take a column's value out of `row`, to be put in at `at`; until then it is `before`."""
        self._changes.append((at, table, name, row["id"], row[name]))
        row[name] = before

    def instants(self) -> list[datetime]:
        """Every instant at which something becomes known, in order."""
        with read(self._engine) as connection:
            found = {
                at for _, aside in self._kept.values() for at in connection.scalars(select(aside.c.fed_at).distinct())
            }
        return sorted(found | {at for at, *_ in self._changes})

    def feed(self, at: datetime) -> bool:
        """Write what becomes known at this instant; return whether any row is new."""
        fed = False
        with write(self._engine) as connection:
            for table, aside in self._kept.values():
                rows = select(*(aside.c[column.name] for column in table.columns)).where(aside.c.fed_at == at)
                done = connection.execute(insert(table).from_select([c.name for c in table.columns], rows))
                fed = fed or done.rowcount > 0
            for table, names in _CHANGES.items():
                for name in names:
                    due = [
                        {"row_id": row_id, "value": value}
                        for when, changed, column, row_id, value in self._changes
                        if when == at and changed is table and column == name
                    ]
                    if due:
                        connection.execute(
                            update(table).where(table.c.id == bindparam("row_id")).values({name: bindparam("value")}),
                            due,
                        )
        return fed
