"""Messages of people who became one: whose they are, their lane's bucket, and keys that are about the person.

Most occasions are about a thing, a cart or an order, and their keys stay. One that is about the person says so with
`profile:<id>`; its key must read as if the profile that stays had always been the only one, or she would be written to
a second time for the same month. Where both had such a message, the one that is further along has the key from now
on. If the other one has not left yet, it is skipped; if it has, it stays what it is, and counts.

A code goes with its message, but keeps the key it was minted under: the shop may be learning it at this moment.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, case, literal, select, update

from segue.outbox import verdicts
from segue.outbox.merge_facts import root_of_owner
from segue.outbox.states import PENDING, PERSON_BUCKETS
from segue.policy import Reason
from segue.store.bulk import ids_of, rows_where, update_many
from segue.store.sql import among
from segue.store.tables import message, voucher

#: How far along a message is: what reached her, or may have, before what was decided, before what is still open.
_FURTHEST = (
    "accepted",
    "uncertain",
    "handed_over",
    "rejected",
    "control",
    "skipped",
    "deferred",
    "held",
    "queued",
)
_PERSON = re.compile(r"(?<![A-Za-z0-9_])profile:(\d+)(?!\d)")
_NAMED = re.compile(r"([A-Za-z0-9_]+):(\d+)(?!\d)")


def move_messages(connection: Connection, root_of: Mapping[int, int], now: datetime) -> None:
    """Rewrite keys, settle what both had, and give the messages to whom their owners went to."""
    _rewrite(connection, root_of, now)
    owner = message.c.profile_id
    root = root_of_owner(owner)
    lane = case((message.c.transactional, literal(PERSON_BUCKETS)), else_=literal(0))
    connection.execute(
        update(message)
        .where(among(connection, owner, root_of.keys()))
        .values(profile_id=root, bucket=root % PERSON_BUCKETS + lane)
    )


def _rewrite(connection: Connection, root_of: Mapping[int, int], now: datetime) -> None:
    columns = (message.c.id, message.c.key, message.c.profile_id, message.c.subject_id)
    about_people = select(*columns, message.c.state, message.c.run_id, message.c.channel).where(
        message.c.key.like("%profile:%")
    )
    claims: defaultdict[str, list[Any]] = defaultdict(list)
    everybody = {*root_of, *root_of.values()}
    for row in rows_where(connection, about_people, message.c.profile_id, everybody):
        claims[_key_of(row, root_of)].append(row)
    owners = ids_of(connection, message, "key", list(claims))
    keys: dict[str, str] = {}
    skipped: list[verdicts.Verdict] = []
    for key, rows in claims.items():
        best = min(rows, key=lambda row: (_FURTHEST.index(row.state), row.id))
        before = next((row for row in rows if row.id == owners.get(key)), None)
        if best.key != key and (before is not None or key not in owners):
            keys[best.key] = key
            if before is not None:
                keys[key] = best.key  # the two change keys, each with its code
        skipped += [_skip(row) for row in rows if row is not best and row.state in PENDING]
    for table, column in ((message, "key"), (voucher, "message_key")):
        _exchange(connection, table, column, keys)
    update_many(connection, message, list(_subjects(claims.values(), root_of)))
    verdicts.store(connection, skipped, now=now)


def _key_of(row: Any, root_of: Mapping[int, int]) -> str:
    """The key as the profile that stays would have it."""
    if row.profile_id not in root_of:
        return str(row.key)
    root = root_of[row.profile_id]
    journey, step, occasion = row.key.split("/", 2)

    def named(found: re.Match[str]) -> str:
        return f"profile:{root}" if root_of.get(int(found[1])) == root else found[0]

    return f"{journey}/{step}/{_PERSON.sub(named, occasion)}"


def _exchange(connection: Connection, table: Table, column: str, keys: Mapping[str, str]) -> None:
    """Rename rows by key; two may change names, so all let go of theirs first."""
    held = ids_of(connection, table, column, list(keys))
    update_many(connection, table, [{"id": row, column: f"merging:{row}"} for row in held.values()])
    update_many(connection, table, [{"id": row, column: keys[key]} for key, row in held.items()])


def _subjects(claims: Iterable[Sequence[Any]], root_of: Mapping[int, int]) -> Iterator[dict[str, int]]:
    """Messages whose subject was the person: nothing else in the occasion has that number, and a card's is an order."""
    for rows in claims:
        for row in rows:
            if row.channel == "print":
                continue
            kinds = {kind for kind, number in _NAMED.findall(row.key) if int(number) == row.subject_id}
            if row.subject_id in root_of and row.profile_id == row.subject_id and kinds == {"profile"}:
                yield {"id": row.id, "subject_id": root_of[row.subject_id]}


def _skip(row: Any) -> verdicts.Verdict:
    return verdicts.Verdict(
        message_id=row.id,
        run_id=row.run_id,
        state="skipped",
        reason=Reason.MERGED.value,
        channel=row.channel,
        until=None,
    )
