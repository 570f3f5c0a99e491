"""What the shop had told of its people by an instant: a plain reading of the story, without Segue.

The rules of consent are those of docs/adr/0006 and 0007, the hours and bases those a lawyer would look up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tests.shops.recorded import Played, Stretch
from tests.shops.story import START, Fact, account, guest, mailbox, phone

#: On which bases marketing may be sent: e-mail, text message. Unknown countries get what every country allows.
BASES = {
    "US": ({"double_opt_in", "opt_in", "soft_opt_in"}, {"double_opt_in", "opt_in"}),
    "DE": ({"double_opt_in", "soft_opt_in"}, {"double_opt_in"}),
    "AT": ({"double_opt_in", "soft_opt_in"}, {"double_opt_in"}),
    "GB": ({"double_opt_in", "opt_in", "soft_opt_in"}, {"double_opt_in", "opt_in", "soft_opt_in"}),
    "FI": ({"double_opt_in", "opt_in", "soft_opt_in"}, {"double_opt_in", "opt_in"}),
    "CA": ({"double_opt_in", "opt_in", "soft_opt_in"}, {"double_opt_in", "opt_in"}),
    "JP": ({"double_opt_in", "opt_in", "soft_opt_in"}, {"double_opt_in", "opt_in"}),
    None: ({"double_opt_in"}, {"double_opt_in"}),
}
#: Zones in which hours must be allowed where hers is unknown; a few that are far apart will do.
ZONES = {
    "US": ("America/New_York", "America/Los_Angeles"),
    "DE": ("Europe/Berlin",),
    "AT": ("Europe/Vienna",),
    "GB": ("Europe/London",),
    "FI": ("Europe/Helsinki",),
    "CA": ("America/Toronto", "America/Vancouver"),
    "JP": ("Asia/Tokyo",),
}


@dataclass(frozen=True, slots=True)
class Said:
    """A yes or a no on a channel, and when it stands from."""

    state: str
    basis: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Then:
    """An instant, and the last telling of the shop before it."""

    at: datetime
    told_at: datetime

    def knows(self, fact: Fact) -> bool:
        """Whether it had happened and was told."""
        return fact.known_at <= self.told_at and fact.at <= self.at


class Known:
    """The story, asked as of an instant."""

    def __init__(self, played: Played) -> None:
        self.story = played.story
        self.facts = played.facts
        self.names = [account(number) for number in range(len(self.story.people))]
        self.names += [guest(number) for number, one in enumerate(self.story.people) if one.has_guest]
        self._merges = {fact.who: fact for fact in reversed(self.facts) if fact.kind == "merge"}

    def facts_by(self, then: Then, names: list[str], *kinds: str) -> list[Fact]:
        """What had happened and was told about these names."""
        return [one for one in self.facts if one.kind in kinds and one.who in names and then.knows(one)]

    def behind(self, stretch: Stretch, profile_id: int) -> list[str]:
        """The names of the story that are this profile."""
        return [name for name in self.names if stretch.root.get(name) == profile_id]

    def addresses(self, name: str) -> set[str]:
        """Every address the shop has under a name."""
        if "@" in name:
            return {name}
        number = int(name[1:])
        return {mailbox(self.story.people, number), phone(self.story.people, number)}

    def places(self, names: list[str], then: Then) -> set[tuple[str | None, str | None, str | None]]:
        """Where she may live, as far as told: of two names of hers the shop may go by either."""
        found = set()
        for name in names:
            country, region, zone = self.story.people[_number(name)].place
            moves = self.facts_by(then, [name], "move")
            for told in (country, *(one.data["what"] for one in moves)):
                found.add((told, region, zone))
        return found

    def allows(self, names: list[str], channel: str, then: Then) -> str | None:
        """The basis in force for a person known by these names; `denied` or `doubted` where she refuses."""
        said = [one for name in names for one in self._said(name, channel, then)]
        for name in names:
            merge = self._merges.get(name)
            if merge is not None and then.knows(merge) and guest(_number(name)) in names:
                said += self._said_at_merge(name, channel, merge.known_at)
        return _in_force(said)

    def suppressed(self, names: list[str], then: Then) -> dict[str, set[str]]:
        """By address of hers for which reasons it may not be written to."""
        every = {address for name in names for address in self.addresses(name)}
        found: dict[str, set[str]] = {}
        for fact in self.facts:
            if fact.kind == "suppress" and then.knows(fact) and fact.data["address"] in every:
                found.setdefault(fact.data["address"], set()).add(fact.data["what"])
        return found

    def _said(self, name: str, channel: str, then: Then) -> list[Said]:
        found = []
        for fact in self.facts_by(then, [name], "consent", "soft"):
            told, _, state = fact.data["what"].partition(":")
            if told != channel and not (told == "all" and state == "denied"):
                continue
            basis = "soft_opt_in" if fact.kind == "soft" else "opt_in"
            found.append(Said(state or "granted", basis, fact.at))
        return found

    def _said_at_merge(self, name: str, channel: str, at: datetime) -> list[Said]:
        """A merge is strict: a no under one name is a no, and a yes answers for no address of the other one."""
        states = {one: _in_force(self._said(one, channel, Then(at, at))) for one in (name, guest(_number(name)))}
        if "denied" in states.values():
            return [Said("denied", "objection", at)]
        kind = {"email": "@", "ads": "@", "sms": "+"}.get(channel)
        agreed = [one for one, state in states.items() if state is not None]
        if kind is None or not agreed:
            return []
        addresses = {one: {a for a in self.addresses(one) if kind in a} for one in states}
        covered = {a for one in agreed for a in addresses[one]}
        if any(not addresses[one] <= covered for one in states):
            return [Said("doubted", "objection", at)]
        return []


def _in_force(said: list[Said]) -> str | None:
    noes = [one.at for one in said if one.state == "denied"]
    doubts = [one.at for one in said if one.state == "doubted"]
    yeses = [one for one in said if one.state in ("granted", "confirmed") and one.at > max(noes, default=_EVER)]
    if not yeses:
        return "denied" if noes else "doubted" if doubts else None
    yeses = [one for one in yeses if one.at > max(doubts, default=_EVER)]
    if not yeses:
        return "doubted"
    if any(one.state == "confirmed" for one in yeses):
        return "double_opt_in"
    latest = max(one.at for one in yeses)
    bases = {one.basis for one in yeses if one.at == latest}
    return "opt_in" if bases == {"opt_in"} else "soft_opt_in"


def _number(name: str) -> int:
    return int(name.partition("@")[0][1:])


_EVER = START.replace(year=2000)
