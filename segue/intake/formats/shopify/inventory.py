"""Shopify's `inventory_export`: what can be sold of each variant at each location.

One row a variant and location, or (older) one column a location. What counts is what is available; where a file tells
only what is on hand, what is promised to others comes off. `not stocked` is not 0: the place never has it. The
totals of a products export are these same goods, so they go.
"""

from __future__ import annotations

from collections.abc import Iterator

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.formats.cells import Cells, option_key
from segue.intake.formats.door import RowDoor
from segue.intake.formats.format import Options
from segue.intake.formats.shopify.headers import INVENTORY_ALIASES, VARIANT_COLUMNS
from segue.intake.formats.shopify.products import MAIN
from segue.intake.report import Tally
from segue.intake.rows import Row, Table, same_name

_NOT_STOCKED = "not stocked"
_PROMISED = ("Committed", "Unavailable")


class InventoryDoor(RowDoor):
    """Reads stock."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__()
        self._cells = Cells(table.columns, INVENTORY_ALIASES, options)
        #: (option key, else None and the SKU, place) -> line, SKU and level.
        self._levels: dict[tuple[str | None, str | None, str], tuple[int, str | None, int]] = {}
        #: SKU -> the only key it goes with; None where it goes with several.
        self._key_of: dict[str, str | None] = {}
        described = {same_name(name) for name in VARIANT_COLUMNS}
        #: In older files: every column that does not describe the variant.
        self._places = [
            name
            for name in dict.fromkeys(table.columns)
            if name and not self._cells.has("Location") and same_name(name) not in described
        ]
        self._places_met: set[str] = set()

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Yield the places a row names and what they hold."""
        key, sku = self._variant(row)
        if not self._places:
            place = self._cells.hard(row, "Location", values.parse_id)
            if not place:
                raise BadValueError("missing_key", "Location")
            yield from self._take(row, key, sku, place, self._available(row), tally)
        for name in self._places:
            try:
                yield from self._take(row, key, sku, name, self._quantity(row, name), tally)
            except BadValueError as error:
                tally.skip(row.line, error.reason, error.column)

    def _variant(self, row: Row) -> tuple[str | None, str | None]:
        """Name a variant by handle and options, and by SKU, which may be empty or shared."""
        handle = self._cells.hard(row, "Handle", values.parse_id)
        if handle:
            key = option_key(handle, [self._cells.raw(row, f"Option{n} Value") for n in (1, 2, 3)])
            sku = self._cells.soft(row, "SKU", values.parse_id, Tally())  # no loss: the key says it better
            if sku is not None and self._key_of.setdefault(sku, key) != key:
                self._key_of[sku] = None
            return key, sku
        sku = self._cells.hard(row, "SKU", values.parse_id)
        if not sku:
            raise BadValueError("missing_key", "Handle")
        return None, sku

    def _available(self, row: Row) -> int | None:
        if self._cells.has("Available"):
            return self._quantity(row, "Available")
        on_hand = self._quantity(row, "On hand")
        if on_hand is None:
            return None
        return on_hand - sum(self._cells.given(row, name, values.parse_whole) or 0 for name in _PROMISED)

    def _quantity(self, row: Row, name: str) -> int | None:
        """Return a number, None for `not stocked`; an empty cell is unknown and so `bad_quantity`."""
        if self._cells.raw(row, name).casefold() == _NOT_STOCKED:
            return None
        return self._cells.hard(row, name, values.parse_whole)

    def _take(
        self, row: Row, key: str | None, sku: str | None, place: str, quantity: int | None, tally: Tally
    ) -> Iterator[r.Fact]:
        """Keep a level for the end of the file, where the later of two words for one place counts."""
        if place not in self._places_met:
            self._places_met.add(place)
            yield r.Location(line=row.line, external_id=place, kind=None, name=None)
        if quantity is None:
            return
        name = (key, None if key is not None else sku, place)
        before = self._levels.get(name)
        if before is not None:
            tally.warn(row.line, "duplicate" if before[2] == quantity else "superseded")
        self._levels[name] = (row.line, sku, quantity)

    def finish(self, tally: Tally) -> Iterator[r.Fact]:  # noqa: ARG002 - as declared
        """Yield what every place holds."""
        for (key, _, place), (line, sku, quantity) in self._levels.items():
            names_it = sku is not None and (key is None or self._key_of[sku] == key)
            yield r.Stock(
                line=line,
                sku=sku if names_it else None,
                option_key=key,
                location=place,
                quantity=quantity,
                occurred_at=self._cells.options.now,
                replaces_total=MAIN,
            )
