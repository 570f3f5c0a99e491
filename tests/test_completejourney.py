"""A year of real baskets, whole: 1,469,307 lines read exactly, and one card for every household's first parcel.

The input is other people's data; where it is missing these tests skip and say so. The whole of it is played on SQLite,
and a slice of it on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, func, select

from segue.clock import VirtualClock
from segue.contract import Channel
from segue.contract.fake import FakeOffers
from segue.contract.fake_print import FakePrint
from segue.offers.loyalty import PointsBooked, balances
from segue.outbox.connectors import Connectors
from segue.service import Segue, open_segue
from segue.settings import House, Loyalty, Settings
from segue.store.engine import read
from segue.store.tables import (
    identifier,
    loyalty_entry,
    message,
    order,
    order_line,
    product,
    profile,
    variant,
    voucher,
)

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data" / "completejourney"
EXAMPLES = ROOT / "examples"
BEFORE = datetime(2016, 12, 31, tzinfo=UTC)
AFTER = datetime(2018, 1, 3, tzinfo=UTC)

pytestmark = [
    pytest.mark.skipif(not DATA.exists(), reason="completejourney in ../shared/data is missing"),
    pytest.mark.xdist_group("completejourney"),  # one reading of the year serves them all
]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Segue]:
    """The whole year, read into SQLite on a clock that stands before it."""
    with opened(tmp_path_factory.mktemp("journey"), "") as segue:
        segue.import_file(DATA / "products.parquet", EXAMPLES / "completejourney_products.toml")
        report = segue.import_file(DATA / "transactions.parquet", EXAMPLES / "completejourney_transactions.toml")
        assert (report.rows, dict(report.skipped)) == (1_469_307, {})
        yield segue


def opened(folder: Path, database_url: str) -> Any:
    """Segue as it would stand for a shop that packs at two, with nobody held out."""
    settings = Settings(
        home=folder / "home",
        database_url=database_url,
        holdout_journey=0,
        pick_wave="14:00",
        home_zone="America/New_York",
        house=House(loyalty=Loyalty(starts_on=BEFORE.date())),
    )
    printer = FakePrint(folder=folder / "paper")
    connectors = Connectors(by_channel={Channel.PRINT: printer}, offers=FakeOffers())
    context = open_segue(settings, VirtualClock(BEFORE), connectors=connectors)
    segue = context.__enter__()
    segue.install()
    segue.switch_on("welcome_insert", BEFORE)
    return _Closing(segue, context)


class _Closing:
    """Gives the installation and closes it behind."""

    def __init__(self, segue: Segue, context: Any) -> None:
        self._segue, self._context = segue, context

    def __enter__(self) -> Segue:
        return self._segue

    def __exit__(self, *exception: object) -> None:
        self._context.__exit__(*exception)


def test_every_line_basket_household_and_cent_is_there(year: Segue) -> None:
    with read(year.engine) as connection:
        count = lambda table: connection.scalar(select(func.count()).select_from(table))  # noqa: E731 - said once
        assert (count(profile), count(order), count(order_line)) == (2_469, 155_848, 1_469_307)
        assert connection.scalar(select(func.sum(order_line.c.total_minor))) == 459_603_958
        assert connection.scalar(select(func.count()).where(order_line.c.quantity == 0)) > 0
        baskets = select(func.sum(order_line.c.total_minor).label("sales")).group_by(order_line.c.order_id).subquery()
        over_ten = connection.scalar(select(func.count()).where(baskets.c.sales > 1_000))
    assert round(100 * over_ten / 155_848, 2) == 66.12


def test_categories_grow_as_published_by_the_shops_own_clock(year: Segue) -> None:
    """January to March of the categories over $1,500 in January; on UTC's clock other five would lead."""
    january = sales(year.engine, datetime(2017, 1, 1, 5, tzinfo=UTC), datetime(2017, 2, 1, 5, tzinfo=UTC))
    march = sales(year.engine, datetime(2017, 3, 1, 5, tzinfo=UTC), datetime(2017, 4, 1, 4, tzinfo=UTC))
    growth = {name: 100 * (march.get(name, 0) / before - 1) for name, before in january.items() if before > 150_000}
    leading = sorted(growth, key=lambda name: -growth[name])[:5]
    assert [(name, round(growth[name], 1)) for name in leading] == [
        ("INFANT FORMULA", 53.4),
        ("SEAFOOD - FROZEN", 29.8),
        ("CANDY - PACKAGED", 23.3),
        ("ORAL HYGIENE PRODUCTS", 19.5),
        ("DOMESTIC WINE", 13.5),
    ]


def sales(engine: Engine, start: datetime, end: datetime) -> dict[str, int]:
    """Sales in cents by category between two instants."""
    with read(engine) as connection:
        rows = connection.execute(
            select(product.c.category, func.sum(order_line.c.total_minor))
            .select_from(
                order.join(order_line, order_line.c.order_id == order.c.id)
                .join(variant, variant.c.id == order_line.c.variant_id)
                .join(product, product.c.id == variant.c.product_id)
            )
            .where(order.c.occurred_at >= start, order.c.occurred_at < end)
            .group_by(product.c.category)
        )
        return dict(rows.tuples().all())


def test_every_households_first_parcel_holds_one_card_and_no_other_does(year: Segue) -> None:
    year.play(AFTER)
    check_cards(year, households=2_469)


def test_every_households_points_equal_a_plain_sum(year: Segue) -> None:
    check_points(year, pq.read_table(DATA / "transactions.parquet").to_pandas())


def test_a_slice_of_it_on_both_databases(tmp_path: Path, database_url: str) -> None:
    """The first households, on whatever database: the same promises."""
    table = pq.read_table(DATA / "transactions.parquet")
    part = table.filter(pc.less(pc.cast(table["household_id"], "int64"), 7))
    file = tmp_path / "transactions.parquet"
    pq.write_table(part, file)
    households = len(pc.unique(part["household_id"]))
    with opened(tmp_path, database_url) as segue:
        for _ in range(2):
            segue.import_file(file, EXAMPLES / "completejourney_transactions.toml")
        with read(segue.engine) as connection:
            assert connection.scalar(select(func.count()).select_from(order_line)) == part.num_rows
            total = connection.scalar(select(func.sum(order_line.c.total_minor)))
        assert total == round(100 * pc.sum(part["sales_value"]).as_py())
        segue.play(AFTER)
        check_cards(segue, households=households)
        check_points(segue, part.to_pandas())


def check_points(segue: Segue, lines: pd.DataFrame) -> None:
    """A point for every whole dollar of a basket; those of the last 30 days are pending. Twice books nothing twice."""
    assert isinstance(segue.clock, VirtualClock)
    segue.clock.set(AFTER)
    cents = (lines["sales_value"] * 100).round().astype("int64")
    baskets = cents.groupby([lines["household_id"], lines["basket_id"]]).sum() // 100
    expected = {str(household): int(points) for household, points in baskets.groupby(level=0).sum().items()}
    assert segue.book_points() == PointsBooked(orders=int((baskets > 0).sum()))
    assert segue.book_points() == PointsBooked()
    with read(segue.engine) as connection:
        named = select(identifier.c.profile_id, identifier.c.value)
        households = {row.profile_id: row.value for row in connection.execute(named)}
        found = balances(connection, households, AFTER)
        late = select(func.sum(loyalty_entry.c.points)).where(
            loyalty_entry.c.order_id.in_(select(order.c.id).where(order.c.paid_at > AFTER - timedelta(days=30)))
        )
        pending = connection.scalar(late)
    assert {households[one]: balance.available + balance.pending for one, balance in found.items()} == expected
    assert sum(balance.pending for balance in found.values()) == pending > 0


def check_cards(segue: Segue, *, households: int) -> None:
    """One card a household, for its first order, spooled once, with a code of its own; nobody unaccounted for."""
    summary = segue.journey_summary("welcome_insert")
    assert summary.by_group()["accepted"] == summary.considered == households
    first = select(
        order.c.id,
        func.row_number()
        .over(
            partition_by=order.c.profile_id,
            order_by=(order.c.occurred_at, func.length(order.c.external_id), order.c.external_id),
        )
        .label("place"),
    ).subquery()
    with read(segue.engine) as connection:
        firsts = set(connection.scalars(select(first.c.id).where(first.c.place == 1)))
        carded = connection.scalars(select(message.c.subject_id).where(message.c.state == "accepted")).all()
        codes = connection.scalars(select(voucher.c.code)).all()
    assert len(carded) == len(set(carded)) == households
    assert set(carded) == firsts
    assert len(set(codes)) == households
    printer = segue.connectors.by_channel[Channel.PRINT]
    assert isinstance(printer, FakePrint)
    assert len(printer.spooled) == households
