"""Orders: whole or not at all, counted once, completed by later files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, literal, select, update

from segue.intake import records as r
from segue.intake.carts import Carts
from segue.intake.changes import Changes, Seen
from segue.intake.copies import Copies
from segue.intake.order_lines import OrderLines, Told
from segue.intake.order_papers import OrderPapers
from segue.intake.report import Tally
from segue.intake.shop import Shop
from segue.store.bulk import ids_of, insert_from, rows_where, update_many
from segue.store.sql import among
from segue.store.tables import cart_event, change, order, order_line
from segue.store.types import UtcTime

_CHUNK = 10_000
#: What a row may add to an order that is there, where nothing is known yet.
_ADDED = ("profile_id", "cart_id", "number", "delivery", "discount_code", "referral_code", "paid_at", "cancelled_at")
#: What a later row of the same system replaces; None says nothing.
_REPLACED = (
    "number", "delivery", "location_id", "total_minor", "refunded_minor", "discount_minor", "discount_code",
    "referral_code", "paid_at", "cancelled_at",
)  # fmt: skip
_Said = Sequence[tuple[r.Order, dict[str, Any]]]


class Orders:
    """Orders of one import. `spoilt` is filled by the door while it reads: orders with a bad row."""

    def __init__(
        self, connection: Connection, tally: Tally, now: datetime, carts: Carts, shop: Shop, spoilt: Collection[str]
    ) -> None:
        self._connection = connection
        self._tally = tally
        self._now = now
        self._carts = carts
        self._shop = shop
        self._spoilt = spoilt
        #: What has a greater id was written by this import.
        self._floor: int = connection.scalar(select(func.max(order.c.id))) or 0
        self._lines = OrderLines(connection, tally, shop)
        self.papers = OrderPapers(connection, tally, now, shop, spoilt)
        self._copies = Copies()
        self._changes = Changes(order)
        self._untotalled: set[int] = set()
        #: Orders told again: their row as it was, and the most that anybody told they are worth.
        self._sold: dict[int, tuple[dict[str, Any], int]] = {}
        #: Orders known before that this file's lines imply: each counts once.
        self._implied: set[int] = set()
        #: Orders that were there and of which this file has the last word.
        self._replaced: set[int] = set()
        self._guessed_carts: dict[int, str] = {}
        #: Orders this file has begun to tell, and lines that stand before their order.
        self._headed: set[str] = set()
        self._early: list[r.OrderLine] = []
        #: Orders that say something new about sizes.
        self.changed: set[int] = set()

    def write(self, facts: Sequence[r.Order | r.OrderLine], owners: dict[int, int]) -> None:
        """Write orders and their lines, in the file's order; an order told again begins a batch of its own."""
        heads: list[r.Order] = []
        lines: list[r.OrderLine] = []
        here: set[str] = set()
        left_out = 0
        for fact in facts:
            if isinstance(fact, r.OrderLine):
                if fact.order in self._spoilt:
                    left_out += 1
                elif fact.order in self._headed:
                    lines.append(fact)
                    self._copies.add(fact)
                else:
                    self._early.append(fact)
            elif fact.external_id in self._spoilt:
                left_out += not fact.implied
            else:
                if fact.overwrites:
                    if self._copies.begin(fact) and fact.external_id in here:
                        self._write(heads, lines, owners)
                        heads, lines, here = [], [], set()
                    here.add(fact.external_id)
                heads.append(fact)
                self._headed.add(fact.external_id)
        self._tally.skipped["order_rejected"] += left_out
        self._write(heads, lines, owners)

    def _write(
        self, heads: Sequence[r.Order], lines: Sequence[r.OrderLine], owners: dict[int, int]
    ) -> list[r.OrderLine]:
        """Write a batch; return the lines whose order nobody knows."""
        if not heads and not lines:
            return []
        seen = Seen(self._connection, order, "external_id")
        held = seen.held({head.external_id for head in heads} | {line.order for line in lines})
        said = self._said(heads, owners)
        fresh = self._fresh(said, held)
        untotalled = {name for name, row in fresh.items() if row["total_minor"] is None}
        made = seen.make({name: {**row, "total_minor": row["total_minor"] or 0} for name, row in fresh.items()})
        self._tally.taken["order"] += len(made)
        self._untotalled |= {made[name] for name in untotalled}
        self._again(said, held)
        ids = made | {name: row["id"] for name, row in held.items()}
        for head in heads:
            if head.cart is not None and not head.makes_cart:
                self._guessed_carts.setdefault(ids[head.external_id], head.cart)
        told = [line for line in lines if line.order in ids]
        known = {i for row in held.values() if (i := row["id"]) <= self._floor or i in self._replaced}
        summed = self._summed(held, known)
        orders = Told(ids=ids, made=set(made.values()), known=known, replaced=self._replaced)
        changed = self._lines.write(told, orders)
        self._untotalled |= summed & changed
        self.changed |= changed
        return [line for line in lines if line.order not in ids]

    def _said(self, heads: Sequence[r.Order], owners: dict[int, int]) -> _Said:
        """Each head as a row; a cart that it makes is made."""
        places = self._shop.places({head.location for head in heads if head.location is not None})
        filled = [
            (head.cart, head, owners.get(id(head)), head.sales_channel)
            for head in heads
            if head.cart is not None and head.makes_cart
        ]
        carts = self._carts.ensure(filled) if filled else {}
        rows = []
        for head in heads:
            if head.location is not None and head.location not in places:
                self._tally.warn(head.line, "unknown_location")
            row = _row(head, self._now)
            row["profile_id"] = owners.get(id(head))
            row["cart_id"] = carts.get(head.cart) if head.cart is not None else None
            row["location_id"] = places.get(head.location) if head.location is not None else None
            rows.append((head, row))
        return rows

    def _fresh(self, said: _Said, held: Collection[str]) -> dict[str, dict[str, Any]]:
        """Rows of the orders that are not there yet."""
        rows: dict[str, dict[str, Any]] = {}
        for head, row in said:
            name = head.external_id
            if name in held:
                continue
            if name in rows:
                _fill(rows[name], {column: row[column] for column in (*_ADDED, "total_minor")})
                self._tally.duplicates["order"] += not head.implied
            else:
                rows[name] = row
        return rows

    def _again(self, said: _Said, held: dict[str, Any]) -> None:
        """Note what is news of orders that are there."""
        for head, row in said:
            there = held.get(head.external_id)
            if there is None:
                continue
            order_id: int = there["id"]
            self._changes.fill(order_id, there, {name: row[name] for name in _ADDED})
            if head.overwrites:
                self._replaced.add(order_id)
                if head.whole or self._copies.count(head.external_id) > 1:
                    self._lines.tell_again(order_id, whole=head.whole)
                told = {name: row[name] for name in _REPLACED}
                # No discount may as well be an empty cell, which erases nothing.
                told |= {"refunded_minor": head.refunded_minor, "discount_minor": head.discount_minor or None}
                self._changes.compare(order_id, there, told)
            else:
                told = {"refunded_minor": head.refunded_minor}
                if order_id in self._untotalled:
                    told["total_minor"] = row["total_minor"]
                self._changes.compare(order_id, there, told)
            if row["total_minor"] is not None:
                self._untotalled.discard(order_id)
                if head.currency == there["currency"]:
                    most = self._sold.get(order_id, (there, max(there["sold_minor"], there["total_minor"])))[1]
                    self._sold[order_id] = there, max(most, row["total_minor"])
            self._count_again(head, order_id)

    def _count_again(self, head: r.Order, order_id: int) -> None:
        """A row that is an order counts each time; an order its lines imply counts once."""
        if not head.implied:
            self._tally.duplicates["order"] += 1
        elif order_id <= self._floor and order_id not in self._implied:
            self._implied.add(order_id)
            self._tally.duplicates["order"] += 1

    def _summed(self, held: dict[str, Any], known: Collection[int]) -> set[int]:
        """Those of the `known` orders that are worth the sum of their lines, so that a new line adds to them."""
        ids = {row["id"]: row for row in held.values() if row["id"] in known and row["id"] <= self._floor}
        if not ids:
            return set()
        sums = select(order_line.c.order_id, func.sum(order_line.c.total_minor)).group_by(order_line.c.order_id)
        return {
            order_id
            for order_id, paid in rows_where(self._connection, sums, order_line.c.order_id, ids)
            if max(0, int(paid) - ids[order_id]["discount_minor"]) == ids[order_id]["total_minor"]
            and order_id not in self._replaced
        }

    def finish(self) -> None:
        """Write late lines, take back spoilt orders, apply what changed, add up totals, find and empty carts."""
        early = [line for line in self._early if line.order not in self._spoilt]
        self._tally.skipped["order_rejected"] += len(self._early) - len(early)
        for line in self._write([], early, {}):
            self._tally.skip(line.line, "orphan_line")
        spoilt = self._take_back()
        for order_id, (there, most) in self._sold.items():
            if most > self._changes.last_word(order_id, there, "total_minor"):
                self._changes.compare(order_id, there, {"sold_minor": most})
        self._changes.forget(spoilt)
        mine = self._changes.rows()
        self._tally.updated["order"] += sum(order_id <= self._floor for order_id in mine)
        self._changes.apply(self._connection)
        self.changed |= mine | self._lines.finish(spoilt)
        self._untotalled -= spoilt
        self._copies.warn(self._tally)
        self._add_up()
        self._find_carts()
        self._empty_carts()
        self.changed |= self.papers.finish()
        self._tell_of_changes()

    def _tell_of_changes(self) -> None:
        """Say whose orders changed where they stand: whoever is about to be written to is judged again."""
        if not (any(self._tally.taken.values()) or any(self._tally.updated.values())):
            return  # the same file again
        changed = sorted(order_id for order_id in self.changed if order_id <= self._floor)
        whose = select(order.c.profile_id, literal("order"), literal(self._now, UtcTime)).where(
            order.c.profile_id.is_not(None)
        )
        for start in range(0, len(changed), _CHUNK):
            some = whose.where(among(self._connection, order.c.id, changed[start : start + _CHUNK])).distinct()
            self._connection.execute(insert(change).from_select(["profile_id", "what", "recorded_at"], some))

    def _take_back(self) -> set[int]:
        """Delete what this import wrote of orders that turned out to have a bad row later in the file."""
        spoilt = set(ids_of(self._connection, order, "external_id", list(self._spoilt)).values())
        self.papers.take_back(spoilt)
        if not spoilt:
            return spoilt
        lines = self._delete(spoilt, lines=True)
        self._tally.taken["order_line"] -= lines
        self._tally.skipped["order_rejected"] += lines
        self._tally.taken["order"] -= self._delete(spoilt, lines=False)
        return spoilt

    def _delete(self, orders: Collection[int], *, lines: bool) -> int:
        table, column, floor = (
            (order_line, order_line.c.order_id, self._lines.floor) if lines else (order, order.c.id, self._floor)
        )
        ids = sorted(orders)
        return sum(
            self._connection.execute(
                delete(table).where(table.c.id > floor, among(self._connection, column, ids[start : start + _CHUNK]))
            ).rowcount
            for start in range(0, len(ids), _CHUNK)
        )

    def _add_up(self) -> None:
        """An order whose worth nobody said is worth its lines, less the discount."""
        paid = (
            select(func.coalesce(func.sum(order_line.c.total_minor), 0))
            .where(order_line.c.order_id == order.c.id)
            .scalar_subquery()
        )
        less = paid - order.c.discount_minor
        ids = sorted(self._untotalled)
        for start in range(0, len(ids), _CHUNK):
            chunk = among(self._connection, order.c.id, ids[start : start + _CHUNK])
            self._connection.execute(update(order).where(chunk).values(total_minor=less))
            self._connection.execute(update(order).where(chunk, order.c.total_minor < 0).values(total_minor=0))

    def _find_carts(self) -> None:
        known = self._carts.known(set(self._guessed_carts.values()))
        open_orders = select(order.c.id).where(order.c.cart_id.is_(None))
        wanted = {order_id: known[guess] for order_id, guess in self._guessed_carts.items() if guess in known}
        rows = [
            {"id": order_id, "cart_id": wanted[order_id]}
            for (order_id,) in rows_where(self._connection, open_orders, order.c.id, wanted)
        ]
        update_many(self._connection, order, rows)
        self.changed |= {row["id"] for row in rows}

    def _empty_carts(self) -> None:
        """An order empties its cart at the order's time, under a name derived from the order."""
        name = literal("order:").concat(order.c.external_id)
        ordered = select(
            order.c.cart_id,
            literal("ordered"),
            literal(0),
            order.c.occurred_at,
            literal(self._now, order.c.recorded_at.type),
            name,
        ).where(order.c.cart_id.is_not(None), ~select(cart_event.c.id).where(cart_event.c.dedupe == name).exists())
        columns = ["cart_id", "kind", "quantity", "occurred_at", "recorded_at", "dedupe"]
        fresh = order.c.id > self._floor
        done = insert_from(self._connection, cart_event, columns, ordered.where(fresh))
        changed = sorted(order_id for order_id in self.changed if order_id <= self._floor)
        for start in range(0, len(changed), _CHUNK):
            older = ordered.where(among(self._connection, order.c.id, changed[start : start + _CHUNK]))
            done += insert_from(self._connection, cart_event, columns, older)
        self._tally.taken["cart_event"] += done


def _row(head: r.Order, now: datetime) -> dict[str, Any]:
    return {
        "external_id": head.external_id,
        "number": head.number,
        "sales_channel": head.sales_channel,
        "marketplace": head.marketplace,
        "delivery": head.delivery,
        "currency": head.currency,
        "total_minor": head.total_minor,
        "refunded_minor": head.refunded_minor or 0,
        "discount_minor": head.discount_minor,
        "discount_code": head.discount_code,
        "referral_code": head.referral_code,
        "gift": head.gift,
        "occurred_at": head.occurred_at,
        "paid_at": head.paid_at,
        "cancelled_at": head.cancelled_at,
        "recorded_at": now,
    }


def _fill(row: dict[str, Any], facts: dict[str, Any]) -> None:
    """Add what was unknown; what is known stays."""
    for name, value in facts.items():
        if row[name] is None:
            row[name] = value
