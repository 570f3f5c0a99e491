"""Sizes that are numbers: learned from orders, matched with the shop's own numbers, never with letters or waists."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from segue.intake import ImportReport

from .shopify_files import SAMPLES, head, more, table
from .test_shopify_names import catalogue

Load = Callable[..., ImportReport]
WORN = "SELECT category, system, size FROM profile_size ORDER BY category, system, size"


def test_numbers_are_learned_apart_from_letters_and_waists(load: Load, rows) -> None:
    for handle, title, sizes in (
        ("fern", "Fern", ("6", "8")),
        ("moss", "Moss", ("S", "M")),
        ("oak", "Oak", ("8", "M")),
        ("elm", "Elm", ("28", "30")),
    ):
        load(catalogue(*((size, "") for size in sizes), title=title, handle=handle), currency="USD")
    systems = rows("SELECT external_id, size_system FROM product ORDER BY external_id")
    assert systems == [("elm", "numeric_24_up"), ("fern", "numeric"), ("moss", "alpha"), ("oak", None)]
    bought = ("Fern - 8", "Moss - M", "Oak - 8", "Elm - 28")
    first, *others = bought
    lines = (more(1, Lineitem_name=name, Lineitem_sku="") for name in others)
    load(table(head(1, Lineitem_name=first, Lineitem_sku=""), *lines))
    assert rows(WORN) == [("tops", "alpha", "M"), ("tops", "numeric", "8"), ("tops", "numeric_24_up", "28")]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this checkout")
@pytest.mark.parametrize("first", ["products_export", "orders_export"])
def test_the_sample_shop_teaches_its_numbers(load: Load, rows, first: str) -> None:
    for name in sorted(("products_export", "orders_export"), key=lambda name: name != first):
        load(SAMPLES / f"{name}.csv", currency="USD")
    assert set(rows(WORN)) >= {("tops", "numeric", "8")}
    assert rows("SELECT external_id, size_system FROM product WHERE size_system IS NOT NULL ORDER BY 1") == [
        ("fern-sweater", "numeric"),
        ("harbour-jeans", "numeric_24_up"),
    ]
