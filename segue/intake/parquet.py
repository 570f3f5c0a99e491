"""A Parquet file as a table of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from segue.intake.errors import IntakeError
from segue.intake.rows import Row

_BATCH = 10_000


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
            for batch in self._file.iter_batches(batch_size=_BATCH):
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
