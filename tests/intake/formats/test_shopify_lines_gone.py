"""A line that a later export names no more is gone where the others are proved to be the whole order, and only so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from segue.intake import ImportReport, loading
from segue.store.tables import metadata
from tests.search import examples

from .shopify_files import ORDER, head, more, table

Load = Callable[..., ImportReport]
COLUMNS = (*ORDER, "Subtotal", "Lineitem discount")
LINES = (
    "SELECT v.sku, l.quantity, l.total_minor FROM order_line l JOIN variant v ON v.id = l.variant_id"
    " JOIN \"order\" o ON o.id = l.order_id WHERE o.number = '#1001' ORDER BY v.sku"
)
SWEATER, SCARF = ("FER-8", 1, 8900), ("SCF", 1, 3200)
BOTH = head(Subtotal="121.00", Total="126.00"), more()
OTHER = head(2, Subtotal="89.00"), more(2, Lineitem_price="0.00", Lineitem_sku="TOTE")


def file(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> str:
    return table(*rows, columns=columns)


def test_a_line_that_was_taken_out_again_counts_no_more(load: Load, rows) -> None:
    """Once, and for the order told anew only; an older file says again what it said."""
    load(file(*BOTH, *OTHER))
    assert rows(LINES) == [SWEATER, SCARF]
    later = file(head(Subtotal="89.00", Total="94.00"), *OTHER)
    report = load(later)
    assert rows(LINES) == [SWEATER]
    assert rows('SELECT total_minor FROM "order" ORDER BY number') == [(9400,), (8900,)]
    assert rows("SELECT count(*) FROM order_line") == [(3,)]
    assert (report.updated["order_line"], report.taken.get("order_line", 0)) == (1, 0)
    again = load(later)
    assert (dict(again.taken), dict(again.updated)) == ({}, {})
    load(file(*BOTH))
    assert rows(LINES) == [SWEATER, SCARF]


def test_another_thing_in_its_place_is_the_one_that_counts(load: Load, rows) -> None:
    """With a code's discount, which is in the subtotal and not in the lines."""
    load(file(*BOTH))
    code = {"Discount_Code": "TEN", "Discount_Amount": "10.00"}
    load(file(head(Subtotal="119.00", Total="119.00", **code), more(Lineitem_sku="HAT", Lineitem_price="40.00")))
    assert rows(LINES) == [SWEATER, ("HAT", 1, 4000)]


@pytest.mark.parametrize(
    ("later", "columns"),
    [
        pytest.param((head(Subtotal="121.00", Total="126.00"),), COLUMNS, id="cut, or filtered"),
        pytest.param((head(Subtotal="121.00", Lineitem_discount="0.00"), *OTHER), COLUMNS, id="filtered"),
        pytest.param((head(Subtotal="116.00", Discount_Amount="5.00"),), COLUMNS, id="cut, with a code"),
        pytest.param((head(Subtotal="89.00", Discount_Amount="5.00"),), COLUMNS, id="a discount of the parcel"),
        pytest.param((head(Subtotal="89.00", Lineitem_discount="4.00"),), COLUMNS, id="a discount of the line"),
        pytest.param((head(Subtotal="89.00"),), (*ORDER, "Subtotal"), id="nobody says what a line's discount is"),
        pytest.param((head(),), (*ORDER, "Lineitem discount"), id="no subtotal"),
        pytest.param((head(Subtotal="many"),), COLUMNS, id="no readable subtotal"),
        pytest.param((head(Subtotal="89.00"), more(Lineitem_quantity="x")), COLUMNS, id="a bad row"),
    ],
)
def test_where_nothing_is_proved_no_line_is_lost(load: Load, rows, later, columns: tuple[str, ...]) -> None:
    load(file(*BOTH))
    load(file(*later, columns=columns))
    assert rows(LINES) == [SWEATER, SCARF]


def test_a_bad_row_that_comes_late_takes_no_line_out(load: Load, rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its order was read and written by then; it is taken back as a whole."""
    load(file(*BOTH))
    monkeypatch.setattr(loading, "CHUNK", 1)
    load(file(head(Subtotal="89.00"), *OTHER, more(Lineitem_quantity="x")))
    assert rows(LINES) == [SWEATER, SCARF]


def test_of_two_tellings_in_one_file_the_last_one_says_what_is_gone(load: Load, rows) -> None:
    load(file(*BOTH))
    load(file(head(Subtotal="89.00"), *OTHER, *BOTH))
    assert rows(LINES) == [SWEATER, SCARF]
    load(file(*BOTH, *OTHER, head(Subtotal="89.00")))
    assert rows(LINES) == [SWEATER]


def test_an_order_cut_over_two_files_loses_nothing(engine: Engine, load: Load, rows) -> None:
    """Wherever the cut is, whatever the lines cost, and however often either half is read beside the whole."""

    @settings(
        max_examples=examples(12 if engine.dialect.name == "sqlite" else 5),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @example(prices=[1, 0], cut=1, discount=0, again=[0])
    @given(
        prices=st.lists(st.integers(0, 3), min_size=1, max_size=5),
        cut=st.integers(1, 5),
        discount=st.integers(0, 3),
        again=st.lists(st.integers(0, 2), max_size=3),
    )
    def check(prices: list[int], cut: int, discount: int, again: list[int]) -> None:
        with engine.begin() as connection:
            for one in reversed(metadata.sorted_tables):
                connection.execute(delete(one))
        less = min(discount, sum(prices))
        first = {"Subtotal": f"{sum(prices) - less}.00", "Total": f"{sum(prices) - less}.00"}
        first["Discount_Amount"] = f"{less}.00"
        lines = [{"Lineitem_sku": f"L{n}", "Lineitem_price": f"{price}.00"} for n, price in enumerate(prices)]
        told = [head(**first, **lines[0]), *(more(**one) for one in lines[1:])]
        halves = [file(*told[:cut], *OTHER), file(*told[cut:]), file(*told)]
        for half in (0, 2, *again):
            load(halves[half])
        assert rows(LINES) == [(f"L{n}", 1, price * 100) for n, price in enumerate(prices)]

    check()
