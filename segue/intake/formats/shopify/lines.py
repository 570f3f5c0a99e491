"""Line items: what was bought or put in a cart, by SKU, else by name."""

from __future__ import annotations

from hashlib import blake2b

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.formats.cells import Cells, text_of
from segue.intake.report import Tally
from segue.intake.rows import Row

_LONGEST = 200


def read_quantity(cells: Cells, row: Row) -> int:
    """Return how many; a quantity of 0 (taken out again) is taken, one below is `bad_quantity`."""
    quantity = cells.hard(row, "Lineitem quantity", values.parse_whole)
    if quantity < 0:
        raise BadValueError("bad_quantity", "Lineitem quantity")
    return quantity


def read_price(cells: Cells, row: Row, currency: str) -> int:
    """Return the price of one in minor units; 0 where the shop took the whole column out."""
    return cells.money(row, "Lineitem price", currency) if cells.has("Lineitem price") else 0


def read_variant(cells: Cells, row: Row, price: int, currency: str, tally: Tally) -> r.Variant:
    """Return what stands in for the variant until a catalogue knows it.

    Most shops leave the SKU empty on many lines: then the line's name is what tells one thing from another.
    """
    sku = cells.given(row, "Lineitem sku", values.parse_id)
    title = cells.soft(row, "Lineitem name", text_of(500), tally)
    if sku is None:
        if title is None:
            raise BadValueError("missing_key", "Lineitem name")
        sku = f"{r.BY_NAME}{_shortened(title)}"
    return r.Variant(
        line=row.line,
        sku=sku,
        product=r.Product(line=row.line, external_id=sku, title=title),
        price_minor=price,
        currency=currency,
        overwrites=False,
        line_name=title,
    )


def _shortened(name: str) -> str:
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_LONGEST]}~{blake2b(name.encode(), digest_size=8).hexdigest()}"
