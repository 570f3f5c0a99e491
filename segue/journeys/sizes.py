"""What size somebody wears: `profile_size`, counted anew from the facts whenever they may have changed.

A size is known by what speaks for it, aged: worth half after `HALF_LIFE`. Its confidence is its share of what speaks
in its category and system, where `PRIOR` stands for what we do not know. Nothing is converted between systems.
A fact dated after `now` counts as new.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Float,
    Insert,
    Integer,
    Select,
    Subquery,
    Text,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    union_all,
)
from sqlalchemy.types import TypeEngine

from segue.journeys import size_evidence as evidence
from segue.journeys import size_rules as rules
from segue.journeys.size_search import SizeRange, searches
from segue.store.sql import among, micros
from segue.store.tables import product, profile_size, variant
from segue.store.types import to_micros

_CHUNK = 10_000
#: Below this nothing speaks for a size any more.
_NOTHING = 1e-9
_MOST_HALVINGS = 40
_WORN = ("profile_id", "category", "system", "size")
_COLUMNS = (*_WORN, "evidence", "confidence")


def refresh_sizes(connection: Connection, profile_ids: Iterable[int], now: datetime) -> None:
    """Rewrite `profile_size` of these people from all that is known of them, as old as it is at `now`."""
    people = sorted(set(profile_ids))
    sized = connection.scalar(select(select(variant.c.id).join(product).where(evidence.has_size()).exists()))
    sizes: SizeRange | None = None
    for start in range(0, len(people), _CHUNK):
        chunk = people[start : start + _CHUNK]
        connection.execute(delete(profile_size).where(among(connection, profile_size.c.profile_id, chunk)))
        if sized:  # where nothing has a size, a million lines need not be read to learn it
            sizes = _write(connection, chunk, now, sizes)


def _write(connection: Connection, people: list[int], now: datetime, sizes: SizeRange | None) -> SizeRange | None:
    found, sizes = searches(connection, people, sizes)
    looked_for = [(*key, to_micros(at)) for key, at in found.items()]
    values = {"people": people, "now": to_micros(now), "searches": json.dumps(looked_for)}
    connection.execute(_statement(connection), values)
    return sizes


def _statement(connection: Connection) -> Insert:
    """Return one INSERT ... SELECT; parameters `people`, `now` (microseconds) and `searches` (JSON)."""
    line = evidence.lines()
    looked_for = _listed_rows(
        connection,
        "searches",
        {"profile_id": BigInteger(), "category": Text(), "system": Text(), "size": Text(), "at": BigInteger()},
    )
    parts = [evidence.worn(line), evidence.lent(line), evidence.carted(), evidence.viewed()]
    said = union_all(
        *(_timed(connection, part.subquery()) for part in parts),
        select(
            *(looked_for.c[name] for name in _WORN),
            literal(rules.SEARCHED, Float(53)).label("weight"),
            looked_for.c.at,
            literal(True, Boolean).label("looked"),
        ),
    ).subquery("said")
    return insert(profile_size).from_select(_COLUMNS, _shares(_aged(said)))


def _timed(connection: Connection, part: Subquery) -> Select[Any]:
    return select(
        *(part.c[name] for name in _WORN), part.c.weight, micros(connection, part.c.at).label("at"), part.c.looked
    )


def _aged(said: Subquery) -> Subquery:
    """Halve each weight for every half-life that has gone, and in a straight line between two halvings."""
    half_life = int(rules.HALF_LIFE.total_seconds()) * 1_000_000
    age = bindparam("now", type_=BigInteger) - said.c.at
    since = case((age <= 0, 0), (age >= half_life * _MOST_HALVINGS, half_life * _MOST_HALVINGS), else_=age)
    part = cast(since % half_life, Float(53)) / float(half_life)
    whole = cast(literal(1, BigInteger).bitwise_lshift(cast(since // half_life, Integer)), Float(53))
    weight = said.c.weight * (1.0 - part / 2.0) / whole
    return select(*(said.c[name] for name in _WORN), weight.label("weight"), said.c.looked).subquery("aged")


def _shares(aged: Subquery) -> Select[Any]:
    """Add up: what only looks counts up to a limit; a size is its share of what speaks, and of the prior."""
    looked = func.sum(case((aged.c.looked, aged.c.weight), else_=0.0))
    total = func.sum(case((aged.c.looked, 0.0), else_=aged.c.weight)) + case(
        (looked > rules.LOOKED_MOST, rules.LOOKED_MOST), else_=looked
    )
    worn = [aged.c[name] for name in _WORN]
    sums = select(*worn, total.label("evidence")).group_by(*worn).having(total > _NOTHING).subquery("sums")
    everything = func.sum(sums.c.evidence).over(partition_by=(sums.c.profile_id, sums.c.category, sums.c.system))
    return select(*(sums.c[name] for name in _WORN), sums.c.evidence, sums.c.evidence / (everything + rules.PRIOR))


def _listed_rows(connection: Connection, name: str, columns: Mapping[str, TypeEngine[Any]]) -> Subquery:
    """Rows given as the JSON parameter `name`, a list of lists."""
    if connection.dialect.name == "sqlite":
        picks = [f"json_extract(value, '$[{i}]') AS {column}" for i, column in enumerate(columns)]
        rows = f"json_each(:{name})"
    else:
        kinds = [kind.compile(connection.dialect) for kind in columns.values()]
        picks = [
            f"CAST(j ->> {i} AS {kind}) AS {column}"
            for i, (column, kind) in enumerate(zip(columns, kinds, strict=True))
        ]
        rows = f"json_array_elements(CAST(:{name} AS json)) AS j"
    statement = text(f"SELECT {', '.join(picks)} FROM {rows}")  # noqa: S608 - names of our own
    return statement.columns(**columns).subquery(name)
