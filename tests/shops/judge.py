"""Judges a played story from outside: whatever left is held against a plain reading of what the shop had told.

`faults` lists every promise that was broken, in words; an empty list is a clean shop.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.shops.accounts import Accounts
from tests.shops.files import cart_of
from tests.shops.known import BASES, ZONES, Known, Then
from tests.shops.reckoned import faults_of_points
from tests.shops.recorded import HandedOver, Played, Stretch
from tests.shops.story import Fact

TRANSACTIONAL = {"order_confirmation/receipt", "referral_followup/reward"}
OUTSIDE_THE_CAP = {"loyalty_notice/expiry"}
ANSWERS_A_CART = {"abandoned_cart/reminder", "abandoned_cart/last_call"}
_FREE_AT_NIGHT = ANSWERS_A_CART
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
CAPS = {
    "email": ((1, _DAY), (4, 7 * _DAY)),
    "sms": ((1, _DAY), (2, 7 * _DAY), (6, 30 * _DAY)),
    "print": ((1, 30 * _DAY),),
}
#: Text messages, by country: (first hour, hour after the last) for weekdays, Saturdays, Sundays.
_SHUT = (0, 0)
TEXT_HOURS = {
    "US": ((9, 18), (10, 17), (12, 17)),
    "CA": ((9, 21), (10, 18), (10, 18)),
    "JP": ((9, 20), (10, 18), _SHUT),
    **dict.fromkeys(("DE", "AT", "GB", "FI"), ((9, 20), (9, 20), _SHUT)),
}
#: Inside what every country allows.
_STRICTEST = ((10, 18), (10, 13), _SHUT)


def faults(played: Played) -> list[str]:
    """Everything that should not have happened, in the order in which it did."""
    return [*_Judge(played).faults(), *Accounts(played).faults(), *faults_of_points(played)]


class _Judge:
    def __init__(self, played: Played) -> None:
        self._played = played
        self._known = Known(played)
        #: What may have reached whom, marketing that the budget covers, by name of the story.
        self._had: defaultdict[str, list[HandedOver]] = defaultdict(list)
        self._arrived: Counter[str] = Counter()
        self._refused: set[str] = set()

    def faults(self) -> Iterator[str]:
        for stretch in self._played.stretches:
            for one in stretch.handed:
                for fault in self._of_message(one, stretch):
                    yield f"{one.at:%d %b %H:%M} {one.key} ({one.channel} to {one.address}): {fault}"
                self._arrived[one.key] += one.counts
                if one.answer == "rejected" and one.address:
                    self._refused.add(one.address)
            if stretch.audiences is not None:
                yield from self._of_audiences(stretch.audiences, stretch)

    def _of_message(self, one: HandedOver, stretch: Stretch) -> Iterator[str]:
        then = Then(one.at, stretch.since)
        names = self._known.behind(stretch, stretch.owner[one.key])
        if not names:
            yield "it is for nobody of the story"
            return
        if one.channel != "print" and not any(one.address in self._known.addresses(name) for name in names):
            yield f"the address is not one of {names}"
        if self._arrived[one.key] and one.step not in TRANSACTIONAL and one.channel != "print":
            yield "it left twice"
        if one.address in self._refused:
            yield "her mailbox had refused mail for good"
        silenced = self._known.suppressed(names, then)
        if "hard_bounce" in silenced.get(one.address, ()):
            yield "the address is dead"
        yield from self._of_things(one, names, then)
        basis = self._lacks_basis(one, names, silenced, then)
        if one.step in TRANSACTIONAL:
            if basis is not None and one.unsubscribe_url is not None:
                yield f"it promotes something, and {basis}"
            return
        if basis is not None:
            yield basis
        yield from self._of_hours(one, names, then)
        if one.step not in OUTSIDE_THE_CAP:
            yield from self._of_budget(one, names)

    def _lacks_basis(self, one: HandedOver, names: list[str], silenced: dict[str, set[str]], then: Then) -> str | None:
        basis = self._known.allows(names, one.channel, then)
        if one.channel == "print":
            return f"she objected ({basis})" if basis == "denied" else None
        noes = {why for address, whys in silenced.items() for why in whys if _is_about(one.channel, address)}
        if noes - {"hard_bounce"}:
            return f"the address is silenced: {sorted(noes)}"
        countries = {country for country, _, _ in self._known.places(names, then)}
        column = one.channel == "sms"
        if any(basis in BASES[country][column] for country in countries):
            return None
        return f"there is no basis: {basis} in {countries}"

    def _of_hours(self, one: HandedOver, names: list[str], then: Then) -> Iterator[str]:
        if one.channel == "print" or (one.channel == "email" and one.step in _FREE_AT_NIGHT):
            return
        places = self._known.places(names, then)
        if not any(_is_open(one.channel, one.at, *place) for place in places):
            yield f"it is night there: {sorted(map(str, places))}"
        if one.channel == "sms":
            last = one.valid_until - timedelta(seconds=1) if one.valid_until else None
            if last is None or not any(_is_open("sms", last, *place) for place in places):
                yield f"it stays valid until {one.valid_until}"

    def _of_budget(self, one: HandedOver, names: list[str]) -> Iterator[str]:
        before = [had for name in names for had in self._had[name]]
        mine = {had.key: had for had in before if had.channel == one.channel}
        for most, window in CAPS[one.channel]:
            allowed = 2 if one.channel == "email" and window == _DAY and one.step in ANSWERS_A_CART else most
            inside = [had for had in mine.values() if had.at > one.at - window and had.key != one.key]
            if len(inside) >= allowed:
                yield f"over {most} in {window}: after {[f'{had.at:%d %b %H:%M} {had.key}' for had in inside]}"
        if one.counts:
            self._had[names[0]].append(one)

    def _of_things(self, one: HandedOver, names: list[str], then: Then) -> Iterator[str]:
        """What she had bought, or given back, before it left."""
        about, _, number = one.key.rpartition("/")[2].partition(":")
        if about == "cart":
            yield from self._of_cart(one, self._played.carts[int(number.partition(".")[0])], names, then)
        if about == "order":
            order = self._played.orders[int(number)]
            told = [fact for fact in self._known.facts if fact.data.get("order") == order and then.knows(fact)]
            if any(fact.kind == "cancel" for fact in told):
                yield "the order is cancelled"
            if one.step == "style_followup/looks" and any(
                fact.kind == "refund" and fact.data["what"] == "all" for fact in told
            ):
                yield "all of the order came back"
        if about == "popup" and any(
            fact.data["what"] == "popup" and not self._is_cancelled(fact, then)
            for fact in self._known.facts_by(then, names, "order")
        ):
            yield "she was at the pop-up already"

    def _of_cart(self, one: HandedOver, name: str, names: list[str], then: Then) -> Iterator[str]:
        touched = [
            fact for fact in self._known.facts_by(then, self._known.names, "add", "remove") if cart_of(fact) == name
        ]
        added = [fact for fact in touched if fact.kind == "add"]
        if not added:
            yield "nothing was ever in the cart"
            return
        last = max(fact.at for fact in added)
        orders = self._known.facts_by(then, self._known.names, "order")
        for order in orders:
            is_its_own = "cart" in order.data["what"] and cart_of(order) == name
            if order.at > last and (is_its_own or order.who in names) and not self._is_cancelled(order, then):
                yield f"she ordered at {order.at:%d %b %H:%M}, after her last add"
        if max(fact.at for fact in touched if fact.kind == "add") > one.at - timedelta(minutes=45):
            yield "she has just put something in"
        emptied = max((o.at for o in orders if "cart" in o.data["what"] and cart_of(o) == name), default=None)
        inside: Counter[str] = Counter()
        for fact in sorted(touched, key=lambda fact: (fact.at, fact.kind)):  # at one instant, in before out
            if emptied is None or fact.at > emptied:
                # What is taken out before anybody put it in is not missing later.
                inside[fact.data["what"]] = max(0, inside[fact.data["what"]] + (1 if fact.kind == "add" else -1))
        if not +inside:
            yield "the cart is empty"

    def _is_cancelled(self, order: Fact, then: Then) -> bool:
        return any(
            fact.kind == "cancel" and fact.data["order"] == order.data["order"] and then.knows(fact)
            for fact in self._known.facts
        )

    def _of_audiences(self, audiences: dict[str, frozenset[str]], stretch: Stretch) -> Iterator[str]:
        at, then = stretch.until, Then(stretch.until, stretch.since)
        of_hash: defaultdict[str, set[str]] = defaultdict(set)
        for name in self._known.names:
            for address in self._known.addresses(name):
                of_hash[hashlib.sha256(address.encode()).hexdigest()].add(name)
        for audience, members in audiences.items():
            for member in members:
                given = dict(part.split("=") for part in member.split(" "))
                owners = of_hash.get(given.get("email", ""), set()) | of_hash.get(given.get("phone", ""), set())
                if not any(self._may_be_shown_ads(name, stretch, then) for name in owners):
                    yield f"{at:%d %b} the audience {audience} holds {sorted(owners)}, who may be in none"
                if "cart" in audience and not any(self._wants_something(name, stretch, then) for name in owners):
                    yield f"{at:%d %b} the audience {audience} holds {sorted(owners)}, who bought all or took it out"

    def _may_be_shown_ads(self, name: str, stretch: Stretch, then: Then) -> bool:
        names = self._known.behind(stretch, stretch.root[name])
        basis = self._known.allows(names, "ads", then)
        countries = {country for country, _, _ in self._known.places(names, then)}
        may = basis in ("opt_in", "double_opt_in") or (basis is None and "US" in countries)
        born = {self._known.story.people[int(one.partition("@")[0][1:])].birth_year for one in names}
        is_adult = any(year is not None and then.at.year - year > 18 for year in born)
        return may and is_adult and not self._known.suppressed(names, then)

    def _wants_something(self, name: str, stretch: Stretch, then: Then) -> bool:
        names = self._known.behind(stretch, stretch.root[name])
        bought = {
            sku[:3]: max(order.at, _EVER)
            for order in self._known.facts_by(then, names, "order")
            for sku in order.data["skus"]
            if not self._is_cancelled(order, then)
        }
        return any(
            fact.at >= bought.get(fact.data["what"][:3], _EVER) for fact in self._known.facts_by(then, names, "add")
        )


def _is_about(channel: str, address: str) -> bool:
    return ("@" in address) == (channel == "email")


def _is_open(channel: str, at: datetime, country: str | None, region: str | None, zone: str | None) -> bool:
    del region  # no state of the story has hours of its own
    zones = (zone,) if zone else ZONES.get(country or "", ())
    if not zones:
        # Nobody knows where she is: e-mail goes by the shop's own clock, a text message by none.
        zones = ("America/New_York",) if channel == "email" else ()
        if not zones:
            return False
    for name in zones:
        here = at.astimezone(ZoneInfo(name))
        hours = TEXT_HOURS.get(country or "", _STRICTEST)[max(0, here.weekday() - 4)]
        first, after = (7, 21) if channel == "email" else hours
        if not first <= here.hour < after:
            return False
    return True


_EVER = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
