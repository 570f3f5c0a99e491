"""What order lines call a variant, `Fern Sweater - 8 / Moss`, where no SKU tells: which one of the catalogue it is.

A name means the one variant with that title and those option values; of two that share them it means neither. Once
told it stays told, as the event `Variant Recognised`: a product may get another title, its old lines keep the old one,
and told again they must be the same lines. What was sold before the catalogue was known is its variant once it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, select

from segue.intake import records as r
from segue.intake.report import Tally
from segue.store.bulk import ids_of, insert_new, rows_where, update_many
from segue.store.tables import cart_event, event, order_line, order_return, product, variant

RECOGNISED = "Variant Recognised"
#: Between a title and its options, and between those: `Fern Sweater - 8 / Moss`.
_DASH, _SLASH = " - ", " / "
#: SKU (or what stands in for one) and name, as a line gives them.
Said = tuple[str, str]


class LineNames:
    """The names of one import."""

    def __init__(self, connection: Connection, tally: Tally, now: datetime) -> None:
        self._connection = connection
        self._tally = tally
        self._now = now
        self._sku_of: dict[Said, str] = {}
        self._catalogue_told = False
        #: Variants of the catalogue that older lines, carts or returns turned out to mean.
        self.adopted: set[int] = set()

    def translated(self, facts: Sequence[r.Fact]) -> list[r.Fact]:
        """Return `facts` with the catalogue's SKUs in place of those its lines, carts and returns give."""
        said = {pair for fact in facts if (pair := self._said(fact)) is not None}
        self._learn(said - self._sku_of.keys())
        return [self._renamed(fact) for fact in facts] if said else list(facts)

    def _said(self, fact: r.Fact) -> Said | None:
        if isinstance(fact, (r.OrderLine, r.Return)):
            fact = fact.variant
        if not isinstance(fact, (r.Variant, r.CartEvent)):
            return None
        if isinstance(fact, r.Variant) and fact.overwrites:
            self._catalogue_told |= fact.option_key is not None
            return None
        return None if fact.sku is None or fact.line_name is None else (fact.sku, fact.line_name)

    def _renamed(self, fact: r.Fact) -> r.Fact:
        said = self._said(fact)
        sku = None if said is None else self._sku_of[said]
        if said is None or sku is None or sku == said[0]:
            return fact
        if isinstance(fact, (r.OrderLine, r.Return)):
            return replace(fact, variant=replace(fact.variant, sku=sku))
        if isinstance(fact, (r.Variant, r.CartEvent)):
            return replace(fact, sku=sku)
        return fact

    def _learn(self, unmet: Collection[Said]) -> None:
        """Decide what names mean: what they meant before, else their SKU, else the one variant that is called so."""
        if not unmet:
            return
        means = self._known(unmet)
        skus = {sku for sku, _ in unmet if not sku.startswith(r.BY_NAME)}
        bought = ids_of(self._connection, variant, "sku", skus)
        means |= self._adopt(self._called([said for said in unmet if said not in means and said[0] not in bought]))
        sku_of = {row[0]: row[1] for row in rows_where(self._connection, _SKUS, variant.c.id, set(means.values()))}
        self._sku_of |= {said: sku_of[means[said]] if said in means else said[0] for said in unmet}

    def _known(self, said: Collection[Said]) -> dict[Said, int]:
        by_key = {_key(one): one for one in said}
        rows = rows_where(self._connection, _TOLD, event.c.dedupe, by_key)
        return {by_key[row[0]]: row[1]["variant_id"] for row in rows}

    def _called(self, said: Collection[Said]) -> dict[Said, int]:
        """Return the only variant of the catalogue that goes by each name; a SKU nobody knows must be no other's."""
        titles = {title for _, name in said for title in _titles(name)}
        found: defaultdict[str, list[Any]] = defaultdict(list)
        for row in rows_where(self._connection, _CATALOGUE, product.c.title, titles):
            if row.option_key == row.external_id or row.option_key.startswith(f"{row.external_id}/"):
                options = row.option_key[len(row.external_id) + 1 :]
                found[_plain(f"{row.title}{_DASH}{options}" if options else row.title)].append(row)
        means = {}
        for one in said:
            called = found.get(_plain(one[1]), [])
            # With a SKU the line may only mean a variant that has none of its own, or shares it.
            if len(called) == 1 and (one[0].startswith(r.BY_NAME) or called[0].sku == called[0].option_key):
                means[one] = called[0].id
        return means

    def _adopt(self, means: dict[Said, int]) -> dict[Said, int]:
        """Remember what names mean, and give the variants what was put down to their stand-ins."""
        rows = [
            {
                "dedupe": _key(said),
                "profile_id": None,
                "name": RECOGNISED,
                "properties": {"sku": said[0], "line_name": said[1], "variant_id": variant_id},
                "occurred_at": self._now,
                "recorded_at": self._now,
            }
            for said, variant_id in means.items()
        ]
        insert_new(self._connection, event, rows, ["dedupe"])
        named = {said[0]: variant_id for said, variant_id in means.items() if said[0].startswith(r.BY_NAME)}
        stubs = {stub: named[sku] for sku, stub in ids_of(self._connection, variant, "sku", named).items()}
        for table in (order_line, cart_event, order_return):
            held = select(table.c.id, table.c.variant_id)
            moved = [
                {"id": row[0], "variant_id": stubs[row[1]]}
                for row in rows_where(self._connection, held, table.c.variant_id, stubs)
            ]
            self._tally.updated[table.name] += update_many(self._connection, table, moved)
        self.adopted |= set(stubs.values())
        return means

    def finish(self) -> None:
        """Let a catalogue that this import has told say what older lines meant. Asked once it is written."""
        if not self._catalogue_told:
            return
        stubs: Iterable[Said] = [(row[0], row[1]) for row in self._connection.execute(_STAND_INS)]
        known = self._known(list(stubs))
        self._adopt(self._called([said for said in stubs if said not in known]))


_SKUS = select(variant.c.id, variant.c.sku)
_TOLD = select(event.c.dedupe, event.c.properties)
_JOINED = variant.join(product, product.c.id == variant.c.product_id)
_CATALOGUE = (
    select(variant.c.id, variant.c.sku, variant.c.option_key, product.c.external_id, product.c.title)
    .select_from(_JOINED)
    .where(variant.c.option_key.is_not(None))
)
_STAND_INS = (
    select(variant.c.sku, product.c.title)
    .select_from(_JOINED)
    .where(variant.c.sku.startswith(r.BY_NAME, autoescape=True), variant.c.option_key.is_(None))
)


def _titles(name: str) -> list[str]:
    """Every title a name may begin with: a title may hold dashes itself."""
    parts = name.split(_DASH)
    return [_DASH.join(parts[:length]) for length in range(1, len(parts) + 1)]


def _plain(name: str) -> str:
    return name.replace(_SLASH, "/")


def _key(said: Said) -> str:
    return f"line:{blake2b(chr(31).join(said).encode('utf-8', 'replace'), digest_size=16).hexdigest()}"
