"""Mailboxes and phones that several people share: one worker at a time writes to them.

Who holds the lease of the first sharer's bucket may write to the address; whoever writes to another sharer takes that
lease besides her own and keeps it until the answer is recorded. So a refusal is heard before the next message leaves,
whichever worker sends it. A message whose keeper is leased by somebody else stays where it is, for the next drain.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Engine, func, select

from segue.outbox.compose import Ready
from segue.outbox.lease import Leases
from segue.outbox.states import PERSON_BUCKETS
from segue.store.engine import read
from segue.store.sql import listed
from segue.store.tables import identifier

# Built once, as all that runs for each shard.
_SHARED = (
    select(identifier.c.value, func.min(identifier.c.profile_id % PERSON_BUCKETS))
    .where(listed(identifier.c.value, "addresses"))
    .group_by(identifier.c.value)
    .having(func.count() > 1)
)


def keepers(engine: Engine, addresses: Collection[str]) -> Mapping[str, int]:
    """The keeper's bucket of each of `addresses` that several people share, in the lane of marketing."""
    with read(engine) as connection:
        found = connection.execute(_SHARED, {"addresses": list(addresses)})
        return dict(found.tuples().all())


def kept(share: Sequence[Ready], keeper_of: Mapping[str, int], leases: Leases, missed: set[int]) -> Sequence[Ready]:
    """Those of `share` that may leave, with their keeper where one is needed; `missed` gets the others' keepers."""
    if not keeper_of:
        return share
    asked: list[Ready] = []
    for ready in share:
        keeper = keeper_of.get(ready.message.address)
        # Each lane has buckets of its own: a receipt never waits behind a campaign.
        lane = ready.bucket - ready.bucket % PERSON_BUCKETS
        asked.append(ready if keeper is None else ready._replace(keeper=keeper + lane))
    leases.claim({ready.keeper for ready in asked if ready.keeper is not None})
    missed |= {ready.keeper for ready in asked if ready.keeper is not None} - leases.epochs.keys()
    return [ready for ready in asked if ready.keeper is None or ready.keeper in leases.epochs]
