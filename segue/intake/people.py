"""Who is who: names to profiles, in the order of the file, without ever joining two people by mistake.

An e-mail address, a shop id or a loyalty number names somebody. A cookie or a phone may be shared by a
household, so neither joins a person who already goes by another name:

- a phone that names somebody else becomes one more way to reach this person, naming nobody (`shared_phone`);
- a cookie that belongs to somebody else stays with that person (`shared_cookie`);
- names of two existing profiles are never joined here (`needs_merge`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from segue.intake import records as r
from segue.intake.changes import Changes
from segue.intake.report import Tally
from segue.store.bulk import fresh_ids, insert_new, rows_where
from segue.store.tables import identifier, profile

_STRONG = frozenset({"email", "shop", "loyalty"})
_TRAITS = tuple(column.name for column in profile.columns if column.name not in {"id", "source", "created_at"})


class People:
    """Profiles and identifiers of one import."""

    def __init__(self, connection: Connection, tally: Tally, now: datetime) -> None:
        self._connection = connection
        self._tally = tally
        self._now = now
        self._changes = Changes(profile)
        #: Whether any cookie was given an owner: then anonymous carts may have one too.
        self.cookies_claimed = False

    def owners(self, facts: Iterable[r.PersonFact]) -> dict[int, int]:
        """Resolve the people of `facts` and write them; return `id(fact)` -> profile id where there is one."""
        named = [fact for fact in facts if fact.names]
        if not named:
            return {}
        crowd = _Crowd(self._connection, {name for fact in named for name in fact.names})
        owners: dict[int, int] = {}
        traits: defaultdict[int, dict[str, Any]] = defaultdict(dict)
        for fact in named:
            owner = self._owner(crowd, fact)
            if owner is None:
                continue
            owners[id(fact)] = owner
            if isinstance(fact, r.Profile):
                traits[owner].update(fact.traits)
            elif owner in crowd.made:
                traits[owner].setdefault("source", getattr(fact, "sales_channel", None))
        self.cookies_claimed |= any(kind == "cookie" for _, kind, _, _ in crowd.added)
        self._write(crowd, traits)
        return owners

    def finish(self) -> None:
        """Write the traits that changed."""
        changed = self._changes.apply(self._connection)
        self._tally.updated["profile"] += changed

    def _owner(self, crowd: _Crowd, fact: r.PersonFact) -> int | None:
        """Decide whom `fact` is about, and who else it names from now on."""
        introduces = isinstance(fact, r.Profile)
        strong = [name for name in fact.names if name[0] in _STRONG]
        found = list(dict.fromkeys(crowd.naming[name] for name in strong if name in crowd.naming))
        weak_owner = {kind: crowd.naming.get((kind, value)) for kind, value in fact.names if kind not in _STRONG}
        cookie_owner = weak_owner.get("cookie")
        if introduces and len({*found, *([cookie_owner] if cookie_owner and found else [])}) > 1:
            self._tally.skip(fact.line, "needs_merge")
            return None
        if len(found) > 1:
            self._tally.warn(fact.line, "needs_merge")
            return found[0]
        owner = found[0] if found else self._weak_owner(crowd, strong, weak_owner)
        made = owner is None
        if owner is None:
            if not strong and "phone" not in weak_owner:
                if introduces:
                    self._tally.skip(fact.line, "missing_key")
                return None  # a cookie alone is nobody we could write to
            owner = crowd.make()
        added = self._attach(crowd, owner, fact)
        if made:
            self._tally.taken["profile"] += 1
        elif added:
            self._tally.updated["profile"] += 1
        elif introduces:
            self._tally.duplicates["profile"] += 1
        return owner

    @staticmethod
    def _weak_owner(crowd: _Crowd, strong: Sequence[tuple[str, str]], weak: dict[str, int | None]) -> int | None:
        """Whom the cookie or phone means: nobody who goes by another name of the kinds that are given."""
        given = {kind for kind, _ in strong}
        cookie, phone = weak.get("cookie"), weak.get("phone")
        if cookie is not None and not crowd.kinds[cookie] & given:
            return cookie
        if phone is not None and not (given and crowd.kinds[phone] & _STRONG):
            return phone
        return None

    def _attach(self, crowd: _Crowd, owner: int, fact: r.PersonFact) -> bool:
        added = False
        for kind, value in fact.names:
            names = crowd.naming.get((kind, value))
            if names == owner:
                continue
            if names is None:
                added |= crowd.add(owner, kind, value, identifies=True)
            elif kind == "phone":
                self._tally.warn(fact.line, "shared_phone")
                added |= crowd.add(owner, kind, value, identifies=False)
            elif kind == "cookie":
                self._tally.warn(fact.line, "shared_cookie")
        return added

    def _write(self, crowd: _Crowd, traits: dict[int, dict[str, Any]]) -> None:
        empty = dict.fromkeys((*_TRAITS, "source"))
        insert_new(
            self._connection,
            profile,
            [{"id": new, **empty, "created_at": self._now, **_known(traits[new])} for new in crowd.made],
            ["id"],
        )
        insert_new(
            self._connection,
            identifier,
            [
                {"profile_id": owner, "kind": kind, "value": value, "identifies": names, "recorded_at": self._now}
                for owner, kind, value, names in crowd.added
            ],
        )
        made = set(crowd.made)
        known = {owner: given for owner, given in traits.items() if owner not in made and given}
        rows = rows_where(self._connection, select(profile), profile.c.id, known)
        for row in (found._mapping for found in rows):  # noqa: SLF001 - SQLAlchemy's public name
            given = {name: value for name, value in known[row["id"]].items() if name in _TRAITS}
            self._changes.compare(row["id"], dict(row), given)


def _known(traits: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in traits.items() if value is not None}


class _Crowd:
    """The names a chunk of facts speaks of, as the database and the facts before know them."""

    def __init__(self, connection: Connection, names: set[tuple[str, str]]) -> None:
        self.naming: dict[tuple[str, str], int] = {}
        #: Kinds of naming names each of these profiles has, not only the names asked for.
        self.kinds: defaultdict[int, set[str]] = defaultdict(set)
        self.made: dict[int, None] = {}
        self.added: list[tuple[int, str, str, bool]] = []
        self._ids = fresh_ids(connection, profile)
        self._held: set[tuple[int, str, str]] = set()
        columns = select(identifier.c.profile_id, identifier.c.kind, identifier.c.value, identifier.c.identifies)
        for owner, kind, value, identifies in rows_where(
            connection, columns, identifier.c.value, {value for _, value in names}
        ):
            if identifies:
                self.naming[kind, value] = owner
            self._held.add((owner, kind, value))
        kinds = select(identifier.c.profile_id, identifier.c.kind).where(identifier.c.identifies)
        for owner, kind in rows_where(connection, kinds, identifier.c.profile_id, set(self.naming.values())):
            self.kinds[owner].add(kind)

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
        self.added.append((owner, kind, value, identifies))
        if identifies:
            self.naming[kind, value] = owner
            self.kinds[owner].add(kind)
        return True
