"""One profile out of several: the older one's traits win, and gaps are filled from the next.

Merges come in any order and must end alike, so it has to stay known which traits a profile was given by a merge. The
mark is on the profile that went: where its own trait equals that of the one that stays, it came from there. (What
merely repeats the elder's own trait is emptied.) Nothing else of a profile that went is changed, so no trait is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, select

from segue.store.bulk import rows_where, update_many
from segue.store.tables import profile

#: What is taken from one profile as a whole: half a place, or the state of another country, would be nobody's home.
UNITS = (
    ("first_name",),
    ("last_name",),
    ("locale",),
    ("country", "region"),
    ("zone",),
    ("birth_year",),
    ("home_latitude", "home_longitude"),
    ("household_hash",),
    ("source",),
)
Row = Mapping[str, Any]
Value = tuple[Any, ...]


def join_profiles(connection: Connection, people: Mapping[int, Collection[int]]) -> int:
    """Fill the gaps of each root in `people` from its others and redirect these; return how many went by it."""
    named = {one for root, others in people.items() for one in (root, *others)}
    rows = _rows(connection, profile.c.id, named)
    # Whoever went into one of them before goes on with it.
    rows |= _rows(connection, profile.c.merged_into, named)
    followers: dict[int, set[int]] = {}
    for row in rows.values():
        if row["merged_into"] is not None:
            followers.setdefault(row["merged_into"], set()).add(row["id"])
    changed: list[dict[str, Any]] = []
    went = 0
    for root, others in people.items():
        members = {root, *others}
        members |= {one for member in members for one in followers.get(member, ())}
        went += sum(rows[one]["merged_into"] is None for one in members) - 1
        joined = _joined({one: rows[one] for one in members}, followers)
        for one, values in joined.items():
            start = min(rows[member]["created_at"] for member in members) if one == root else rows[one]["created_at"]
            into = None if one == root else root
            changed.append({"id": one, **values, "created_at": start, "merged_into": into})
    update_many(connection, profile, changed)
    return went


def _rows(connection: Connection, column: Any, values: Collection[int]) -> dict[int, Row]:
    return {row.id: dict(row._mapping) for row in rows_where(connection, select(profile), column, values)}  # noqa: SLF001


def _joined(rows: Mapping[int, Row], followers: Mapping[int, Collection[int]]) -> dict[int, dict[str, Any]]:
    """The traits of each member from now on; the lowest id stays."""
    order = sorted(rows)
    result: dict[int, dict[str, Any]] = {one: {} for one in order}
    for unit in UNITS:
        own = {one: _own(one, unit, rows, followers) for one in order}
        source = next((one for one in order if own[one] is not None), order[0])
        for one in order:
            value = own[source] if one == order[0] else own[one]
            if one != order[0] == source and value == own[source]:
                value = None
            result[one] |= zip(unit, value or (None,) * len(unit), strict=True)
    return result


def _own(
    one: int, unit: tuple[str, ...], rows: Mapping[int, Row], followers: Mapping[int, Collection[int]]
) -> Value | None:
    """What a profile had by itself; None where it had nothing, or was given it by one of its followers."""
    value = _value(rows[one], unit)
    return None if any(_value(rows[other], unit) == value for other in followers.get(one, ())) else value


def _value(row: Row, unit: tuple[str, ...]) -> Value | None:
    value = tuple(row[name] for name in unit)
    return None if all(part is None for part in value) else value
