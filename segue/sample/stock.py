"""What lies where: a book of levels that writes down every change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final

from segue.sample.agenda import Agenda
from segue.sample.catalogue import NUMBERS, VARIANTS, Variant
from segue.sample.dice import chance
from segue.sample.places import POPUP, POPUP_CLOSES, POPUP_OPENS, STORE_BROOKLYN, STORE_MAINE, WAREHOUSE
from segue.sample.rows import StockRow
from segue.sample.year import YEAR_END, YEAR_START, iso

PLACES: Final = (WAREHOUSE, STORE_MAINE, STORE_BROOKLYN, POPUP)

# How many of each size are knitted; the rare sizes at both ends sell out first.
_CURVE: Final = dict(zip(NUMBERS, (0.45, 0.75, 1.0, 1.15, 1.0, 0.8, 0.5, 0.35), strict=True))
_DEPTH: Final = {WAREHOUSE: 14, STORE_MAINE: 4, STORE_BROOKLYN: 5}


class StockBook:
    """Levels by sku and location, and every change of them in the order it happened."""

    def __init__(self) -> None:
        self._levels: dict[tuple[str, str], int] = {}
        self._facts: dict[tuple[str, str, str], int] = {}

    def level(self, sku: str, location: str) -> int:
        """Return how many are there now."""
        return self._levels.get((sku, location), 0)

    def set(self, at: datetime, sku: str, location: str, quantity: int) -> None:
        """Write down that from `at` on so many are there; two changes within a second are one fact."""
        self._levels[sku, location] = quantity
        self._facts[sku, location, iso(at)] = quantity

    def take(self, at: datetime, sku: str, location: str, quantity: int) -> None:
        """Sell some; a level never goes below zero here."""
        self.set(at, sku, location, max(0, self.level(sku, location) - quantity))

    def sell_out(self, at: datetime, sku: str) -> None:
        """Let the last ones of a size go, everywhere."""
        for place in PLACES:
            if self.level(sku, place):
                self.set(at, sku, place, 0)

    def rows(self) -> Iterator[StockRow]:
        """Yield the facts, oldest first."""
        for (sku, place, at), quantity in sorted(self._facts.items(), key=lambda item: (item[0][2], item[0][:2])):
            yield StockRow(sku, place, quantity, at)


def depth(variant: Variant, place: str) -> int:
    """Return how many of a variant a place would like to have."""
    curve = _CURVE.get(variant.size, 1.0 if variant.style.sizes != ("One size",) else 2.5)
    return max(1, round(_DEPTH[place] * curve * variant.style.appeal))


def plan_stock(rng: Random, book: StockBook, agenda: Agenda) -> None:
    """Fill the shelves when the year begins, top most of them up each month, and furnish the pop-up."""
    agenda.add(YEAR_START, lambda now: _fill(rng, book, now, willing=1.0))
    delivery = YEAR_START.replace(day=3, hour=11)
    while delivery < YEAR_END:
        agenda.add(delivery, lambda now: _fill(rng, book, now, willing=0.72))
        delivery += timedelta(days=29)
    agenda.add(POPUP_OPENS - timedelta(hours=3), lambda now: _furnish_popup(rng, book, now))
    agenda.add(POPUP_CLOSES, lambda now: _clear_popup(book, now))


def _fill(rng: Random, book: StockBook, now: datetime, *, willing: float) -> None:
    """Bring what is less than half full back to its depth, mostly; the mill does not always deliver."""
    for sku, variant in VARIANTS.items():
        for place in _DEPTH:
            wanted = depth(variant, place)
            if book.level(sku, place) < wanted * 0.5 and chance(rng, willing):
                book.set(now, sku, place, wanted)


def _furnish_popup(rng: Random, book: StockBook, now: datetime) -> None:
    for sku, variant in VARIANTS.items():
        if variant.style.category != "coats" and chance(rng, 0.6):
            book.set(now, sku, POPUP, max(2, depth(variant, STORE_BROOKLYN)))


def _clear_popup(book: StockBook, now: datetime) -> None:
    for sku in VARIANTS:
        if book.level(sku, POPUP):
            book.set(now, sku, POPUP, 0)
