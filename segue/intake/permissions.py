"""Consents and suppressions into their tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from segue.intake import records as r
from segue.intake.report import Tally
from segue.store.bulk import insert_new, rows_where
from segue.store.suppressions import insert_suppressions
from segue.store.tables import consent_event, identifier
from segue.store.types import to_micros

_NOES = ("denied", "doubted")
#: As far as a clock that is set wrongly, or to another zone, runs ahead of ours. A yes further ahead waits for its day.
AHEAD_AT_MOST = timedelta(hours=26)
#: What a no on this channel silences that came by a link of ours: kinds of addresses, and how that is called.
_SILENCES = {
    "email": {"email": "unsubscribe"},
    "sms": {"phone": "stop"},
    "all": {"email": "unsubscribe", "phone": "stop"},
}


def write_consents(
    connection: Connection, facts: Sequence[r.Consent], owners: dict[int, int], now: datetime, tally: Tally
) -> None:
    """Append the consents of those we can name; the others are counted `nobody`.

    An undated fact goes by a name without a time: the same file read again tomorrow says nothing new. A clock that
    runs ahead makes no yes outlive a no that comes after it: what is said to come was said now. A no never waits,
    however far ahead its date lies; such a date says nothing for a yes against any no, before it or after.
    """
    rows = {}
    seen = 0
    for fact in facts:
        owner = owners.get(id(fact))
        if owner is None:
            tally.skip(fact.line, "nobody")
            continue
        seen += 1
        at = str(to_micros(fact.occurred_at)) if fact.is_dated else "undated"
        said = (fact.channel, fact.purpose, fact.state, fact.basis, fact.source, at)
        name = f"consent:{owner}:{':'.join(said)}"
        rows[name] = {
            "profile_id": owner,
            "channel": fact.channel,
            "purpose": fact.purpose,
            "state": fact.state,
            "basis": fact.basis,
            "source": fact.source,
            "wording": fact.wording,
            "occurred_at": min(fact.occurred_at, now) if _counts_at_once(fact, now) else fact.occurred_at,
            "is_dated": fact.is_dated and _counts_at_once(fact, now),
            "recorded_at": now,
            "dedupe": name,
        }
    tally.count("consent", seen=seen, new=insert_new(connection, consent_event, list(rows.values()), ["dedupe"]))


def _counts_at_once(fact: r.Consent, now: datetime) -> bool:
    return fact.state in _NOES or fact.occurred_at <= now + AHEAD_AT_MOST


def silenced(
    connection: Connection, facts: Sequence[r.Consent], owners: dict[int, int], hash_address: Callable[[str], str]
) -> list[r.Suppression]:
    """Return the addresses that a no through a link of ours is about: whoever else has them gets no more, either.

    Our message went to an address; who clicked need not be who we think lives there. Of several she has, all.
    """
    noes = [fact for fact in facts if fact.through is not None and fact.state == "denied" and id(fact) in owners]
    noes = [fact for fact in noes if fact.channel in _SILENCES]
    if not noes:
        return []
    found: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    columns = select(identifier.c.profile_id, identifier.c.kind, identifier.c.value)
    for row in rows_where(connection, columns, identifier.c.profile_id, {owners[id(fact)] for fact in noes}):
        found[row.profile_id, row.kind].append(row.value)
    return [
        r.Suppression(
            line=fact.line,
            address_hash=hash_address(address),
            reason=reason,
            occurred_at=fact.occurred_at,
        )
        for fact in noes
        for kind, reason in _SILENCES[fact.channel].items()
        for address in found[owners[id(fact)], kind]
    ]


def write_suppressions(connection: Connection, facts: Sequence[r.Suppression], now: datetime, tally: Tally) -> None:
    """Add addresses never to be written to; `suppressions` tells what of one that is known already counts.

    None waits for its date: one that lies ahead of our clock was misread, or told by a clock that runs ahead.
    """
    rows = [
        {
            "address_hash": fact.address_hash,
            "reason": fact.reason,
            "occurred_at": min(fact.occurred_at, now),
            "recorded_at": now,
        }
        for fact in facts
    ]
    tally.count("suppression", seen=len(facts), new=insert_suppressions(connection, rows))
