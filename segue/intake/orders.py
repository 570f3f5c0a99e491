"""Orders and their lines: whole or not at all, counted once, completed by later files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, literal, select, update

from segue.intake import records as r
from segue.intake.carts import Carts
from segue.intake.changes import Seen
from segue.intake.report import Tally
from segue.intake.shop import Shop
from segue.store.bulk import ids_of, insert_from, insert_new, rows_where, update_many
from segue.store.sql import among
from segue.store.tables import cart_event, order, order_line, variant

_CHUNK = 10_000


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
        self._floor = {table: connection.scalar(select(func.max(table.c.id))) or 0 for table in (order, order_line)}
        self._positions: Counter[str] = Counter()
        self._untotalled: set[int] = set()
        self._guessed_carts: dict[int, str] = {}
        self._reversals: list[r.Reversal] = []
        #: Orders whose lines say something new about sizes.
        self.changed: set[int] = set()

    def write(self, heads: Sequence[r.Order], lines: Sequence[r.OrderLine], owners: dict[int, int]) -> None:
        """Write orders, then their lines."""
        sound = [head for head in heads if head.external_id not in self._spoilt]
        told = [line for line in lines if line.order not in self._spoilt]
        left_out = sum(not head.implied for head in heads) - sum(not head.implied for head in sound)
        self._tally.skipped["order_rejected"] += left_out + len(lines) - len(told)
        ids = self._write_heads(sound, owners)
        unheld = {line.order for line in told} - ids.keys()
        self._write_lines(told, ids | ids_of(self._connection, order, "external_id", unheld))

    def reverse(self, facts: Sequence[r.Reversal]) -> None:
        """Keep cancellations and returns until all orders of the file are there."""
        self._reversals.extend(facts)

    def _write_heads(self, heads: Sequence[r.Order], owners: dict[int, int]) -> dict[str, int]:
        seen = Seen(self._connection, order, "external_id")
        held = seen.held(head.external_id for head in heads)
        places = self._shop.places({head.location for head in heads if head.location is not None})
        carts = self._carts.ensure(
            [
                (head.cart, head, owners.get(id(head)), head.sales_channel)
                for head in heads
                if head.cart is not None and head.makes_cart
            ]
        )
        missing: dict[str, dict[str, Any]] = {}
        guesses: dict[str, str] = {}
        again: dict[int, dict[str, Any]] = {}
        repeats = 0
        for head in heads:
            name = head.external_id
            facts = {
                "profile_id": owners.get(id(head)),
                "cart_id": carts.get(head.cart) if head.cart is not None else None,
                "cancelled_at": head.cancelled_at,
            }
            if head.location is not None and head.location not in places:
                self._tally.warn(head.line, "unknown_location")
            if head.cart is not None and not head.makes_cart:
                guesses.setdefault(name, head.cart)
            if name in held:
                _fill(again.setdefault(held[name]["id"], {k: held[name][k] for k in facts}), facts)
                repeats += not head.implied or held[name]["id"] <= self._floor[order]
            elif name in missing:
                _fill(missing[name], facts)
                repeats += not head.implied
            else:
                missing[name] = {**_head_row(head, places, self._now), **facts}
        self._count_heads(heads, held, missing, repeats)
        ids = seen.make({name: {**row, "total_minor": row["total_minor"] or 0} for name, row in missing.items()})
        self._untotalled |= {ids[name] for name, row in missing.items() if row["total_minor"] is None}
        ids |= {name: row["id"] for name, row in held.items()}
        self._guessed_carts |= {ids[name]: guess for name, guess in guesses.items()}
        before = {row["id"]: row for row in held.values()}
        filled = [
            {"id": row_id, **row}
            for row_id, row in again.items()
            if any(before[row_id][name] != value for name, value in row.items())
        ]
        self._tally.updated["order"] += update_many(self._connection, order, filled)
        self.changed |= {row["id"] for row in filled}
        return ids

    def _count_heads(
        self, heads: Sequence[r.Order], held: dict[str, Any], missing: dict[str, Any], repeats: int
    ) -> None:
        """A row that is an order counts each time; an order its lines imply counts once."""
        implied = {head.external_id for head in heads if head.implied}
        old = {name for name in implied & held.keys() if held[name]["id"] <= self._floor[order]}
        lines_of_old = sum(head.implied and head.external_id in old for head in heads)
        self._tally.taken["order"] += len(missing)
        self._tally.duplicates["order"] += repeats - lines_of_old + len(old)

    def _write_lines(self, lines: Sequence[r.OrderLine], ids: dict[str, int]) -> None:
        variants = ids_of(self._connection, variant, "sku", {line.variant.sku for line in lines})
        rows: dict[tuple[int, int], dict[str, Any]] = {}
        for line in lines:
            self._positions[line.order] += 1
            position = line.position or self._positions[line.order]
            row = {
                "order_id": ids[line.order],
                "position": position,
                "variant_id": variants[line.variant.sku],
                "quantity": line.quantity,
                "unit_price_minor": line.unit_price_minor,
                "returned_at": line.returned_at,
            }
            rows.setdefault((ids[line.order], position), row)
        new = insert_new(self._connection, order_line, list(rows.values()), ["order_id", "position"])
        self._tally.count("order_line", seen=len(lines), new=new)
        self._fill_returns(rows)
        if new:
            self.changed |= {order_id for order_id, _ in rows}

    def _fill_returns(self, rows: dict[tuple[int, int], dict[str, Any]]) -> None:
        """A later export of the same order may know that a line came back."""
        returned = {key: row["returned_at"] for key, row in rows.items() if row["returned_at"] is not None}
        kept = select(order_line.c.id, order_line.c.order_id, order_line.c.position).where(
            order_line.c.returned_at.is_(None)
        )
        news = [
            {"id": line_id, "returned_at": returned[order_id, position]}
            for line_id, order_id, position in rows_where(
                self._connection, kept, order_line.c.order_id, {order_id for order_id, _ in returned}
            )
            if (order_id, position) in returned
        ]
        self._tally.updated["order_line"] += update_many(self._connection, order_line, news)
        if news:
            self.changed |= {order_id for order_id, _ in returned}

    def finish(self) -> None:
        """Take back spoilt orders, add up totals, find carts, empty them, apply cancellations and returns."""
        self._take_back()
        self._add_up()
        self._find_carts()
        self._empty_carts()
        self._apply_reversals()

    def _take_back(self) -> None:
        """Delete what this import wrote of orders that turned out to have a bad row later in the file."""
        spoilt = ids_of(self._connection, order, "external_id", list(self._spoilt))
        if not spoilt:
            return
        mine = list(spoilt.values())
        for table, column in ((order_line, order_line.c.order_id), (order, order.c.id)):
            gone = self._delete(table, column, mine)
            self._tally.taken[table.name] -= gone
            self._tally.skipped["order_rejected"] += gone if table is order_line else 0
        self._untotalled -= set(mine)

    def _delete(self, table: Table, column: ColumnElement[int], ids: list[int]) -> int:
        mine = table.c.id > self._floor[table]
        return sum(
            self._connection.execute(
                delete(table).where(mine, among(self._connection, column, ids[start : start + _CHUNK]))
            ).rowcount
            for start in range(0, len(ids), _CHUNK)
        )

    def _add_up(self) -> None:
        paid = (
            select(func.coalesce(func.sum(order_line.c.quantity * order_line.c.unit_price_minor), 0))
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
        fresh = order.c.id > self._floor[order]
        done = insert_from(self._connection, cart_event, columns, ordered.where(fresh))
        changed = sorted(self.changed)
        for start in range(0, len(changed), _CHUNK):
            older = ordered.where(among(self._connection, order.c.id, changed[start : start + _CHUNK]))
            done += insert_from(self._connection, cart_event, columns, older)
        self._tally.taken["cart_event"] += done

    def _apply_reversals(self) -> None:
        heads = Seen(self._connection, order, "external_id").held(fact.order for fact in self._reversals)
        order_ids = {row["id"] for row in heads.values()}
        statement = select(order_line.c.id, order_line.c.order_id, order_line.c.returned_at, variant.c.sku).join(
            variant, variant.c.id == order_line.c.variant_id
        )
        lines = list(rows_where(self._connection, statement, order_line.c.order_id, order_ids))
        cancelled: dict[int, datetime] = {}
        returned: dict[int, datetime] = {}
        for fact in sorted(self._reversals, key=lambda fact: fact.occurred_at):
            head = heads.get(fact.order)
            if head is None:
                self._tally.skip(fact.line, "unknown_order")
                continue
            news = False
            if fact.cancelled:
                news = head["cancelled_at"] is None and head["id"] not in cancelled
                cancelled.setdefault(head["id"], fact.occurred_at)
            for line in lines:
                if (
                    not fact.cancelled
                    and line.order_id == head["id"]
                    and line.returned_at is None
                    and line.id not in returned
                    and (fact.skus is None or line.sku in fact.skus)
                ):
                    returned[line.id] = fact.occurred_at
                    news = True
            self._tally.count("reversal", seen=1, new=int(news))
        open_heads = {row["id"] for row in heads.values() if row["cancelled_at"] is None}
        update_many(
            self._connection, order, [{"id": i, "cancelled_at": at} for i, at in cancelled.items() if i in open_heads]
        )
        update_many(self._connection, order_line, [{"id": i, "returned_at": at} for i, at in returned.items()])
        self.changed |= order_ids


def _head_row(head: r.Order, places: dict[str, int], now: datetime) -> dict[str, Any]:
    return {
        "external_id": head.external_id,
        "sales_channel": head.sales_channel,
        "location_id": places.get(head.location) if head.location is not None else None,
        "currency": head.currency,
        "total_minor": head.total_minor,
        "discount_minor": head.discount_minor,
        "discount_code": head.discount_code,
        "gift": head.gift,
        "occurred_at": head.occurred_at,
        "recorded_at": now,
    }


def _fill(row: dict[str, Any], facts: dict[str, Any]) -> None:
    """Add what was unknown; what is known stays."""
    for name, value in facts.items():
        if row[name] is None:
            row[name] = value
