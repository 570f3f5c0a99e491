"""One person's timeline: facts and decisions in the order in which they happened, as people would tell it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select

from segue.gallery import words
from segue.gallery.facts import LOOKED, Entry, HashAddress, facts
from segue.gallery.parcels import parcels
from segue.gallery.programme import programme
from segue.gallery.talk import talk
from segue.journeys.definition import Journey
from segue.store.sql import among
from segue.store.tables import identifier, profile

#: Looks at products closer together than this are told as one.
_ONE_VISIT: Final = timedelta(minutes=30)
#: At one instant, in this order: what she did comes before what was decided about it.
_ORDER: Final = ("person", "consent", "refusal", "order", "look", "cart", "decision", "message", "code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A person, and all that happened to her, oldest first."""

    profile_id: int
    name: str
    #: IANA zone; None where nobody knows it.
    zone: str | None
    #: Where she can be reached, as `(kind, value)`.
    addresses: tuple[tuple[str, str], ...]
    entries: tuple[Entry, ...]


def timelines(
    connection: Connection,
    people: Collection[int],
    *,
    until: datetime,
    journeys: Mapping[str, Journey],
    hash_address: HashAddress | None = None,
    noted: Iterable[tuple[int, Entry]] = (),
) -> dict[int, Timeline]:
    """The timelines of these profiles, by id; unknown ids are missing. Holds personal data.

    `noted` are entries that somebody wrote down on the way, since the store keeps only the latest of their kind.
    """
    told: dict[int, list[Entry]] = {}
    for profile_id, entry in facts(connection, people, until=until, hash_address=hash_address):
        told.setdefault(profile_id, []).append(entry)
    for profile_id, entry in parcels(connection, people, until=until):
        told.setdefault(profile_id, []).append(entry)
    for profile_id, entry in programme(connection, people, until=until):
        told.setdefault(profile_id, []).append(entry)
    for profile_id, entry in talk(connection, people, journeys=journeys):
        told.setdefault(profile_id, []).append(entry)
    for profile_id, entry in noted:
        if entry not in told.setdefault(profile_id, []):
            told[profile_id].append(entry)
    addresses: dict[int, list[tuple[str, str]]] = {}
    for row in connection.execute(
        select(identifier.c.profile_id, identifier.c.kind, identifier.c.value)
        .where(among(connection, identifier.c.profile_id, people), identifier.c.kind.in_(("email", "phone")))
        .order_by(identifier.c.id)
    ):
        addresses.setdefault(row.profile_id, []).append((row.kind, row.value))
    return {
        row.id: Timeline(
            profile_id=row.id,
            name=" ".join(part for part in (row.first_name, row.last_name) if part) or f"Profile {row.id}",
            zone=row.zone,
            addresses=tuple(addresses.get(row.id, ())),
            entries=_in_order(told.get(row.id, ())),
        )
        for row in connection.execute(
            select(profile.c.id, profile.c.first_name, profile.c.last_name, profile.c.zone).where(
                among(connection, profile.c.id, people)
            )
        )
    }


def profile_of(connection: Connection, address: str) -> int | None:
    """The profile that an address names; None where it names nobody."""
    found = connection.scalar(
        select(identifier.c.profile_id).where(identifier.c.value == address.strip().lower(), identifier.c.identifies)
    )
    return None if found is None else int(found)


def _in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    ordered = sorted(entries, key=lambda entry: (entry.at, _ORDER.index(entry.kind)))
    told: list[Entry] = []
    seen: list[str] = []
    for entry in ordered:
        last = told[-1] if told else None
        if entry.kind == "look" and last and _one_visit(last, entry):
            seen.append(entry.detail)
            told[-1] = replace(last, detail=_listed(seen))
            continue
        seen = [entry.detail]
        told.append(entry)
    return tuple(told)


def _one_visit(last: Entry, entry: Entry) -> bool:
    return last.kind == "look" and last.title == entry.title == LOOKED and entry.at - last.at <= _ONE_VISIT


def _listed(names: Iterable[str]) -> str:
    """Name the first three different things and count the others."""
    different = list(dict.fromkeys(name for name in names if name))
    more = len(different) - 3
    return ", ".join(different[:3]) + (f" and {words.counted(more, 'other thing')}" if more > 0 else "")
