"""Cancellations and refunds that events tell of, brought to the orders they are about.

A refund names goods, or an amount, or nothing, which means everything. Where the order has none of the goods it names
(the shipping, say), its amount counts. Goods of which all came back are marked on their lines; a part of them, and an
amount, are returns of their own, each named by its event, so that one told again counts once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from segue.intake import records as r
from segue.intake import values
from segue.intake.changes import Seen
from segue.intake.errors import BadValueError
from segue.intake.report import Tally
from segue.store.bulk import insert_new, rows_where, update_many
from segue.store.tables import order, order_line, order_return, variant


class Reversals:
    """Cancellations and refunds of one import, and what is known of their orders."""

    def __init__(self, connection: Connection, tally: Tally, now: datetime, facts: Sequence[r.Reversal]) -> None:
        self._connection = connection
        self._tally = tally
        self._now = now
        self._facts = sorted(facts, key=lambda fact: fact.occurred_at)
        self._heads = Seen(connection, order, "external_id").held(fact.order for fact in facts)
        order_ids = {row["id"] for row in self._heads.values()}
        self._cancelled: dict[int, datetime] = {}
        self._returned: dict[int, datetime] = {}
        self._papers: list[dict[str, Any]] = []
        self._lines: defaultdict[int, list[Any]] = defaultdict(list)
        columns = (order_line.c.id, order_line.c.order_id, order_line.c.variant_id, order_line.c.returned_at)
        lines = select(*columns, order_line.c.quantity, order_line.c.total_minor, variant.c.sku).join(
            variant, variant.c.id == order_line.c.variant_id
        )
        for line in rows_where(connection, lines, order_line.c.order_id, order_ids):
            self._lines[line.order_id].append(line)
        #: What events told before: the names, and how much of each order's goods (and of its money, by None) came back.
        self._told: set[str] = set()
        self._back: defaultdict[tuple[int, int | None], int] = defaultdict(int)
        papers = select(order_return).where(order_return.c.by_event)
        for paper in rows_where(connection, papers, order_return.c.order_id, order_ids):
            self._note(paper._mapping)  # noqa: SLF001 - SQLAlchemy's public name

    def apply(self) -> tuple[set[int], list[r.Reversal]]:
        """Cancel and take back; return the orders with news, and what is told of orders or goods that nobody knows."""
        unmatched, changed = [], set()
        for fact in self._facts:
            head = self._heads.get(fact.order)
            if head is None or self._is_early(head, fact):
                unmatched.append(fact)
                continue
            news = self._cancel(head, fact) if fact.cancelled else self._refund(head, fact)
            self._tally.count("reversal", seen=1, new=int(news))
            if news:
                changed.add(head["id"])
        open_heads = {row["id"] for row in self._heads.values() if row["cancelled_at"] is None}
        cancelled = [{"id": i, "cancelled_at": at} for i, at in self._cancelled.items() if i in open_heads]
        update_many(self._connection, order, cancelled)
        returned = [{"id": i, "returned_at": at} for i, at in self._returned.items()]
        update_many(self._connection, order_line, returned)
        if self._papers:
            insert_new(self._connection, order_return, self._papers, ["dedupe"])
        return changed, unmatched

    def _is_early(self, head: dict[str, Any], fact: r.Reversal) -> bool:
        """A refund of goods, or of all, about an order that another system told of without a line, and no amount."""
        return not fact.cancelled and fact.amount is None and not self._lines[head["id"]]

    def _cancel(self, head: dict[str, Any], fact: r.Reversal) -> bool:
        news = head["cancelled_at"] is None and head["id"] not in self._cancelled
        self._cancelled.setdefault(head["id"], fact.occurred_at)
        return news

    def _refund(self, head: dict[str, Any], fact: r.Reversal) -> bool:
        lines = self._lines[head["id"]]
        if fact.goods:
            alike = [([line for line in lines if line.sku == sku], count) for sku, count in fact.goods]
            if news := [self._goods(head, mine, count, fact) for mine, count in alike if mine]:
                return any(news)
        if fact.amount is not None:
            return self._money(head, lines, fact)
        return fact.goods is None and self._whole(lines, fact)

    def _goods(self, head: dict[str, Any], lines: list[Any], count: int | None, fact: r.Reversal) -> bool:
        """So many of one variant came back; None: all of them."""
        bought = sum(line.quantity for line in lines)
        if count is None or count >= bought:
            return self._whole(lines, fact)
        worth = sum(line.total_minor for line in lines)
        before = self._back[head["id"], lines[0].variant_id]
        after = min(bought, before + count)
        # Reckoned from what came back before, so that all parts together are worth the whole to the cent.
        return self._paper(
            head,
            fact,
            lines[0].sku,
            variant_id=lines[0].variant_id,
            quantity=after - before,
            total_minor=worth * after // bought - worth * before // bought,
        )

    def _money(self, head: dict[str, Any], lines: list[Any], fact: r.Reversal) -> bool:
        """An amount was given back; once they are worth the order as it was sold, everything has come back."""
        if fact.currency is not None and fact.currency != head["currency"]:
            self._tally.warn(fact.line, "bad_currency", "currency")  # what it is worth in the order's nobody knows
            return False
        try:
            amount = values.money_of(fact.amount or Decimal(0), head["currency"])
        except BadValueError as error:
            self._tally.warn(fact.line, error.reason, "total")
            return False
        news = self._paper(head, fact, "", variant_id=None, quantity=0, total_minor=amount)
        if 0 < max(head["sold_minor"], head["total_minor"]) <= self._back[head["id"], None]:
            news |= self._whole(lines, fact)
        return news

    def _whole(self, lines: list[Any], fact: r.Reversal) -> bool:
        fresh = [line for line in lines if line.returned_at is None and line.id not in self._returned]
        self._returned |= {line.id: fact.occurred_at for line in fresh}
        return bool(fresh)

    def _paper(self, head: dict[str, Any], fact: r.Reversal, sku: str, **what: Any) -> bool:
        row = {
            "dedupe": f"Order Refunded: {fact.name}: {sku}",
            "document": fact.name,
            "by_event": True,
            "order_id": head["id"],
            "profile_id": None,
            "currency": head["currency"],
            "reason": None,
            "occurred_at": fact.occurred_at,
            "recorded_at": self._now,
            **what,
        }
        if row["dedupe"] in self._told:
            return False
        self._note(row)
        self._papers.append(row)
        return True

    def _note(self, row: Any) -> None:
        self._told.add(row["dedupe"])
        is_money = row["variant_id"] is None
        self._back[row["order_id"], row["variant_id"]] += row["total_minor"] if is_money else row["quantity"]
