"""Cancellations, returns and parcels told before their order or its lines: kept as events of nobody until those arrive.

A return that is a document of its own stands by itself meanwhile; what waits is its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, delete, literal, or_, select

from segue.intake import records as r
from segue.store.bulk import insert_new, rows_where, update_many
from segue.store.sql import among
from segue.store.tables import event, order, order_line

#: The event's name; its dedupe begins so, too, and goes on with the order's id.
WAITING = "Order Paper Waiting"
_CHUNK = 10_000
#: Beside the kinds of fulfilments.
_DOCUMENT = "return"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A return that names an order nobody knows yet, by its name in `order_return`."""

    order: str
    dedupe: str


Paper = r.Reversal | r.Fulfilment | Document


def keep(connection: Connection, papers: Iterable[Paper], now: datetime) -> None:
    """Keep papers whose order nobody knows, each once however often it is told: one row an order."""
    told: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for paper in papers:
        if (one := _written(paper)) not in told[paper.order]:
            told[paper.order].append(one)
    if not told:
        return
    # The row without an order says that anything ever waited: without it, no import has to look.
    rows = {WAITING: _row(WAITING, {}, now)}
    rows |= {_key(name): _row(_key(name), {"order": name, "papers": ones}, now) for name, ones in told.items()}
    held = select(event.c.id, event.c.dedupe, event.c.properties)
    grown = []
    for row in rows_where(connection, held, event.c.dedupe, list(rows)):
        known, said = row.properties.get("papers", []), rows.pop(row.dedupe)["properties"].get("papers", [])
        if more := [one for one in said if one not in known]:
            grown.append({"id": row.id, "properties": row.properties | {"papers": known + more}})
    insert_new(connection, event, list(rows.values()), ["dedupe"])
    update_many(connection, event, grown)


def fetch(connection: Connection, floor: int, lines_floor: int) -> list[Paper]:
    """Take out the papers of the orders above id `floor`, and of those with a line above `lines_floor`."""
    if connection.scalar(select(event.c.id).where(event.c.dedupe == WAITING)) is None:
        return []
    mine = event.c.dedupe == literal(_key("")).concat(order.c.external_id)
    lined = select(order_line.c.order_id).where(order_line.c.id > lines_floor)
    found = connection.execute(
        select(event.c.id, event.c.properties)
        .join_from(order, event, mine)
        .where(or_(order.c.id > floor, order.c.id.in_(lined)))
    ).all()
    _drop(connection, [row.id for row in found])
    return [_read(row.properties["order"], one) for row in found for one in row.properties["papers"]]


def _drop(connection: Connection, ids: Sequence[int]) -> None:
    for start in range(0, len(ids), _CHUNK):
        connection.execute(delete(event).where(among(connection, event.c.id, ids[start : start + _CHUNK])))


def _key(name: str) -> str:
    return f"{WAITING}: {name}"


def _row(dedupe: str, properties: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "dedupe": dedupe,
        "profile_id": None,
        "name": WAITING,
        "properties": properties,
        "occurred_at": now,
        "recorded_at": now,
    }


def _written(paper: Paper) -> dict[str, Any]:
    if isinstance(paper, Document):
        return {"kind": _DOCUMENT, "return": paper.dedupe}
    at = paper.occurred_at.isoformat()
    if isinstance(paper, r.Fulfilment):
        return {"kind": paper.kind, "location": paper.location, "at": at}
    if paper.cancelled:
        return {"kind": None, "cancelled": True, "at": at}
    goods = None if paper.goods is None else sorted([sku, count] for sku, count in paper.goods)
    amount = None if paper.amount is None else str(paper.amount)
    told = {"goods": goods, "amount": amount, "currency": paper.currency, "name": paper.name}
    return {"kind": None, "cancelled": False, "at": at, **told}


def _read(name: str, one: dict[str, Any]) -> Paper:
    if one["kind"] == _DOCUMENT:
        return Document(order=name, dedupe=one["return"])
    at = datetime.fromisoformat(one["at"])
    if one["kind"] is not None:
        return r.Fulfilment(line=0, order=name, kind=one["kind"], location=one["location"], occurred_at=at)
    # Kept by a version that knew no quantities: the names alone.
    goods = one["goods"] if "goods" in one else [[sku, None] for sku in one.get("skus") or ()] or None
    amount = one.get("amount")
    return r.Reversal(
        line=0,
        order=name,
        cancelled=one["cancelled"],
        goods=None if goods is None else tuple((sku, count) for sku, count in goods),
        amount=None if amount is None else Decimal(amount),
        currency=one.get("currency"),
        name=one.get("name", ""),
        occurred_at=at,
    )
