"""What ad policy asks about people, and the identifiers a platform may know them by; many people at a time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection, bindparam, select

from segue.outbox.consents import read_consents
from segue.outbox.hashes import hash_address
from segue.store.sql import listed
from segue.store.tables import identifier, profile, suppression
from segue.store.types import UtcTime

_PROFILES = select(
    profile.c.id,
    profile.c.first_name,
    profile.c.last_name,
    profile.c.country,
    profile.c.region,
    profile.c.birth_year,
    profile.c.merged_into,
).where(listed(profile.c.id, "people"))
#: Those who turned out to be her.
_OTHERS = select(profile.c.merged_into, profile.c.country, profile.c.birth_year).where(
    listed(profile.c.merged_into, "people")
)
_ADDRESSES = (
    select(identifier.c.profile_id, identifier.c.kind, identifier.c.value, identifier.c.identifies)
    .where(listed(identifier.c.profile_id, "people"), identifier.c.kind.in_(("email", "phone")))
    .order_by(identifier.c.id.desc())  # the first one she gave comes last and stays
)
_ANY_SUPPRESSION = select(suppression.c.id).limit(1)
_SUPPRESSED = (
    select(suppression.c.address_hash)
    .where(listed(suppression.c.address_hash, "hashes"), suppression.c.occurred_at <= bindparam("now", type_=UtcTime))
    .distinct()
)
_TRAITS = ("first_name", "last_name", "country", "region")


class People:
    """Some people as policy and platforms see them; `frame` has one row an id, in their order."""

    def __init__(self, connection: Connection, ids: Sequence[int], *, now: datetime, secret: bytes) -> None:
        place = {profile_id: number for number, profile_id in enumerate(ids)}
        #: By kind, everything there is; a connector takes of it what its audience was made with.
        self.identifiers: list[dict[str, str]] = [{} for _ in ids]
        addresses = self._read_addresses(connection, place)
        country = np.full(len(ids), None, dtype=object)
        birth_year = np.full(len(ids), -1, dtype=np.int64)
        merged = np.ones(len(ids), dtype=bool)  # who is no more was merged, or erased
        for row in connection.execute(_PROFILES, {"people": list(place)}):
            at = place[row.id]
            merged[at] = row.merged_into is not None
            country[at] = row.country
            traits = {name: value for name in _TRAITS if (value := getattr(row, name))}
            if row.birth_year is not None:
                birth_year[at] = row.birth_year
                traits["birth_year"] = str(row.birth_year)
            self.identifiers[at] |= traits
        # A merge makes nobody of age, and moves nobody to a country that asks for less: of two it is unknown which.
        for row in connection.execute(_OTHERS, {"people": list(place)}):
            at = place[row.merged_into]
            birth_year[at] = max(birth_year[at], row.birth_year or -1)
            country[at] = country[at] if row.country in (None, country[at]) else None
        for at, profile_id in enumerate(ids):
            self.identifiers[at]["external_id"] = external_id(profile_id, secret)
        self.frame = pd.DataFrame(
            {
                "profile_id": np.array(ids, dtype=np.int64),
                "has_address": [bool({"email", "phone"} & one.keys()) for one in self.identifiers],
                "suppressed": self._suppressed(connection, addresses, now, secret),
                "basis": read_consents(connection, place, now, channels=("ads",))["ads"],
                "country": country,
                "birth_year": birth_year,
                "merged": merged,
            }
        )

    def _read_addresses(self, connection: Connection, place: dict[int, int]) -> list[tuple[int, str]]:
        """Keep what names her; return all her addresses, those that she shares among them."""
        everything = []
        for profile_id, kind, value, identifies in connection.execute(_ADDRESSES, {"people": list(place)}):
            everything.append((place[profile_id], value))
            if identifies:  # a shared phone would put, or show, somebody else in the audience
                self.identifiers[place[profile_id]][kind] = value
        return everything

    def _suppressed(
        self, connection: Connection, addresses: list[tuple[int, str]], now: datetime, secret: bytes
    ) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Whether any address of hers is suppressed, whatever for."""
        answer = np.zeros(len(self.identifiers), dtype=bool)
        if connection.scalar(_ANY_SUPPRESSION) is None:
            return answer
        hashes = [hash_address(value, secret) for _, value in addresses]
        found = set(connection.scalars(_SUPPRESSED, {"hashes": hashes, "now": now}))
        for (at, _), digest in zip(addresses, hashes, strict=True):
            answer[at] |= digest in found
        return answer


def external_id(profile_id: int, secret: bytes) -> str:
    """Our name for somebody at ad platforms: a keyed hash that tells them nothing."""
    return hmac.digest(secret, f"ads:{profile_id}".encode(), hashlib.sha256).hex()
