"""Whose addresses are suppressed, and on which channel.

A stop that somebody texted is lifted by the START she texted later from that number. It lifts nobody else's who has the
same number, no later stop, and no other reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, bindparam, func, select

from segue.outbox.consents import CHANNELS
from segue.outbox.hashes import hash_address
from segue.store.sql import listed
from segue.store.suppressions import STOP
from segue.store.tables import consent_event, event, suppression
from segue.store.types import UtcTime

#: Which channels a kind of address speaks for.
_REACHES = {"email": ("email", "print"), "phone": ("sms",)}
#: Which reasons silence which channel.
_SUPPRESSES = {
    "email": ("hard_bounce", "unsubscribe", "complaint", "objection"),
    "sms": ("hard_bounce", STOP, "complaint", "objection"),
    "print": ("objection",),
}
#: What a reply says of consent is named after the reply, which knows the number it came from.
_REPLY = "reply:"

# Built once: SQLAlchemy takes longer to put such a statement together than SQLite to answer it for a few people.
_ANY_SUPPRESSION = select(suppression.c.id).limit(1)
_SUPPRESSIONS = select(suppression.c.address_hash, suppression.c.reason, suppression.c.occurred_at).where(
    listed(suppression.c.address_hash, "hashes"),
    suppression.c.occurred_at <= bindparam("now", type_=UtcTime),
    suppression.c.reason.in_({reason for reasons in _SUPPRESSES.values() for reason in reasons}),
)
_STARTS = (
    select(consent_event.c.profile_id, consent_event.c.occurred_at, event.c.properties)
    .join(event, event.c.dedupe == func.substr(consent_event.c.dedupe, len(_REPLY) + 1))
    .where(
        listed(consent_event.c.profile_id, "people"),
        consent_event.c.channel == "sms",
        consent_event.c.source == f"{_REPLY}start",
        consent_event.c.occurred_at <= bindparam("now", type_=UtcTime),
    )
)


def suppressed(
    connection: Connection,
    ids: Sequence[int],
    found: Mapping[str, Any],
    others: Iterable[tuple[str, int, str]],
    *,
    now: datetime,
    secret: bytes,
) -> dict[str, Any]:
    """Why each person's address is suppressed on each channel, over every profile that shares it.

    `found` holds the addresses to use (`email`, `phone`) in the order of `ids`. A no that somebody gave by one of her
    `others` (kind, place, address) is hers as well; that one of them bounced is not.
    """
    silenced = {channel: np.full(len(ids), None, dtype=object) for channel in CHANNELS}
    if connection.scalar(_ANY_SUPPRESSION) is None:
        return silenced
    hashes = _hashes(found, others, secret)
    told = connection.execute(_SUPPRESSIONS, {"hashes": list(hashes), "now": now}).all()
    stopped = [row.address_hash for row in told if row.reason == STOP]
    people = {ids[place] for digest in stopped for _, place, _ in hashes[digest]}
    started = _started(connection, people, now) if people else {}
    for digest, reason, at in told:
        for channels, place, used in hashes[digest]:
            if reason == STOP and (start := started.get((ids[place], digest))) is not None and start > at:
                continue
            for channel in channels if used or reason != "hard_bounce" else ():
                # A hard bounce is the strongest: it alone stops transactional messages too.
                if reason in _SUPPRESSES[channel] and silenced[channel][place] != "hard_bounce":
                    silenced[channel][place] = reason
    return silenced


def _hashes(
    found: Mapping[str, Any], others: Iterable[tuple[str, int, str]], secret: bytes
) -> dict[str, list[tuple[tuple[str, ...], int, bool]]]:
    """By hash of an address: the channels it speaks for, whose it is, and whether it is the one to use."""
    hashes: dict[str, list[tuple[tuple[str, ...], int, bool]]] = {}
    for kind, reached in _REACHES.items():
        for place, address in enumerate(found[kind]):
            if address is not None:
                hashes.setdefault(hash_address(address, secret), []).append((reached, place, True))
    for kind, place, address in others:
        hashes.setdefault(hash_address(address, secret), []).append((_REACHES[kind], place, False))
    return hashes


def _started(connection: Connection, people: Iterable[int], now: datetime) -> dict[tuple[int, str], datetime]:
    """By person and the hash of her number: when she last texted START."""
    newest: dict[tuple[int, str], datetime] = {}
    for profile_id, at, reply in connection.execute(_STARTS, {"people": list(people), "now": now}):
        number = profile_id, reply["number"]
        newest[number] = max(at, newest.get(number, at))
    return newest
