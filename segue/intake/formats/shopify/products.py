"""Shopify's products: the export with its old column names and the newer import template.

The first row of a handle carries the product, each row with an option value is a variant, a row with a picture alone is
neither. The file names no currency, and does not say since when something is listed: what is published is listed on the
web from the day the file is read, and a later file that no longer lists it ends nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.formats.cells import Cells, fingerprint, needed_currency, option_key, text_of
from segue.intake.formats.door import RowDoor
from segue.intake.formats.format import Options
from segue.intake.formats.garments import category_of, common_system
from segue.intake.formats.options import size_and_colour
from segue.intake.formats.shopify.headers import PRODUCT_ALIASES
from segue.intake.report import Tally
from segue.intake.rows import Row, Table

#: Where stock lies that a file gives no place for; a shop's own location of that name would be the same place.
MAIN = "main"
_NUMBERS = (1, 2, 3)
_CATEGORY = ("Product Category", "Type", "Google Shopping / Google Product Category")


@dataclass(frozen=True, slots=True)
class _Head:
    """The row that carries a product."""

    line: int
    title: str | None
    category: str | None
    image_url: str | None
    option_names: tuple[str, ...]
    is_listed: bool


@dataclass(frozen=True, slots=True)
class _Variant:
    """A row that is a variant."""

    line: int
    said: bytes
    option_values: tuple[str, ...]
    sku: str | None
    price_minor: int | None
    stock: int | None


class ProductsDoor(RowDoor):
    """Reads products; yields at the end of the file, when it is known which SKUs are shared."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__()
        self._cells = Cells(table.columns, PRODUCT_ALIASES, options)
        self._currency = needed_currency(options)
        self._heads: dict[str, _Head] = {}
        self._variants: dict[str, dict[str, _Variant]] = {}

    def read(self, row: Row, tally: Tally) -> Iterable[r.Fact]:
        """Take a row; it says nothing yet."""
        cells = self._cells
        handle = cells.hard(row, "Handle", values.parse_id)
        if not handle:
            raise BadValueError("missing_key", "Handle")
        option_values = tuple(cells.hard(row, f"Option{n} Value", text_of(255)) for n in _NUMBERS)
        sku = cells.given(row, "Variant SKU", values.parse_id)
        is_head = bool(cells.raw(row, "Title"))
        has_kind = bool(option_values[0]) or (is_head and bool(sku or cells.raw(row, "Variant Price")))
        variant = self._variant(row, option_values, sku) if has_kind else None
        if is_head:
            self._heads[handle] = self._head(row, tally)
        if variant is None:
            return ()
        key = option_key(handle, option_values)
        held = self._variants.setdefault(handle, {})
        if key in held:
            tally.warn(row.line, "duplicate" if held[key].said == variant.said else "superseded")
        held[key] = variant
        return ()

    def _variant(self, row: Row, option_values: tuple[str, ...], sku: str | None) -> _Variant:
        cells = self._cells
        priced = bool(cells.raw(row, "Variant Price"))
        return _Variant(
            line=row.line,
            said=fingerprint(row.cells),
            option_values=option_values,
            sku=sku,
            price_minor=cells.money(row, "Variant Price", self._currency) if priced else None,
            stock=cells.given(row, "Variant Inventory Qty", values.parse_whole),
        )

    def _head(self, row: Row, tally: Tally) -> _Head:
        cells = self._cells
        named = (cells.raw(row, name) for name in _CATEGORY)
        return _Head(
            line=row.line,
            title=cells.soft(row, "Title", text_of(500), tally),
            category=next((found for text in named if (found := category_of(text)) is not None), None),
            image_url=cells.soft(row, "Image Src", text_of(2_000), tally),
            option_names=tuple(cells.raw(row, f"Option{n} Name") for n in _NUMBERS),
            is_listed=self._is_listed(row),
        )

    def _is_listed(self, row: Row) -> bool:
        """Published and neither a draft nor archived; a file without both columns lists nothing."""
        said = [
            self._cells.raw(row, name).casefold() in yes
            for name, yes in (("Published", {"true", "1", "yes"}), ("Status", {"active", ""}))
            if self._cells.has(name)
        ]
        return bool(said) and all(said)

    def finish(self, tally: Tally) -> Iterator[r.Fact]:
        """Yield every product with its variants, its listing and, where the file counts it, its stock."""
        skus = Counter(one.sku for held in self._variants.values() for one in held.values())
        stocked = any(one.stock is not None for held in self._variants.values() for one in held.values())
        if stocked:
            yield r.Location(line=1, external_id=MAIN, kind=None, name=None)
            tally.notes.append(
                f"stock was put at the location {MAIN}, but for variants whose stock per location is known already"
            )
        for handle, head in self._heads.items():
            held = self._variants.get(handle, {})
            yield from self._product(handle, head, held, skus)
        # Without the row that names the options, nobody knows which value is a size.
        lost = [
            one.line for handle in self._variants.keys() - self._heads.keys() for one in self._variants[handle].values()
        ]
        for line in sorted(lost):
            tally.skip(line, "orphan_line")

    def _product(
        self, handle: str, head: _Head, held: dict[str, _Variant], skus: Counter[str | None]
    ) -> Iterator[r.Fact]:
        worn = {key: size_and_colour(head.option_names, one.option_values) for key, one in held.items()}
        product = r.Product(
            line=head.line,
            external_id=handle,
            title=head.title,
            category=head.category,
            size_system=common_system((size for size, _ in worn.values() if size is not None), head.category),
            url=f"/products/{handle}",
            image_url=head.image_url,
        )
        yield product
        for key, one in held.items():
            size, colour = worn[key]
            yield r.Variant(
                line=one.line,
                # A SKU that is empty or that several variants share names none of them; its key always does.
                sku=one.sku if one.sku is not None and skus[one.sku] == 1 else key,
                product=r.Product(line=one.line, external_id=handle),
                size=size,
                colour=colour,
                price_minor=one.price_minor,
                currency=self._currency,
                option_key=key,
            )
            if one.stock is not None:
                yield r.Stock(
                    line=one.line,
                    sku=None,
                    option_key=key,
                    location=MAIN,
                    quantity=one.stock,
                    occurred_at=self._cells.options.now,
                    is_total=True,
                )
        if head.is_listed:
            yield r.Listing(
                line=head.line,
                product=r.Product(line=head.line, external_id=handle),
                sales_channel="web",
                listed_from=self._cells.options.now,
                listed_until=None,
            )
