"""The third door: a well-known system's export, recognised, checked for what it needs, and read by its format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from segue.intake import records as r
from segue.intake.errors import IntakeError
from segue.intake.formats import FORMATS, Format, Options, recognised
from segue.intake.formats.nearest import lacking, nearest
from segue.intake.opening import open_table
from segue.intake.report import Tally
from segue.intake.rows import Row, Table, same_name
from segue.intake.shapes import Shapes


def opened_export(
    path: Path, kind: Format | None, *, time_zone: str | None, date_order: str | None
) -> tuple[Table, Format, Literal[".", ","]]:
    """Open an export and learn its format and decimal sign; raises IntakeError for what cannot be read as one."""
    table = open_table(path)
    kind = kind or recognised(table.columns, path.name)
    if kind is None:
        raise IntakeError(
            f"{path.name} is no export that is known by its columns{_nearest(table.columns)}; `segue import --formats` "
            "lists those that are: name the format with --format, or say what the columns mean with --mapping FILE.toml"
        )
    _require(table.columns, kind, path.name)
    shapes = Shapes(kind, table.columns)
    if shapes.wanted:
        shapes.learn(table.rows())
        shapes.refuse_ambiguous(path.name, time_zone, date_order)
        table = open_table(path)
    return table, kind, shapes.decimal_sign


def _nearest(columns: tuple[str, ...]) -> str:
    """What to say of the format that comes nearest; never a column of the file itself."""
    kind = nearest(columns, FORMATS)
    if kind is None:
        return ""
    missing = lacking(columns, kind)
    if missing:
        return f"; nearest is {kind.name}; it lacks {', '.join(missing)}"
    return f"; nearest is {kind.name}, whose needed columns are all there"


def _require(columns: tuple[str, ...], kind: Format, file: str) -> None:
    missing = lacking(columns, kind)
    if missing:
        raise IntakeError(
            f"{file} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)} that {kind.title} need "
            "(missing_columns); export it again with all columns"
        )


class ExportDoor:
    """A format's door, to which broken rows come counted and filled up: all they may do there is spoil their order."""

    def __init__(self, table: Table, kind: Format, options: Options) -> None:
        self._kind = kind
        self._columns = table.columns
        self._door = kind.door(table, options)
        #: Orders one of whose rows is at fault.
        self.spoilt = self._door.spoilt

    def facts(self, row: Row, tally: Tally) -> Sequence[r.Fact]:
        """Return what `row` says."""
        if row.reason is not None:
            tally.skip(row.line, row.reason)
            row = self._filled(row)
        return list(self._door.facts(row, tally))

    def _filled(self, row: Row) -> Row:
        """Give a broken row a cell for each column; its last one may be cut too, and is emptied."""
        kept = row.cells[:-1]
        return Row(row.line, kept + [""] * (len(self._columns) - len(kept)), row.reason)

    def finish(self, tally: Tally) -> Iterable[r.Fact]:
        """Return what had to wait for the end of the file."""
        return self._door.finish(tally)

    def notes(self) -> Sequence[str]:
        """Name, once, the columns nobody understands."""
        kind = self._kind
        if not kind.known:
            return ()
        spellings = (*kind.known, *(name for _, others in kind.aliases for name in others))
        known = {same_name(name) for name in spellings}
        strange = [name for name in dict.fromkeys(self._columns) if name and same_name(name) not in known]
        return (f"columns passed over: {', '.join(strange)}",) if strange else ()
