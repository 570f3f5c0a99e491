"""The rows of the shop's files. Field names are the column headers; text is what ends up in the file."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class ProductRow(NamedTuple):
    """`products.csv`: one variant."""

    product_id: str
    title: str
    category: str
    size_system: str
    sku: str
    size: str
    colour: str
    price: str
    currency: str
    url: str
    image_url: str


class ListingRow(NamedTuple):
    """`listings.csv`: a product on a sales channel."""

    product_id: str
    sales_channel: str
    listed_from: str
    listed_until: str


class RelationRow(NamedTuple):
    """`relations.csv`: what goes with a product, the best first."""

    product_id: str
    related_id: str
    kind: str
    rank: int


class LocationRow(NamedTuple):
    """`locations.csv`: where stock lies and people shop."""

    location_id: str
    kind: str
    name: str
    address: str
    country: str
    zone: str
    latitude: str
    longitude: str
    opens_at: str
    closes_at: str
    capacity: str


class StockRow(NamedTuple):
    """`stock.csv`: from this instant on, so many are there."""

    sku: str
    location_id: str
    quantity: int
    occurred_at: str


class CustomerRow(NamedTuple):
    """`customers.csv`: one person as the shop knows her."""

    customer_id: str
    email: str
    phone: str
    first_name: str
    last_name: str
    locale: str
    country: str
    region: str
    zone: str
    birth_year: str
    latitude: str
    longitude: str
    source: str
    created_at: str


class ConsentRow(NamedTuple):
    """`consents.csv`: what she said about a channel, and when."""

    customer_id: str
    channel: str
    state: str
    basis: str
    source: str
    wording: str
    occurred_at: str


class SuppressionRow(NamedTuple):
    """`suppressions.csv`: an address never to be written to again."""

    address: str
    reason: str
    occurred_at: str


class OrderRow(NamedTuple):
    """`orders.csv`: one order, on any sales channel."""

    order_id: str
    customer_id: str
    cart_id: str
    sales_channel: str
    location_id: str
    currency: str
    total: str
    discount: str
    discount_code: str
    referral_code: str
    gift: str
    delivery: str
    occurred_at: str
    paid_at: str
    cancelled_at: str


class OrderLineRow(NamedTuple):
    """`order_lines.csv`: one item of an order."""

    order_id: str
    position: int
    product_id: str
    sku: str
    quantity: int
    unit_price: str
    currency: str
    occurred_at: str


class FulfilmentRow(NamedTuple):
    """`fulfilments.csv`: what was done with an order's goods, and where."""

    order_id: str
    kind: str
    location_id: str
    occurred_at: str


def write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> int:
    """Write rows under a header, UTF-8 with Unix line ends on every system; return how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def money(cents: int) -> str:
    """Return minor units as decimal text: 7400 is `74.00`."""
    return f"{cents // 100}.{cents % 100:02d}"
