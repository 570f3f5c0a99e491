"""What comes after an order: cancellations and returns told of it, returns that are documents of their own, parcels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, update

from segue.intake import records as r
from segue.intake import waiting
from segue.intake.report import Tally
from segue.intake.reversals import Reversals
from segue.intake.shop import Shop
from segue.store.bulk import ids_of, insert_new, rows_where, update_many
from segue.store.sql import among
from segue.store.tables import fulfilment, order, order_line, order_return

_CHUNK = 10_000

#: What is told apart by the ids of before this import.
_WRITTEN = (order, order_line, fulfilment, order_return)


class OrderPapers:
    """Returns, fulfilments and reversals of one import."""

    def __init__(
        self, connection: Connection, tally: Tally, now: datetime, shop: Shop, spoilt: Collection[str]
    ) -> None:
        self._connection = connection
        self._tally = tally
        self._now = now
        self._shop = shop
        self._spoilt = spoilt
        #: What has a greater id was written by this import.
        self._floor = {t: connection.scalar(select(func.max(t.c.id))) or 0 for t in _WRITTEN}
        self._reversals: list[r.Reversal] = []
        self._early: list[r.Fulfilment] = []
        #: Returns that may have no order yet: name of the return -> its order.
        self._unmatched: dict[str, str] = {}

    def reverse(self, facts: Sequence[r.Reversal]) -> None:
        """Keep cancellations and returns until all orders of the file are there."""
        self._reversals.extend(facts)

    def write_returns(self, facts: Sequence[r.Return], owners: dict[int, int]) -> None:
        """Write returns; one whose order nobody knows stands by itself until the order comes."""
        sound = [fact for fact in facts if fact.document not in self._spoilt]
        self._tally.skipped["order_rejected"] += len(facts) - len(sound)
        if not sound:
            return
        orders = self._orders({fact.order for fact in sound if fact.order is not None})
        rows: dict[str, dict[str, Any]] = {}
        for fact in sound:
            row = {
                "dedupe": fact.dedupe,
                "document": fact.document,
                "order_id": orders.get(fact.order) if fact.order is not None else None,
                "profile_id": owners.get(id(fact)),
                "variant_id": self._shop.variant_ids[fact.variant.sku],
                "quantity": fact.quantity,
                "total_minor": fact.total_minor,
                "currency": fact.currency,
                "reason": fact.reason,
                "occurred_at": fact.occurred_at,
                "recorded_at": self._now,
            }
            rows.setdefault(fact.dedupe, row)
            if fact.order is not None and row["order_id"] is None:
                self._unmatched[fact.dedupe] = fact.order
        new = insert_new(self._connection, order_return, list(rows.values()), ["dedupe"])
        if new < len(rows):  # what was told before may have been told before its order
            self._unmatched |= {fact.dedupe: fact.order for fact in sound if fact.order is not None}
        self._tally.count("return", seen=len(sound), new=new)

    def write_fulfilments(self, facts: Sequence[r.Fulfilment]) -> None:
        """Write what was done with orders that are there; the others wait for the end of the file."""
        sound = [fact for fact in facts if fact.order not in self._spoilt]
        self._tally.skipped["order_rejected"] += len(facts) - len(sound)
        if not sound:
            return
        orders = self._orders({fact.order for fact in sound})
        places = self._shop.places({fact.location for fact in sound if fact.location is not None})
        rows: dict[tuple[object, ...], dict[str, Any]] = {}
        seen = 0
        for fact in sound:
            if fact.order not in orders:
                self._early.append(fact)
                continue
            seen += 1
            rows.setdefault(
                (fact.order, fact.kind, fact.occurred_at),
                {
                    "order_id": orders[fact.order],
                    "kind": fact.kind,
                    "location_id": places.get(fact.location) if fact.location is not None else None,
                    "occurred_at": fact.occurred_at,
                    "recorded_at": self._now,
                },
            )
        new = insert_new(self._connection, fulfilment, list(rows.values()), ["order_id", "kind", "occurred_at"])
        self._tally.count("fulfilment", seen=seen, new=new)

    def _orders(self, names: set[str]) -> dict[str, int]:
        return ids_of(self._connection, order, "external_id", names) if names else {}

    def take_back(self, spoilt: Collection[int]) -> None:
        """Delete what this import wrote of spoilt orders and of return documents with a bad row."""
        gone = self._among(fulfilment, delete(fulfilment), fulfilment.c.order_id, spoilt)
        self._tally.taken["fulfilment"] -= gone
        returns = self._among(order_return, delete(order_return), order_return.c.document, self._spoilt)
        self._tally.taken["return"] -= returns
        self._tally.skipped["order_rejected"] += returns
        self._among(order_return, update(order_return).values(order_id=None), order_return.c.order_id, spoilt)

    def _among(self, table: Any, statement: Any, column: Any, values: Collection[Any]) -> int:
        listed = sorted(values)
        fresh = statement.where(table.c.id > self._floor[table])
        return sum(
            self._connection.execute(
                fresh.where(among(self._connection, column, listed[start : start + _CHUNK]))
            ).rowcount
            for start in range(0, len(listed), _CHUNK)
        )

    def finish(self) -> set[int]:
        """Write what had to wait for its order; return the orders about which there is news."""
        early, self._early = self._early, []
        for paper in waiting.fetch(self._connection, self._floor[order], self._floor[order_line]):
            if isinstance(paper, r.Fulfilment):
                early.append(paper)
            elif isinstance(paper, waiting.Document):
                self._unmatched.setdefault(paper.dedupe, paper.order)
            else:
                self._reversals.append(paper)
        self.write_fulfilments(early)
        matched, documents = self._match_returns()
        changed, unmatched = Reversals(self._connection, self._tally, self._now, self._reversals).apply()
        kept: tuple[r.Fulfilment | r.Reversal, ...] = (*self._early, *unmatched)
        for fact in kept:
            self._tally.warn(fact.line, "waits_for_order")
        waiting.keep(self._connection, (*kept, *documents), self._now)
        return changed | matched

    def _match_returns(self) -> tuple[set[int], list[waiting.Document]]:
        """Bring returns to the orders that have come since; return these orders, and what goes on waiting."""
        found = self._orders({name for name in self._unmatched.values() if name not in self._spoilt})
        wanted = {dedupe: found[name] for dedupe, name in self._unmatched.items() if name in found}
        open_ones: Select[Any] = select(order_return.c.id, order_return.c.dedupe).where(
            order_return.c.order_id.is_(None)
        )
        rows = rows_where(self._connection, open_ones, order_return.c.dedupe, wanted)
        matched = [{"id": i, "order_id": wanted[name]} for i, name in rows]
        update_many(self._connection, order_return, matched)
        self._tally.updated["return"] += sum(row["id"] <= self._floor[order_return] for row in matched)
        still = {dedupe: name for dedupe, name in self._unmatched.items() if name not in found}
        return {row["order_id"] for row in matched}, [
            waiting.Document(order=name, dedupe=dedupe) for dedupe, name in still.items()
        ]
