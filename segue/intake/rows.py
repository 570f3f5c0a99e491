"""A table, wherever it came from: named columns and rows of text. A CSV's is here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from segue.intake.errors import IntakeError
from segue.intake.reading import CsvRecords, TextFile

_SEPARATORS = (",", ";", "\t")
Reader = Callable[["Row"], str]


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a table; a missing cell is empty text."""

    line: int
    cells: list[str]
    #: Why the row cannot be used: `field_count`, `truncated`, `unclosed_quote`.
    reason: str | None = None


class Table(Protocol):
    """What the table door reads."""

    encoding: str
    columns: tuple[str, ...]
    total: int | None

    @property
    def empty_lines(self) -> int:
        """Lines with nothing in them that were passed over so far."""

    def rows(self) -> Iterator[Row]:
        """Yield the rows once, in the file's order."""


def reader_of(columns: tuple[str, ...], name: str) -> Reader | None:
    """Return what reads the column called `name` (any case, trimmed), or None if there is none.

    Where a name occurs twice, the first cell that holds something wins.
    """
    places = places_of(columns, name)
    if not places:
        return None
    if len(places) == 1:
        (place,) = places
        return lambda row: row.cells[place]
    return lambda row: next((row.cells[i] for i in places if row.cells[i]), "")


def places_of(columns: tuple[str, ...], name: str) -> tuple[int, ...]:
    """Where the columns called `name` (any case, trimmed) stand."""
    wanted = same_name(name)
    return tuple(place for place, column in enumerate(columns) if same_name(column) == wanted)


def same_name(name: str) -> str:
    """A column's name as names are compared: trimmed, single spaces, any case."""
    return " ".join(name.split()).casefold()


class CsvTable:
    """A text table with a header; leading lines that start with `#` are comments."""

    def __init__(self, file: TextFile) -> None:
        self._file = file
        self.encoding = file.encoding
        self.total: int | None = file.line_count
        self._lines = file.lines()
        self._empty_before = 0
        self._header_line, header = self._find_header()
        self._separator = max(_SEPARATORS, key=lambda sign: _outside_quotes(header, sign))
        self._records = CsvRecords(
            self._with_header(header), self._separator, line=self._header_line, ends_cleanly=file.ends_cleanly
        )
        self._reading = iter(self._records)
        first = next(self._reading, None)
        if first is None or first.reason:
            raise IntakeError(f"{file.path.name} has no readable header line; its first line must name the columns")
        self.columns = tuple(cell.strip() for cell in first.cells)

    @property
    def empty_lines(self) -> int:
        """Lines with nothing in them that were passed over so far."""
        return self._empty_before + self._records.empty

    def _find_header(self) -> tuple[int, str]:
        for number, line in enumerate(self._lines, start=1):
            if line.strip() and not line.startswith("#"):
                return number, line
            self._empty_before += not line.strip()
        raise IntakeError(f"{self._file.path.name} is empty; export it again")

    def _with_header(self, header: str) -> Iterator[str]:
        yield header
        yield from self._lines

    def rows(self) -> Iterator[Row]:
        """Yield the rows; those with too few or too many cells carry a reason."""
        width = len(self.columns)
        for record in self._reading:
            cells = [_unguarded(cell) if cell[:1] == "'" else cell for cell in record.cells]
            reason = record.reason
            if reason is None and len(cells) != width:
                if len(cells) > width and not any(cells[width:]):
                    del cells[width:]
                else:
                    reason = "truncated" if len(cells) < width and self._records.is_last() else "field_count"
            yield Row(record.line, cells, reason)


def _outside_quotes(line: str, sign: str) -> int:
    return sum(part.count(sign) for part in line.split('"')[::2])


def _unguarded(cell: str) -> str:
    """Drop the apostrophe a spreadsheet export puts before what looks like a number or formula."""
    return cell[1:] if cell[1:2] in set("0123456789=+-@\t\r") else cell
