"""Who is who: names to profiles, in the order of the file, without ever joining two people by mistake.

An e-mail address, a shop id or a loyalty number names somebody. A cookie or a phone may be shared by a
household, so neither joins a person who already goes by another name:

- a phone that names somebody else becomes one more way to reach this person, naming nobody (`shared_phone`);
- a cookie that belongs to somebody else stays with that person; it is written down with the other one, too, naming
  nobody, so that somebody may see that two people sat at one device (`shared_cookie`);
- a row that says who somebody is (a profile row, an `identify`) and names two profiles says that they are one: what it
  says goes to the older one, and the pair is written down to be merged (`needs_merge`), which is not done here;
- unless each of the two has an account of its own, another shop id or loyalty number: an address that two accounts
  give is a family's. It becomes one more way to reach the second (`two_accounts`), also where the row is the first to
  tell of the second account;
- any other row, an order say, proves nothing, for anybody may type anybody's address or phone at a checkout. It is the
  account's, else the address's, else the phone's (`needs_merge` where they are two people), and gives nobody who was
  known by an account or an address another one, or a phone. A new account beside the address of somebody who has one
  of that kind is a person of its own, without the address (`two_accounts`); beside one who has none, the row is the
  address's and the account stays untold. An order's phone names somebody only where there is nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from segue.intake import records as r
from segue.intake.changes import Changes
from segue.intake.crowd import ACCOUNTS, Crowd
from segue.intake.report import Tally
from segue.store.bulk import insert_new, rows_where
from segue.store.tables import identifier, profile, profile_merge

_STRONG = frozenset({"email", "shop", "loyalty"})
_Name = tuple[str, str]
_NO_TRAITS = {"id", "source", "created_at", "merged_into"}
_TRAITS = tuple(column.name for column in profile.columns if column.name not in _NO_TRAITS)


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
        crowd = Crowd(self._connection, {name for fact in named for name in fact.names})
        owners: dict[int, int] = {}
        traits: defaultdict[int, dict[str, Any]] = defaultdict(dict)
        fills: defaultdict[int, dict[str, Any]] = defaultdict(dict)
        for fact in named:
            owner = self._owner(crowd, fact)
            if owner is None:
                continue
            owners[id(fact)] = owner
            if isinstance(fact, r.Profile) and fact.fills_only:
                fills[owner] = {**fact.traits, **fills[owner]}
            elif isinstance(fact, r.Profile):
                traits[owner].update(fact.traits)
            elif owner in crowd.made:
                traits[owner].setdefault("source", getattr(fact, "sales_channel", None))
        self.cookies_claimed |= any(kind == "cookie" for _, kind, _, _ in crowd.added)
        self._write(crowd, traits, fills)
        return owners

    def finish(self) -> None:
        """Write the traits that changed."""
        changed = self._changes.apply(self._connection)
        self._tally.updated["profile"] += changed

    def _owner(self, crowd: Crowd, fact: r.PersonFact) -> int | None:
        """Decide whom `fact` is about, and who else it names from now on."""
        strong = sorted((name for name in fact.names if name[0] in _STRONG), key=_doubt)
        if isinstance(fact, r.Profile) and not fact.fills_only:
            owner, names = self._introduced(crowd, fact, strong), fact.names
        else:
            owner, names = self._mentioned(crowd, fact, strong)
        made = owner is None
        if owner is None:
            if isinstance(fact, r.Profile) and fact.fills_only:
                return None  # what an order says of its buyer in passing; the order has made whoever it could
            if not strong and not any(kind == "phone" for kind, _ in fact.names):
                if isinstance(fact, r.Profile):
                    self._tally.skip(fact.line, "missing_key")
                return None  # a cookie alone is nobody we could write to
            owner = crowd.make()
        is_hers = not strong or isinstance(fact, (r.Profile, r.Consent))
        added = self._attach(crowd, owner, fact.line, names, phone_names=is_hers)
        if made:
            self._tally.taken["profile"] += 1
        elif added:
            self._tally.updated["profile"] += 1
        elif isinstance(fact, r.Profile):
            self._tally.duplicates["profile"] += 1
        return owner

    def _introduced(self, crowd: Crowd, fact: r.PersonFact, strong: list[_Name]) -> int | None:
        """Whom a row means that says who somebody is; None: somebody new."""
        if not any(name in crowd.naming for name in strong):
            return self._weak_owner(crowd, fact, strong)
        if _is_another(crowd, strong):
            self._tally.warn(fact.line, "two_accounts")
            return None
        return self._one_of(crowd, fact, strong)

    def _mentioned(self, crowd: Crowd, fact: r.PersonFact, strong: list[_Name]) -> tuple[int | None, r.Names]:
        """Whom a row means that only mentions somebody, None for somebody new, and the names it may give this person.

        Anybody may type anything at a checkout: it gives a known person no account, no further address and no phone.
        """
        is_consent = isinstance(fact, r.Consent)
        # An order is the account's; a yes or a no is first of all about the address it was given for.
        first = [name for name in fact.names if name in strong] if is_consent else strong
        found = list(dict.fromkeys(crowd.naming[name] for name in first if name in crowd.naming))
        weak = tuple(name for name in fact.names if name[0] == "cookie" or (is_consent and name[0] == "phone"))
        if len(found) > 1:
            self._tally.warn(fact.line, "needs_merge")
            return found[0], ()
        if not found:
            owner = self._weak_owner(crowd, fact, strong, by_phone=is_consent or not strong)
            return owner, fact.names if owner is None else (*strong, *weak)
        if strong[0] in crowd.naming:
            return found[0], weak
        if is_consent or not _is_another(crowd, strong):
            return found[0], ()
        self._tally.warn(fact.line, "two_accounts")
        return None, tuple(name for name in fact.names if name[0] != "email")

    def _one_of(self, crowd: Crowd, fact: r.PersonFact, surest: Sequence[_Name]) -> int:
        """Whom strong names mean, and which of the profiles they name are to be merged."""
        named = {crowd.naming[name]: name[0] for name in reversed(surest) if name in crowd.naming}
        first = crowd.naming[next(name for name in surest if name in crowd.naming)]
        fresh = {kind for kind, value in surest if (kind, value) not in crowd.naming}
        same = {first: named[first]}
        for other, kind in named.items():
            if other == first:
                continue
            if crowd.has_other_account(first, other) or fresh & crowd.accounts(other):
                self._tally.warn(fact.line, "two_accounts")
            else:
                same[other] = kind
                crowd.join(first, other)
        kept = min(same)
        for other, kind in same.items():
            if other != kept:
                crowd.merges.setdefault((kept, other), kind)
        if len(same) > 1:
            self._tally.warn(fact.line, "needs_merge")
        return kept

    @staticmethod
    def _weak_owner(crowd: Crowd, fact: r.PersonFact, strong: Sequence[_Name], *, by_phone: bool = True) -> int | None:
        """Whom the cookie or phone means: nobody who goes by another name of the kinds that are given."""
        given = {kind for kind, _ in strong}
        weak = {kind: crowd.naming.get((kind, value)) for kind, value in fact.names if kind not in _STRONG}
        cookie, phone = weak.get("cookie"), weak.get("phone")
        if cookie is not None and not (crowd.kinds[cookie] | crowd.accounts(cookie)) & given:
            return cookie
        if by_phone and phone is not None and not (given and crowd.kinds[phone] & _STRONG):
            return phone
        return None

    def _attach(self, crowd: Crowd, owner: int, line: int, given: r.Names, *, phone_names: bool) -> bool:
        added = False
        for kind, value in given:
            names = crowd.naming.get((kind, value))
            if names is not None and crowd.is_one(names, owner):
                continue
            if names is None and (kind != "phone" or phone_names):
                added |= crowd.add(owner, kind, value, identifies=True)
            elif kind == "phone":
                if crowd.is_anothers(owner, kind, value):
                    self._tally.warn(line, "shared_phone")
                added |= crowd.add(owner, kind, value, identifies=False)
            elif kind == "cookie":
                self._tally.warn(line, "shared_cookie")
                added |= crowd.add(owner, kind, value, identifies=False)
            elif kind == "email":
                added |= crowd.add(owner, kind, value, identifies=False)
        return added

    def _write(self, crowd: Crowd, traits: dict[int, dict[str, Any]], fills: dict[int, dict[str, Any]]) -> None:
        empty = dict.fromkeys((*_TRAITS, "source"))
        insert_new(
            self._connection,
            profile,
            [
                {"id": new, **empty, "created_at": self._now, **_filled(_known(traits[new]), fills[new])}
                for new in crowd.made
            ],
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
        insert_new(
            self._connection,
            profile_merge,
            [
                {"kept_id": kept, "gone_id": gone, "because": kind, "found_at": self._now, "merged_at": None}
                for (kept, gone), kind in crowd.merges.items()
            ],
            ["kept_id", "gone_id"],
        )
        made = set(crowd.made)
        told = {owner for said in (traits, fills) for owner, given in said.items() if given}
        known = {owner: traits[owner] for owner in told - made}
        rows = rows_where(self._connection, select(profile), profile.c.id, known)
        for row in (found._mapping for found in rows):  # noqa: SLF001 - SQLAlchemy's public name
            given = {name: value for name, value in known[row["id"]].items() if name in _TRAITS}
            self._changes.compare(row["id"], dict(row), given)
            whole = _filled({**_known(dict(row)), **_known(given)}, fills[row["id"]])
            self._changes.fill(row["id"], dict(row), {name: whole.get(name) for name in fills[row["id"]]})


def _doubt(name: _Name) -> int:
    """How much a strong name leaves in doubt: accounts are surer than an address."""
    return ACCOUNTS.index(name[0]) if name[0] in ACCOUNTS else len(ACCOUNTS)


def _is_another(crowd: Crowd, surest: Sequence[_Name]) -> bool:
    """Whether these names bring an account that is not his whom a less sure name of them means: he has his own."""
    first = next(name for name in surest if name in crowd.naming)
    fresh = {kind for kind, _ in surest[: surest.index(first)]}
    return bool(fresh & crowd.accounts(crowd.naming[first]))


def _known(traits: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in traits.items() if value is not None}


def _filled(traits: dict[str, Any], fill: dict[str, Any]) -> dict[str, Any]:
    """Add what is unknown; a region is one of its country and fills no other's."""
    if traits.get("country") not in {None, fill.get("country")}:
        fill = {name: value for name, value in fill.items() if name != "region"}
    return {**_known(fill), **traits}
