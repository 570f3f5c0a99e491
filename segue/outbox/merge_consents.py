"""Whoever said no under one of her names has said no: a merge never turns it into a yes.

A consent does not say which address it was given for. So a yes of one profile, even a later one, does not answer the no
of the other: it was the answer to another question. Where the facts together would read as a yes, the no is written
down once more, as said at the merge; a yes that comes after it counts again.

Nor does a yes of one profile answer for an address that only the other one has: a typing error in an account makes a
stranger's address hers. There the yes is written down as doubted, until she says it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import Connection, Row, select

from segue.store.bulk import insert_new, rows_where, update_many
from segue.store.sql import micros
from segue.store.tables import consent_event, identifier
from segue.store.types import to_micros

_NO = ("doubted", "denied")  # weakest first
_YES = ("granted", "confirmed")
#: An objection to direct marketing as such holds on every channel.
_EVERYWHERE = "all"
#: By what a channel reaches somebody. Print has no address of its own here; ad platforms are told both kinds.
_REACHED_BY = {"email": ("email",), "ads": ("email", "phone"), "sms": ("phone",)}
_ADDRESSES = sorted({kind for kinds in _REACHED_BY.values() for kind in kinds})
_NEVER = float("-inf")

Asked = tuple[int, str, str]  # whom, of which purpose, on which channel


def keep_every_no(connection: Connection, root_of: Mapping[int, int], now: datetime) -> None:
    """Let every no among the profiles that go (`root_of`: into whom) and those they go into stand.

    Comes before the facts change hands.
    """
    _rename(connection, root_of)
    facts = _facts(connection, {*root_of, *root_of.values()}, now)
    after = _refusals(facts, lambda owner: root_of.get(owner, owner))
    before = _refusals(facts, lambda owner: owner)
    strictest: dict[Asked, int] = dict.fromkeys(_never_asked(connection, facts, before, root_of), _NO.index("doubted"))
    for (owner, purpose, channel), refusal in before.items():
        asked = root_of.get(owner, owner), purpose, channel
        strictest[asked] = max(refusal, strictest.get(asked, 0))
    noes = [
        _no(*asked, _NO[refusal], now) for asked, refusal in sorted(strictest.items()) if refusal > after.get(asked, -1)
    ]
    if noes:
        insert_new(connection, consent_event, noes, ["dedupe"])


def _never_asked(
    connection: Connection, facts: Sequence[Row[Any]], refusals: Mapping[Asked, int], root_of: Mapping[int, int]
) -> Iterator[Asked]:
    """Where the yes of one profile would reach an address that none of those who said yes has."""
    agreed: defaultdict[Asked, set[int]] = defaultdict(set)
    for row in facts:
        owner, purpose, channel = row.profile_id, row.purpose, row.channel
        if row.state in _YES and channel in _REACHED_BY and (owner, purpose, channel) not in refusals:
            agreed[root_of.get(owner, owner), purpose, channel].add(owner)
    if not agreed:
        return
    name = identifier.c
    rows = rows_where(
        connection,
        select(name.profile_id, name.kind, name.value).where(name.kind.in_(_ADDRESSES)),
        name.profile_id,
        {*root_of, *root_of.values()},
    )
    addresses: defaultdict[tuple[int, str], set[tuple[int, str]]] = defaultdict(set)
    for row in rows:
        addresses[root_of.get(row.profile_id, row.profile_id), row.kind].add((row.profile_id, row.value))
    for asked, owners in agreed.items():
        theirs = {one for kind in _REACHED_BY[asked[2]] for one in addresses[asked[0], kind]}
        if {value for _, value in theirs} > {value for owner, value in theirs if owner in owners}:
            yield asked


def _refusals(facts: Sequence[Row[Any]], person_of: Callable[[int], int]) -> dict[Asked, int]:
    """How firmly each person refuses, by purpose and channel: 0 doubted, 1 denied; who does not is left out.

    The rule of `consents`, for any channel and purpose: a no holds against every yes not dated after it.
    """
    people = {person_of(row.profile_id) for row in facts}
    asked = {(row.purpose, row.channel) for row in facts if row.channel != _EVERYWHERE}
    latest: defaultdict[tuple[int, str, str, str], float] = defaultdict(lambda: _NEVER)
    for row in facts:
        said = "yes" if row.state in _YES else row.state
        at = _NEVER if said == "yes" and not row.is_dated else row.at
        place = (person_of(row.profile_id), row.purpose, row.channel, said)
        latest[place] = max(at, latest[place])
    found: dict[Asked, int] = {}
    for person, (purpose, channel) in product(people, asked):
        yes = latest[person, purpose, channel, "yes"]
        for refusal, word in enumerate(_NO):
            no = max(latest[person, purpose, place, word] for place in (channel, _EVERYWHERE))
            if no > _NEVER and yes <= no:
                found[person, purpose, channel] = refusal
    return found


def _no(root: int, purpose: str, channel: str, state: str, now: datetime) -> dict[str, Any]:
    return {
        "profile_id": root,
        "channel": channel,
        "purpose": purpose,
        "state": state,
        "basis": "objection",
        "source": "merge",
        "wording": None,
        "occurred_at": now,
        "is_dated": state == "denied",
        "recorded_at": now,
        "dedupe": f"merge:{root}:{channel}:{purpose}:{state}:{to_micros(now)}",
    }


def _facts(connection: Connection, profiles: set[int], now: datetime) -> list[Row[Any]]:
    said = consent_event.c
    at = micros(connection, said.occurred_at).label("at")
    columns = (said.profile_id, said.channel, said.purpose, said.state, at, said.is_dated)
    statement = select(*columns).where(said.occurred_at <= now)
    return list(rows_where(connection, statement, said.profile_id, profiles))


def _rename(connection: Connection, root_of: Mapping[int, int]) -> None:
    """Give the facts the names the one who stays would have given them, so that an import again adds nothing."""
    said = consent_event.c
    wanted: dict[str, int] = {}
    moved = select(said.id, said.profile_id, said.dedupe).order_by(said.id)
    for row in sorted(rows_where(connection, moved, said.profile_id, root_of)):
        head = f"consent:{row.profile_id}:"
        if row.dedupe.startswith(head):
            wanted.setdefault(f"consent:{root_of[row.profile_id]}:{row.dedupe.removeprefix(head)}", row.id)
    # Said under both names: two facts, one of which answers to the name.
    for name in list(_known(connection, wanted)):
        del wanted[name]
    update_many(connection, consent_event, [{"id": row, "dedupe": name} for name, row in wanted.items()])


def _known(connection: Connection, names: Mapping[str, int]) -> Iterator[str]:
    for row in rows_where(connection, select(consent_event.c.dedupe), consent_event.c.dedupe, names):
        yield row[0]
