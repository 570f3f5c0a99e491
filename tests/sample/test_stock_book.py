"""The stock book's own promises, which the shop's chance rarely touches."""

from datetime import UTC, datetime, timedelta

from segue.sample.places import STORE_MAINE, WAREHOUSE
from segue.sample.stock import StockBook

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SKU = "TIDE-INK-08"


def test_a_level_never_goes_below_zero():
    book = StockBook()
    book.set(NOON, SKU, WAREHOUSE, 1)
    book.take(NOON + timedelta(hours=1), SKU, WAREHOUSE, 2)
    assert [row.quantity for row in book.rows()] == [1, 0]


def test_two_changes_within_a_second_are_one_fact():
    book = StockBook()
    book.set(NOON, SKU, WAREHOUSE, 5)
    book.take(NOON + timedelta(milliseconds=300), SKU, WAREHOUSE, 1)
    assert [(row.quantity, row.occurred_at) for row in book.rows()] == [(4, "2026-05-01T12:00:00+00:00")]


def test_selling_out_empties_every_place_that_has_some():
    book = StockBook()
    book.set(NOON, SKU, WAREHOUSE, 5)
    book.set(NOON, SKU, STORE_MAINE, 2)
    book.sell_out(NOON + timedelta(hours=1), SKU)
    assert book.level(SKU, WAREHOUSE) == book.level(SKU, STORE_MAINE) == 0
    assert len(list(book.rows())) == 4
