"""News of messages into their table, each once however often a provider tells it.

The message is found by our key, which the provider carried back, else by the provider's id of a text message. A key
that a merge has rewritten since is read as the merge wrote it. What becomes of the message is the outbox's to say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from segue.intake.report import Tally
from segue.intake.talk import Delivery
from segue.store.bulk import ids_of, insert_new, rows_where
from segue.store.redirects import roots_of
from segue.store.tables import delivery_event, message

_PERSON = re.compile(r"(?<![A-Za-z0-9_])profile:(\d{1,18})(?!\d)")


def write_deliveries(connection: Connection, facts: Sequence[Delivery], now: datetime, tally: Tally) -> None:
    """Append news; that of a message we do not know (yet) is kept without one, and counted `unknown_message`."""
    by_key = _by_key(connection, {fact.key for fact in facts if fact.key is not None})
    by_id = _by_provider_id(connection, {fact.provider_id for fact in facts if fact.provider_id is not None})
    rows = {}
    for fact in facts:
        found = by_key.get(fact.key) or by_id.get(fact.provider_id)
        if found is None:
            tally.warn(fact.line, "unknown_message")
        rows[fact.dedupe] = {
            "dedupe": fact.dedupe,
            "message_id": found,
            "provider": fact.provider,
            "kind": fact.kind,
            "reason": fact.reason,
            "occurred_at": fact.occurred_at,
            "recorded_at": now,
        }
    new = insert_new(connection, delivery_event, list(rows.values()), ["dedupe"])
    tally.count("delivery", seen=len(facts), new=new)


def _by_key(connection: Connection, keys: Collection[str]) -> dict[str | None, int]:
    found: dict[str | None, int] = {**ids_of(connection, message, "key", keys)}
    merged = {key: ids for key in keys if key not in found and (ids := _people(key))}
    if merged:
        roots = roots_of(connection, {one for ids in merged.values() for one in ids})
        today = {key: _PERSON.sub(lambda one: f"profile:{roots[int(one[1])]}", key) for key in merged}
        known = ids_of(connection, message, "key", set(today.values()))
        found |= {key: known[name] for key, name in today.items() if name in known}
    return found


def _people(key: str) -> list[int]:
    return [int(one) for one in _PERSON.findall(key)]


def _by_provider_id(connection: Connection, ids: Iterable[str]) -> dict[str | None, int]:
    columns = select(message.c.provider_id, message.c.id).where(message.c.channel == "sms")
    return {row[0]: row[1] for row in rows_where(connection, columns, message.c.provider_id, set(ids))}
