"""The lines of a BigCommerce order, out of the one cell they are packed into.

`Product ID: 7, Product Qty: 1, Product SKU: X, Product Name: Y, Product Unit Price: 1.00, Product Total Price: 1.00`,
joined by `|` or by nothing at all; names may hold commas and bars, prices the currency's sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from html import unescape

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError

COLUMN = "Product Details"
_BEGINS = re.compile(r"\s*\|?\s*(?=Product ID: \d*, Product Qty: )")
_LINE = re.compile(
    r"Product ID: (?P<id>\d*), Product Qty: (?P<quantity>[^,]*), Product SKU: (?P<sku>.*?), Product Name: (?P<name>.*)"
    r", Product Unit Price: (?P<price>.*?), Product Total(?: Price)?: (?P<total>.*)",
    re.DOTALL,
)
#: What may stand between the name and the price: weight, and what the buyer chose.
_MORE = re.compile(r", Product (Weight|Variation Details|Options): ")
_SIGNS = "$€£¥ \u00a0\u202f"
_LONGEST = 200


def lines_of(packed: str, row_line: int, order: r.Order, decimal_sign: str) -> list[r.OrderLine]:
    """Return the lines that `packed` holds, none for an empty cell; raises BadValueError naming the column."""
    try:
        return list(_lines(packed.strip(), row_line, order, decimal_sign))
    except BadValueError as error:
        raise BadValueError(error.reason, COLUMN) from error


def _lines(packed: str, row_line: int, order: r.Order, decimal_sign: str) -> Iterator[r.OrderLine]:
    for piece in _BEGINS.split(packed):
        if not piece:
            continue
        found = _LINE.fullmatch(piece.strip())
        if found is None:
            raise BadValueError("bad_lines")
        name, *more = _MORE.split(found["name"])
        chosen = [text for kind, text in zip(more[::2], more[1::2], strict=True) if kind != "Weight"]
        price, total = (
            values.parse_money(found[which].strip(_SIGNS), order.currency, decimal_sign) for which in ("price", "total")
        )
        title = values.parse_text(unescape(name))[:500]
        number = found["id"] if found["id"].strip("0") else ""
        sku = values.parse_id(unescape(found["sku"])) or _stand_in(number, title, chosen)
        yield r.OrderLine(
            line=row_line,
            order=order.external_id,
            position=None,
            variant=r.Variant(
                line=row_line,
                sku=sku,
                product=r.Product(line=row_line, external_id=number or sku, title=title or None),
                price_minor=price,
                currency=order.currency,
                overwrites=False,
            ),
            quantity=values.parse_quantity(found["quantity"]),
            unit_price_minor=price,
            total_minor=total,
        )


def _stand_in(number: str, title: str, chosen: list[str]) -> str:
    """Name a variant that has no SKU: by its product and what the buyer chose, else by its title."""
    name = "/".join((f"id:{number}" if number else f"name:{title}", *(text.strip() for text in chosen if text.strip())))
    if name == "name:":
        raise BadValueError("missing_key")
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}~{blake2b(name.encode(), digest_size=8).hexdigest()}"
