"""What goes with a product, and what stands in for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from segue.intake import records as r
from segue.intake.changes import Changes
from segue.intake.report import Tally
from segue.intake.shop import Shop
from segue.store.bulk import insert_new, rows_where
from segue.store.tables import product_relation

_Pair = tuple[int, int, str]


class Relations:
    """Product relations of one import; the last word on a rank counts."""

    def __init__(self, connection: Connection, tally: Tally, now: datetime, shop: Shop) -> None:
        self._connection = connection
        self._tally = tally
        self._now = now
        self._shop = shop
        self._changes = Changes(product_relation)

    def write(self, facts: Sequence[r.Relation]) -> None:
        """Write relations; a product nobody has described becomes a stub, one that is its own relation is `bad_id`."""
        if not facts:
            return
        told = [fact for fact in facts if fact.product.external_id != fact.related.external_id]
        for fact in facts:
            if fact.product.external_id == fact.related.external_id:
                self._tally.skip(fact.line, "bad_id", "related")
        products = self._shop.write_products([], stubs=[one for fact in told for one in (fact.product, fact.related)])
        rows: dict[_Pair, dict[str, Any]] = {}
        for fact in told:
            product, related = products[fact.product.external_id], products[fact.related.external_id]
            rows[product, related, fact.kind] = {
                "product_id": product,
                "related_id": related,
                "kind": fact.kind,
                "rank": fact.rank,
                "recorded_at": self._now,
            }
        held: dict[_Pair, dict[str, Any]] = {}
        columns = select(product_relation)
        for one in rows_where(self._connection, columns, product_relation.c.product_id, {pair[0] for pair in rows}):
            held[one.product_id, one.related_id, one.kind] = {"id": one.id, "rank": one.rank}
        for pair, row in rows.items():
            if pair in held:
                self._changes.compare(held[pair]["id"], held[pair], {"rank": row["rank"]})
        fresh = [row for pair, row in rows.items() if pair not in held]
        new = insert_new(self._connection, product_relation, fresh, ["product_id", "related_id", "kind"])
        self._tally.count("relation", seen=len(told), new=new)

    def finish(self) -> None:
        """Write the ranks that changed."""
        self._tally.updated["relation"] += self._changes.apply(self._connection)
