"""Which order gets the card, until when, and what takes it away again: each rule by itself, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import Engine, insert

from segue.journeys.definition import Moment
from segue.journeys.waves import PickWave, next_wave
from segue.journeys.welcome_insert import JOURNEY, WelcomeInsertBrief, facts, insert_due, insert_next_due, words
from segue.store.engine import read, write
from segue.store.tables import fulfilment, location, message, order, product, profile, stock_event, variant

NOON = datetime(2026, 5, 12, 16, tzinfo=UTC)  # in New York
BRIEF = WelcomeInsertBrief()
WAVE = PickWave(time(14), ZoneInfo("America/New_York"))


@pytest.fixture
def shop(engine: Engine) -> Engine:
    """Two women and a warehouse."""
    with write(engine) as connection:
        connection.execute(insert(profile), [{"id": n, "created_at": NOON} for n in (1, 2)])
        connection.execute(insert(location).values(id=1, external_id="newark", kind="warehouse", name="W"))
    return engine


def ordered(engine: Engine, order_id: int, hours: float = -1, **changes: Any) -> None:
    """An order to be shipped, paid so many hours from noon."""
    at = NOON + timedelta(hours=hours)
    values: dict[str, Any] = {
        "id": order_id,
        "external_id": str(order_id),
        "number": f"#{order_id}",
        "profile_id": 1,
        "sales_channel": "facebook_shop",
        "delivery": "ship",
        "currency": "USD",
        "total_minor": 100,
        "occurred_at": at,
        "paid_at": at,
        "recorded_at": NOON,
    }
    with write(engine) as connection:
        connection.execute(insert(order).values(values | changes))


def handled(engine: Engine, order_id: int, kind: str = "packed", hours: float = -0.5) -> None:
    with write(engine) as connection:
        connection.execute(
            insert(fulfilment).values(
                order_id=order_id, kind=kind, occurred_at=NOON + timedelta(hours=hours), recorded_at=NOON
            )
        )


def due(engine: Engine, hours: float = 0, *, wave: PickWave | None = None, live_days: int = 30) -> dict[str, datetime]:
    now = NOON + timedelta(hours=hours)
    moment = Moment(now=now, live_from=NOON - timedelta(days=live_days), pick_wave=wave)
    with read(engine) as connection:
        return {row.occasion: row.deadline_at for row in connection.execute(insert_due(moment, BRIEF))}


def gone(engine: Engine, order_id: int, hours: float = 0, profile_id: int = 1) -> bool:
    rows = pd.DataFrame(
        {"key": [f"welcome_insert/insert/order:{order_id}"], "profile_id": [profile_id], "subject_id": [order_id]}
    )
    with read(engine) as connection:
        return bool(
            facts(connection, rows, Moment(now=NOON + timedelta(hours=hours), live_from=NOON), BRIEF)["gone"].iloc[0]
        )


def card(engine: Engine, order_id: int, state: str) -> None:
    """A card that was promised before."""
    with write(engine) as connection:
        connection.execute(
            insert(message).values(
                key=f"welcome_insert/insert/order:{order_id}",
                profile_id=1,
                bucket=1,
                journey="welcome_insert",
                step="insert",
                subject_id=order_id,
                priority=1,
                state=state,
                not_before=NOON,
                deadline_at=NOON,
                promised_at=NOON,
            )
        )


def test_the_first_order_that_becomes_a_parcel_is_due_and_no_later_one(shop: Engine) -> None:
    ordered(shop, 17, -3)
    ordered(shop, 18, -2)
    ordered(shop, 30, -1, profile_id=2)
    assert set(due(shop)) == {"order:17", "order:30"}


@pytest.mark.parametrize(
    "no_parcel",
    [
        {"paid_at": None},
        {"gift": True},
        {"marketplace": True},
        {"delivery": "pickup"},
        {"delivery": "none", "sales_channel": "store"},
        {"delivery": None},
        {"cancelled_at": NOON - timedelta(minutes=1)},
        {"profile_id": None},
    ],
    ids=lambda changes: next(iter(changes)) + str(len(changes)) + str(next(iter(changes.values())))[:4],
)
def test_what_is_no_parcel_to_her_gets_no_card_and_makes_the_next_order_the_first(
    shop: Engine, no_parcel: dict[str, Any]
) -> None:
    ordered(shop, 17, -3, **no_parcel)
    assert due(shop) == {}
    ordered(shop, 18, -2)
    assert set(due(shop)) == {"order:18"}


def test_a_total_of_nothing_is_paid(shop: Engine) -> None:
    ordered(shop, 17, total_minor=0)
    assert set(due(shop)) == {"order:17"}


def test_of_two_paid_at_one_instant_the_lower_number_is_first(shop: Engine) -> None:
    ordered(shop, 1, external_id="100")
    ordered(shop, 2, external_id="99")
    assert set(due(shop)) == {"order:2"}


def test_a_cancellation_that_lies_ahead_is_not_known_yet(shop: Engine) -> None:
    ordered(shop, 17, cancelled_at=NOON + timedelta(hours=1))
    assert set(due(shop)) == {"order:17"}
    assert not gone(shop, 17)
    assert gone(shop, 17, hours=2)


@pytest.mark.parametrize("kind", ["packed", "shipped", "delivered"])
def test_once_a_parcel_is_packed_the_card_is_too_late_and_no_later_parcel_is_the_first(shop: Engine, kind: str) -> None:
    ordered(shop, 17, -3)
    handled(shop, 17, kind, hours=1)
    ordered(shop, 18, 2)
    assert set(due(shop)) == {"order:17"}
    assert not gone(shop, 17)
    assert due(shop, hours=3) == {}
    assert gone(shop, 17, hours=3)


@pytest.mark.parametrize(("state", "is_due"), [("accepted", False), ("uncertain", False), ("skipped", True)])
def test_who_has_had_a_card_gets_no_other(shop: Engine, state: str, *, is_due: bool) -> None:
    """A card that was taken out again is settled as skipped: the next parcel is her first."""
    ordered(shop, 17, -3, cancelled_at=NOON - timedelta(hours=2))
    card(shop, 17, state)
    ordered(shop, 18, -1)
    assert bool(due(shop)) is is_due
    assert gone(shop, 18) is not is_due


def test_only_what_was_paid_since_the_journey_is_live(shop: Engine) -> None:
    ordered(shop, 17, -30)
    assert due(shop, live_days=1) == {}
    assert set(due(shop, live_days=2)) == {"order:17"}


def test_the_deadline_is_the_wave_that_takes_the_order(shop: Engine) -> None:
    ordered(shop, 17, 1.999)  # a moment before two
    ordered(shop, 18, 2, profile_id=2)  # at two: tomorrow's
    today = NOON + timedelta(hours=2)
    assert due(shop, hours=3, wave=WAVE) == {"order:17": today, "order:18": today + timedelta(days=1)}
    assert due(shop, hours=3)["order:17"] > NOON + timedelta(days=13)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-03-08T05:00+00:00", "2026-03-08T18:00+00:00"),  # the night the clocks go forward
        ("2026-03-07T19:00+00:00", "2026-03-08T18:00+00:00"),
        ("2026-11-01T05:30+00:00", "2026-11-01T19:00+00:00"),  # the night they go back
        ("2026-11-01T19:00+00:00", "2026-11-02T19:00+00:00"),
    ],
)
def test_a_wave_keeps_the_shops_own_clock(after: str, expected: str) -> None:
    assert next_wave(datetime.fromisoformat(after), WAVE) == datetime.fromisoformat(expected)


def test_the_next_parcel_to_be_paid_says_when_to_look_again(shop: Engine) -> None:
    ordered(shop, 17, -1)
    ordered(shop, 18, 5, profile_id=2)
    with read(shop) as connection:
        moment = Moment(now=NOON, live_from=NOON)
        assert connection.scalar(insert_next_due(moment, BRIEF)) == NOON + timedelta(hours=5)


@pytest.mark.parametrize(
    ("hour", "paid", "stop"),
    [(0, 0.5, 2 - 1 / 60), (0, 1.99, 1.99), (2 - 1 / 60, 1.99, 1.99), (0, 5, 5)],
    ids=["before it", "at the last moment", "after the look", "after it"],
)
def test_with_waves_it_is_enough_to_look_just_before_them(shop: Engine, hour: float, paid: float, stop: float) -> None:
    ordered(shop, 17, paid)
    with read(shop) as connection:
        moment = Moment(now=NOON + timedelta(hours=hour), live_from=NOON, pick_wave=WAVE)
        found = connection.scalar(insert_next_due(moment, BRIEF))
    assert found == NOON + timedelta(hours=stop)


def test_the_card_says_its_order_its_place_and_what_else_is_there(shop: Engine) -> None:
    ordered(shop, 17, location_id=1)
    ordered(shop, 18, profile_id=2, number=None)
    with write(shop) as connection:
        connection.execute(insert(product).values(id=1, external_id="p", title="Scarf", recorded_at=NOON))
        connection.execute(insert(variant).values(id=1, product_id=1, sku="S", price_minor=4200, currency="USD"))
        connection.execute(
            insert(stock_event).values(
                variant_id=1, location_id=1, quantity=1, occurred_at=NOON - timedelta(days=1), recorded_at=NOON
            )
        )
    rows = pd.DataFrame({"key": ["a", "b"], "profile_id": [1, 2], "subject_id": [17, 18]})
    with read(shop) as connection:
        first, second = words(connection, rows, Moment(now=NOON, live_from=NOON), BRIEF)
        bare, _ = words(connection, rows, Moment(now=NOON, live_from=NOON), WelcomeInsertBrief(show_items=False))
    assert (first["order"], first["location"]) == ({"number": "#17"}, "newark")
    assert (second["order"], second["location"]) == ({"number": "18"}, "main")
    assert bare["items"] == []


def test_it_is_printed_and_its_code_lives_sixty_days() -> None:
    (step,) = JOURNEY.steps
    assert step.channels == ("print",)
    assert step.offer is not None
    offer = step.offer(BRIEF)
    assert offer is not None
    assert (offer.valid_for, offer.if_live) == (timedelta(days=60), "show")
    assert step.offer(WelcomeInsertBrief(percent=0)) is None
