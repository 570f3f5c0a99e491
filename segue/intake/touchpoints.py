"""Landings, clicks, shares, follows and mentions, and whose they are where nobody is named.

A link's token names the message, and so its reader; a voucher's code names its owner; a shared code names who gave it.
A friend's code on a landing names nobody: who came is the friend. A link may be passed on, so a person who is named
stands before all of them, and nobody is given another's cookie or name by a click.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from segue.intake import records as r
from segue.intake.report import Tally
from segue.intake.talk import Touchpoint
from segue.store.bulk import ids_of, insert_new, rows_where
from segue.store.tables import message, referral_code, touchpoint, voucher


@dataclass(slots=True)
class Brought:
    """What brought the people of a chunk of facts, by `id(fact)`."""

    messages: dict[int, int] = field(default_factory=dict)
    owners: dict[int, int] = field(default_factory=dict)


def brought_by(connection: Connection, facts: Iterable[r.Consent | Touchpoint], tally: Tally) -> Brought:
    """Find the messages and owners that links and codes name; a message nobody knows is a warning."""
    told = [fact for fact in facts if fact.through is not None or isinstance(fact, Touchpoint)]
    if not told:
        return Brought()
    touches = [fact for fact in told if isinstance(fact, Touchpoint)]
    vouchers, sharers = _vouchers(connection, touches), _sharers(connection, touches)
    keys = {fact.key for fact in touches if fact.key is not None} | {key for key, _ in vouchers.values()}
    by_key = ids_of(connection, message, "key", keys) if keys else {}
    owned = {fact.through for fact in told if fact.through is not None} | set(by_key.values())
    readers = _readers(connection, owned) if owned else {}
    found = Brought()
    for fact in told:
        name = id(fact)
        brought = fact.through
        if isinstance(fact, Touchpoint):
            key, owner = vouchers.get(_code(fact), (None, None))
            if fact.kind == "share":
                owner = sharers.get(_code(fact))
            if owner is not None:
                found.owners[name] = owner
            brought = brought or by_key.get(fact.key) or by_key.get(key)
            if fact.key is not None and brought is None:
                tally.warn(fact.line, "unknown_message", "key")
        if brought is not None and brought not in readers:
            tally.warn(fact.line, "unknown_message")
        elif brought is not None:
            found.messages[name] = brought
            found.owners.setdefault(name, readers[brought])
    return found


def write_touchpoints(
    connection: Connection,
    facts: Sequence[Touchpoint],
    owners: dict[int, int],
    brought: Brought,
    now: datetime,
    tally: Tally,
) -> None:
    """Append what happened, under its own name; of nobody we know it is a fact, too."""
    rows = {
        fact.dedupe: {
            "dedupe": fact.dedupe,
            "profile_id": owners.get(id(fact)),
            "kind": fact.kind,
            "message_id": brought.messages.get(id(fact)),
            "network": fact.network,
            "campaign": fact.campaign,
            "target": fact.target,
            "verified": fact.verified,
            "occurred_at": fact.occurred_at,
            "recorded_at": now,
        }
        for fact in facts
    }
    new = insert_new(connection, touchpoint, list(rows.values()), ["dedupe"])
    tally.count("touchpoint", seen=len(facts), new=new)


def _code(fact: Touchpoint) -> str:
    """As codes are kept; no code is empty."""
    return (fact.code or "").strip().upper()


def _vouchers(connection: Connection, facts: Iterable[Touchpoint]) -> dict[str, tuple[str, int]]:
    """The key of the message that a voucher stands in, and its owner, by code."""
    codes = {_code(fact) for fact in facts if fact.code is not None and fact.kind != "share"}
    columns = select(voucher.c.code, voucher.c.message_key, voucher.c.profile_id)
    return {row[0]: (row[1], row[2]) for row in rows_where(connection, columns, voucher.c.code, codes)}


def _sharers(connection: Connection, facts: Iterable[Touchpoint]) -> dict[str, int]:
    codes = {
        code for fact in facts if fact.code is not None and fact.kind == "share" for code in (_code(fact), fact.code)
    }
    columns = select(referral_code.c.code, referral_code.c.profile_id)
    return {row[0].upper(): row[1] for row in rows_where(connection, columns, referral_code.c.code, codes)}


def _readers(connection: Connection, messages: Collection[int]) -> dict[int, int]:
    columns = select(message.c.id, message.c.profile_id)
    return {row[0]: row[1] for row in rows_where(connection, columns, message.c.id, messages)}
