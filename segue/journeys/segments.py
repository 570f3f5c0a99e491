"""Segments: small named definitions of people that any campaign can take.

A definition is a list of conditions that all hold, kept as JSON and asked as one select. It says who is meant, never
who may be written to: that is decided for each message at the last moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select

from segue.journeys.segment_people import people
from segue.journeys.segment_rules import (
    Bought,
    CameFrom,
    CartedNotBought,
    ClickedNotBought,
    Condition,
    Definition,
    Everyone,
    Fits,
    Follows,
    Lives,
    LivesWithin,
    Not,
    NotBought,
    PointsAtLeast,
    Speaks,
)
from segue.journeys.segment_words import in_words
from segue.store.sql import among
from segue.store.tables import profile

#: What every installation begins with: name -> title and definition.
STARTERS = {
    "everyone": ("Everyone", Definition(conditions=(Everyone(),))),
    "bought-lately": ("Bought lately", Definition(conditions=(Bought(days=90),))),
    "not-seen-lately": (
        "Bought within two years, not in the last six months",
        Definition(conditions=(Bought(days=730), NotBought(days=180))),
    ),
    "clicked-not-bought": ("Clicked, but has not bought", Definition(conditions=(ClickedNotBought(days=30),))),
}


def segment_select(definition: Definition, now: datetime) -> Select[Any]:
    """Return the select of the ids of everybody `definition` means at `now` (UTC)."""
    return people(definition.conditions, now)


def people_among(connection: Connection, definition: Definition, people: Sequence[int], now: datetime) -> set[int]:
    """Return those of `people` (profile ids) whom `definition` means at `now` (UTC)."""
    still = segment_select(definition, now).where(among(connection, profile.c.id, people))
    return set(connection.scalars(still))


def described(definition: Definition) -> str:
    """Return the definition as the rest of a sentence: `bought in the last 90 days and lives in NY, US`."""
    return " and ".join(in_words(one) for one in definition.conditions)


__all__ = [
    "STARTERS",
    "Bought",
    "CameFrom",
    "CartedNotBought",
    "ClickedNotBought",
    "Condition",
    "Definition",
    "Everyone",
    "Fits",
    "Follows",
    "Lives",
    "LivesWithin",
    "Not",
    "NotBought",
    "PointsAtLeast",
    "Speaks",
    "described",
    "people_among",
    "segment_select",
]
