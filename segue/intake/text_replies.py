"""Replies by text message: kept as events in one word, and what follows for the person whose number it is.

A stop silences the number (its suppression is written by the door) and is her no. A start lifts a stop of that number
and nothing else: her yes is written only where an earlier stop is known, in whatever order the two are told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from segue.intake.report import Tally
from segue.intake.talk import Reply
from segue.store.bulk import insert_new, rows_where
from segue.store.tables import consent_event, event, identifier, suppression

#: The event's name; its property `meaning` is stop, start, help or unclear, `number` the keyed hash of who wrote.
REPLY = "Text Message Received"


def write_replies(connection: Connection, facts: Sequence[Reply], now: datetime, tally: Tally) -> None:
    """Append replies; one that says neither is for a human to read, under its id at the provider."""
    if not facts:
        return
    owners = _owners(connection, {fact.phone for fact in facts})
    rows = {
        fact.dedupe: {
            "dedupe": fact.dedupe,
            "profile_id": owners.get(fact.phone),
            "name": REPLY,
            "properties": {"meaning": fact.meaning, "number": fact.address_hash},
            "occurred_at": fact.occurred_at,
            "recorded_at": now,
        }
        for fact in facts
    }
    for fact in facts:
        if fact.meaning == "unclear":
            tally.warn(fact.line, "needs_reading")
        elif fact.meaning == "help":
            tally.warn(fact.line, "asks_for_help")
    new = insert_new(connection, event, list(rows.values()), ["dedupe"])
    tally.count("reply", seen=len(facts), new=new)
    said = {fact.address_hash for fact in facts if fact.meaning in {"stop", "start"}}
    consents = list(_consents(connection, set(owners.values()), said, now))
    new = insert_new(connection, consent_event, consents, ["dedupe"])
    tally.taken["consent"] += new


def _owners(connection: Connection, phones: Collection[str]) -> dict[str, int]:
    """Whom a number names: one person at most."""
    columns = select(identifier.c.value, identifier.c.profile_id).where(
        identifier.c.kind == "phone", identifier.c.identifies
    )
    return {row[0]: row[1] for row in rows_where(connection, columns, identifier.c.value, phones)}


def _consents(
    connection: Connection, people: Collection[int], numbers: Collection[str], now: datetime
) -> Iterator[dict[str, Any]]:
    """What all the replies of these people, from these numbers, say of consent."""
    told = select(event.c.dedupe, event.c.profile_id, event.c.properties, event.c.occurred_at).where(
        event.c.name == REPLY
    )
    replies = [
        row
        for row in rows_where(connection, told, event.c.profile_id, people)
        if row.properties["number"] in numbers and row.properties["meaning"] in {"stop", "start"}
    ]
    stops: defaultdict[str, list[datetime]] = defaultdict(list)
    silenced = select(suppression.c.address_hash, suppression.c.occurred_at).where(suppression.c.reason == "stop")
    for row in rows_where(connection, silenced, suppression.c.address_hash, numbers):
        stops[row[0]].append(row[1])
    for row in replies:
        if row.properties["meaning"] == "stop":
            stops[row.properties["number"]].append(row.occurred_at)
    for row in replies:
        is_stop = row.properties["meaning"] == "stop"
        if is_stop or any(at < row.occurred_at for at in stops[row.properties["number"]]):
            yield {
                "profile_id": row.profile_id,
                "channel": "sms",
                "purpose": "marketing",
                "state": "denied" if is_stop else "granted",
                "basis": "objection" if is_stop else "opt_in",
                "source": f"reply:{row.properties['meaning']}",
                "wording": None,
                "occurred_at": row.occurred_at,
                "is_dated": True,
                "recorded_at": now,
                "dedupe": f"reply:{row.dedupe}",
            }
