"""What a person takes: from what is listed there, in her size, and on the shelf."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from segue.sample.catalogue import PRODUCTS, Product, Variant, sells
from segue.sample.dice import chance, pick
from segue.sample.people import Person
from segue.sample.places import WAREHOUSE
from segue.sample.stock import StockBook

# How much of what is bought in a month is wool: a beanie in August is a rare thing.
_COLD: Final = (1.4, 1.3, 1.1, 0.8, 0.5, 0.3, 0.3, 0.4, 0.9, 1.3, 1.6, 1.7)
_COLD_CATEGORIES: Final = frozenset({"coats", "gloves", "scarves", "beanies"})


@dataclass(frozen=True, slots=True)
class Item:
    """A variant and how many of it."""

    variant: Variant
    quantity: int = 1

    @property
    def cents(self) -> int:
        """What the items cost together before any discount, in US cents."""
        return self.variant.cents * self.quantity


def total(items: tuple[Item, ...]) -> int:
    """Return what the items cost before any discount, in US cents."""
    return sum(item.cents for item in items)


class Baskets:
    """Fills baskets from one stock book."""

    def __init__(self, rng: Random, book: StockBook) -> None:
        self._rng = rng
        self._book = book

    def fill(
        self,
        at: datetime,
        person: Person,
        *,
        channel: str = "web",
        place: str = WAREHOUSE,
        count: int | None = None,
        gift: bool = False,
    ) -> tuple[Item, ...]:
        """Return up to `count` different items that are there at `at`; empty where nothing suits."""
        rng = self._rng
        wanted = count or rng.choices((1, 2, 3, 4), (56, 29, 11, 4))[0]
        offered = [product for product in PRODUCTS if sells(channel, product)]
        weights = [_appeal(product, at) for product in offered]
        basket: dict[str, Item] = {}
        for product in rng.choices(offered, weights, k=wanted * 4):
            variant = self._size_for(person, product, gift=gift)
            if self._book.level(variant.sku, place) > 0 and product.product_id not in basket:
                basket[product.product_id] = Item(variant, 2 if chance(rng, 0.03) and _comes_in_pairs(product) else 1)
            if len(basket) == wanted:
                break
        return tuple(basket.values())

    def _size_for(self, person: Person, product: Product, *, gift: bool) -> Variant:
        """Her own size; now and then the one beside it, and for a gift anybody's."""
        variants = product.variants
        if gift:
            return pick(self._rng, variants)
        own = next(i for i, v in enumerate(variants) if v.size == person.size(product.style.sizes))
        if chance(self._rng, 0.06):
            own += 1 if chance(self._rng, 0.5) else -1
        return variants[min(max(own, 0), len(variants) - 1)]


def _appeal(product: Product, at: datetime) -> float:
    season = _COLD[at.month - 1] if product.style.category in _COLD_CATEGORIES else 1.0
    return product.style.appeal * season / len(product.style.colours)


def _comes_in_pairs(product: Product) -> bool:
    return product.style.cents < 5000
