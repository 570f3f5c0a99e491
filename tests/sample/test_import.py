"""The shop goes through the same doors as anybody's files."""

import hashlib
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from sqlalchemy import func, select

from segue.clock import VirtualClock
from segue.intake import import_events, import_table, load_mapping
from segue.store.engine import open_engine, read
from segue.store.tables import (
    cart,
    consent_event,
    metadata,
    order,
    order_line,
    product,
    product_relation,
    profile,
    stock_event,
    touchpoint,
    variant,
)

MAPPINGS = files("segue.sample") / "mappings"


@pytest.fixture(scope="module")
def imported(shop, tmp_path_factory):
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('store') / 'segue.db'}")
    metadata.create_all(engine)
    clock = VirtualClock(datetime(2026, 6, 1, tzinfo=UTC))

    def hash_address(address: str) -> str:
        return hashlib.sha256(address.encode()).hexdigest()

    reports = {}
    for path in shop.files.in_order():
        if path.suffix == ".jsonl":
            reports[path.stem] = import_events(engine, path, clock=clock, hash_address=hash_address)
        else:
            mapping = load_mapping(MAPPINGS / f"{path.stem}.toml")
            reports[path.stem] = import_table(engine, path, mapping, clock=clock, hash_address=hash_address)
    yield engine, reports
    engine.dispose()


def test_no_table_loses_a_row(shop, imported):
    for name, report in imported[1].items():
        if name not in ("events", "talk"):
            assert not report.skipped, report.to_text()
            assert not report.warnings, report.to_text()


def test_shared_browsers_keep_nothing_out_of_the_clickstream(imported):
    events = imported[1]["events"]
    assert not events.skipped, events.to_text()
    assert set(events.warnings) == {"shared_cookie"}


def test_what_people_say_of_the_label_arrives(shop, imported):
    talk = imported[1]["talk"]
    assert not talk.skipped, talk.to_text()
    assert not talk.warnings, talk.to_text()
    with read(imported[0]) as connection:
        kinds = dict(
            connection.execute(select(touchpoint.c.kind, func.count()).group_by(touchpoint.c.kind)).tuples().all()
        )
    assert kinds["ad_click"] == 1
    assert kinds["follow"] > 100
    assert min(kinds["mention"], kinds["share"]) > 15


def test_every_fact_arrives_once(shop, imported):
    engine, _ = imported
    counts = shop.files.counts
    wanted = {
        profile: counts["customers.csv"],
        variant: counts["products.csv"],
        product: 50,
        product_relation: counts["relations.csv"],
        stock_event: counts["stock.csv"],
        consent_event: counts["consents.csv"],
        order: counts["orders.csv"],
        order_line: counts["order_lines.csv"],
        cart: len(shop.carts()),
    }
    with read(engine) as connection:
        for table, count in wanted.items():
            assert connection.scalar(select(func.count()).select_from(table)) == count, table.name
