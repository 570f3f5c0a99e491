"""Cells by the column's canonical name, whatever spelling this file uses."""

from __future__ import annotations

from collections.abc import Sequence

from segue.intake.rows import Reader, Row, reader_of


class Columns:
    """Readers of one file's columns: any order, any case, known aliases; a column that is not there reads as empty."""

    def __init__(self, columns: tuple[str, ...], aliases: Sequence[tuple[str, Sequence[str]]] = ()) -> None:
        self._columns = columns
        self._aliases = dict(aliases)

    def find(self, name: str) -> Reader | None:
        """Return what reads the column `name` or one of its aliases; None where the file has none of them."""
        for spelling in (name, *self._aliases.get(name, ())):
            reader = reader_of(self._columns, spelling)
            if reader is not None:
                return reader
        return None

    def has(self, name: str) -> bool:
        """Tell whether the file has the column."""
        return self.find(name) is not None

    def __getitem__(self, name: str) -> Reader:
        """Return what reads the column; trimmed text, empty where there is no such column."""
        reader = self.find(name)
        if reader is None:
            return _nothing
        return lambda row: reader(row).strip()


def _nothing(_row: Row) -> str:
    return ""
