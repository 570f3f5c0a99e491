"""Everyday trade over the year: first purchases, the stores, social shops and, before the season, the site."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Final

from segue.sample.agenda import Agenda
from segue.sample.baskets import Baskets
from segue.sample.crowd import Crowd
from segue.sample.dice import chance, weighted
from segue.sample.people import Person
from segue.sample.places import POPUP, POPUP_CLOSES, POPUP_OPENS, STORE_BROOKLYN, STORES, WAREHOUSE
from segue.sample.stock import StockBook
from segue.sample.till import Till
from segue.sample.year import SEASON_START, YEAR_END, YEAR_START, busy_day, human_time

_NEAR_A_STORE: Final = {"web": 50, "store": 36, "instagram_shop": 8, "facebook_shop": 6}
_FAR_FROM_STORES: Final = {"web": 80, "store": 3, "instagram_shop": 10, "facebook_shop": 7}
#: Share of everyday orders that are rung up at the pop-up, which stands for 17 days.
_POPUP: Final = 0.014


class Trade:
    """Plans everyday orders on an agenda."""

    def __init__(self, rng: Random, *, crowd: Crowd, book: StockBook, till: Till, agenda: Agenda) -> None:
        self._rng = rng
        self._crowd = crowd
        self._till = till
        self._agenda = agenda
        self._baskets = Baskets(rng, book)

    def plan(self, orders: int, newcomers: list[Person]) -> None:
        """Plan `orders` orders, the first of them by `newcomers` on the day the shop met them."""
        first = [p for p in newcomers if p.created_at > YEAR_START and chance(self._rng, 0.72)]
        # In the season the site's orders come from carts, so newcomers of the site buy there or not at all.
        first = [p for p in first if p.source != "web" or p.created_at < SEASON_START]
        for person in first:
            self._plan_order(person, person.source, person.created_at, new=True)
        popup = round(orders * _POPUP)
        for _ in range(popup):
            self._plan_anytime("popup")
        for _ in range(orders - len(first) - popup):
            self._plan_anytime()

    def _plan_anytime(self, channel: str = "") -> None:
        """Plan one order of somebody the shop knows by then."""
        start, end = (POPUP_OPENS, POPUP_CLOSES) if channel else (YEAR_START, YEAR_END)
        while True:
            day = datetime.combine(busy_day(self._rng, start, end), datetime.min.time(), tzinfo=start.tzinfo)
            person = self._crowd.anyone(max(day, YEAR_START + timedelta(seconds=1)))
            chosen = channel or weighted(self._rng, _NEAR_A_STORE if person.region in STORES else _FAR_FROM_STORES)
            in_shop = chosen in ("store", "popup")
            at = human_time(self._rng, day.date(), "" if in_shop else person.zone, in_shop=in_shop)
            # The site's orders of the season come from its carts.
            last = SEASON_START if chosen == "web" else end
            if start < at < last and at > person.created_at and (not channel or person.country == "US"):
                self._plan_order(person, chosen, at)
                return

    def _plan_order(self, person: Person, channel: str, at: datetime, *, new: bool = False) -> None:
        self._agenda.add(at, partial(self._buy, person, channel, new))

    def _buy(self, person: Person, channel: str, new: bool, now: datetime) -> None:
        rng = self._rng
        location = (
            POPUP if channel == "popup" else STORES.get(person.region, STORE_BROOKLYN) if channel == "store" else ""
        )
        gift = chance(rng, 0.17 if now.month in (11, 12) else 0.06)
        items = self._baskets.fill(now, person, channel=channel, place=location or WAREHOUSE, gift=gift)
        if not items:
            return
        code = ""
        if chance(rng, 0.45 if new else 0.16):
            code = "HELLO15" if new else "HARVEST20" if now.month in (10, 11) else "TIDE10"
        may_cancel = now < SEASON_START and not location
        self._till.ring(
            now, items, person=person, channel=channel, location=location, code=code, gift=gift, may_cancel=may_cancel
        )
