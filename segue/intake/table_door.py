"""The first door: rows of a table, through a mapping, become facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from segue.intake import records as r
from segue.intake.errors import BadValueError, IntakeError
from segue.intake.facts import Here
from segue.intake.fields import Read, compile_record
from segue.intake.line_reader import LineReader
from segue.intake.mapping import Mapping
from segue.intake.record_reader import RecordReader
from segue.intake.report import Tally
from segue.intake.rows import Row, Table, reader_of

#: What is whole or not at all, and the field that names it.
_ATOMIC = {"order": "external_id", "order_line": "order", "return": "document"}


@dataclass(frozen=True, slots=True)
class _Spec:
    """One record of the mapping in this file."""

    reader: RecordReader | LineReader
    #: None: every row.
    wanted: Callable[[Row], bool] | None
    is_constant: bool
    #: The order or document it is a part of, if it is one.
    whole: Read | None


class TableDoor:
    """Turns rows into facts and says which orders a broken row spoils."""

    def __init__(self, table: Table, mapping: Mapping, hash_address: Callable[[str], str], *, file: str) -> None:
        here = Here(source=mapping.name, calling_code=mapping.calling_code, hash_address=hash_address)
        needed = dict.fromkeys(name for spec in mapping.record for name in spec.columns())
        if missing := [name for name in needed if reader_of(table.columns, name) is None]:
            raise IntakeError(
                f"{file} lacks {_list('column', missing)} that the mapping {mapping.name} needs; "
                "export them or change the mapping"
            )
        self._specs = []
        kinds = Counter(record.kind for record in mapping.record)
        for record in mapping.record:
            compiled = compile_record(record, mapping, table.columns)
            reader: RecordReader | LineReader
            if record.kind == "order_line":
                reader = LineReader(compiled, here)
            else:
                reader = RecordReader(compiled, here, is_alone=kinds[record.kind] == 1)
            whole = compiled.fields[_ATOMIC[record.kind]] if record.kind in _ATOMIC else None
            self._specs.append(_Spec(reader, compiled.wanted, compiled.is_constant, whole))
        self._width = len(table.columns)
        self._done: set[int] = set()
        #: Orders one of whose rows is at fault: none of their rows may stay.
        self.spoilt: set[str] = set()

    def facts(self, row: Row, tally: Tally) -> Sequence[r.Fact]:
        """Return what `row` says; count what it fails to say."""
        if row.reason is not None:
            tally.skip(row.line, row.reason)
            self._spoil_all(row)
            return ()
        facts: list[r.Fact] = []
        for number, spec in enumerate(self._specs):
            if spec.wanted is not None and not spec.wanted(row):
                if isinstance(spec.reader, RecordReader):
                    spec.reader.passed_over()
                continue
            if spec.is_constant:
                if number in self._done:
                    continue
                self._done.add(number)
            try:
                facts += spec.reader.facts(row, tally)
            except BadValueError as error:
                tally.skip(row.line, error.reason, error.column)
                if spec.whole is not None:
                    self._spoil(spec.whole, row)
        return facts

    def _spoil_all(self, row: Row) -> None:
        """Remember what a broken row belongs to. Of a cut row the last cell may be cut too, so it tells nothing."""
        cells = row.cells[:-1]
        whole = Row(row.line, cells + [""] * (self._width - len(cells)))
        for spec in self._specs:
            if spec.whole is not None:
                self._spoil(spec.whole, whole)

    def _spoil(self, read: Read, row: Row) -> None:
        try:
            order = read(row, Tally())
        except BadValueError:
            return
        if order:
            self.spoilt.add(order)


def _list(word: str, names: list[str]) -> str:
    return f"the {word} {names[0]}" if len(names) == 1 else f"the {word}s {', '.join(names)}"
