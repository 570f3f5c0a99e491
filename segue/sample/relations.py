"""What goes with what: the shop's own taste, as a stylist would write it down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from segue.sample.catalogue import PRODUCTS, Product
from segue.sample.rows import RelationRow

#: By category, what is worn with it, the best first.
_WORN_WITH: Final = {
    "tops": ("scarves", "bottoms", "coats"),
    "bottoms": ("gloves", "scarves", "coats"),
    "beanies": ("gloves", "scarves", "coats"),
    "coats": ("scarves", "gloves", "beanies"),
    "gloves": ("scarves", "beanies"),
    "scarves": ("gloves", "beanies"),
}
#: Of each category, so many colour-ways.
_EACH: Final = 3


def relation_rows() -> Iterator[RelationRow]:
    """Yield up to nine related products a product; neighbours differ, so that not everything goes with one coat."""
    for number, product in enumerate(PRODUCTS):
        related = [one for place in range(_EACH) for one in _row(product, number, place)]
        for rank, one in enumerate(dict.fromkeys(related), start=1):
            yield RelationRow(product.product_id, one, "goes_with", rank)


def _row(product: Product, number: int, place: int) -> Iterator[str]:
    """The next thing of each category, in its own colour where there is one."""
    for category in _WORN_WITH[product.style.category]:
        shelf = [one for one in PRODUCTS if one.style.category == category]
        shelf.sort(key=lambda one: one.colour != product.colour)
        yield shelf[(place + (number if place else 0)) % len(shelf)].product_id
