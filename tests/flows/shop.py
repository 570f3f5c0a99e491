"""A handful of people with carts they left, named so that a leak into Prefect cannot hide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, insert

from segue.store.engine import write
from segue.store.tables import (
    cart,
    cart_event,
    consent_event,
    identifier,
    location,
    product,
    profile,
    stock_event,
    variant,
)


@dataclass(frozen=True)
class Shop:
    """What was filled in: who may be written to, and every string that must stay out of Prefect."""

    people: int
    consenting: int
    personal: tuple[str, ...]


def fill(engine: Engine, *, now: datetime, people: int = 20, idle: timedelta = timedelta(hours=2)) -> Shop:
    """Give `people` a cart left `idle` ago; every fifth has agreed to nothing."""
    then, stamp = now - idle, {"recorded_at": now}
    numbers = range(1, people + 1)
    consenting = [number for number in numbers if number % 5]
    with write(engine) as connection:

        def put(table, *rows):
            connection.execute(insert(table), list(rows))

        pages = {"url": "/products/tide-leggings", "image_url": "/pictures/tide-leggings.png"}
        put(
            product,
            {
                "id": 1,
                "external_id": "leggings",
                "title": "Tide leggings",
                "category": "bottoms",
                "size_system": "us_women",
                **pages,
                **stamp,
            },
        )
        put(
            variant,
            {
                "id": 1,
                "product_id": 1,
                "sku": "LEG-8",
                "size": "8",
                "colour": "Ink",
                "price_minor": 7400,
                "currency": "USD",
            },
        )
        put(location, {"id": 1, "external_id": "wh", "kind": "warehouse", "name": "Warehouse", "country": "US"})
        put(stock_event, {"variant_id": 1, "location_id": 1, "quantity": 500, "occurred_at": then, **stamp})
        put(
            profile,
            *(
                {
                    "id": number,
                    "first_name": f"Quillon{number:03}",
                    "last_name": f"Ravensworth{number:03}",
                    "country": "US",
                    "zone": "America/New_York",
                    "created_at": then,
                }
                for number in numbers
            ),
        )
        put(
            identifier,
            *({"kind": "email", "value": email(n), "profile_id": n, **stamp} for n in numbers),
            *({"kind": "phone", "value": phone(n), "profile_id": n, **stamp} for n in numbers),
        )
        put(
            consent_event,
            *(
                {
                    "profile_id": number,
                    "channel": "email",
                    "state": "granted",
                    "basis": "opt_in",
                    "source": "test",
                    "occurred_at": then,
                    "dedupe": f"consent:{number}",
                    **stamp,
                }
                for number in consenting
            ),
        )
        put(
            cart,
            *({"id": n, "external_id": f"c{n}", "profile_id": n, "sales_channel": "web", **stamp} for n in numbers),
        )
        put(
            cart_event,
            *(
                {
                    "cart_id": number,
                    "kind": "added",
                    "variant_id": 1,
                    "quantity": 1,
                    "occurred_at": then,
                    "dedupe": f"added:{number}",
                    **stamp,
                }
                for number in numbers
            ),
        )
    names = [f"{first}{n:03}" for n in numbers for first in ("quillon", "ravensworth")]
    return Shop(people, len(consenting), (*map(email, numbers), *map(phone, numbers), *names))


def email(number: int) -> str:
    return f"quillon{number:03}@mailbox.example.com"


def phone(number: int) -> str:
    return f"+1202555{100 + number:04}"
