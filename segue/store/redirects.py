"""Whom a profile id means today: a merge leaves a redirect on the profile that went."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from segue.store.bulk import rows_where
from segue.store.tables import profile


def roots_of(connection: Connection, profile_ids: Collection[int]) -> dict[int, int]:
    """Map each id to the profile that stays in its place; to itself where it was never merged, or is unknown."""
    root = {one: one for one in profile_ids}
    ahead = set(root)
    redirected = select(profile.c.id, profile.c.merged_into).where(profile.c.merged_into.is_not(None))
    while hop := {row[0]: row[1] for row in rows_where(connection, redirected, profile.c.id, ahead)}:
        root = {one: hop.get(at, at) for one, at in root.items()}
        ahead = set(hop.values())
    return root
