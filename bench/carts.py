"""Abandoned carts for the real journey: a small catalogue, and carts of one to three things left an hour ago."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, Table, text

from bench.shop import LONG_AGO, NOW, fill
from segue.store.bulk import insert_new
from segue.store.engine import write
from segue.store.tables import cart, cart_event, journey_state, location, product, stock_event, variant

_STYLES = ("Tide leggings", "Harbour fleece", "Cliff jacket", "Dune tee", "Gale gloves", "Cove scarf")
_SIZES = ("4", "6", "8", "10", "12")
_COLOURS = ("Ink", "Sand", "Moss")
_VARIANTS = len(_STYLES) * len(_SIZES) * len(_COLOURS)
_CHUNK = 10_000


def fill_carts(engine: Engine, people: int) -> None:
    """Make `people` consenting people, each with a cart that was left between one and three hours ago."""
    fill(engine, people)
    with write(engine) as connection:
        open_shop(connection)
        insert_all(connection, cart, (cart_row(n, n) for n in range(1, people + 1)))
        insert_all(connection, cart_event, (event for n in range(1, people + 1) for event in left(n, _left_at(n))))
    analyze(engine)


def open_shop(connection: Connection) -> None:
    """A catalogue with stock, and the journey switched on long ago."""
    styles = range(1, len(_STYLES) * len(_COLOURS) + 1)
    insert_new(
        connection,
        product,
        [
            {
                "id": n,
                "external_id": f"style-{n}",
                "title": _STYLES[n % len(_STYLES)],
                "url": f"/products/style-{n}",
                "image_url": f"/pictures/style-{n}-0d2e3339.png",
                "recorded_at": LONG_AGO,
            }
            for n in styles
        ],
    )
    insert_new(
        connection,
        variant,
        [
            {
                "id": n,
                "product_id": (n - 1) // len(_SIZES) + 1,
                "sku": f"SKU-{n}",
                "size": _SIZES[n % len(_SIZES)],
                "colour": _COLOURS[n % len(_COLOURS)],
                "price_minor": 2900 + 100 * n,
                "currency": "USD",
            }
            for n in range(1, _VARIANTS + 1)
        ],
    )
    insert_new(connection, location, [{"id": 1, "external_id": "w", "kind": "warehouse", "name": "Warehouse"}])
    insert_new(
        connection,
        stock_event,
        [
            {"variant_id": n, "location_id": 1, "quantity": 50, "occurred_at": LONG_AGO, "recorded_at": LONG_AGO}
            for n in range(1, _VARIANTS + 1)
        ],
    )
    insert_new(connection, journey_state, [{"journey": "abandoned_cart", "live_from": LONG_AGO}])


def insert_all(connection: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    """Insert as many rows as there are, some thousand at a time."""
    while chunk := list(islice(rows, _CHUNK)):
        insert_new(connection, table, chunk)


def left(number: int, at: datetime) -> Iterator[dict[str, Any]]:
    """What happened to cart `number` until it was left at `at`: one to three things put in, and a look at them."""
    for place in range(number % 3 + 1):
        yield event(
            number, "added", at - timedelta(minutes=20 - 5 * place), variant_id=(number + place) % _VARIANTS + 1
        )
    yield event(number, "viewed", at)


def event(number: int, kind: str, at: datetime, *, variant_id: int | None = None) -> dict[str, Any]:
    """One row of `cart_event`."""
    return {
        "cart_id": number,
        "kind": kind,
        "variant_id": variant_id,
        "quantity": 0 if variant_id is None else 1,
        "occurred_at": at,
        "recorded_at": at,
        "dedupe": f"{number}:{kind}:{at.timestamp():.0f}:{variant_id}",
    }


def analyze(engine: Engine) -> None:
    """Let the planner know the tables, as after any bulk load."""
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))


def cart_row(number: int, profile_id: int) -> dict[str, Any]:
    """One row of `cart`."""
    return {
        "id": number,
        "external_id": f"cart-{number}",
        "profile_id": profile_id,
        "sales_channel": "web",
        "recorded_at": LONG_AGO,
    }


def _left_at(number: int) -> datetime:
    return NOW - timedelta(hours=1, seconds=number % 7200)
