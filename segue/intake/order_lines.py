"""Order lines: told by their position where the file gives one, else by (order, variant, n-th occurrence)."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select

from segue.intake import records as r
from segue.intake.changes import Changes
from segue.intake.report import Tally
from segue.intake.shop import Shop
from segue.store.bulk import insert_new, rows_where
from segue.store.sql import among
from segue.store.tables import order_line

_CHUNK = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The orders that lines belong to."""

    #: External id -> id, of every order the lines name.
    ids: dict[str, int]
    #: Made just now, with these lines.
    made: Collection[int]
    #: Known before this import, or told again in its file: their lines are matched with those that are there.
    known: Collection[int]
    #: Of them, those whose lines may change what is there.
    replaced: Collection[int]


class OrderLines:
    """The lines of one import."""

    def __init__(self, connection: Connection, tally: Tally, shop: Shop) -> None:
        self._connection = connection
        self._tally = tally
        self._shop = shop
        #: What has a greater id was written by this import.
        self.floor: int = connection.scalar(select(func.max(order_line.c.id))) or 0
        self._positions: Counter[str] = Counter()
        #: (order, variant) -> how often this telling of the order has named it.
        self._named: defaultdict[int, Counter[int]] = defaultdict(Counter)
        #: Lines an earlier telling in this file made and the present one has not named: order -> line ids. Where the
        #: present one is proved to be the whole order, also those that were there before.
        self._unnamed: dict[int, set[int]] = {}
        #: Orders whose lines are about to be told anew, and whether that will be all of them.
        self._told_again: dict[int, bool] = {}
        self._changes = Changes(order_line)
        self._order_of: dict[int, int] = {}

    def tell_again(self, order_id: int, *, whole: bool) -> None:
        """The file begins to tell an order's lines anew; `whole`: what they leave out is no more."""
        self._named.pop(order_id, None)
        self._told_again[order_id] = whole

    def write(self, lines: Sequence[r.OrderLine], orders: Told) -> set[int]:
        """Write the lines; return the ids of orders with a new one."""
        variants = self._shop.variant_ids
        positions = self._positions
        fresh: dict[tuple[int, int], dict[str, Any]] = {}
        matched: list[tuple[int, r.OrderLine]] = []
        for line in lines:
            order_id = orders.ids[line.order]
            position = line.position
            if order_id in orders.known or (position is not None and order_id not in orders.made):
                matched.append((order_id, line))
                continue
            if position is None:
                positions[line.order] = position = positions[line.order] + 1
            key = (order_id, position)
            if key in fresh:
                matched.append((order_id, line))
            else:
                fresh[key] = _row(line, order_id, position, variants[line.variant.sku])
        new = insert_new(self._connection, order_line, list(fresh.values()), ["order_id", "position"])
        changed = {order_id for order_id, _ in fresh}
        if matched:
            added = self._match(matched, orders.replaced)
            new += sum(added.values())
            changed |= added.keys()
        self._tally.count("order_line", seen=len(lines), new=new)
        return changed

    def _match(self, lines: list[tuple[int, r.OrderLine]], replaced: Collection[int]) -> dict[int, int]:
        """Find each line's row; those without one are added. Returns how many, by order."""
        held = _Held(self._connection, {order_id for order_id, _ in lines})
        for order_id in self._told_again.keys() & held.orders:
            whole = self._told_again.pop(order_id)
            # That the others add up says nothing of a line that costs nothing: it stays.
            self._unnamed[order_id] = {
                row["id"]
                for row in held.lines(order_id)
                if row["id"] > self.floor or (whole and row["total_minor"] > 0)
            }
        rows: dict[tuple[int, int], dict[str, Any]] = {}
        for order_id, line in lines:
            variant_id = self._shop.variant_ids[line.variant.sku]
            found = held.at(order_id, line.position) if line.position is not None else None
            if line.position is None:
                nth = self._named[order_id][variant_id]
                self._named[order_id][variant_id] += 1
                found = held.nth(order_id, variant_id, nth)
            if found is None:
                position = line.position or held.next_position(order_id)
                row = _row(line, order_id, position, variant_id)
                rows[order_id, position] = row
                held.add(row)
            else:
                self._compare(found, line, replaces=order_id in replaced)
        for order_id in held.orders:
            if not self._unnamed.get(order_id):
                self._unnamed.pop(order_id, None)
        insert_new(self._connection, order_line, list(rows.values()), ["order_id", "position"])
        return Counter(order_id for order_id, _ in rows)

    def _compare(self, row: dict[str, Any], line: r.OrderLine, *, replaces: bool) -> None:
        """Note what a line says anew of a row that is there, or is about to be."""
        told: dict[str, Any] = {"returned_at": line.returned_at, "return_reason": line.return_reason}
        if replaces:
            told |= {"quantity": line.quantity, "unit_price_minor": line.unit_price_minor, "total_minor": _total(line)}
        elif line.returned_at is None and line.return_reason is None:
            return
        line_id = row.get("id")
        if line_id is None:
            row.update({k: v for k, v in told.items() if v is not None and (replaces or row[k] is None)})
            return
        self._unnamed.get(row["order_id"], set()).discard(line_id)
        (self._changes.compare if replaces else self._changes.fill)(line_id, row, told)
        if line_id in self._changes:
            self._order_of[line_id] = row["order_id"]

    def finish(self, spoilt: Collection[int]) -> set[int]:
        """Write what changed in lines that were there, but for `spoilt` orders; return the orders they belong to."""
        self._changes.forget([line_id for line_id, order_id in self._order_of.items() if order_id in spoilt])
        mine = self._changes.rows()
        self._tally.updated["order_line"] += sum(line_id <= self.floor for line_id in mine)
        self._changes.apply(self._connection)
        unnamed = {order_id: lines for order_id, lines in self._unnamed.items() if order_id not in spoilt}
        gone = sorted(line_id for lines in unnamed.values() for line_id in lines)
        for start in range(0, len(gone), _CHUNK):
            chunk = among(self._connection, order_line.c.id, gone[start : start + _CHUNK])
            self._connection.execute(delete(order_line).where(chunk))
        known = bisect_right(gone, self.floor)
        self._tally.updated["order_line"] += known
        self._tally.taken["order_line"] -= len(gone) - known
        return {self._order_of[line_id] for line_id in mine} | unnamed.keys()


class _Held:
    """The lines that orders have, with those this chunk adds."""

    def __init__(self, connection: Connection, orders: set[int]) -> None:
        self.orders = orders
        self._lines: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self._by_variant: defaultdict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
        self._by_position: dict[tuple[int, int], dict[str, Any]] = {}
        statement = select(order_line).order_by(order_line.c.order_id, order_line.c.position)
        for found in rows_where(connection, statement, order_line.c.order_id, orders):
            self.add(dict(found._mapping))  # noqa: SLF001 - SQLAlchemy's public name

    def add(self, row: dict[str, Any]) -> None:
        order_id = row["order_id"]
        self._lines[order_id].append(row)
        self._by_variant[order_id, row["variant_id"]].append(row)
        self._by_position[order_id, row["position"]] = row

    def lines(self, order_id: int) -> list[dict[str, Any]]:
        return self._lines[order_id]

    def at(self, order_id: int, position: int) -> dict[str, Any] | None:
        return self._by_position.get((order_id, position))

    def nth(self, order_id: int, variant_id: int, nth: int) -> dict[str, Any] | None:
        rows = self._by_variant.get((order_id, variant_id), [])
        return rows[nth] if nth < len(rows) else None

    def next_position(self, order_id: int) -> int:
        lines = self._lines[order_id]
        return max(row["position"] for row in lines) + 1 if lines else 1


def _total(line: r.OrderLine) -> int:
    return line.quantity * line.unit_price_minor if line.total_minor is None else line.total_minor


def _row(line: r.OrderLine, order_id: int, position: int, variant_id: int) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "position": position,
        "variant_id": variant_id,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "total_minor": _total(line),
        "returned_at": line.returned_at,
        "return_reason": line.return_reason,
    }
