"""The mapping files of examples/, on the data sets they were written for: their published and computed figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from segue.intake import ImportReport, import_table, load_mapping

from .conftest import CLOCK, hash_address

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is missing")


@pytest.fixture
def read_in(engine: Engine) -> Callable[[Path, str], ImportReport]:
    """Import a file through a mapping of examples/, twice; the second time changes nothing."""

    def run(file: Path, mapping: str) -> ImportReport:
        found = load_mapping(ROOT / "examples" / f"{mapping}.toml")
        report = import_table(engine, file, found, clock=CLOCK, hash_address=hash_address)
        again = import_table(engine, file, found, clock=CLOCK, hash_address=hash_address)
        assert (dict(again.taken), dict(again.updated), again.skipped) == ({}, {}, report.skipped)
        return report

    return run


def test_completejourney_begins_as_its_file_says(read_in, rows, tmp_path: Path):
    """The first 20,000 lines: baskets, quantities of 0 and what was paid, line by line."""
    table = pq.read_table(DATA / "completejourney" / "transactions.parquet").slice(0, 20_000)
    pq.write_table(table, tmp_path / "transactions.parquet")
    frame: Any = table.to_pandas()
    report = read_in(tmp_path / "transactions.parquet", "completejourney_transactions")
    assert dict(report.skipped) == {}
    assert report.taken["order_line"] == len(frame)
    paid = round(frame.sales_value.sum() * 100)
    assert rows("SELECT sum(total_minor), sum(quantity) FROM order_line") == [(paid, frame.quantity.sum())]
    assert rows(
        "SELECT count(*), sum(total_minor), count(paid_at), count(cancelled_at), count(DISTINCT profile_id)"
        " FROM \"order\" WHERE delivery = 'ship'"
    ) == [(frame.basket_id.nunique(), paid, frame.basket_id.nunique(), 0, frame.household_id.nunique())]


POINTS = """
name = "points"
[[record]]
kind = "location"
[record.fields]
external_id = "Id"
kind = { constant = "store" }
name = "Id"
latitude = "Lat"
longitude = "Long"
"""


def test_half_a_point_is_none(table_of, rows):
    report = table_of("Id,Lat,Long\na,51.5,-0.1\nb,51.5,\nc,,\nd,91,0\ne,north,0\n", POINTS)
    assert rows("SELECT external_id, latitude, longitude FROM location ORDER BY 1") == [
        ("a", 51.5, -0.1), ("b", None, None), ("c", None, None), ("d", None, None), ("e", None, None),
    ]  # fmt: skip
    assert report.warnings["bad_point"] == 5  # of d and e the cell itself, and the half that is left


MORE = """
name = "more"
currency = "EUR"
time_zone = "UTC"
[[record]]
kind = "order"
[record.fields]
external_id = "Id"
number = "Number"
occurred_at = "At"
paid_at = "Paid"
delivery = "How"
marketplace = "Elsewhere"
total = "Total"
refunded = "Back"
[[record]]
kind = "fulfilment"
unless = { Packed = "" }
[record.fields]
order = "Id"
kind = { constant = "packed" }
occurred_at = "Packed"
[[record]]
kind = "discount"
[record.fields]
code = "Code"
percent = "Off"
times_used = "Used"
"""


def test_orders_parcels_and_discounts_of_a_mapping(table_of, rows):
    head = "Id,Number,At,Paid,How,Elsewhere,Total,Back,Packed,Code,Off,Used\n"
    one = "1,#1001,2026-01-01,2026-01-02,ship,yes,10.00,2.50,2026-01-03,SPRING,-10.0,3\n"
    report = table_of(
        head + one + "2,#1002,2026-01-01,,pickup,no,5.00,,,SPRING,10,4\n3,#3,2026-01-01,,by bike,,,,,X,,\n", MORE
    )
    assert dict(report.skipped) == {"unknown_value": 1}
    assert rows(
        'SELECT external_id, number, delivery, marketplace, refunded_minor, paid_at IS NULL FROM "order" ORDER BY 1'
    ) == [("1", "#1001", "ship", True, 250, False), ("2", "#1002", "pickup", False, 0, True)]
    assert rows("SELECT kind FROM fulfilment") == [("packed",)]
    assert rows("SELECT code, percent, times_used FROM discount ORDER BY 1") == [("SPRING", 10.0, 4), ("X", None, None)]
