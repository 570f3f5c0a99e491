"""Who went into another profile owns nothing: she is never due, and what was promised to her is kept once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from segue.journeys.abandoned_cart import last_call_due, reminder_due
from segue.journeys.definition import Moment
from segue.journeys.welcome_insert import insert_due
from segue.service import Segue
from segue.store.engine import read, write
from segue.store.tables import message, order, voucher
from tests.journeys import counter
from tests.journeys.counter import HOUR, NOON, buy, leave_cart, mails
from tests.outbox.merges import found, redirects


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Segue]:
    with counter.shop(database_url, tmp_path, people=3) as segue:
        yield segue


def due(segue: Segue, journey: str, question: object) -> dict[str, int]:
    """Occasions and whose they are."""
    moment = Moment(now=segue.clock.now(), live_from=NOON - timedelta(days=30))
    with read(segue.engine) as connection:
        rows = connection.execute(question(moment, segue.journeys[journey].brief())).all()  # type: ignore[operator]
    return {row.occasion: row.profile_id for row in rows}


def states(segue: Segue) -> dict[str, tuple[str, int]]:
    """State and owner of each message."""
    with read(segue.engine) as connection:
        rows = connection.execute(select(message.c.key, message.c.state, message.c.profile_id))
        return {row.key: (row.state, row.profile_id) for row in rows}


def test_whoever_went_is_due_for_nothing(shop: Segue) -> None:
    """Her carts, her orders and the mails she got are the other's now, in every question that chooses people."""
    leave_cart(shop, 8, 1)
    leave_cart(shop, 9, 2)
    buy(shop, 17, 2, NOON - HOUR)
    buy(shop, 18, 1)
    shop.clock.set(NOON + HOUR)
    assert due(shop, "abandoned_cart", reminder_due) == {"cart:8": 1, "cart:9": 2}
    assert due(shop, "welcome_insert", insert_due) == {"order:17": 2, "order:18": 1}
    found(shop.engine, (1, 2))
    assert shop.merge_found() == 1
    assert due(shop, "abandoned_cart", reminder_due) == {"cart:8": 1, "cart:9": 1}
    assert due(shop, "welcome_insert", insert_due) == {"order:17": 1}, "her second parcel is not her first"
    leave_cart(shop, 10, 1)
    shop.tick()
    shop.clock.set(NOON + 22 * HOUR)
    assert set(due(shop, "abandoned_cart", last_call_due).values()) == {1}


@pytest.mark.parametrize("owner", [1, 2])
def test_a_cart_promised_before_the_merge_is_answered_once(shop: Segue, owner: int) -> None:
    """Whichever of the two left it, and although both were promised to before."""
    leave_cart(shop, 9, owner)
    leave_cart(shop, 11, 3)
    shop.clock.set(NOON + HOUR)
    cart_journey = shop.journeys["abandoned_cart"]
    promised = shop.start_run(cart_journey, cart_journey.brief()).promised
    assert promised == 2
    found(shop.engine, (1, 2))
    shop.tick()
    assert redirects(shop.engine) == {1: None, 2: 1, 3: None}
    for hours in (2, 3, 22, 30, 60):
        shop.clock.set(NOON + hours * HOUR)
        shop.tick()
    kept = {key: state for key, state in states(shop).items() if "cart:9" in key}
    assert kept == {
        "abandoned_cart/reminder/cart:9": ("accepted", 1),
        "abandoned_cart/last_call/cart:9": ("accepted", 1),
    }
    assert len(mails(shop)) == 4, "two people, a mail and a text each"


def test_two_first_parcels_of_one_person_hold_one_card(shop: Segue) -> None:
    """Each was promised one; after the merge the earlier order has it."""
    buy(shop, 17, 2, NOON - HOUR)
    buy(shop, 18, 1)
    welcome = shop.journeys["welcome_insert"]
    assert shop.start_run(welcome, welcome.brief()).promised == 2
    found(shop.engine, (1, 2))
    shop.tick()
    assert Counter(states(shop).values()) == {("accepted", 1): 1, ("skipped", 1): 1}
    with read(shop.engine) as connection:
        assert connection.scalars(select(voucher.c.profile_id)).all() == [1]


def test_a_first_parcel_that_was_cancelled_leaves_the_card_to_the_other_one(shop: Segue) -> None:
    """Both were promised a card under different names, and are judged together."""
    buy(shop, 17, 2, NOON - HOUR)
    buy(shop, 18, 1)
    welcome = shop.journeys["welcome_insert"]
    assert shop.start_run(welcome, welcome.brief()).promised == 2
    found(shop.engine, (1, 2))
    with write(shop.engine) as connection:
        connection.execute(update(order).where(order.c.id == 17).values(cancelled_at=NOON))
    shop.tick()
    kept = {key[-2:]: state for key, (state, _) in states(shop).items()}
    assert kept == {"17": "skipped", "18": "accepted"}
