"""The season: thirty days of carts on the shop's site, with everything that people do to carts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from itertools import count
from random import Random
from typing import Final

from segue.sample.agenda import Agenda
from segue.sample.baskets import Baskets
from segue.sample.clicks import Clickstream, Visitor, browser, cookie
from segue.sample.crowd import Crowd
from segue.sample.dice import chance, deal
from segue.sample.people import Person
from segue.sample.places import STORE_BROOKLYN, STORES
from segue.sample.stock import StockBook
from segue.sample.story import STORY_SKUS
from segue.sample.till import Till
from segue.sample.visit import Visit
from segue.sample.year import SEASON_START, YEAR_END, human_time


class Ending(Enum):
    """What becomes of a cart."""

    LEFT = auto()
    BOUGHT = auto()
    #: Bought by a browser that nobody knows, as a guest.
    BOUGHT_BY_GUEST = auto()
    #: Back after hours to the same cart, and bought.
    BOUGHT_LATER = auto()
    #: Back after about five hours, bought in another cart.
    BOUGHT_IN_ANOTHER_CART = auto()
    #: Bought in a store about five hours later.
    BOUGHT_IN_STORE = auto()
    EMPTIED = auto()
    #: A size in it sells out before a reminder could leave.
    SOLD_OUT = auto()
    #: A second cart on the same day, left as well.
    SECOND_CART = auto()
    #: A cookie and nothing else.
    ANONYMOUS = auto()
    #: A cookie that signs in, or leaves an address, after the cart was left.
    KNOWN_LATER = auto()
    #: Somebody signs in on a browser that belongs to somebody else.
    SHARED_BROWSER = auto()


_SHARES: Final = {
    Ending.BOUGHT: 0.24,
    Ending.BOUGHT_BY_GUEST: 0.02,
    Ending.BOUGHT_LATER: 0.03,
    Ending.BOUGHT_IN_ANOTHER_CART: 0.03,
    Ending.BOUGHT_IN_STORE: 0.02,
    Ending.EMPTIED: 0.05,
    Ending.SOLD_OUT: 0.04,
    Ending.SECOND_CART: 0.04,
    Ending.ANONYMOUS: 0.10,
    Ending.KNOWN_LATER: 0.05,
    Ending.SHARED_BROWSER: 0.006,
}
_TWO_CARTS: Final = _SHARES[Ending.BOUGHT_IN_ANOTHER_CART] + _SHARES[Ending.SECOND_CART]
# Endings that need hours of their own before the year is over.
_ROOM: Final = timedelta(hours=10)


def _anybody(_person: Person) -> bool:
    return True


def _lives_near_a_store(person: Person) -> bool:
    return person.region in STORES


class Season:
    """Plans the season's visits on an agenda."""

    def __init__(
        self, rng: Random, *, crowd: Crowd, book: StockBook, till: Till, stream: Clickstream, agenda: Agenda
    ) -> None:
        self._rng = rng
        self._crowd = crowd
        self._book = book
        self._till = till
        self._stream = stream
        self._agenda = agenda
        self._baskets = Baskets(rng, book)
        self._cart_numbers = count(101)  # the story's carts have the numbers before
        self._finishes: dict[Ending, Callable[[Visit, Person], None]] = {
            Ending.BOUGHT: self._buy,
            Ending.BOUGHT_BY_GUEST: self._buy,
            Ending.BOUGHT_LATER: self._buy_later,
            Ending.BOUGHT_IN_ANOTHER_CART: self._buy_in_another_cart,
            Ending.BOUGHT_IN_STORE: self._buy_in_store,
            Ending.EMPTIED: self._empty,
            Ending.SOLD_OUT: self._lose_a_size,
            Ending.SECOND_CART: self._start_another,
            Ending.KNOWN_LATER: self._be_known_later,
        }

    def plan(self, carts: int, cast: Sequence[Person]) -> None:
        """Plan about `carts` carts and half as many visits without one; everybody of `cast` leaves a cart."""
        endings = deal(self._rng, _SHARES, round(carts / (1 + _TWO_CARTS)), rest=Ending.LEFT)
        waiting = list(cast)
        for ending in endings:
            person = waiting.pop() if ending is Ending.LEFT and waiting else None
            self._plan_visit(ending, person)
        for _ in range(carts // 2):
            person, at = self._someone(None, _anybody)
            self._agenda.add(at, partial(self._only_look, person))

    def _someone(self, person: Person | None, only: Callable[[Person], bool]) -> tuple[Person, datetime]:
        """Return a person, if need be one who fits, and a human time of hers in the season."""
        while True:
            day = SEASON_START + timedelta(days=int(self._rng.random() * 30))
            chosen = person or self._crowd.anyone(day)
            at = human_time(self._rng, day.date(), chosen.zone)
            if only(chosen) and SEASON_START <= at < YEAR_END - _ROOM:
                return chosen, at

    def _plan_visit(self, ending: Ending, person: Person | None) -> None:
        only = _lives_near_a_store if ending is Ending.BOUGHT_IN_STORE else _anybody
        person, at = self._someone(person, only)
        self._agenda.add(at, lambda now: self._visit(now, person, ending))

    def _visit(self, now: datetime, person: Person, ending: Ending) -> None:
        nameless = ending in (Ending.ANONYMOUS, Ending.BOUGHT_BY_GUEST, Ending.KNOWN_LATER)
        visitor = self._browser(person)
        if nameless:
            visitor = Visitor(cookie("nameless", self._rng.getrandbits(64)))
        elif ending is Ending.SHARED_BROWSER:
            visitor = self._borrowed_browser(now, person)
        visit = self._fill_a_cart(now, person, visitor)
        if not visit.items:
            return
        self._finishes.get(ending, self._leave)(visit, person)

    def _only_look(self, person: Person, now: datetime) -> None:
        Visit(self._rng, self._stream, now, self._browser(person)).look_around(5)

    def _browser(self, person: Person) -> Visitor:
        return browser(person, device=1 if chance(self._rng, 0.15) else 0)

    def _borrowed_browser(self, now: datetime, person: Person) -> Visitor:
        """A browser whose owner has signed in before; the guest signs in over her."""
        owner = self._crowd.anyone(SEASON_START)
        theirs = browser(owner, device=2)
        self._stream.introduce(now - timedelta(minutes=50), theirs)
        return Visitor(theirs.anonymous_id, person)

    def _fill_a_cart(self, now: datetime, person: Person, visitor: Visitor) -> Visit:
        visit = Visit(self._rng, self._stream, now, visitor, f"cart-{next(self._cart_numbers):06d}")
        visit.look_around()
        visit.put(*self._baskets.fill(now, person))
        return visit

    # ------------------------------------------------------------ endings

    def _leave(self, visit: Visit, _person: Person) -> None:
        rng = self._rng
        if chance(rng, 0.6):
            visit.view_cart()
        if len(visit.items) > 1 and chance(rng, 0.25):
            visit.drop(visit.items[0])
        if chance(rng, 0.35):
            visit.start_checkout()
        visit.look_around(2)
        if chance(rng, 0.12):  # a second look, which starts the wait anew
            visit.wait(hours=1 + rng.random() * 15)
            visit.view_cart()

    def _buy(self, visit: Visit, _person: Person) -> None:
        visit.buy(self._agenda, self._till, self._code())

    def _buy_later(self, visit: Visit, _person: Person) -> None:
        visit.view_cart()
        visit.wait(hours=2 + self._rng.random() * 7)
        self._agenda.add(visit.at, lambda _: visit.buy(self._agenda, self._till, self._code()))

    def _buy_in_another_cart(self, visit: Visit, person: Person) -> None:
        visit.view_cart()
        back = visit.at + timedelta(hours=4.5 + self._rng.random())

        def again(now: datetime) -> None:
            other = self._fill_a_cart(now, person, browser(person, device=1))
            if other.items:
                other.buy(self._agenda, self._till, self._code())

        self._agenda.add(back, again)

    def _buy_in_store(self, visit: Visit, person: Person) -> None:
        place = STORES.get(person.region, STORE_BROOKLYN)

        def at_the_till(now: datetime) -> None:
            items = self._baskets.fill(now, person, channel="store", place=place)
            if items:
                self._till.ring(now, items, person=person, channel="store", location=place)

        self._agenda.add(visit.at + timedelta(hours=4.5 + self._rng.random()), at_the_till)

    def _empty(self, visit: Visit, _person: Person) -> None:
        visit.view_cart()
        visit.drop(*visit.items)
        visit.look_around(2)

    def _lose_a_size(self, visit: Visit, _person: Person) -> None:
        gone = next((i.variant.sku for i in visit.items if i.variant.sku not in STORY_SKUS), None)
        if gone:
            self._agenda.add(visit.at + timedelta(minutes=18), lambda now: self._book.sell_out(now, gone))

    def _start_another(self, visit: Visit, person: Person) -> None:
        def start(now: datetime) -> None:
            other = self._fill_a_cart(now, person, browser(person, device=1))
            if other.items:
                self._leave(other, person)

        self._agenda.add(visit.at + timedelta(hours=3 + self._rng.random() * 4), start)

    def _be_known_later(self, visit: Visit, person: Person) -> None:
        visit.view_cart()
        visit.wait(seconds=60 + self._rng.random() * 1500)
        if chance(self._rng, 0.5):
            self._stream.introduce(visit.at, Visitor(visit.visitor.anonymous_id, person))
        else:
            self._stream.name_by_email(visit.at, visit.visitor.anonymous_id, person.email)

    def _code(self) -> str:
        return "TIDE10" if chance(self._rng, 0.12) else ""
