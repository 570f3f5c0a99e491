"""Which rows make one order (or checkout): a first row that carries it, and one more for each further line item.

An order is read when all its rows are there, and taken whole or not at all. In a true export they stand together;
where somebody sorted the file, what stands apart waits for its end and then goes to the only order of its name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from segue.intake import records as r
from segue.intake.errors import BadValueError
from segue.intake.formats.cells import Cells
from segue.intake.report import Tally
from segue.intake.rows import Row
from segue.intake.values import parse_id

#: Only a first row fills these (Financial Status is empty in checkouts).
_FIRST_ROW = ("Currency", "Total", "Id")
_HeadT = TypeVar("_HeadT")
_LineT = TypeVar("_LineT")


@dataclass(slots=True)
class _Open:
    """The order whose rows are being read."""

    name: str
    #: None: its first row does not say which order it is.
    key: str | None
    created: str
    #: Its sound rows so far.
    rows: list[Row] = field(default_factory=list)
    is_broken: bool = False


@dataclass(slots=True)
class _Done:
    """What a row that comes late needs to know of its order."""

    currency: str
    lines: int


class OrderRows(ABC, Generic[_HeadT, _LineT]):
    """A door for files with one row a line item."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        #: Orders one of whose rows is at fault: none of their rows may stay.
        self.spoilt: set[str] = set()
        self._tests = [name for name in _FIRST_ROW if cells.has(name)]
        self._has_id = cells.has("Id")
        self._open: _Open | None = None
        self._ended: list[_Open] = []
        self._done: dict[str, _Done] = {}
        #: Name -> the orders that go by it.
        self._keys: defaultdict[str, set[str]] = defaultdict(set)
        #: Names of orders that are lost: nobody can tell which order it was.
        self._lost: set[str] = set()
        self._late: list[Row] = []

    @abstractmethod
    def read_head(self, row: Row, tally: Tally) -> _HeadT:
        """Read what the first row says of the order; raises BadValueError."""

    @abstractmethod
    def read_line(self, row: Row, currency: str, tally: Tally) -> _LineT:
        """Read the line item of a row; raises BadValueError."""

    @abstractmethod
    def currency_of(self, head: _HeadT) -> str:
        """Return the order's currency."""

    @abstractmethod
    def say(self, key: str, head: _HeadT, lines: list[_LineT], tally: Tally) -> Iterator[r.Fact]:
        """Yield a whole order."""

    @abstractmethod
    def say_late(self, key: str, line: _LineT, position: int) -> Iterator[r.Fact]:
        """Yield a line that stood apart from its order."""

    def facts(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Take a row; yield the order before it where that has ended."""
        name = self.cells.raw(row, "Name")
        if row.reason is not None:
            self._take_broken(row, name)
            return
        if self._is_first(row, name):
            self._end()
            self._open = self._opened(row, name, tally)
        elif not name:
            tally.skip(row.line, "missing_key", "Name")
            self._take_broken(row, name)
        elif self._open is not None and _continues(self._open, name, self.cells.raw(row, "Created at")):
            self._open.rows.append(row)
        else:
            self._late.append(row)
        yield from self._close(tally)

    def finish(self, tally: Tally) -> Iterator[r.Fact]:
        """Yield the last order, and the lines that stood apart from theirs."""
        self._end()
        yield from self._close(tally)
        for row in self._late:
            yield from self._place(row, self.cells.raw(row, "Name"), tally)

    def _end(self) -> None:
        if self._open is not None:
            self._ended.append(self._open)
        self._open = None

    def _is_first(self, row: Row, name: str) -> bool:
        if self._tests:
            return any(self.cells.raw(row, test) for test in self._tests)
        return bool(name) and name not in self._keys

    def _opened(self, row: Row, name: str, tally: Tally) -> _Open:
        created = self.cells.raw(row, "Created at")
        column = "Id" if self._has_id else "Name"
        try:
            key = self.cells.hard(row, column, parse_id)
            reason = "" if key else "missing_key"
        except BadValueError as error:
            key, reason = "", error.reason
        if reason:
            tally.skip(row.line, reason, column)
            self._lost.add(name)
            return _Open(name, None, created, is_broken=True)
        self._keys[name].add(key)
        return _Open(name, key, created, [row])

    def _take_broken(self, row: Row, name: str) -> None:
        """A row that was cut spoils its order; what is left of it tells whether it began one."""
        if any(self.cells.raw(row, test) for test in self._tests):
            self._end()
            key = self._key_of(row, name)
            if key is None:
                self._lost.add(name)
            else:
                self.spoilt.add(key)
                self._keys[name].add(key)
            self._open = _Open(name, key, self.cells.raw(row, "Created at"), is_broken=True)
        elif self._open is not None and name in {"", self._open.name}:
            self._open.is_broken = True
        else:
            self._lost.add(name)

    def _key_of(self, row: Row, name: str) -> str | None:
        try:
            return parse_id(self.cells.raw(row, "Id") if self._has_id else name) or None
        except BadValueError:
            return None

    def _close(self, tally: Tally) -> Iterator[r.Fact]:
        ended, self._ended = self._ended, []
        for order in ended:
            if order.key is not None and order.is_broken:
                self.spoilt.add(order.key)
            if order.key is None or order.key in self.spoilt:
                tally.skipped["order_rejected"] += len(order.rows)
            else:
                yield from self._read(order.key, order.rows, tally)

    def _read(self, key: str, rows: list[Row], tally: Tally) -> Iterator[r.Fact]:
        """Read a whole order. Every row at fault is named; the sound ones beside it are counted only."""
        head: _HeadT | None = None
        currency = ""
        lines: list[_LineT] = []
        faults = 0
        for row in rows:
            try:
                if row is rows[0]:
                    head = self.read_head(row, tally)
                    currency = self.currency_of(head)
                if head is not None:
                    lines.append(self.read_line(row, currency, tally))
            except BadValueError as error:
                faults += 1
                tally.skip(row.line, error.reason, error.column)
        if head is None or faults:
            self.spoilt.add(key)
            tally.skipped["order_rejected"] += len(rows) - faults
            return
        self._done[key] = _Done(currency, len(lines))
        yield from self.say(key, head, lines, tally)

    def _place(self, row: Row, name: str, tally: Tally) -> Iterator[r.Fact]:
        """Give a row that stood apart to the only order of its name; nobody knows whose it is where there are two."""
        keys = self._keys.get(name, set())
        if len(keys) + (name in self._lost) != 1:
            tally.skip(row.line, "orphan_line")
            self.spoilt |= keys
            return
        key = next(iter(keys), None)
        done = self._done.get(key) if key is not None else None
        if key is None or done is None or key in self.spoilt:
            tally.skipped["order_rejected"] += 1
            return
        try:
            line = self.read_line(row, done.currency, tally)
        except BadValueError as error:
            tally.skip(row.line, error.reason, error.column)
            self.spoilt.add(key)
            return
        done.lines += 1
        yield from self.say_late(key, line, done.lines)


def _continues(order: _Open, name: str, created: str) -> bool:
    """Rows of one order share its name and its time; another time is another year's order of that name."""
    return name == order.name and (not created or not order.created or created == order.created)
