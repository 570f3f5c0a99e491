"""The names a chunk of facts speaks of, and whom they mean."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, select

from segue.store.bulk import fresh_ids, rows_where
from segue.store.tables import identifier, profile, profile_merge

#: Kinds of names of which one person has one each; the surest first.
ACCOUNTS = ("shop", "loyalty")


class Crowd:
    """The names a chunk of facts speaks of, as the database and the facts before know them."""

    def __init__(self, connection: Connection, names: set[tuple[str, str]]) -> None:
        self.naming: dict[tuple[str, str], int] = {}
        #: Kinds of naming names each of these profiles has, not only the names asked for.
        self.kinds: defaultdict[int, set[str]] = defaultdict(set)
        self.made: dict[int, None] = {}
        self.added: list[tuple[int, str, str, bool]] = []
        #: Pairs of profiles that are one, kept and gone, and the kind of the name that says so.
        self.merges: dict[tuple[int, int], str] = {}
        #: Who is known to be one with whom, and the kinds of accounts they have together.
        self._leader: dict[int, int] = {}
        self._accounts: defaultdict[int, set[str]] = defaultdict(set)
        self._ids = fresh_ids(connection, profile)
        self._held: set[tuple[int, str, str]] = set()
        self._holders: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        columns = select(identifier.c.profile_id, identifier.c.kind, identifier.c.value, identifier.c.identifies)
        for owner, kind, value, identifies in rows_where(
            connection, columns, identifier.c.value, {value for _, value in names}
        ):
            if identifies:
                self.naming[kind, value] = owner
            self._held.add((owner, kind, value))
            self._holders[kind, value].add(owner)
        found = select(profile_merge.c.kept_id, profile_merge.c.gone_id).where(profile_merge.c.merged_at.is_(None))
        people = set(self.naming.values())
        for kept, gone in connection.execute(found):
            self.join(kept, gone)
            people |= {kept, gone}
        owned = columns.where(identifier.c.identifies)
        for owner, kind, _, _ in rows_where(connection, owned, identifier.c.profile_id, people):
            self._names(owner, kind)

    def make(self) -> int:
        """Begin a new profile."""
        new = next(self._ids)
        self.made[new] = None
        return new

    def add(self, owner: int, kind: str, value: str, *, identifies: bool) -> bool:
        """Give `owner` a name; return whether it is news."""
        if (owner, kind, value) in self._held:
            return False
        self._held.add((owner, kind, value))
        self._holders[kind, value].add(owner)
        self.added.append((owner, kind, value, identifies))
        if identifies:
            self.naming[kind, value] = owner
            self._names(owner, kind)
        return True

    def _names(self, owner: int, kind: str) -> None:
        self.kinds[owner].add(kind)
        if kind in ACCOUNTS:
            self._accounts[self._lead(owner)].add(kind)

    def is_one(self, one: int, other: int) -> bool:
        """Whether these profiles are one, as far as these facts and those before say."""
        return self._lead(one) == self._lead(other)

    def has_other_account(self, one: int, other: int) -> bool:
        """Whether both have a shop id, or both a loyalty number; it cannot be the same one, which names one profile."""
        one, other = self._lead(one), self._lead(other)
        return one != other and bool(self._accounts[one] & self._accounts[other])

    def accounts(self, one: int) -> set[str]:
        """Return the kinds of accounts that this person has, under any profile."""
        return self._accounts[self._lead(one)]

    def is_anothers(self, owner: int, kind: str, value: str) -> bool:
        """Whether anybody but `owner` goes by this name or is reached by it."""
        return bool(self._holders[kind, value] - {owner})

    def join(self, one: int, other: int) -> None:
        """From now on these profiles are one, and so are those that were one with either."""
        one, other = self._lead(one), self._lead(other)
        if one != other:
            self._leader[other] = one
            self._accounts[one] |= self._accounts.pop(other, set())

    def _lead(self, one: int) -> int:
        while one in self._leader:
            one = self._leader[one]
        return one
