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
from segue.sample.places import POPUP, POPUP_OPENS, STORE_BROOKLYN, WAREHOUSE
from segue.sample.stages import Stage
from segue.sample.stock import StockBook
from segue.sample.till import Till
from segue.sample.visit import Visit

SWEATER: Final = "HARB-OATM-08"
LEGGINGS: Final = "TIDE-INK-08"
BEANIE: Final = "RIPP-CORA-OS"
GLOVES: Final = "BOSU-CORA-M"
#: What her card shows and she looks at.
SCARF: Final = "LONG-DEEP-OS"
#: What all three look at while nothing is left of it in size 8; June wears size 10.
SOLD_OUT: Final = "BREA-ECRU-08"
LEFT_IN_10: Final = "BREA-ECRU-10"
#: What the story needs on the shelf; chance never sells these out.
STORY_SKUS: Final = frozenset({SWEATER, LEGGINGS, BEANIE, GLOVES})

# Instants of New York's stage; on another one the same happens at the same local hour.
#: An evening after the parcel came: she follows the card's QR code.
LANDING_AT: Final = datetime(2026, 3, 4, 0, 12, 30, tzinfo=UTC)
#: A Sunday evening: the sweater that is sold out in her size.
LOOK_AT: Final = datetime(2026, 5, 10, 23, 31, 12, tzinfo=UTC)
#: Ten to seven in Brooklyn's evening: both reminders then fall into her waking hours.
CART_AT: Final = datetime(2026, 5, 12, 22, 50, 3, tzinfo=UTC)
#: Lunch hour, two days later; the code of the cart mail lives until the evening.
BACK_AT: Final = datetime(2026, 5, 14, 16, 21, 40, tzinfo=UTC)
#: Long enough after it for every click of theirs.
BOUGHT_AT: Final = BACK_AT + timedelta(minutes=12)
#: A Saturday afternoon at the pop-up.
GLOVES_AT: Final = datetime(2026, 5, 23, 18, 20, 15, tzinfo=UTC)

#: The story's carts by customer.
CARTS: Final = {SARAH: "cart-000001", CLARA: "cart-000002"}


def plan_story(
    people: Mapping[str, Person], *, stage: Stage, book: StockBook, till: Till, stream: Clickstream, agenda: Agenda
) -> None:
    """Plan the story's purchases, carts and stock; what is bought with a code of ours, `later` writes."""
    early = stage.earlier
    for sku, before in ((SWEATER, MET_SARAH), (LEGGINGS, CART_AT), (BEANIE, CART_AT), (LEFT_IN_10, LOOK_AT)):
        for place in (WAREHOUSE, STORE_BROOKLYN):
            agenda.add(before - timedelta(days=1), _stocked(book, sku, place))
    agenda.add(GLOVES_AT - timedelta(days=1), _stocked(book, GLOVES, POPUP))
    for at in (
        LOOK_AT - timedelta(days=1),
        POPUP_OPENS - timedelta(minutes=179),
    ):  # once more when the pop-up is furnished
        agenda.add(at, lambda now: book.sell_out(now, SOLD_OUT))

    for customer_id in (SARAH, CLARA):
        person = people[customer_id]
        agenda.add(MET_SARAH - early, partial(_buy_sweater, person, till))
        agenda.add(CART_AT - early, partial(_leave_leggings, person, stream))
        agenda.add(BACK_AT - early, partial(_come_back, person, stream))
        agenda.add(LOOK_AT - early, partial(_look, person, SOLD_OUT, stream))
        agenda.add(BOUGHT_AT - early, lambda now: _off_the_shelf(book, now, LEGGINGS, BEANIE))
    agenda.add(LOOK_AT - early, partial(_look, people[JUNE], LEFT_IN_10, stream))
    agenda.add(GLOVES_AT - early, lambda now: book.take(now, GLOVES, POPUP, 1))


def _stocked(book: StockBook, sku: str, place: str) -> Act:
    return lambda now: book.set(now, sku, place, max(24, book.level(sku, place)))


def _buy_sweater(person: Person, till: Till, now: datetime) -> None:
    """Ring up the sweater at a discount, so that a cart code may be offered to her in May."""
    till.ring(now, (Item(VARIANTS[SWEATER]),), person=person, channel="facebook_shop", code="HELLO15")


def _off_the_shelf(book: StockBook, now: datetime, *skus: str) -> None:
    for sku in skus:
        book.take(now, sku, WAREHOUSE, 1)


def _look(person: Person, sku: str, stream: Clickstream, now: datetime) -> None:
    Visit(_own_dice("look"), stream, now, browser(person)).look(sku)


def _leave_leggings(person: Person, stream: Clickstream, now: datetime) -> None:
    visit = Visit(_own_dice("leave"), stream, now, browser(person), CARTS[person.customer_id])
    visit.look(BEANIE)
    visit.put(Item(VARIANTS[LEGGINGS]))
    visit.view_cart()


def _come_back(person: Person, stream: Clickstream, now: datetime) -> None:
    visit = Visit(_own_dice("back"), stream, now, browser(person), CARTS[person.customer_id])
    visit.items = (Item(VARIANTS[LEGGINGS]),)
    visit.put(Item(VARIANTS[BEANIE]))
    visit.go_to_checkout()


def _own_dice(scene: str) -> Random:
    """Dice that no seed moves, rolled alike for both twins: they click at the same moments in every shop."""
    return Random(f"saltmere/story/{scene}")  # noqa: S311 - timings, not secrets
