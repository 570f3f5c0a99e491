"""Stock levels into their table: which variant a row means, and which of two files that count the same goods counts.

A products export tells a variant's total and no place, an inventory export what each place holds: the same goods.
Levels per place replace a total that stands, and are replaced by none, in whatever order the files come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from segue.intake import records as r
from segue.intake import standing
from segue.intake.report import Tally
from segue.intake.shop import Shop
from segue.store.bulk import insert_new, rows_where, update_many
from segue.store.tables import stock_event


class StockLevels:
    """What lies where, in one import."""

    def __init__(self, connection: Connection, tally: Tally, now: datetime, shop: Shop) -> None:
        self._connection = connection
        self._tally = tally
        self._now = now
        self._shop = shop
        #: Where totals are put -> variants whose totals this import replaces.
        self._replaced: defaultdict[str, set[int]] = defaultdict(set)
        #: Variant and place of every level this import gives.
        self._given: set[tuple[int, int]] = set()
        #: Variants that this import has named by their keys.
        self._keyed: set[int] = set()

    def write(self, facts: Sequence[r.Stock]) -> None:
        """Append stock levels of known variants at known places; the others are skipped."""
        if not facts:
            return
        found = self._variants(facts)
        places = self._shop.places({fact.location for fact in facts})
        undated = any(fact.occurred_at == self._now for fact in facts)
        levels = standing.levels(self._connection, set(found.values()), self._now) if undated else {}
        elsewhere = self._counted_elsewhere(facts, found, places)
        rows: dict[tuple[object, ...], dict[str, Any]] = {}
        seen = 0
        for fact in facts:
            variant_id, place = found.get(id(fact)), places.get(fact.location)
            if variant_id is None or place is None:
                self._tally.skip(fact.line, "unknown_variant" if variant_id is None else "unknown_location")
                continue
            if fact.is_total and (variant_id, place) in elsewhere:
                continue
            seen += 1
            if fact.replaces_total is not None:
                self._replaced[fact.replaces_total].add(variant_id)
                self._given.add((variant_id, place))
            # What a file does not date stands from the instant of reading, and is no news where it stood before.
            if fact.occurred_at == self._now and levels.get((variant_id, place)) == fact.quantity:
                continue
            rows.setdefault(
                (variant_id, place, fact.occurred_at), self._row(variant_id, place, fact.quantity, fact.occurred_at)
            )
        self._tally.count("stock", seen=seen, new=self._insert(list(rows.values())))

    def _row(self, variant_id: int, place: int, quantity: int, at: datetime) -> dict[str, Any]:
        return {
            "variant_id": variant_id,
            "location_id": place,
            "quantity": quantity,
            "occurred_at": at,
            "recorded_at": self._now,
        }

    def _insert(self, rows: list[dict[str, Any]]) -> int:
        return insert_new(self._connection, stock_event, rows, ["variant_id", "location_id", "occurred_at"])

    def _variants(self, facts: Sequence[r.Stock]) -> dict[int, int]:
        """Return `id(fact)` -> variant id: by key, else by a SKU whose variant no other row names by key."""
        by_key = self._shop.keyed({fact.option_key for fact in facts if fact.option_key is not None})
        by_sku = self._shop.variants({fact.sku for fact in facts if fact.sku is not None})
        self._keyed.update(by_key.values())
        found = {}
        for fact in facts:
            named = by_key.get(fact.option_key) if fact.option_key is not None else None
            if named is None and fact.sku is not None:
                named = by_sku.get(fact.sku)
                if fact.option_key is not None and named in self._keyed:
                    named = None
            if named is not None:
                found[id(fact)] = named
        return found

    def _counted_elsewhere(
        self, facts: Sequence[r.Stock], found: dict[int, int], places: dict[str, int]
    ) -> Collection[tuple[int, int]]:
        """Return the variants of totals, with the total's place, that some other place is known to hold."""
        totals = {
            (found[id(fact)], places[fact.location])
            for fact in facts
            if fact.is_total and id(fact) in found and fact.location in places
        }
        known = standing.places(self._connection, {variant_id for variant_id, _ in totals})
        return {(variant_id, place) for variant_id, place in totals if known[variant_id] - {place}}

    def finish(self) -> None:
        """Take away totals whose parts this import has told."""
        places = self._shop.places(set(self._replaced))
        for name, variants in self._replaced.items():
            place = places.get(name)
            held = standing.levels(self._connection, variants, self._now) if place is not None else {}
            gone = {
                variant_id
                for (variant_id, where), quantity in held.items()
                if where == place and quantity != 0 and (variant_id, where) not in self._given
            }
            if place is not None and gone:
                self._take_away(gone, place)

    def _take_away(self, variants: set[int], place: int) -> None:
        """From now on the place holds none of them; a total that was told at this very instant never was."""
        told = select(stock_event.c.id, stock_event.c.variant_id).where(
            stock_event.c.location_id == place, stock_event.c.occurred_at == self._now
        )
        now_told = {row[1]: row[0] for row in rows_where(self._connection, told, stock_event.c.variant_id, variants)}
        update_many(self._connection, stock_event, [{"id": one, "quantity": 0} for one in now_told.values()])
        self._insert([self._row(one, place, 0, self._now) for one in sorted(variants - now_told.keys())])
        self._tally.updated["stock"] += len(variants)
