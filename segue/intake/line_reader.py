"""Reads order lines: their order and what they sell are read once and remembered, since lines come in thousands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from segue.intake import records as r
from segue.intake.errors import BadValueError
from segue.intake.facts import Here, Said, order_of, variant_of
from segue.intake.fields import Compiled
from segue.intake.kinds import KINDS
from segue.intake.report import Tally
from segue.intake.rows import Row

#: What a line says of itself; all else is about its order or what it sells.
_LINE = frozenset({"position", "quantity", "line_total", "returned_at", "return_reason"})
_HEAD = frozenset({"order", *KINDS["order"]})
#: Most variants remembered.
_REMEMBERED = 100_000


class LineReader:
    """Turns rows into the lines of orders, and into orders where they begin."""

    def __init__(self, compiled: Compiled, here: Here) -> None:
        self._here = here
        self._head = _part(compiled, _HEAD)
        self._sold = _part(compiled, compiled.fields.keys() - _HEAD - _LINE | {"currency"})
        self._line = _part(compiled, _LINE)
        self._has_position = "position" in compiled.fields
        self._at_hand: tuple[list[str], str] | None = None
        self._variants: dict[tuple[str, ...], tuple[r.Variant, int | None]] = {}

    def facts(self, row: Row, tally: Tally) -> Sequence[r.Fact]:
        """Return the line, behind its order where the row before told another; raises BadValueError."""
        head, facts = self._order(row, tally)
        variant, price = self._variant(row, tally)
        told = self._line.compiled.read(row, tally)
        position = told.get("position")
        if self._has_position and position is None:
            raise BadValueError("missing_key", "position")
        quantity = told["quantity"]
        total = told.get("line_total")
        if price is None:
            if total is None:
                raise BadValueError("missing_key", "unit_price")
            price = round(total / quantity) if quantity else total
        line = r.OrderLine(
            line=row.line,
            order=head,
            position=position,
            variant=variant,
            quantity=quantity,
            unit_price_minor=price,
            total_minor=total,
            returned_at=told.get("returned_at"),
            return_reason=told.get("return_reason"),
        )
        return (*facts, line)

    def _order(self, row: Row, tally: Tally) -> tuple[str, Sequence[r.Fact]]:
        cells = row.cells
        key = [cells[place] for place in self._head.places]
        if self._at_hand is not None and self._at_hand[0] == key:
            return self._at_hand[1], ()
        self._at_hand = None
        warned = tally.warned
        said = self._said(self._head, row, tally)
        order: str = said.fields["order"]
        head = order_of(said, order, implied=True)
        if tally.warned == warned:
            self._at_hand = (key, order)
        return order, (head,)

    def _variant(self, row: Row, tally: Tally) -> tuple[r.Variant, int | None]:
        cells = row.cells
        key = tuple([cells[place] for place in self._sold.places])
        found = self._variants.get(key)
        if found is None:
            warned = tally.warned
            said = self._said(self._sold, row, tally)
            price = said.fields.get("unit_price")
            found = variant_of(said, price, overwrites=False), price
            if tally.warned == warned:
                if len(self._variants) >= _REMEMBERED:
                    self._variants.clear()
                self._variants[key] = found
        return found

    def _said(self, part: _Part, row: Row, tally: Tally) -> Said:
        found = part.compiled.read(row, tally)
        return Said(line=row.line, fields=found, properties={}, cells=row.cells, door=self._here, tally=tally)


class _Part:
    """Some of a record's fields, and the cells they depend on."""

    def __init__(self, compiled: Compiled, places: dict[str, tuple[int, ...]]) -> None:
        self.compiled = compiled
        self.places = tuple(dict.fromkeys(place for found in places.values() for place in found))


def _part(compiled: Compiled, names: Collection[str]) -> _Part:
    fields: dict[str, Any] = {name: read for name, read in compiled.fields.items() if name in names}
    places = {name: compiled.places[name] for name in fields}
    return _Part(Compiled(kind=compiled.kind, wanted=None, fields=fields, places=places, properties=()), places)
