"""A year of a gift shop's invoices, two countries: its published figures out of the store, and line for line."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine

from segue.intake import import_table, load_mapping

from .conftest import CLOCK, hash_address

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "online_retail"
MAPPING = ROOT / "examples" / "online_retail.toml"
POSTAGE = "POST"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/online_retail is missing")

Ask = Callable[[str], list[tuple[Any, ...]]]


class Published(NamedTuple):
    """One country's column of the README; money in pence."""

    code: str
    rows: int
    invoices: int
    cancellations: int
    customers: int
    nobody: int
    equal: int
    gross: int
    cancelled: int
    net: int
    first: datetime
    last: datetime


FRANCE = Published(
    "FR", 8_557, 461, 69, 87, 66, 16, 20_971_511, 1_231_121, 19_740_390,
    datetime(2010, 12, 1, 8, 45, tzinfo=UTC), datetime(2011, 12, 9, 12, 50, tzinfo=UTC),
)  # fmt: skip
GERMANY = Published(
    "DE", 9_495, 603, 146, 95, 0, 15, 22_886_714, 716_893, 22_169_821,
    datetime(2010, 12, 1, 13, 4, tzinfo=UTC), datetime(2011, 12, 9, 12, 16, tzinfo=UTC),
)  # fmt: skip


def lines_of(country: str) -> Iterator[dict[str, str]]:
    """The file's own rows."""
    with gzip.open(DATA / f"online_retail_{country}.csv.gz", "rt", encoding="utf-8-sig") as lines:
        yield from csv.DictReader(lines)


def pence(row: dict[str, str]) -> int:
    """What a row is worth; exact, since quantities are whole and prices have two places."""
    return int(Decimal(row["Quantity"]) * Decimal(row["UnitPrice"]) * 100)


def brought_in(engine: Engine, country: str, census: Callable[[], dict[str, int]]) -> None:
    """Import the file twice; the second time changes nothing."""
    file, mapping = DATA / f"online_retail_{country}.csv.gz", load_mapping(MAPPING)
    report = import_table(engine, file, mapping, clock=CLOCK, hash_address=hash_address)
    assert (dict(report.skipped), dict(report.updated)) == ({}, {})
    assert report.taken["order_line"] + report.taken["return"] == report.rows
    before = census()
    again = import_table(engine, file, mapping, clock=CLOCK, hash_address=hash_address)
    assert (dict(again.taken), dict(again.updated), dict(again.skipped)) == ({}, {}, {})
    assert census() == before


@pytest.mark.parametrize(("country", "said"), [("france", FRANCE), ("germany", GERMANY)], ids=["france", "germany"])
def test_the_published_figures(
    engine: Engine, rows: Ask, census: Callable[[], dict[str, int]], country: str, said: Published
) -> None:
    brought_in(engine, country, census)

    # Invoices are orders, cancellations documents of their own; every row is a line of one or the other.
    assert rows("SELECT (SELECT count(*) FROM order_line) + (SELECT count(*) FROM order_return)") == [(said.rows,)]
    assert rows('SELECT count(*) FROM "order"') == [(said.invoices - said.cancellations,)]
    assert rows("SELECT count(DISTINCT document) FROM order_return") == [(said.cancellations,)]
    assert rows("SELECT count(*) FROM order_return WHERE document NOT LIKE 'C%' OR quantity < 0") == [(0,)]

    # To the penny: by lines, by orders, and net of what came back.
    assert rows("SELECT sum(total_minor) FROM order_line") == [(said.gross,)]
    assert rows('SELECT sum(total_minor), min(currency), max(currency) FROM "order"') == [(said.gross, "GBP", "GBP")]
    assert rows("SELECT sum(total_minor) FROM order_return") == [(said.cancelled,)]
    assert rows("SELECT (SELECT sum(total_minor) FROM order_line) - (SELECT sum(total_minor) FROM order_return)") == [
        (said.net,)
    ]

    # Who bought. A row without a customer keeps its order and makes nobody.
    assert rows("SELECT count(*), min(country), max(country) FROM profile") == [(said.customers, said.code, said.code)]
    assert rows("SELECT kind, count(*) FROM identifier GROUP BY kind") == [("shop", said.customers)]
    assert rows(
        'SELECT (SELECT count(*) FROM order_line l JOIN "order" o ON o.id = l.order_id WHERE o.profile_id IS NULL)'
        " + (SELECT count(*) FROM order_return WHERE profile_id IS NULL)"
    ) == [(said.nobody,)]

    # The shop's clock is London's; the year's ends fall in winter, when that is UTC.
    assert _ends(rows) == (said.first, said.last)
    _compare_line_for_line(rows, country, said.equal)


def _compare_line_for_line(rows: Ask, country: str, equal: int) -> None:
    """Equal lines stay equal lines, and postage is a line of something that is no garment."""
    said = list(lines_of(country))
    bought = Counter(
        (row["InvoiceNo"], row["StockCode"], int(row["Quantity"]), pence(row))
        for row in said
        if not row["InvoiceNo"].startswith("C")
    )
    returned = Counter(
        (row["InvoiceNo"], row["StockCode"], -int(row["Quantity"]), -pence(row))
        for row in said
        if row["InvoiceNo"].startswith("C")
    )
    assert Counter(
        rows(
            "SELECT o.external_id, v.sku, l.quantity, l.total_minor"
            ' FROM order_line l JOIN "order" o ON o.id = l.order_id'
            " JOIN variant v ON v.id = l.variant_id"
        )
    ) == Counter(bought)
    assert Counter(
        rows(
            "SELECT r.document, v.sku, r.quantity, r.total_minor FROM order_return r"
            " JOIN variant v ON v.id = r.variant_id"
        )
    ) == Counter(returned)
    assert sum(many - 1 for many in Counter(tuple(row.values()) for row in said).values()) == equal > 0

    postage = sum(pence(row) for row in said if row["StockCode"] == POSTAGE and not row["InvoiceNo"].startswith("C"))
    assert postage > 0
    assert rows(
        "SELECT sum(l.total_minor), count(DISTINCT p.id), count(p.category), count(p.size_system) FROM order_line l"
        " JOIN variant v ON v.id = l.variant_id JOIN product p ON p.id = v.product_id WHERE v.sku = 'POST'"
    ) == [(postage, 1, 0, 0)]


def test_two_countries_in_one_store(engine: Engine, rows: Ask) -> None:
    """Both files name the same things; neither loses an order, a customer or a penny to the other."""
    for country in ("france", "germany"):
        file = DATA / f"online_retail_{country}.csv.gz"
        import_table(engine, file, load_mapping(MAPPING), clock=CLOCK, hash_address=hash_address)
    assert rows('SELECT count(*), sum(total_minor) FROM "order"') == [(392 + 457, FRANCE.gross + GERMANY.gross)]
    assert rows("SELECT sum(total_minor) FROM order_return") == [(FRANCE.cancelled + GERMANY.cancelled,)]
    assert rows("SELECT country, count(*) FROM profile GROUP BY country ORDER BY country") == [("DE", 95), ("FR", 87)]
    assert rows("SELECT count(*) FROM variant") == [
        (len({row["StockCode"] for country in ("france", "germany") for row in lines_of(country)}),)
    ]


def _ends(rows: Ask) -> tuple[datetime, datetime]:
    """First and last instant of any invoice; SQLite keeps microseconds since 1970, PostgreSQL instants."""
    ends = []
    for which in ("min", "max"):
        ((order_at, return_at),) = rows(
            f'SELECT (SELECT {which}(occurred_at) FROM "order"), (SELECT {which}(occurred_at) FROM order_return)'  # noqa: S608
        )
        ends.append((min if which == "min" else max)(order_at, return_at))
    first, last = (at if isinstance(at, datetime) else datetime.fromtimestamp(at / 1e6, UTC) for at in ends)
    return first.astimezone(UTC), last.astimezone(UTC)
