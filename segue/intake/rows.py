"""A table, wherever it came from: named columns and rows of text. CSV and JSON lines (also gz) and Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from segue.intake.errors import IntakeError
from segue.intake.reading import CsvRecords, TextFile

_PARQUET_BATCH = 10_000
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


@dataclass(slots=True)
class ParquetTable:
    """A Parquet file; a row's line is its number, counted from 1."""

    path: Path
    encoding: str = field(default="parquet", init=False)
    columns: tuple[str, ...] = field(init=False)
    total: int | None = field(init=False)
    _file: Any = field(init=False)

    def __post_init__(self) -> None:
        try:
            self._file = pq.ParquetFile(self.path)
        except (pa.ArrowInvalid, OSError) as error:
            raise IntakeError(f"{self.path.name} is not a sound Parquet file; write it again") from error
        self.columns = tuple(self._file.schema_arrow.names)
        self.total = self._file.metadata.num_rows
        if not self.columns:
            raise IntakeError(f"{self.path.name} has no columns; write it again")

    @property
    def empty_lines(self) -> int:
        """Always 0: a row of nothing is a row here."""
        return 0

    def rows(self) -> Iterator[Row]:
        """Yield the rows with every cell as the text a CSV would hold."""
        line = 0
        try:
            for batch in self._file.iter_batches(batch_size=_PARQUET_BATCH):
                columns = [_texts(column) for column in batch.columns]
                for cells in zip(*columns, strict=True):
                    line += 1
                    yield Row(line, list(cells))
        except (pa.ArrowInvalid, OSError) as error:
            raise IntakeError(f"{self.path.name} is damaged behind row {line}; write it again") from error


def _texts(column: Any) -> list[str]:
    """A column's cells as text; each distinct value is turned only once."""
    plain = _plain(column)
    try:
        found = plain.dictionary_encode()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # nested values
        return [_as_text(value) for value in plain.to_pylist()]
    if not pa.types.is_dictionary(found.type):
        return [_as_text(value) for value in found.to_pylist()]
    texts = [_as_text(value) for value in found.dictionary.to_pylist()]
    return ["" if place is None else texts[place] for place in found.indices.to_pylist()]


def _plain(column: Any) -> Any:
    """Python knows microseconds, not nanoseconds."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column


def _as_text(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - not a number is not itself
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number_as_text(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def _number_as_text(value: float) -> str:
    """Whole numbers without a point. Rounding noise (1e-11) is an amount; what is too large to be exact is no id."""
    if value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return f"{Decimal(repr(value)):f}" if abs(value) < 1 else repr(value)
