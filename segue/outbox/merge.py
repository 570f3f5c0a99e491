"""Merging: profiles that an import found to be one person become one, all or nothing.

An import only writes down the pair (`profile_merge`); here it is carried out, once no worker can be in the middle of
something with either of them: under the leases of both people's buckets, in both lanes, in one transaction behind the
fence. Whoever is busy, or has a message out that nobody answered for yet, waits for the next call.

The oldest profile stays. The others keep nothing but a redirect, which always points straight at the one that stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.exc import OperationalError

from segue.offers import lock_people
from segue.outbox.lease import Leases
from segue.outbox.merge_consents import keep_every_no
from segue.outbox.merge_facts import MOVED, move_facts, move_identifiers
from segue.outbox.merge_keys import move_messages
from segue.outbox.merge_profiles import join_profiles
from segue.outbox.states import HANDED_OVER, PERSON_BUCKETS
from segue.store.engine import read, write
from segue.store.locks import try_lock_intake
from segue.store.redirects import roots_of
from segue.store.sql import among
from segue.store.tables import message, profile_merge

if TYPE_CHECKING:
    from segue.outbox.handover import Probe

#: People merged in one transaction: short enough that nobody notices, long enough that thousands take seconds.
BATCH = 250
#: For this long a merged profile is looked at again: a writer that began before the merge may have written to it since.
AFTERMATH = timedelta(hours=1)
#: How long PostgreSQL waits for those who are writing messages before the merge is left for later.
_LOCK_WAIT = "2s"
_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True)
class Person:
    """Profiles that are one, as the pairs on record say."""

    profiles: frozenset[int]
    #: Ids in `profile_merge`.
    pairs: tuple[int, ...]


class Group(NamedTuple):
    """What is about to be carried out: `root` stays; `gone` go, or went and got something since."""

    root: int
    gone: frozenset[int]
    pairs: tuple[int, ...]


def merge_found(engine: Engine, *, leases: Leases, now: datetime, probe: Probe = lambda _name: None) -> int:
    """Carry out the merges on record; return how many profiles went. What is busy waits for the next call.

    `leases` must be nobody else's and hold nothing.
    """
    with read(engine) as connection:
        people = [*waiting(connection), *_stragglers(connection, now)]
    starts = range(0, len(people), BATCH)
    return sum(_merge(engine, people[start : start + BATCH], leases, now, probe) for start in starts)


def waiting(connection: Connection) -> list[Person]:
    """The merges that were found and not carried out; pairs that share a profile are one person."""
    found = connection.execute(
        select(profile_merge.c.id, profile_merge.c.kept_id, profile_merge.c.gone_id)
        .where(profile_merge.c.merged_at.is_(None))
        .order_by(profile_merge.c.id)
    ).all()
    root = roots_of(connection, {one for row in found for one in (row.kept_id, row.gone_id)})
    leader: dict[int, int] = {}

    def lead(one: int) -> int:
        while (above := leader.setdefault(one, one)) != one:
            leader[one] = leader[above]
            one = above
        return one

    for row in found:
        low, high = sorted((lead(root[row.kept_id]), lead(root[row.gone_id])))
        leader[high] = low
    profiles: dict[int, set[int]] = {}
    pairs: dict[int, list[int]] = {}
    for row in found:
        at = lead(root[row.kept_id])
        profiles.setdefault(at, set()).update((row.kept_id, row.gone_id))
        pairs.setdefault(at, []).append(row.id)
    return [Person(frozenset(profiles[at]), tuple(pairs[at])) for at in profiles]


def _stragglers(connection: Connection, now: datetime) -> Iterator[Person]:
    """Profiles that went lately and own something again: whoever wrote it had looked them up before."""
    lately = select(profile_merge.c.kept_id, profile_merge.c.gone_id).where(profile_merge.c.merged_at > now - AFTERMATH)
    root = roots_of(connection, {one for row in connection.execute(lately) for one in row})
    gone = [one for one, at in root.items() if at != one]
    if not gone:
        return
    late: dict[int, set[int]] = {}
    for table in (*MOVED, message):
        owner = table.c.profile_id
        for one in connection.scalars(select(owner).where(among(connection, owner, gone)).distinct()):
            late.setdefault(root[one], set()).add(one)
    for at, some in late.items():
        yield Person(frozenset({at, *some}), ())


def _merge(engine: Engine, people: Sequence[Person], leases: Leases, now: datetime, probe: Probe) -> int:
    with read(engine) as connection:
        root = roots_of(connection, {one for person in people for one in person.profiles})
    leases.claim(_buckets({*root, *root.values()}))
    probe("merge_claimed")
    try:
        with write(engine) as connection:
            if not try_lock_intake(connection):
                return 0
            held = leases.fence(connection, leases.epochs.keys())
            _keep_writers_out(connection)
            groups = list(_ready(connection, people, held))
            went = carry_out(connection, groups, now, probe) if groups else 0
            probe("merge_before_commit")
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            return 0  # somebody is writing a great many messages; the pairs stay on record
        raise
    else:
        probe("merged")
        return went
    finally:
        leases.release()


def carry_out(connection: Connection, groups: Sequence[Group], now: datetime, probe: Probe = lambda _name: None) -> int:
    """Merge `groups`, whose profiles nobody else touches meanwhile; return how many profiles went."""
    # Codes are minted, redeemed and revoked beside any lease: whoever looked before us has to have written by now.
    lock_people(connection, {one for group in groups for one in (group.root, *group.gone)})
    went = join_profiles(connection, {group.root: group.gone for group in groups})
    probe("merge_redirected")
    root_of = {one: group.root for group in groups for one in group.gone}
    keep_every_no(connection, root_of, now)
    move_identifiers(connection, root_of)
    probe("merge_half_moved")
    # Keys are told apart by whose they were, so they are rewritten before the messages change hands.
    move_messages(connection, root_of, now)
    move_facts(connection, root_of, now)
    pairs = [pair for group in groups for pair in group.pairs]
    connection.execute(
        update(profile_merge)
        .where(among(connection, profile_merge.c.id, pairs), profile_merge.c.merged_at.is_(None))
        .values(merged_at=now)
    )
    return went


def _buckets(profiles: Iterable[int]) -> set[int]:
    """The buckets of these people, in both lanes."""
    return {one % PERSON_BUCKETS + lane for one in profiles for lane in (0, PERSON_BUCKETS)}


def _keep_writers_out(connection: Connection) -> None:
    """Let no promise slip in beside the merge: it would be made to a profile that is no more.

    The fence is passed and the leases are locked, so whoever we wait for here waits for nothing of ours.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'"))
        connection.execute(text("LOCK TABLE message IN SHARE ROW EXCLUSIVE MODE"))


def _ready(connection: Connection, people: Sequence[Person], held: Collection[int]) -> Iterator[Group]:
    """Those of `people` who may be merged now: all their buckets are ours, and nobody's answer is awaited."""
    root = roots_of(connection, {one for person in people for one in person.profiles})
    busy = set(
        connection.scalars(
            select(message.c.profile_id)
            .where(among(connection, message.c.profile_id, [*root, *root.values()]), message.c.state == HANDED_OVER)
            .distinct()
        )
    )
    taken: set[int] = set()
    for person in people:
        members = {root[one] for one in person.profiles}
        named = members | person.profiles
        # Another merge may have joined two of these people, or changed who stays, since we looked.
        if not members & taken and not named & busy and _buckets(named) <= set(held):
            taken |= members
            first = min(members)
            yield Group(first, frozenset(named - {first}), person.pairs)
