"""The difference, for some people: what has to be asked of the platform so that it holds whom it should. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

ADDING, IN, REMOVING, OUT = "adding", "in", "removing", "out"
#: Of an `out` row: the platform could do nothing with these identifiers, so they are not offered again.
REJECTED = "rejected:"
CHANGED, MERGED, STOPPED = "changed", "merged", "stopped"
#: Of an open row: asked for alone, the platform refused the request itself. Left in peace for a day; what is before it
#: is why she is to go out.
REFUSED = "refused:"

Identifiers = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A row of our books."""

    id: int
    profile_id: int
    state: str
    identifiers: Identifiers
    reason: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What ought to be: her identifiers if she belongs in, else why she does not."""

    identifiers: Identifiers | None
    reason: str | None = None


@dataclass(slots=True)
class Plan:
    """What to write before anything is asked of the platform."""

    #: New rows: profile id and identifiers.
    enter: dict[int, Identifiers] = field(default_factory=dict)
    #: Rows to be added (again), by id, with the identifiers to add.
    add: dict[int, Identifiers] = field(default_factory=dict)
    #: Rows to be removed, by id, with why.
    remove: dict[int, str] = field(default_factory=dict)
    #: Rows to be added once their removal is answered, by id.
    again: dict[int, Identifiers] = field(default_factory=dict)
    #: Who is asked of the platform for the first time, or again after she was out or on her way out, by profile id: the
    #: row, if any.
    fresh: dict[int, int | None] = field(default_factory=dict)
    rejected: int = 0

    def hold_back(self, may_enter: Container[int] | None) -> int:
        """Leave out of `fresh` who is not among these (None: nobody is left out); return how many that are.

        Only those: who is in it stays, and whatever removes somebody goes on.
        """
        if may_enter is None:
            return 0
        held = {profile_id: row for profile_id, row in self.fresh.items() if profile_id not in may_enter}
        for profile_id, row in held.items():
            del self.fresh[profile_id]
            if row is None:
                del self.enter[profile_id]
            else:
                self.add.pop(row, None)
                self.again.pop(row, None)
        return len(held)


def plan(wishes: Mapping[int, Wish], members: Iterable[Member], *, secret: bytes) -> Plan:
    """Compare `wishes` (by profile id) with the rows of these people; a merge may have left her several."""
    rows: dict[int, list[Member]] = {}
    for member in sorted(members, key=lambda one: one.id):
        rows.setdefault(member.profile_id, []).append(member)
    made = Plan()
    for profile_id, wish in wishes.items():
        own = rows.get(profile_id, ())
        if wish.identifiers is None:
            made.remove |= {one.id: wish.reason or OUT for one in own if one.state in (ADDING, IN)}
        else:
            _want(made, profile_id, wish.identifiers, own, secret)
    return made


def _want(made: Plan, profile_id: int, wanted: Identifiers, own: Sequence[Member], secret: bytes) -> None:
    there = sorted(
        (one for one in own if one.state in (ADDING, IN)),
        key=lambda one: (one.identifiers != wanted, one.state != IN, one.id),
    )
    leaving = [one for one in own if one.state == REMOVING]
    if there:
        keep, *doubles = there
        made.remove |= {one.id: MERGED for one in doubles}
        if keep.identifiers != wanted and keep.state == ADDING and is_refused(keep.reason):
            made.add[keep.id] = wanted  # it holds nobody by what it refused
        elif keep.identifiers != wanted:
            # What she was added with is what she is removed with; so she goes, and comes as she is now.
            made.remove[keep.id] = CHANGED
            made.again[keep.id] = wanted
        elif keep.state == IN and (doubles or leaving):
            made.add[keep.id] = wanted  # a platform that matches by any one address took her out with her double
    elif leaving:
        made.again[leaving[0].id] = wanted
        made.fresh[profile_id] = leaving[0].id
    elif own:
        if (
            own[0].reason is not None
            and own[0].reason.startswith(REJECTED)
            and own[0].identifiers == seal(wanted, secret)
        ):
            made.rejected += 1
        else:
            made.add[own[0].id] = wanted
            made.fresh[profile_id] = own[0].id
    else:
        made.enter[profile_id] = wanted
        made.fresh[profile_id] = None


def refused(reason: str | None, why: str) -> str:
    """The reason of a row whose request was refused for `why`, and that stays as it is."""
    return f"{before_refusal(reason) or ''} {REFUSED}{why}".strip()


def is_refused(reason: str | None) -> bool:
    """Whether the row's request was refused when it was last asked for."""
    return reason is not None and REFUSED in reason


def before_refusal(reason: str | None) -> str | None:
    """What the reason was before anything was refused."""
    return (reason or "").partition(REFUSED)[0].strip() or None


def seal(identifiers: Identifiers, secret: bytes) -> dict[str, str]:
    """What is kept of identifiers that a platform refused: enough to know them again."""
    text = json.dumps(sorted(identifiers.items())).encode()
    return {"seal": hmac.digest(secret, b"ads-seal:" + text, hashlib.sha256).hex()}
