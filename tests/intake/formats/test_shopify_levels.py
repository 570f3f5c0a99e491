"""The same goods are counted once: a products export's totals and an inventory export's levels, in any order."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text

from segue.clock import VirtualClock
from segue.intake import ImportReport, import_export, loading
from segue.journeys.carts import stock_at
from segue.store.tables import metadata, variant
from tests.search import examples

from .shopify_files import NOW, table

Load = Callable[..., ImportReport]
PRODUCT = ("Handle", "Title", "Option1 Name", "Option1 Value", "Variant SKU", "Variant Price", "Variant Inventory Qty")
LEVEL = ("Handle", "Option1 Value", "SKU", "Location", "Available")
SIZES = ("S", "M", "L")


def products(totals: dict[str, int]) -> str:
    """What a products export says: the total of some sizes; the others it does not track."""
    rows = [
        {"Handle": "fern", "Title": "Fern" if number == 0 else "", "Option1 Name": "Size", "Option1 Value": size,
         "Variant SKU": f"F-{size}", "Variant Price": "9", "Variant Inventory Qty": str(totals.get(size, ""))}
        for number, size in enumerate(SIZES)
    ]  # fmt: skip
    return table(*rows, columns=PRODUCT)


def levels(held: dict[tuple[str, str], str]) -> str:
    """What an inventory export says: (size, place) -> what is available."""
    rows = [
        {"Handle": "fern", "Option1 Value": size, "SKU": f"F-{size}", "Location": place, "Available": available}
        for (size, place), available in held.items()
    ]
    return table(*rows, columns=LEVEL)


def on_hand(engine: Engine, day: int) -> dict[str, int]:
    """What a journey would take as in stock that day, by size."""
    stock = stock_at(NOW + timedelta(days=day), select(variant.c.id))
    with engine.connect() as connection:
        found = connection.execute(
            select(variant.c.size, stock.c.quantity).join(stock, stock.c.variant_id == variant.c.id)
        )
        return {row[0]: row[1] for row in found}


@pytest.mark.parametrize("days", [(0, 1), (0, 0)])
@pytest.mark.parametrize("first", ["products", "inventory"])
def test_both_files_in_any_order(load: Load, engine: Engine, rows, first: str, days: tuple[int, int]) -> None:
    load(products({}), currency="USD")
    files = [
        products({"S": 9, "M": 4, "L": 0}),
        levels({("S", "Store"): "2", ("S", "Shed"): "7", ("L", "Shed"): "not stocked"}),
    ]
    for day, content in zip(days, files if first == "products" else files[::-1], strict=True):
        load(content, days=day, currency="USD")
    assert on_hand(engine, 1) == {"S": 9, "M": 4, "L": 0}
    before = rows("SELECT count(*), sum(quantity) FROM stock_event")
    for day, content in enumerate(files, start=2):
        again = load(content, days=day, currency="USD")
        assert (dict(again.taken), dict(again.updated)) == ({}, {})
    assert rows("SELECT count(*), sum(quantity) FROM stock_event") == before


def test_yesterday_stays_as_it_was(load: Load, engine: Engine) -> None:
    load(products({"S": 9}), currency="USD")
    assert load(levels({("S", "Store"): "2"}), days=2).updated == {"stock": 1}
    assert [on_hand(engine, day) for day in (1, 2)] == [{"S": 9}, {"S": 2}]


def test_an_own_place_of_that_name_keeps_what_the_file_gives_it(load: Load, engine: Engine) -> None:
    load(products({"S": 9}), currency="USD")
    inventory = levels({("S", "Store"): "2", ("S", "main"): "3"})
    load(inventory, days=1)
    assert on_hand(engine, 1) == {"S": 5}
    load(products({"S": 8}), days=2, currency="USD")
    load(levels({("S", "main"): "1", ("S", "Store"): "2"}), days=3)
    assert [on_hand(engine, day)["S"] for day in (2, 3)] == [5, 3]


_TOTALS = st.dictionaries(st.sampled_from(SIZES), st.integers(-1, 9))
_LEVELS = st.dictionaries(
    st.tuples(st.sampled_from(SIZES), st.sampled_from(["Store", "Shed"])),
    st.sampled_from(["0", "1", "5", "-2", "not stocked"]),
    min_size=1,
)
_FILES = st.lists(
    st.one_of(_TOTALS.map(lambda said: ("products", said)), _LEVELS.map(lambda said: ("inventory", said))), max_size=6
)


def test_whatever_comes_when_nothing_is_counted_twice(engine: Engine) -> None:
    """The last word of every place counts; a variant no place was ever told of has its last total."""

    @settings(max_examples=examples(30 if engine.dialect.name == "sqlite" else 8), deadline=None)
    @given(files=_FILES, chunk=st.sampled_from([1, 20_000]))
    def check(files: list[tuple[str, dict]], chunk: int) -> None:
        with engine.begin() as connection:
            for each in reversed(metadata.sorted_tables):
                connection.execute(each.delete())
        totals: dict[str, int] = {}
        placed: dict[str, dict[str, int]] = {}
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            patch.setattr(loading, "CHUNK", chunk)
            for day, (kind, said) in enumerate([("products", {}), *files]):
                file = Path(folder, f"{day}.csv")
                file.write_text(products(said) if kind == "products" else levels(said))
                clock = VirtualClock(NOW + timedelta(days=day))
                for _ in range(2):
                    import_export(engine, file, clock=clock, hash_address=str, currency="USD")
                if kind == "products":
                    totals |= said
                else:
                    for (size, place), available in said.items():
                        if available != "not stocked":
                            placed.setdefault(size, {})[place] = int(available)
        wanted = totals | {size: sum(held.values()) for size, held in placed.items()}
        assert on_hand(engine, len(files) + 1) == wanted

    check()


def test_a_key_nobody_knows_gives_way_to_the_sku(load: Load, rows) -> None:
    load(products({}), currency="USD")
    inventory = table(
        {"Handle": "fern-renamed", "Option1 Value": "S", "SKU": "F-S", "Location": "Shed", "Available": "5"},
        {"Handle": "fern", "Option1 Value": "M", "SKU": "other", "Location": "Shed", "Available": "6"},
        {"Handle": "fern-renamed", "Option1 Value": "M", "SKU": "F-M", "Location": "Shed", "Available": "7"},  # M has spoken
        {"Handle": "bracken", "Option1 Value": "8", "SKU": "F-L", "Location": "Shed", "Available": "8"},  # two share it
        {"Handle": "bracken", "Option1 Value": "10", "SKU": "F-L", "Location": "Shed", "Available": "9"},
        {"Handle": "bracken", "Option1 Value": "12", "SKU": "1E+9", "Location": "Shed", "Available": "1"},
        columns=LEVEL,
    )  # fmt: skip
    report = load(inventory)
    assert report.skipped == {"unknown_variant": 4}
    found = rows("SELECT sku, quantity FROM stock_event JOIN variant ON variant.id = variant_id ORDER BY quantity")
    assert found == [("F-S", 5), ("F-M", 6)]


def test_totals_of_places_that_are_not_known_yet(load: Load, engine: Engine) -> None:
    """Levels of variants nobody knows replace nothing; told again after the catalogue, they do."""
    inventory = levels({("S", "Store"): "2"})
    assert load(inventory).skipped == {"unknown_variant": 1}
    load(products({"S": 9}), days=1, currency="USD")
    assert on_hand(engine, 1) == {"S": 9}
    load(inventory, days=2)
    assert on_hand(engine, 2) == {"S": 2}


def test_a_column_a_place_counts_once_too(load: Load, engine: Engine) -> None:
    load(products({"S": 9}), currency="USD")
    older = "Handle,Title,Option1 Name,Option1 Value,SKU,HS Code,COO,Store,Shed\nfern,Fern,Size,S,F-S,,,1,2\n"
    load(older, days=1)
    assert on_hand(engine, 1) == {"S": 3}
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM location")) == 3
