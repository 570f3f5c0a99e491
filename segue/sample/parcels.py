"""What becomes of an order's goods: parcels packed at the day's pick wave, pick-ups in a store, nothing at a till."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from segue.sample.dice import chance
from segue.sample.places import STORE_BROOKLYN, WAREHOUSE
from segue.sample.rows import FulfilmentRow, OrderRow, money
from segue.sample.till import CURRENCY, Order
from segue.sample.year import YEAR_END, YEAR_START, iso, local

#: When the warehouse picks, by the shop's own clock.
PICK_HOUR: Final = 14
_PICKED_UP: Final = 0.04
#: A parcel's way from the warehouse, days.
_NEAR, _FAR = 2, 6


@dataclass(frozen=True, slots=True)
class Parcel:
    """How an order reaches its buyer, and from where."""

    order: Order
    #: ship, pickup or none.
    delivery: str
    location: str
    #: Kind and instant, oldest first; nothing after the year's end.
    steps: tuple[tuple[str, datetime], ...]

    def order_row(self) -> OrderRow:
        """Return the order's head; the location is where it was rung up or is packed."""
        order = self.order
        return OrderRow(
            order.order_id, order.customer_id, order.cart_id, order.channel, self.location, CURRENCY,
            money(order.paid), money(order.discount), order.code, "", "true" if order.gift else "false", self.delivery,
            iso(order.at), iso(order.at), iso(order.cancelled_at) if order.cancelled_at else "",
        )  # fmt: skip

    def rows(self) -> Iterator[FulfilmentRow]:
        """Yield what happened to the goods."""
        for kind, at in self.steps:
            yield FulfilmentRow(self.order.order_id, kind, self.location, iso(at))


def parcels(rng: Random, orders: Sequence[Order]) -> list[Parcel]:
    """Send every online order on its way; a cancelled one is never packed, if it is cancelled in time."""
    return [_parcel(rng, order) for order in orders]


def _parcel(rng: Random, order: Order) -> Parcel:
    if order.location:
        return Parcel(order, "none", order.location, ())
    packed_at = _packed_at(rng, order.at)
    is_pickup = chance(rng, _PICKED_UP) and order.channel == "web" and not order.is_story
    days = _NEAR + rng.random() * (_FAR - _NEAR)
    place = STORE_BROOKLYN if is_pickup else WAREHOUSE
    last = ("picked_up",) if is_pickup else ("shipped", "delivered")
    waits = (timedelta(days=1.2),) if is_pickup else (timedelta(hours=3.5), timedelta(days=days))
    steps = [("packed", packed_at), *((kind, packed_at + wait) for kind, wait in zip(last, waits, strict=True))]
    if order.cancelled_at is not None and order.cancelled_at < packed_at:
        steps = []
    return Parcel(
        order,
        "pickup" if is_pickup else "ship",
        place,
        tuple((kind, at) for kind, at in steps if at < YEAR_END),
    )


def _packed_at(rng: Random, at: datetime) -> datetime:
    """Within the hour and a half after the wave that takes the order; one in thirty waits for the next day's."""
    day = max(at, YEAR_START).date() - timedelta(days=1)
    wave = local(day, PICK_HOUR, 0, 0, "")
    while wave <= at:
        day += timedelta(days=1)
        wave = local(day, PICK_HOUR, 0, 0, "")
    if chance(rng, 1 / 30):
        wave = local(day + timedelta(days=1), PICK_HOUR, 0, 0, "")
    return wave + timedelta(minutes=5 + rng.random() * 85)
