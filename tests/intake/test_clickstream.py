"""A clickstream nobody here wrote, through the example mapping: the counts its keepers computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine, select

from segue.intake import import_table, load_mapping
from segue.store.engine import read
from segue.store.tables import cart, cart_event, order

from .conftest import CLOCK, hash_address

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT.parent / "shared" / "data" / "ecom_clickstream" / "ecom_events.csv.gz"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="../shared/data/ecom_clickstream is missing")


def _import(engine: Engine):
    mapping = load_mapping(ROOT / "examples" / "ecom_clickstream.toml")
    return import_table(engine, FILE, mapping, clock=CLOCK, hash_address=hash_address)


def _frame(engine: Engine, statement) -> pd.DataFrame:
    with read(engine) as connection:
        result = connection.execute(statement)
        return pd.DataFrame(result.mappings().all())


def test_carts_left_behind_are_those_the_keepers_counted(engine: Engine):
    """418 sessions end without an order; 418, 409, 398 of their users buy nothing within 24, 72, 168 h."""
    report = _import(engine)
    assert (report.rows, dict(report.skipped)) == (15_547, {})
    assert (report.taken["profile"], report.taken["order"], report.taken["cart"]) == (300, 227, 596)

    happened = _frame(
        engine,
        select(cart_event.c.cart_id, cart.c.profile_id, cart_event.c.kind, cart_event.c.occurred_at).join(
            cart, cart.c.id == cart_event.c.cart_id
        ),
    )
    added = happened[happened.kind == "added"].groupby(["cart_id", "profile_id"]).occurred_at.max().rename("added")
    ordered = happened[happened.kind == "ordered"].groupby("cart_id").occurred_at.max().rename("ordered")
    last = added.reset_index().merge(ordered.reset_index(), how="left", on="cart_id")
    left = last[~(last.ordered > last.added)]
    assert (len(last), len(left), left.profile_id.nunique()) == (596, 418, 232)

    bought = _frame(engine, select(order.c.profile_id, order.c.occurred_at))
    pairs = left.merge(bought, how="left", on="profile_id")
    waited = pairs.occurred_at - pairs.added
    without = []
    for hours in (24, 72, 168):
        soon = (waited > pd.Timedelta(0)) & (waited <= pd.Timedelta(hours=hours))
        without.append(len(left) - pairs[soon].cart_id.nunique())
    assert without == [418, 409, 398]


def test_the_clickstream_again_adds_nothing(engine: Engine, census: Callable[[], dict[str, int]]):
    """A second import finds every fact already known."""
    _import(engine)
    before = census()
    again = _import(engine)
    assert census() == before
    assert (dict(again.taken), dict(again.updated), dict(again.skipped)) == ({}, {}, {})
