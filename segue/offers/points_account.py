"""One person's points: her entries, and the sums over them that everything about points is told by.

Which points of hers are still there needs no walk through them. Oldest points go first, and `expires_at` of whatever
was earned (and of what was taken from it again) says which are the oldest. So of all that ran out by an instant, what
she had not spent before is what expired: the sum of the one less the sum of the other, at its highest so far.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from segue.store.bulk import insert_new
from segue.store.sql import listed
from segue.store.tables import loyalty_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row of the ledger; `points` with its sign."""

    dedupe: str
    profile_id: int
    kind: str
    reason: str
    points: int
    occurred_at: datetime
    counts_from: datetime
    expires_at: datetime | None = None
    order_id: int | None = None
    network: str | None = None
    verified: bool = True
    points_per_thousand: int | None = None


_COLUMNS = tuple(loyalty_entry.c[name] for name in Entry.__dataclass_fields__)
_OF_PEOPLE = select(*_COLUMNS).where(listed(loyalty_entry.c.profile_id, "people")).order_by(loyalty_entry.c.id)


@dataclass(slots=True)
class Account:
    """Her entries as they stand, and those to be written."""

    profile_id: int
    entries: list[Entry] = field(default_factory=list)
    fresh: list[Entry] = field(default_factory=list)

    def book(self, entry: Entry) -> None:
        """Add an entry; `write` stores it."""
        self.entries.append(entry)
        self.fresh.append(entry)

    def available(self, now: datetime) -> int:
        """Her balance: the sum of what counts by `now`."""
        return sum(entry.points for entry in self.entries if entry.counts_from <= now)

    def named(self, dedupe: str) -> list[Entry]:
        """The entries of one happening: `dedupe` itself and its parts, `dedupe/1` and so on."""
        return [one for one in self.entries if one.dedupe == dedupe or one.dedupe.startswith(f"{dedupe}/")]

    def expired_between(self, at: datetime, now: datetime) -> int:
        """Points that ran out after `at`: who spent them by then, as is told late, spent what was still good."""
        return self._expired(now)[0] - self._expired(at)[0]

    def settle_expiry(self, now: datetime) -> None:
        """Book what ran out by `now` and is not booked; less than was booked, once a late fact says so, goes back.

        Never below 0: only what nobody spent runs out.
        """
        booked = -sum(one.points for one in self.entries if one.reason == "expiry")
        expired, at = self._expired(now)
        if expired == booked:
            return
        number = sum(one.reason == "expiry" for one in self.entries)
        self.book(
            Entry(
                dedupe=f"expired:profile:{self.profile_id}:{number}",
                profile_id=self.profile_id,
                kind="expired" if expired > booked else "given_back",
                reason="expiry",
                points=booked - expired,
                occurred_at=at,
                counts_from=now,
            )
        )

    def _expired(self, now: datetime) -> tuple[int, datetime]:
        """How many points have run out by `now` in all, and the last instant at which some may have."""
        ends: dict[datetime, int] = {}
        for one in self.entries:
            if one.expires_at is not None and one.expires_at <= now:
                ends[one.expires_at] = ends.get(one.expires_at, 0) + one.points
        drains = sorted((one.occurred_at, -one.points) for one in self.entries if is_drain(one))
        instants = [at for at, _ in drains]
        drained = [0, *accumulate(points for _, points in drains)]
        expired, last, reached = 0, now, 0
        for at in sorted(ends):
            reached += ends[at]
            left = reached - drained[bisect_left(instants, at)]
            if left > expired:
                expired, last = left, at
        return expired, last


def is_drain(entry: Entry) -> bool:
    """True for what uses points up, oldest first: spent, or corrected downwards; and for a use that was none after all.

    The latter is given back without an end: it takes the use away, and the lots it came from live as if untouched.
    """
    used_or_not = entry.points < 0 or entry.kind == "given_back"
    return used_or_not and entry.expires_at is None and entry.reason != "expiry"


#: As `is_drain` has it, and what has run out: by these less the lots, oldest first, one knows what is left.
USED_UP: ColumnElement[bool] = and_(
    loyalty_entry.c.expires_at.is_(None), or_(loyalty_entry.c.points < 0, loyalty_entry.c.kind == "given_back")
)


def accounts_of(connection: Connection, people: Collection[int]) -> dict[int, Account]:
    """Read the accounts of `people`; lock them first where anything is decided by it."""
    accounts = {profile_id: Account(profile_id) for profile_id in people}
    for row in connection.execute(_OF_PEOPLE, {"people": sorted(people)}):
        accounts[row.profile_id].entries.append(Entry(**row._mapping))  # noqa: SLF001 - the public way to its names
    return accounts


def write(connection: Connection, accounts: Iterable[Account], now: datetime) -> list[Entry]:
    """Store what was booked; return it."""
    fresh = [entry for account in accounts for entry in account.fresh]
    rows: list[dict[str, Any]] = [{**asdict(entry), "recorded_at": now} for entry in fresh]
    insert_new(connection, loyalty_entry, rows, ("dedupe",))
    for account in accounts:
        account.fresh.clear()
    return fresh
