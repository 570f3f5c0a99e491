"""The year of Sarah, her friend June and her twin Clara: the same in every shop, whatever the seed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Final

from segue.sample.agenda import Act, Agenda
from segue.sample.baskets import Item
from segue.sample.catalogue import VARIANTS
from segue.sample.clicks import Clickstream, browser
from segue.sample.people import CLARA, JUNE, MET_SARAH, SARAH, Person
from segue.sample.places import POPUP, STORE_BROOKLYN, WAREHOUSE
from segue.sample.stock import StockBook
from segue.sample.till import Till
from segue.sample.visit import Visit

SWEATER: Final = "HARB-OATM-08"
LEGGINGS: Final = "TIDE-INK-08"
BEANIE: Final = "RIPP-CORA-OS"
GLOVES: Final = "BOSU-CORA-M"
#: What the story needs on the shelf; chance never sells these out.
STORY_SKUS: Final = frozenset({SWEATER, LEGGINGS, BEANIE, GLOVES})

#: Ten to seven in Brooklyn's evening: both reminders then fall into her waking hours.
CART_AT: Final = datetime(2026, 5, 12, 22, 50, 3, tzinfo=UTC)
#: Lunch hour, three days later; the order follows within minutes.
BACK_AT: Final = datetime(2026, 5, 15, 16, 21, 40, tzinfo=UTC)
#: A Saturday afternoon at the pop-up.
GLOVES_AT: Final = datetime(2026, 5, 23, 18, 20, 15, tzinfo=UTC)

#: The story's carts by customer.
CARTS: Final = {SARAH: "cart-000001", CLARA: "cart-000002"}


def plan_story(
    people: Mapping[str, Person], *, book: StockBook, till: Till, stream: Clickstream, agenda: Agenda
) -> None:
    """Plan the story's purchases, carts and stock."""
    for sku, before in ((SWEATER, MET_SARAH), (LEGGINGS, CART_AT), (BEANIE, CART_AT)):
        for place in (WAREHOUSE, STORE_BROOKLYN):
            agenda.add(before - timedelta(days=1), _stocked(book, sku, place))
    agenda.add(GLOVES_AT - timedelta(days=1), _stocked(book, GLOVES, POPUP))

    for customer_id in (SARAH, CLARA):
        person = people[customer_id]
        agenda.add(MET_SARAH, partial(_buy_sweater, person, till))
        agenda.add(CART_AT, partial(_leave_leggings, person, stream))
        agenda.add(BACK_AT, partial(_come_back, person, till, stream, agenda))
    agenda.add(GLOVES_AT, partial(_buy_gloves, people[JUNE], till))


def _stocked(book: StockBook, sku: str, place: str) -> Act:
    return lambda now: book.set(now, sku, place, max(24, book.level(sku, place)))


def _buy_sweater(person: Person, till: Till, now: datetime) -> None:
    """Ring up the sweater at a discount, so that a cart code may be offered to her in May."""
    till.ring(now, (Item(VARIANTS[SWEATER]),), person=person, channel="facebook_shop", code="HELLO15")


def _buy_gloves(person: Person, till: Till, now: datetime) -> None:
    till.ring(now, (Item(VARIANTS[GLOVES]),), person=person, channel="popup", location=POPUP)


def _leave_leggings(person: Person, stream: Clickstream, now: datetime) -> None:
    visit = Visit(_own_dice("leave"), stream, now, browser(person), CARTS[person.customer_id])
    visit.look(BEANIE)
    visit.put(Item(VARIANTS[LEGGINGS]))
    visit.view_cart()


def _come_back(person: Person, till: Till, stream: Clickstream, agenda: Agenda, now: datetime) -> None:
    visit = Visit(_own_dice("back"), stream, now, browser(person), CARTS[person.customer_id])
    visit.items = (Item(VARIANTS[LEGGINGS]),)
    visit.put(Item(VARIANTS[BEANIE]))
    visit.buy(agenda, till)


def _own_dice(scene: str) -> Random:
    """Dice that no seed moves, rolled alike for both twins: they click at the same moments in every shop."""
    return Random(f"saltmere/story/{scene}")  # noqa: S311 - timings, not secrets
