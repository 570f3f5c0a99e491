"""Which carts are due, and what makes answering one pointless: each rule by itself, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from sqlalchemy import Engine, insert

from segue.journeys.abandoned_cart import JOURNEY, AbandonedCartBrief, facts, reminder_due
from segue.journeys.definition import Moment
from segue.store.engine import read, write
from segue.store.tables import cart, cart_event, location, order, product, profile, stock_event, variant

NOON = datetime(2026, 5, 12, 16, tzinfo=UTC)
BRIEF = AbandonedCartBrief()


@pytest.fixture
def shop(engine: Engine) -> Engine:
    """One woman, one cart, one thing in stock."""
    stamp = {"recorded_at": NOON}
    with write(engine) as connection:
        connection.execute(insert(profile).values(id=1, created_at=NOON))
        connection.execute(insert(product).values(id=1, external_id="p", title="Leggings", **stamp))
        connection.execute(insert(variant).values(id=1, product_id=1, sku="L8", price_minor=1, currency="USD"))
        connection.execute(insert(location).values(id=1, external_id="w", kind="warehouse", name="W"))
        connection.execute(insert(cart).values(id=9, external_id="c", profile_id=1, sales_channel="web", **stamp))
    return engine


def happened(engine: Engine, *events: tuple[str, int]) -> None:
    """What happened to the cart, by kind and minutes after noon."""
    with write(engine) as connection:
        for kind, minute in events:
            holds = kind in {"added", "removed"}
            connection.execute(
                insert(cart_event).values(
                    cart_id=9,
                    kind=kind,
                    variant_id=1 if holds else None,
                    quantity=1 if holds else 0,
                    occurred_at=NOON + timedelta(minutes=minute),
                    recorded_at=NOON,
                    dedupe=f"{kind}:{minute}",
                )
            )


def due(engine: Engine, minute: int) -> list[str]:
    moment = Moment(now=NOON + timedelta(minutes=minute), live_from=NOON - timedelta(days=1))
    with read(engine) as connection:
        return [row.occasion for row in connection.execute(reminder_due(moment, BRIEF))]


def found(engine: Engine, minute: int, key: str = "abandoned_cart/reminder/cart:9") -> dict[str, bool]:
    rows = pd.DataFrame({"key": [key], "profile_id": [1], "subject_id": [9]})
    with read(engine) as connection:
        moment = Moment(now=NOON + timedelta(minutes=minute), live_from=NOON)
        said = facts(connection, rows, moment, BRIEF)
    return {name: bool(said[name].iloc[0]) for name in ("converted", "gone", "sold_out")}


def test_each_add_view_and_checkout_restarts_the_idle_time(shop: Engine) -> None:
    happened(shop, ("added", 0), ("viewed", 30), ("checkout_started", 60))
    assert [due(shop, minute) for minute in (50, 104, 105)] == [[], [], ["cart:9"]]


def test_its_own_order_empties_it_and_views_alone_fill_nothing(shop: Engine) -> None:
    happened(shop, ("added", 0), ("ordered", 10), ("viewed", 20), ("checkout_started", 30))
    assert due(shop, 300) == []
    assert found(shop, 300)["converted"]


def test_what_is_added_after_the_order_is_another_occasion(shop: Engine) -> None:
    happened(shop, ("added", 0), ("ordered", 10), ("added", 20))
    assert due(shop, 65) == ["cart:9.1"]
    assert not found(shop, 65, "abandoned_cart/reminder/cart:9.1")["converted"]
    assert found(shop, 65)["converted"]


def test_a_cart_with_everything_taken_out_is_neither_due_nor_answered(shop: Engine) -> None:
    happened(shop, ("added", 0), ("removed", 5))
    assert due(shop, 300) == []
    assert found(shop, 300) == {"converted": False, "gone": True, "sold_out": False}


@pytest.mark.parametrize(("minute", "converted"), [(-5, False), (5, True)])
def test_any_other_order_since_the_last_add_is_a_conversion(shop: Engine, minute: int, *, converted: bool) -> None:
    happened(shop, ("added", 0))
    with write(shop) as connection:
        connection.execute(
            insert(order).values(
                external_id="o",
                profile_id=1,
                sales_channel="store",
                currency="USD",
                total_minor=1,
                occurred_at=NOON + timedelta(minutes=minute),
                recorded_at=NOON,
            )
        )
    assert found(shop, 60)["converted"] is converted


def test_sold_out_is_the_last_count_and_no_count_is_not_zero(shop: Engine) -> None:
    happened(shop, ("added", 0))
    assert not found(shop, 60)["sold_out"]
    with write(shop) as connection:
        for minute, quantity in ((1, 3), (30, 0), (90, 2)):
            at = NOON + timedelta(minutes=minute)
            row = {"variant_id": 1, "location_id": 1, "quantity": quantity, "occurred_at": at, "recorded_at": NOON}
            connection.execute(insert(stock_event).values(row))
    assert [found(shop, minute)["sold_out"] for minute in (10, 60, 100)] == [False, True, False]


def test_only_the_reminder_may_come_at_night() -> None:
    """It answers what she did a moment ago; a last call twenty hours later waits for the morning."""
    assert [JOURNEY.step(name).answers_a_cart for name in ("reminder", "last_call")] == [True, False]
