"""Copying rows into a scratch database, each to become known there at an instant of its own.

A fact with a time becomes known when it occurred. One that was recorded up to three days later was told late, and
becomes known when it was recorded; one recorded later still came with an import of history, which says nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Table, and_, insert, select, true

from segue.store.coming import Coming
from segue.store.types import UtcTime

#: A fact recorded this long after it occurred was told late; later still, it came with somebody's history.
LATE_AT_MOST: Final = timedelta(days=3)
_PART: Final = 5_000  # rows read and written at once
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A period of the source, and how far it is moved."""

    since: datetime
    until: datetime
    #: Whole weeks, so that weekdays fit.
    shift: timedelta
    #: Whose midnights part one day's facts from the next.
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        """The rehearsal's first instant."""
        return self.since + self.shift


class Copying:
    """One copy from `source` to `to`; what becomes known later is put aside in `coming`."""

    def __init__(self, source: Connection, to: Connection, coming: Coming, span: Span) -> None:
        self.source = source
        self.to = to
        self.coming = coming
        self.span = span

    def rows(self, table: Table, where: ColumnElement[bool] | None = None) -> Iterator[list[Row]]:
        """The rows in the order of their keys, times moved, in parts."""
        asked = select(table).where(where if where is not None else true()).order_by(*table.primary_key.columns)
        times = [column.name for column in table.columns if isinstance(column.type, UtcTime)]
        shift = self.span.shift
        found = self.source.execute(asked, execution_options={"stream_results": True, "yield_per": _PART})
        for part in found.mappings().partitions():
            rows = [dict(one) for one in part]
            if shift:
                for row in rows:
                    for name in times:
                        if row[name] is not None:
                            row[name] += shift
            yield rows

    def put(self, table: Table, parts: Iterator[list[Row]]) -> None:
        """Write rows that are known from the start."""
        for rows in parts:
            if rows:
                self.to.execute(insert(table), rows)

    def facts(
        self, table: Table, occurred: str, where: ColumnElement[bool] | None = None, *, without: Sequence[str] = ()
    ) -> None:
        """Copy the facts of `table` from before the end, each to become known at its time; columns `without` empty."""
        wanted = table.c[occurred] < self.span.until
        for rows in self.rows(table, wanted if where is None else and_(wanted, where)):
            for row in rows:
                row.update(dict.fromkeys(without))
            self.feed(table, rows, [self.fed_at(row, occurred) for row in rows])

    def feed(self, table: Table, rows: Sequence[Row], times: Sequence[datetime]) -> None:
        """Put rows where they belong: known from the start, or later."""
        now = [row for row, at in zip(rows, times, strict=True) if at <= self.span.start]
        if now:
            self.to.execute(insert(table), now)
        self.coming.keep(
            self.to,
            table,
            [row | {"fed_at": at} for row, at in zip(rows, times, strict=True) if at > self.span.start],
        )

    def fed_at(self, row: Row, occurred: str) -> datetime:
        """When a row is written; sets its `recorded_at` to when it became known.

        A timely fact is there from the midnight before it, hidden by its own time; a late one once it was told, on the
        hour.
        """
        at, recorded = row[occurred], row["recorded_at"]
        is_late = at < recorded <= at + LATE_AT_MOST
        row["recorded_at"] = recorded if is_late else at
        return on_the_hour(recorded) if is_late else self._midnight(at)

    def _midnight(self, at: datetime) -> datetime:
        there = at.astimezone(self.span.zone)
        return there.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(at.tzinfo)


def on_the_hour(at: datetime) -> datetime:
    """The next full hour, or `at` if it is one."""
    floor = at.replace(minute=0, second=0, microsecond=0)
    return floor if floor == at else floor + timedelta(hours=1)
