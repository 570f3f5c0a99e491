"""WooCommerce's product export: products, their variations, what is listed and what lies in stock.

A product is called as the exporter itself calls it where a variation names its parent: by its SKU, and `id:44` where it
has none. The file names no currency, and does not say since when something is listed: what is published and can be
found is listed on the web from the day the file is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import unescape

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.formats.cells import Cells, fingerprint, needed_currency, text_of
from segue.intake.formats.door import RowDoor
from segue.intake.formats.format import Options
from segue.intake.formats.garments import category_of, common_system
from segue.intake.formats.options import size_and_colour
from segue.intake.formats.woocommerce.headers import MOST_ATTRIBUTES, PRODUCT_ALIASES
from segue.intake.report import Tally
from segue.intake.rows import Row, Table

#: Where stock lies: the file knows one place.
MAIN = "main"
_BETWEEN = re.compile(r"(?<!\\),")
_HAS_VARIATIONS = frozenset({"variable", "variable-subscription", "grouped"})
_VARIATIONS = frozenset({"variation", "subscription_variation"})
#: Visibility words under which nobody comes upon a product.
_HIDDEN = frozenset({"hidden"})
_YES, _NO = frozenset({"1", "yes", "true"}), frozenset({"0", "no", "false"})


@dataclass(frozen=True, slots=True)
class _Item:
    """A row: a product, a variation, or a product that is its own only variant."""

    line: int
    said: bytes
    kind: str
    title: str | None
    category: str | None
    url: str | None
    image_url: str | None
    #: The product it is a variation of.
    parent: str
    size: str | None
    colour: str | None
    price_minor: int | None
    #: None: nobody counts it here. `parent`: the parent's number counts for all variations.
    stock: int | str | None
    is_out: bool
    is_published: bool
    is_hidden: bool


class ProductsDoor(RowDoor):
    """Reads products; yields at the end of the file, when every parent is known."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__()
        self._cells = Cells(table.columns, PRODUCT_ALIASES, options)
        self._currency = needed_currency(options)
        self._attributes = [
            number for number in range(1, MOST_ATTRIBUTES + 1) if self._cells.has(f"Attribute {number} name")
        ]
        self._items: dict[str, _Item] = {}
        #: `id:44` -> what the product goes by.
        self._keys: dict[str, str] = {}

    def read(self, row: Row, tally: Tally) -> Iterable[r.Fact]:
        """Take a row; it says nothing yet."""
        cells = self._cells
        sku, number = cells.given(row, "SKU", values.parse_id), cells.given(row, "ID", values.parse_id)
        key = sku or (f"id:{number}" if number else None)
        if key is None:
            raise BadValueError("missing_key", "SKU")
        item = self._item(row, number, tally)
        if number is not None:
            self._keys[f"id:{number}"] = key
        if key in self._items:
            tally.warn(row.line, "duplicate" if self._items[key].said == item.said else "superseded")
        self._items[key] = item
        return ()

    def _item(self, row: Row, number: str | None, tally: Tally) -> _Item:
        cells = self._cells
        kinds = [kind.strip().casefold() for kind in cells.raw(row, "Type").split(",")]
        kind = next((kind for kind in kinds if kind in _HAS_VARIATIONS | _VARIATIONS), "simple")
        names, chosen = self._chosen(row)
        size, colour = size_and_colour(names, chosen)
        published = cells.raw(row, "Published")
        title = cells.soft(row, "Name", text_of(500), tally)
        return _Item(
            line=row.line,
            said=fingerprint(row.cells),
            kind=kind,
            title=unescape(title) if title else None,
            category=_category(_listed(cells.raw(row, "Categories"))),
            url=cells.soft(row, "External URL", text_of(2_000), tally) or (f"/?p={number}" if number else None),
            image_url=next(iter(_listed(cells.raw(row, "Images"))), None),
            parent=cells.hard(row, "Parent", values.parse_id),
            size=size,
            colour=colour,
            price_minor=self._price(row),
            stock=cells.given(row, "Stock", _stock),
            is_out=cells.raw(row, "In stock?").casefold() in _NO | {"backorder"},
            is_published=published.casefold() in _YES or not cells.has("Published"),
            is_hidden=cells.raw(row, "Visibility in catalog").casefold() in _HIDDEN,
        )

    def _chosen(self, row: Row) -> tuple[list[str], list[str]]:
        """Return the attributes with one value; several are what a product comes in, and no variation says."""
        pairs = [
            (self._cells.raw(row, f"Attribute {n} name"), _listed(self._cells.raw(row, f"Attribute {n} value(s)")))
            for n in self._attributes
        ]
        single = [(unescape(name), unescape(found[0])) for name, found in pairs if name and len(found) == 1]
        return [name for name, _ in single], [value for _, value in single]

    def _price(self, row: Row) -> int | None:
        """Return the price she would pay. A sale with dates may be over or not begun by the time anybody reads it."""
        dated = any(self._cells.raw(row, f"Date sale price {edge}") for edge in ("starts", "ends"))
        column = "Sale price" if self._cells.raw(row, "Sale price") and not dated else "Regular price"
        sign = self._cells.options.decimal_sign
        return self._cells.given(
            row, column, lambda text: values.parse_money(f"0{text}" if text[0] in ".," else text, self._currency, sign)
        )

    def finish(self, tally: Tally) -> Iterator[r.Fact]:
        """Yield every product with its variants, its listing and its stock."""
        yield r.Location(line=1, external_id=MAIN, kind=None, name=None)
        sizes: dict[str, list[str]] = {}
        for item in self._items.values():
            if item.kind in _VARIATIONS and item.size is not None:
                sizes.setdefault(self._parent_of(item), []).append(item.size)
        uncounted = 0
        for key, item in self._items.items():
            product = key
            if item.kind in _VARIATIONS:
                product = self._parent_of(item)
                if not product:
                    tally.skip(item.line, "orphan_line", "Parent")
                    continue
            else:
                own = [item.size] if item.size is not None else []
                yield self._product(key, item, sizes.get(key, own))
            if item.kind not in _HAS_VARIATIONS:
                uncounted += item.stock is None and not item.is_out
                yield from self._variant(key, product, item)
            if item.kind not in _VARIATIONS and item.is_published and not item.is_hidden:
                yield self._listing(key, item)
        if uncounted:
            tally.notes.append(
                f"{uncounted} of the things in stock are not counted by the shop; each stands as 1, the least there is"
            )

    def _parent_of(self, item: _Item) -> str:
        return self._keys.get(item.parent, item.parent)

    def _product(self, key: str, item: _Item, sizes: Sequence[str]) -> r.Product:
        return r.Product(
            line=item.line,
            external_id=key,
            title=item.title,
            category=item.category,
            size_system=common_system(sizes, item.category),
            url=item.url,
            image_url=item.image_url,
        )

    def _variant(self, key: str, product: str, item: _Item) -> Iterator[r.Fact]:
        yield r.Variant(
            line=item.line,
            sku=key,
            product=r.Product(line=item.line, external_id=product),
            size=item.size,
            colour=item.colour,
            price_minor=item.price_minor,
            currency=self._currency,
        )
        yield r.Stock(
            line=item.line,
            sku=key,
            location=MAIN,
            quantity=self._quantity(product, item),
            occurred_at=self._cells.options.now,
            is_total=True,
        )

    def _quantity(self, product: str, item: _Item) -> int:
        """Return how many can be had: none of a variation that is switched off, whatever lies there."""
        if item.kind in _VARIATIONS and not item.is_published:
            return 0
        stock = item.stock
        if stock == "parent":
            held = self._items.get(product)
            stock = held.stock if held is not None else None
        if isinstance(stock, int):
            return stock
        return 0 if item.is_out else 1

    def _listing(self, key: str, item: _Item) -> r.Listing:
        return r.Listing(
            line=item.line,
            product=r.Product(line=item.line, external_id=key),
            sales_channel="web",
            listed_from=self._cells.options.now,
            listed_until=None,
        )


def _listed(cell: str) -> list[str]:
    r"""Return what a cell lists: commas between, `\,` within."""
    return [part.strip().replace("\\,", ",") for part in _BETWEEN.split(cell) if part.strip()]


def _category(paths: Sequence[str]) -> str | None:
    found = {category for path in paths if (category := category_of(unescape(path))) is not None}
    return found.pop() if len(found) == 1 else None


def _stock(text: str) -> int | str:
    return "parent" if text.casefold() == "parent" else values.parse_whole(text)
