"""Products, variants, locations, listings and the shop's own discounts into their tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table

from segue.intake import records as r
from segue.intake import standing
from segue.intake.changes import Changes, Seen
from segue.intake.option_keys import OptionKeys
from segue.intake.report import Tally
from segue.store.bulk import ids_of, insert_new
from segue.store.tables import discount, listing, location, product, variant

_NAMES = {variant: "sku", discount: "code"}
Rows = dict[str, dict[str, Any]]


class Shop:
    """What the shop sells and where, in one import."""

    def __init__(self, connection: Connection, tally: Tally, now: datetime) -> None:
        self._connection = connection
        self._tally = tally
        self._now = now
        self._changes = {table.name: Changes(table) for table in (product, variant, location, discount)}
        self._keys = OptionKeys(connection, tally)
        #: SKUs for which something stood in already: the first that does decides.
        self._stood_in: set[str] = set()
        #: Ids of the variants this import has spoken of, by SKU.
        self.variant_ids: dict[str, int] = {}
        #: Products known before whose category or size system is another one now, and variants whose size is.
        self.relabelled: set[int] = set()
        self.resized: set[int] = set()

    def write_products(self, facts: Iterable[r.Product], *, stubs: Iterable[r.Product] = ()) -> dict[str, int]:
        """Write products and, where unknown, `stubs`; return ids by external id."""
        given: Rows = {}
        seen = 0
        for fact in facts:
            seen += 1
            _merge(given, fact.external_id, _product_columns(fact))
        standing_in: Rows = {}
        for stub in stubs:
            if stub.external_id not in standing_in:  # the first, as if each were a chunk of its own
                standing_in[stub.external_id] = _product_columns(stub)
        return self._upsert(product, given, standing_in, seen, self._whole_product)

    def _whole_product(self, row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "title": row["title"] or row["external_id"], "recorded_at": self._now}

    def write_variants(self, facts: Iterable[r.Variant]) -> None:
        """Write variants with the products that ride along; of those that stand in, the first of a SKU decides."""
        stood_in = self._stood_in
        spoken: list[r.Variant] = []
        for fact in facts:
            if fact.overwrites or fact.sku not in stood_in:
                spoken.append(fact)
                stood_in.update(() if fact.overwrites else (fact.sku,))
        # Nothing stands in for what is known, and so neither does a product for its product.
        known = self.variants({fact.sku for fact in spoken if not fact.overwrites})
        self.variant_ids |= known
        told = [fact for fact in spoken if fact.overwrites or fact.sku not in known]
        catalogue = [fact for fact in told if fact.overwrites]
        if not told:
            return
        speaking = [fact.product for fact in catalogue if _says_something(fact.product)]
        products = self.write_products(speaking, stubs=(fact.product for fact in told))
        given: Rows = {}
        for fact in catalogue:
            _merge(given, fact.sku, _variant_columns(fact, products, self._keys.claimed(fact)))
        standing_in = {
            fact.sku: _variant_columns(fact, products, self._keys.claimed(fact, weakly=True))
            for fact in told
            if not fact.overwrites
        }
        self.variant_ids |= self._upsert(variant, given, standing_in, len(catalogue), _whole_variant)
        self._keys.learn(self.variant_ids)

    def write_locations(self, facts: Sequence[r.Location]) -> None:
        """Write places; one that only a stock file names stands in as a warehouse until something says more."""
        given: Rows = {}
        for fact in facts:
            _merge(given, fact.external_id, {name: getattr(fact, name) for name in _LOCATION})
        self._upsert(location, given, {}, len(facts), _whole_location)

    def write_discounts(self, facts: Sequence[r.Discount]) -> None:
        """Write the codes the shop made itself."""
        given: Rows = {}
        for fact in facts:
            _merge(given, fact.code, {name: getattr(fact, name) for name in _DISCOUNT})
        self._upsert(discount, given, {}, len(facts), lambda row: {**row, "recorded_at": self._now})

    def _upsert(
        self, table: Table, given: Rows, standing_in: Rows, seen: int, whole: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> dict[str, int]:
        """Make the missing rows, note changes to the others; what stands in changes nothing."""
        if not given and not standing_in:
            return {}
        rows = Seen(self._connection, table, _NAMES.get(table, "external_id"))
        held = rows.held({*given, *standing_in})
        if table is variant:
            self._keys.make_room(given, held)
        merged = dict(standing_in)
        for name, row in given.items():
            merged[name] = _filled(row, standing_in.get(name))
        missing = {name: whole(row) for name, row in merged.items() if name not in held}
        ids = rows.make(missing) | {name: row["id"] for name, row in held.items()}
        for name, row in given.items():
            if name in held:
                self._changes[table.name].compare(ids[name], held[name], row)
        stubs = len(missing.keys() - given.keys())
        self._tally.count(table.name, seen=seen, new=len(missing) - stubs)
        if stubs:
            self._tally.taken[f"{table.name} stub"] += stubs
        return ids

    def write_listings(self, facts: Sequence[r.Listing]) -> None:
        """Write what is listed where; a product nobody has described becomes a stub."""
        products = self.write_products([], stubs=[fact.product for fact in facts])
        undated = {products[fact.product.external_id] for fact in facts if self._is_undated(fact.listed_from)}
        listed = standing.listed(self._connection, undated, self._now) if undated else set()
        rows = {
            (fact.product.external_id, fact.sales_channel, fact.listed_from): {
                "product_id": products[fact.product.external_id],
                "sales_channel": fact.sales_channel,
                "listed_from": fact.listed_from,
                "listed_until": fact.listed_until,
            }
            for fact in facts
            if not self._is_undated(fact.listed_from)
            or (products[fact.product.external_id], fact.sales_channel) not in listed
        }
        new = insert_new(self._connection, listing, list(rows.values()), ["product_id", "sales_channel", "listed_from"])
        self._tally.count("listing", seen=len(facts), new=new)

    def _is_undated(self, at: datetime) -> bool:
        """Whether a fact is of the instant of reading: its file gives no time, and what stood before stands on."""
        return at == self._now

    def variants(self, skus: set[str]) -> dict[str, int]:
        """Return the ids of known variants by SKU."""
        unmet = skus - self.variant_ids.keys()
        found = ids_of(self._connection, variant, "sku", unmet) if unmet else {}
        return found | {sku: self.variant_ids[sku] for sku in skus - unmet}

    def keyed(self, option_keys: Collection[str]) -> dict[str, int]:
        """Return the ids of known variants by option key."""
        return self._keys.ids(option_keys)

    def places(self, external_ids: set[str]) -> dict[str, int]:
        """Return the ids of known locations."""
        return ids_of(self._connection, location, "external_id", external_ids) if external_ids else {}

    def finish(self) -> None:
        """Write what changed in rows that were there before."""
        self.relabelled = self._changes["product"].touching("category", "size_system")
        self.resized = self._changes["variant"].touching("size", "product_id")
        for name, changes in self._changes.items():
            self._tally.updated[name] += changes.apply(self._connection)
        self._tally.updated["variant"] += self._keys.renamed


def _names(kind: type[r.Fact]) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind) if one.name != "line")


_PRODUCT, _LOCATION, _DISCOUNT = _names(r.Product), _names(r.Location), _names(r.Discount)


def _product_columns(fact: r.Product) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in _PRODUCT}


def _variant_columns(fact: r.Variant, products: dict[str, int], key: str | None) -> dict[str, Any]:
    return {
        "sku": fact.sku,
        "option_key": key,
        "product_id": products[fact.product.external_id],
        "size": fact.size,
        "colour": fact.colour,
        "price_minor": fact.price_minor,
        "currency": fact.currency,
    }


def _whole_variant(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "price_minor": row["price_minor"] or 0, "currency": row["currency"] or "XXX"}


def _whole_location(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "kind": row["kind"] or "warehouse", "name": row["name"] or row["external_id"]}


def _says_something(fact: r.Product) -> bool:
    return any(getattr(fact, name) is not None for name in _PRODUCT if name != "external_id")


def _merge(rows: Rows, key: str, columns: dict[str, Any]) -> None:
    """The later row wins where it says something."""
    row = rows.setdefault(key, dict.fromkeys(columns))
    row.update({name: value for name, value in columns.items() if value is not None})


def _filled(row: dict[str, Any], stand_in: dict[str, Any] | None) -> dict[str, Any]:
    if stand_in is None:
        return row
    return {name: stand_in[name] if value is None else value for name, value in row.items()}
