"""What somebody owns goes where she goes: names, facts, codes, and the sizes that are counted from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, update

from segue.journeys.sizes import refresh_sizes
from segue.store.bulk import rows_where, update_many
from segue.store.sql import among
from segue.store.tables import identifier, message, metadata, profile, profile_size, referral

_OWN_WAY = {identifier, message, profile_size}
#: Every table whose rows simply change hands; one that is added later is among them by itself.
MOVED = tuple(table for table in metadata.sorted_tables if "profile_id" in table.c and table not in _OWN_WAY)


def root_of_owner(owner: ColumnElement[int]) -> Any:
    """The profile that the owner was redirected to, as a scalar of SQL."""
    return select(profile.c.merged_into).where(profile.c.id == owner).scalar_subquery()


def move_facts(connection: Connection, root_of: Mapping[int, int], now: datetime) -> None:
    """Give everything of the profiles that went (already redirected) to whom they went to."""
    for table in MOVED:
        owner = table.c.profile_id
        connection.execute(
            update(table).where(among(connection, owner, root_of.keys())).values(profile_id=root_of_owner(owner))
        )
    # A referral is about two people; whoever turns out to have referred herself earns nothing by it.
    friend = referral.c.friend_id
    connection.execute(
        update(referral).where(among(connection, friend, root_of.keys())).values(friend_id=root_of_owner(friend))
    )
    # The sizes of those who went have nothing left to be counted from, so they go.
    refresh_sizes(connection, {*root_of, *root_of.values()}, now)


def move_identifiers(connection: Connection, root_of: Mapping[int, int]) -> None:
    """Give names to whom they went to; one that both had is one, and names her if it named either."""
    columns = select(identifier).order_by(identifier.c.id)
    rows = rows_where(connection, columns, identifier.c.profile_id, {*root_of, *root_of.values()})
    kept: dict[tuple[int, str, str], dict[str, Any]] = {}
    doubles: list[int] = []
    for row in sorted(rows, key=lambda row: row.id):
        owner = root_of.get(row.profile_id, row.profile_id)
        first = kept.setdefault((owner, row.kind, row.value), {**row._mapping, "profile_id": owner})  # noqa: SLF001
        if first["id"] != row.id:
            first["identifies"] |= row.identifies
            first["recorded_at"] = min(first["recorded_at"], row.recorded_at)
            doubles.append(row.id)
    # First the doubles go: a name names one row at a time.
    connection.execute(delete(identifier).where(among(connection, identifier.c.id, doubles)))
    names = ("id", "profile_id", "identifies", "recorded_at")
    update_many(connection, identifier, [{name: row[name] for name in names} for row in kept.values()])
