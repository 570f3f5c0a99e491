"""JSON lines as a table: one object a line, its keys the columns, so that a format reads them like any other file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from segue.intake.errors import IntakeError
from segue.intake.reading import TextFile
from segue.intake.rows import Row

ENDINGS = (".jsonl", ".ndjson")
#: More names than any export has; such a file is no table.
_MOST_COLUMNS = 1_000


def is_json_lines(path: Path) -> bool:
    """Tell by the name, packed with gzip or not."""
    return path.name.lower().removesuffix(".gz").endswith(ENDINGS)


class JsonTable:
    """The objects of a file as rows; it is read twice, since a key may first occur on the last line."""

    def __init__(self, file: TextFile) -> None:
        self._file = file
        self.encoding = file.encoding
        self.total: int | None = file.line_count
        self.empty_lines = 0
        names: dict[str, None] = {}
        for _, found in self._objects():
            if isinstance(found, dict):
                names.update(dict.fromkeys(found))
                if len(names) > _MOST_COLUMNS:
                    raise IntakeError(f"{file.path.name} has over {_MOST_COLUMNS:,} different names; check what it is")
        if not names:
            raise IntakeError(f"{file.path.name} holds no JSON object a line; export it again as JSON lines")
        self.columns = tuple(names)

    def rows(self) -> Iterator[Row]:
        """Yield the objects; a line that is none carries `bad_json`, or `truncated` where the file ends inside it."""
        self.empty_lines = self._file.line_count
        for line, found in self._objects():
            self.empty_lines -= 1
            if isinstance(found, dict):
                yield Row(line, [_cell(found.get(name)) for name in self.columns])
            else:
                cut = line == self._file.line_count and not self._file.ends_cleanly
                yield Row(line, [], "truncated" if cut else "bad_json")

    def _objects(self) -> Iterator[tuple[int, Any]]:
        """Yield line numbers and what stands there, None where it is no JSON; empty lines are passed over."""
        for number, line in enumerate(self._file.lines(), start=1):
            if line.strip():
                try:
                    yield number, json.loads(line, parse_float=Decimal, parse_constant=_refuse)
                except (ValueError, RecursionError):
                    yield number, None


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value, ensure_ascii=False, default=str)
