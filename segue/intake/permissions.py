"""Consents and suppressions into their tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from segue.intake import records as r
from segue.intake.report import Tally
from segue.store.bulk import insert_new
from segue.store.suppressions import insert_suppressions
from segue.store.tables import consent_event
from segue.store.types import to_micros


def write_consents(
    connection: Connection, facts: Sequence[r.Consent], owners: dict[int, int], now: datetime, tally: Tally
) -> None:
    """Append the consents of those we can name; the others are counted `nobody`.

    An undated fact goes by a name without a time: the same file read again tomorrow says nothing new.
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
            "occurred_at": fact.occurred_at,
            "is_dated": fact.is_dated,
            "recorded_at": now,
            "dedupe": name,
        }
    tally.count("consent", seen=seen, new=insert_new(connection, consent_event, list(rows.values()), ["dedupe"]))


def write_suppressions(connection: Connection, facts: Sequence[r.Suppression], now: datetime, tally: Tally) -> None:
    """Add addresses never to be written to; `suppressions` tells what of one that is known already counts."""
    rows = [
        {
            "address_hash": fact.address_hash,
            "reason": fact.reason,
            "occurred_at": fact.occurred_at,
            "recorded_at": now,
        }
        for fact in facts
    ]
    tally.count("suppression", seen=len(facts), new=insert_suppressions(connection, rows))
