"""The first door: rows of a table, through a mapping, become facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from segue.intake import records as r
from segue.intake.errors import BadValueError, IntakeError
from segue.intake.facts import FACTS, Here, Said
from segue.intake.fields import compile_record
from segue.intake.mapping import Mapping
from segue.intake.report import Tally
from segue.intake.rows import Row, Table, reader_of


class TableDoor:
    """Turns rows into facts and says which orders a broken row spoils."""

    def __init__(self, table: Table, mapping: Mapping, hash_address: Callable[[str], str], *, file: str) -> None:
        self._here = Here(source=mapping.name, calling_code=mapping.calling_code, hash_address=hash_address)
        needed = dict.fromkeys(name for spec in mapping.record for name in spec.columns())
        if missing := [name for name in needed if reader_of(table.columns, name) is None]:
            raise IntakeError(
                f"{file} lacks {_list('column', missing)} that the mapping {mapping.name} needs; "
                "export them or change the mapping"
            )
        self._specs = [compile_record(spec, mapping, table.columns) for spec in mapping.record]
        self._order_ids = [
            read
            for spec in self._specs
            if spec.kind in {"order", "order_line"}
            for name, read in spec.fields
            if name in {"order", "external_id"}
        ]
        self._width = len(table.columns)
        self._done: set[int] = set()
        #: Orders one of whose rows is at fault: none of their rows may stay.
        self.spoilt: set[str] = set()

    def facts(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Yield what `row` says; count what it fails to say."""
        if row.reason is not None:
            tally.skip(row.line, row.reason)
            self._spoil(row)
            return
        for number, spec in enumerate(self._specs):
            if spec.constant:
                if number in self._done:
                    continue
                self._done.add(number)
            if not spec.wanted(row):
                continue
            try:
                found = spec.read(row, tally)
                kept = {name: text for name, read in spec.properties if (text := read(row))}
                said = Said(line=row.line, fields=found, properties=kept, cells=row.cells, door=self._here)
                facts = FACTS[spec.kind](said)
            except BadValueError as error:
                tally.skip(row.line, error.reason, error.column)
                if spec.kind in {"order", "order_line"}:
                    self._spoil(row)
            else:
                yield from facts

    def _spoil(self, row: Row) -> None:
        """Remember the order a bad row belongs to. Of a cut row the last cell may be cut too, so it tells nothing."""
        cells = row.cells[:-1] if row.reason else row.cells
        whole = Row(row.line, cells + [""] * (self._width - len(cells)))
        for read in self._order_ids:
            try:
                order = read(whole, Tally())
            except BadValueError:
                continue
            if order:
                self.spoilt.add(order)


def _list(word: str, names: list[str]) -> str:
    return f"the {word} {names[0]}" if len(names) == 1 else f"the {word}s {', '.join(names)}"
