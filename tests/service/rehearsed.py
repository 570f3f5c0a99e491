"""A small shop with people in New York and Berlin whose parcels arrive at every hour around the change of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Engine, insert

from segue.store.engine import write
from segue.store.tables import (
    consent_event,
    fulfilment,
    identifier,
    journey_state,
    order,
    order_line,
    product,
    profile,
    variant,
)

#: Clocks go forward in New York on the 8th, in Berlin on the 29th.
FIRST = datetime(2026, 2, 26, tzinfo=UTC)
PEOPLE = 160
ZONES = {0: ("US", "America/New_York"), 1: ("DE", "Europe/Berlin")}
AFTER = datetime(2026, 5, 1, tzinfo=UTC)


def arrives_at(number: int) -> datetime:
    """When the parcel of a person arrives: every nine hours and a bit, so that every hour of the day is met."""
    return FIRST + timedelta(hours=9, minutes=7) * (number // 2)


def fill(engine: Engine, *, shuffled: int = 0, back: timedelta = timedelta(0)) -> None:
    """Write everybody, moved `back`; another number in `shuffled` writes the same rows in another order."""
    numbers = list(range(1, PEOPLE + 1))
    first = FIRST - back - timedelta(days=60)
    stamp = {"recorded_at": first}
    rows: list[tuple[Any, list[dict[str, Any]]]] = [
        (
            product,
            [{"id": 1, "external_id": "p", "title": "Leggings", "url": "/p", "image_url": "/i.png", **stamp}],
        ),
        (variant, [{"id": 1, "product_id": 1, "sku": "L-8", "size": "8", "price_minor": 7400, "currency": "USD"}]),
        (profile, [_profile(number, first) for number in numbers]),
        (
            identifier,
            [{"id": n, "kind": "email", "value": f"wren{n}@example.com", "profile_id": n, **stamp} for n in numbers],
        ),
        (consent_event, [_consent(number, first) for number in numbers if number % 10]),
        (order, [_order(number, back) for number in numbers]),
        (order_line, [_line(number) for number in numbers]),
        (fulfilment, [_arrival(number, back) for number in numbers]),
        (journey_state, [{"journey": "style_followup", "live_from": first}]),
    ]
    with write(engine) as connection:
        for table, written in rows:
            Random(shuffled).shuffle(written)
            connection.execute(insert(table), written)


def _profile(number: int, at: datetime) -> dict[str, Any]:
    country, zone = ZONES[number % 2]
    return {"id": number, "first_name": f"Wrenna{number}", "country": country, "zone": zone, "created_at": at}


def _consent(number: int, at: datetime) -> dict[str, Any]:
    said = {"channel": "email", "state": "confirmed", "basis": "opt_in", "source": "test", "dedupe": f"yes:{number}"}
    return {"id": number, "profile_id": number, "occurred_at": at, "recorded_at": at, **said}


def _order(number: int, back: timedelta) -> dict[str, Any]:
    at = arrives_at(number) - back - timedelta(days=3)
    worth = {"currency": "USD", "total_minor": 7400, "sales_channel": "web", "delivery": "ship"}
    times = {"occurred_at": at, "paid_at": at, "recorded_at": at}
    return {"id": number, "external_id": f"o{number}", "profile_id": number, **worth, **times}


def _line(number: int) -> dict[str, Any]:
    worth = {"quantity": 1, "unit_price_minor": 7400, "total_minor": 7400}
    return {"id": number, "order_id": number, "position": 1, "variant_id": 1, **worth}


def _arrival(number: int, back: timedelta) -> dict[str, Any]:
    at = arrives_at(number) - back
    return {"id": number, "order_id": number, "kind": "delivered", "occurred_at": at, "recorded_at": at}
