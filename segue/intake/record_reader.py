"""Reads one record of a mapping from each row; a row that says the same as the one before says nothing new.

What hangs on one cell alone, such as who buys by her customer number, is the same in whatever row that cell is told
again. It is said once a file, unless another record of its kind may have said otherwise in between.
"""

from __future__ import annotations

from collections.abc import Sequence

from segue.intake import records as r
from segue.intake.facts import FACTS, Here, Said
from segue.intake.fields import Compiled
from segue.intake.report import Tally
from segue.intake.rows import Row

#: Kinds of which the same again is the same: a person on each line of her orders, say.
_ONCE = frozenset(
    {"profile", "consent", "suppression", "product", "variant", "relation", "listing", "location", "discount"}
)
#: Most cells remembered.
_REMEMBERED = 100_000


class RecordReader:
    """Turns rows into the facts of one record."""

    def __init__(self, compiled: Compiled, here: Here, *, is_alone: bool = False) -> None:
        self._compiled = compiled
        self._make = FACTS[compiled.kind]
        self._here = here
        places = dict.fromkeys(place for found in compiled.places.values() for place in found)
        self._places = tuple(places) if compiled.kind in _ONCE else ()
        self._before: list[str] | None = None
        self._only = self._places[0] if is_alone and len(self._places) == 1 else None
        self._said: set[str] = set()

    def facts(self, row: Row, tally: Tally) -> Sequence[r.Fact]:
        """Return what the record says in this row; raises BadValueError for what costs it."""
        compiled = self._compiled
        if self._only is not None:
            cell = row.cells[self._only]
            if cell in self._said:
                tally.duplicates[compiled.kind] += 1
                return ()
            warnings = tally.warned
            facts = self._facts(row, tally)
            if tally.warned == warnings:
                if len(self._said) >= _REMEMBERED:
                    self._said.clear()
                self._said.add(cell)
            return facts
        if self._places:
            cells = row.cells
            said_again = [cells[place] for place in self._places]
            if said_again == self._before:
                tally.duplicates[compiled.kind] += 1
                return ()
            self._before = None
            warnings = tally.warned
            facts = self._facts(row, tally)
            if tally.warned == warnings:
                self._before = said_again
            return facts
        return self._facts(row, tally)

    def passed_over(self) -> None:
        """A row is another record's: what the next one says need not be what the row before it said."""
        self._before = None

    def _facts(self, row: Row, tally: Tally) -> Sequence[r.Fact]:
        found = self._compiled.read(row, tally)
        kept = {name: text for name, read in self._compiled.properties if (text := read(row))}
        said = Said(line=row.line, fields=found, properties=kept, cells=row.cells, door=self._here, tally=tally)
        return self._make(said)
