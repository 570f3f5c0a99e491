"""Products, variants, locations, listings and stock into their tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table

from segue.intake import records as r
from segue.intake.changes import Changes, Seen
from segue.intake.report import Tally
from segue.store.bulk import ids_of, insert_new
from segue.store.tables import listing, location, product, stock_event, variant


class Shop:
    """What the shop sells and where, in one import."""

    def __init__(self, connection: Connection, tally: Tally, now: datetime) -> None:
        self._connection = connection
        self._tally = tally
        self._now = now
        self._changes = {table.name: Changes(table) for table in (product, variant, location)}
        #: Products known before whose category or size system is another one now, and variants whose size is.
        self.relabelled: set[int] = set()
        self.resized: set[int] = set()

    def write_products(self, facts: Iterable[r.Product], *, stubs: Iterable[r.Product] = ()) -> dict[str, int]:
        """Write products and, where unknown, `stubs`; return ids by external id."""
        given: dict[str, dict[str, Any]] = {}
        seen = 0
        for fact in facts:
            seen += 1
            _merge(given, fact.external_id, _columns(fact))
        standing_in: dict[str, dict[str, Any]] = {}
        for stub in stubs:
            standing_in.setdefault(stub.external_id, _columns(stub))  # the first, as if each were a chunk of its own
        return self._upsert(product, given, standing_in, seen, self._whole_product)

    def _whole_product(self, row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "title": row["title"] or row["external_id"], "recorded_at": self._now}

    def write_variants(self, facts: Iterable[r.Variant]) -> dict[str, int]:
        """Write variants with the products that ride along; return ids by SKU."""
        told = list(facts)
        catalogue = [fact for fact in told if fact.overwrites]
        speaking = [fact.product for fact in catalogue if _says_something(fact.product)]
        products = self.write_products(speaking, stubs=(fact.product for fact in told))
        given: dict[str, dict[str, Any]] = {}
        standing_in: dict[str, dict[str, Any]] = {}
        for fact in told:
            columns = {
                "sku": fact.sku,
                "product_id": products[fact.product.external_id],
                "size": fact.size,
                "colour": fact.colour,
                "price_minor": fact.price_minor,
                "currency": fact.currency,
            }
            if fact.overwrites:
                _merge(given, fact.sku, columns)
            else:
                standing_in.setdefault(fact.sku, columns)
        return self._upsert(variant, given, standing_in, len(catalogue), self._whole_variant)

    @staticmethod
    def _whole_variant(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "price_minor": row["price_minor"] or 0}

    def write_locations(self, facts: Sequence[r.Location]) -> None:
        """Write places."""
        given: dict[str, dict[str, Any]] = {}
        for fact in facts:
            _merge(given, fact.external_id, _columns(fact))
        self._upsert(location, given, {}, len(facts), dict)

    def _upsert(
        self,
        table: Table,
        given: dict[str, dict[str, Any]],
        standing_in: dict[str, dict[str, Any]],
        seen: int,
        whole: Any,
    ) -> dict[str, int]:
        """Make the missing rows, note changes to the others; what stands in changes nothing."""
        key = "sku" if table is variant else "external_id"
        rows = Seen(self._connection, table, key)
        held = rows.held({*given, *standing_in})
        missing = {name: whole(row) for name, row in {**standing_in, **given}.items() if name not in held}
        ids = rows.make(missing) | {name: row["id"] for name, row in held.items()}
        for name, row in given.items():
            if name in held:
                self._changes[table.name].compare(ids[name], held[name], row)
        stubs = len(missing.keys() - given.keys())
        new = len(missing) - stubs
        self._tally.count(table.name, seen=seen, new=new)
        if stubs:
            self._tally.taken[f"{table.name} stub"] += stubs
        return ids

    def write_listings(self, facts: Sequence[r.Listing]) -> None:
        """Write what is listed where; a product nobody has described becomes a stub."""
        products = self.write_products([], stubs=[fact.product for fact in facts])
        rows = {
            (fact.product.external_id, fact.sales_channel, fact.listed_from): {
                "product_id": products[fact.product.external_id],
                "sales_channel": fact.sales_channel,
                "listed_from": fact.listed_from,
                "listed_until": fact.listed_until,
            }
            for fact in facts
        }
        new = insert_new(self._connection, listing, list(rows.values()), ["product_id", "sales_channel", "listed_from"])
        self._tally.count("listing", seen=len(facts), new=new)

    def write_stock(self, facts: Sequence[r.Stock]) -> None:
        """Append stock levels of known variants at known places; the others are skipped."""
        variants = ids_of(self._connection, variant, "sku", {fact.sku for fact in facts})
        places = self.places({fact.location for fact in facts})
        rows: dict[tuple[object, ...], dict[str, Any]] = {}
        seen = 0
        for fact in facts:
            if fact.sku not in variants or fact.location not in places:
                self._tally.skip(fact.line, "unknown_variant" if fact.sku not in variants else "unknown_location")
                continue
            seen += 1
            rows.setdefault(
                (fact.sku, fact.location, fact.occurred_at),
                {
                    "variant_id": variants[fact.sku],
                    "location_id": places[fact.location],
                    "quantity": fact.quantity,
                    "occurred_at": fact.occurred_at,
                    "recorded_at": self._now,
                },
            )
        new = insert_new(
            self._connection, stock_event, list(rows.values()), ["variant_id", "location_id", "occurred_at"]
        )
        self._tally.count("stock", seen=seen, new=new)

    def places(self, external_ids: set[str]) -> dict[str, int]:
        """Return the ids of known locations."""
        return ids_of(self._connection, location, "external_id", external_ids)

    def finish(self) -> None:
        """Write what changed in rows that were there before."""
        self.relabelled = self._changes["product"].touching("category", "size_system")
        self.resized = self._changes["variant"].touching("size", "product_id")
        for name, changes in self._changes.items():
            self._tally.updated[name] += changes.apply(self._connection)


def _columns(fact: r.Product | r.Location) -> dict[str, Any]:
    return {name: value for name, value in asdict(fact).items() if name != "line"}


def _says_something(fact: r.Product) -> bool:
    return any(value is not None for name, value in _columns(fact).items() if name != "external_id")


def _merge(rows: dict[str, dict[str, Any]], key: str, columns: dict[str, Any]) -> None:
    """The later row wins where it says something."""
    row = rows.setdefault(key, dict.fromkeys(columns))
    row.update({name: value for name, value in columns.items() if value is not None})
