"""What speaks for abuse of a referral: signals between two people, and their weight.

A score is no verdict. It decides who looks before anything is paid, and the signals tell that person why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from segue.offers.referral_keys import is_granted
from segue.store.bulk import rows_where, update_many
from segue.store.tables import identifier, profile, referral

#: What each signal adds to a score, which ends at 100. Living together alone is no abuse: it asks for a second sign.
WEIGHTS: Mapping[str, int] = {
    "same_person": 100,  # her own code, or the two profiles became one: it earns nothing, and nobody is asked
    "same_email": 100,
    "shared_phone": 60,
    "shared_device": 60,
    "other_friend": 60,  # shares address, phone or device with another friend of the same person
    "household": 40,
}
_KINDS = {"email": "same_email", "phone": "shared_phone", "cookie": "shared_device"}
#: About ten metres.
_DECIMALS = 4
_NAMES = select(identifier.c.profile_id, identifier.c.kind, identifier.c.value).where(identifier.c.kind.in_(_KINDS))
_HOMES = select(
    profile.c.id,
    profile.c.household_hash,
    profile.c.last_name,
    profile.c.home_latitude,
    profile.c.home_longitude,
)
_ALL = select(referral.c.id, referral.c.profile_id, referral.c.friend_id)


@dataclass(slots=True)
class Traces:
    """What somebody can be recognised by."""

    #: By signal: addresses in one spelling, phones, cookies.
    names: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    homes: set[Any] = field(default_factory=set)


def mailbox(address: str) -> str:
    """One spelling of an address: small letters, without dots and `+suffix` before the @; `googlemail` is `gmail`."""
    local, _, domain = address.strip().lower().rpartition("@")
    domain = "gmail.com" if domain == "googlemail.com" else domain
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def score_of(signals: Iterable[str]) -> int:
    """How much these signals speak for abuse, 0 to 100."""
    return min(100, sum(WEIGHTS[signal] for signal in signals))


def weigh_open(connection: Connection) -> None:
    """Weigh every referral that waits for its reward, and that nobody has reviewed, by what is known now."""
    waiting = (
        select(referral.c.id, referral.c.profile_id, referral.c.friend_id, referral.c.score, referral.c.signals)
        .where(referral.c.review.is_(None), ~is_granted(referral.c.id))
        .order_by(referral.c.id)
    )
    rows = connection.execute(waiting).all()
    if not rows:
        return
    friends: defaultdict[int, list[Any]] = defaultdict(list)
    for one in sorted(
        rows_where(connection, _ALL, referral.c.profile_id, {row.profile_id for row in rows}), key=lambda one: one.id
    ):
        friends[one.profile_id].append(one)
    known = _traces(
        connection,
        {row.profile_id for row in rows} | {one.friend_id for several in friends.values() for one in several},
    )
    changed = []
    for row in rows:
        signals = _between(row.profile_id, row.friend_id, known)
        others = [one.friend_id for one in friends[row.profile_id] if one.id < row.id]
        apart = {row.friend_id, row.profile_id}  # herself is no other friend
        if any(_names_shared(known[row.friend_id], known[one]) for one in others if one not in apart):
            signals.append("other_friend")
        if signals != row.signals:
            changed.append({"id": row.id, "score": score_of(signals), "signals": signals})
    update_many(connection, referral, changed)


def _between(one: int, other: int, known: Mapping[int, Traces]) -> list[str]:
    if one == other:
        return ["same_person"]
    signals = _names_shared(known[one], known[other])
    if known[one].homes & known[other].homes:
        signals.append("household")
    return signals


def _names_shared(one: Traces, other: Traces) -> list[str]:
    return [signal for signal in _KINDS.values() if one.names[signal] & other.names[signal]]


def _traces(connection: Connection, people: Collection[int]) -> dict[int, Traces]:
    known = {one: Traces() for one in people}
    for row in rows_where(connection, _NAMES, identifier.c.profile_id, people):
        value = mailbox(row.value) if row.kind == "email" else row.value
        known[row.profile_id].names[_KINDS[row.kind]].add(value)
    for row in rows_where(connection, _HOMES, profile.c.id, people):
        homes = known[row.id].homes
        if row.household_hash is not None:
            homes.add(row.household_hash)
        if row.last_name and row.home_latitude is not None and row.home_longitude is not None:
            point = (round(row.home_latitude, _DECIMALS), round(row.home_longitude, _DECIMALS))
            homes.add((*point, row.last_name.strip().casefold()))
    return known
