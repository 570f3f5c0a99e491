"""Orders told again: in one file, in a later one, with more lines, with less said; never counted twice."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from segue.intake import import_export, loading
from segue.store.tables import metadata
from tests.search import examples

from .conftest import CLOCK, hash_address
from .till import HEAD, TILL, first, line

LATER = "2026-04-01T00:00:00Z"
ORDERS = 'SELECT external_id, total_minor, refunded_minor, paid_at IS NOT NULL, cancelled_at IS NOT NULL FROM "order" ORDER BY 1'
LINES = "SELECT position, v.sku, quantity, l.total_minor FROM order_line l JOIN variant v ON v.id = variant_id ORDER BY order_id, position"


def test_a_later_file_brings_payment_refund_cancellation_and_lines(export_of, rows):
    """And the order counts once; a third time changes nothing."""
    export_of(HEAD + first("1", "5.00", email="a@example.com"), TILL)
    later = HEAD + first("1", "15.00", refunded="5.00", paid=LATER, cancelled=LATER) + line("1", "B", price="10.00")
    report = export_of(later, TILL)
    assert (dict(report.taken), dict(report.updated)) == (
        {"order_line": 1, "product stub": 1, "variant stub": 1},
        {"order": 1},
    )
    assert rows(ORDERS) == [("1", 1_500, 500, True, True)]
    again = export_of(later, TILL)
    assert (dict(again.taken), dict(again.updated)) == ({}, {})


def test_an_empty_cell_erases_nothing(export_of, rows):
    """A redacted address, a refund that another export leaves out."""
    export_of(HEAD + first("1", "15.00", refunded="5.00", paid=LATER, cancelled=LATER, email="a@example.com"), TILL)
    report = export_of(HEAD + first("1", "15.00"), TILL)
    assert dict(report.updated) == {}
    assert rows(ORDERS) == [("1", 1_500, 500, True, True)]
    assert rows('SELECT count(*) FROM "order" WHERE profile_id IS NULL') == [(0,)]


def test_equal_lines_stay_two_however_the_file_is_sorted(export_of, rows, monkeypatch):
    """By order, SKU and n-th occurrence: also when the order is spread over the file and over chunks."""
    monkeypatch.setattr(loading, "CHUNK", 2)
    text = HEAD + first("1", "10.00") + first("2", "1.00") + line("1", "B") + line("1") + line("1")
    export_of(text, TILL)
    assert [sku for _, sku, _, _ in rows(LINES)] == ["A", "B", "A", "A", "A"]
    other_way = HEAD + first("2", "1.00") + first("1", "10.00") + line("1") + line("1") + line("1", "B")
    report = export_of(other_way, TILL)
    assert (dict(report.taken), dict(report.updated)) == ({}, {})


def test_told_twice_in_one_file_and_equal_is_a_duplicate(export_of, rows):
    one = first("1", "10.00") + line("1") + line("1", "B")
    report = export_of(HEAD + one + first("2", "1.00") + one, TILL)
    assert dict(report.warnings) == {"duplicate": 1}
    assert [p.line for p in report.lines if p.reason == "duplicate"] == [6]
    assert len(rows(LINES)) == 4


@pytest.mark.parametrize("chunk", [1, 3, 20_000])
def test_told_twice_in_one_file_the_later_telling_stands(export_of, rows, monkeypatch, chunk: int):
    """With its total, its quantities and its lines; importing the file once more changes nothing."""
    monkeypatch.setattr(loading, "CHUNK", chunk)
    text = (
        HEAD
        + first("1", "10.00")
        + line("1", "B")
        + first("2", "1.00")
        + first("1", "12.00", quantity="2")
        + line("1", "C", "0")
    )
    report = export_of(text, TILL)
    assert dict(report.warnings) == {"superseded": 1}
    assert report.taken["order_line"] == 3
    assert [(sku, quantity) for _, sku, quantity, _ in rows(LINES)] == [("A", 2), ("C", 0), ("A", 1)]
    assert rows(ORDERS)[0][1] == 1_200
    again = export_of(text, TILL)
    assert (dict(again.taken), dict(again.updated), dict(again.warnings)) == ({}, {}, {"superseded": 1})


@pytest.mark.parametrize("chunk", [1, 20_000])
def test_a_bad_row_of_a_later_file_leaves_the_order_as_it_was(export_of, rows, monkeypatch, chunk: int):
    """Whole or not at all holds for what is added, too."""
    monkeypatch.setattr(loading, "CHUNK", chunk)
    export_of(HEAD + first("1", "5.00"), TILL)
    before = rows(ORDERS), rows(LINES)
    report = export_of(
        HEAD + first("1", "25.00", paid=LATER, quantity="3") + line("1", "B") + line("1", "C", price="free"), TILL
    )
    assert report.skipped["bad_money"] == 1
    assert (rows(ORDERS), rows(LINES)) == before


def test_a_line_without_its_order_is_an_orphan_unless_the_order_comes_later(export_of, rows, monkeypatch):
    monkeypatch.setattr(loading, "CHUNK", 1)
    report = export_of(HEAD + line("1", "B") + line("9") + first("1", "5.00"), TILL)
    assert dict(report.skipped) == {"orphan_line": 1}
    assert sorted(sku for _, sku, _, _ in rows(LINES)) == ["A", "B"]


MAPPED = """
name = "lines"
currency = "USD"
[[record]]
kind = "order_line"
[record.fields]
order = "Order"
occurred_at = "At"
sku = "SKU"
quantity = "Quantity"
unit_price = "Price"
"""
MAPPED_HEAD = "Order,At,SKU,Quantity,Price\n"


def _mapped(order: str, sku: str = "A", price: str = "5.00") -> str:
    return f"{order},2026-03-07T09:12:44Z,{sku},2,{price}\n"


def test_an_order_that_was_its_lines_sum_stays_so_when_lines_are_added(table_of, rows):
    table_of(MAPPED_HEAD + _mapped("1") + _mapped("1"), MAPPED)
    table_of(MAPPED_HEAD + _mapped("1") + _mapped("1") + _mapped("1") + _mapped("1", "B", "1.00"), MAPPED)
    assert rows('SELECT total_minor, paid_at = occurred_at FROM "order"') == [(3_200, True)]
    assert len(rows(LINES)) == 4


def test_an_order_whose_total_somebody_said_keeps_it_when_its_lines_come(table_of, rows):
    head = '\nname = "o"\ncurrency = "USD"\n[[record]]\nkind = "order"\n[record.fields]\nexternal_id = "Order"\noccurred_at = "At"\ntotal = "Total"\n'
    table_of("Order,At,Total\n1,2026-03-07T09:12:44Z,3.00\n", head)
    table_of(MAPPED_HEAD + _mapped("1") + _mapped("1"), MAPPED)
    assert rows('SELECT total_minor FROM "order"') == [(300,)]


def test_one_position_told_twice_is_one_line(table_of, rows):
    """Of an order that is new and of one that is known; what the second telling adds is kept, and again is once."""
    mapping = MAPPED + 'position = "Position"\nreturned_at = "Back"\n'
    head = MAPPED_HEAD.strip() + ",Position,Back\n"
    table_of(head + _mapped("1").strip() + ",1,\n", mapping)
    text = head + "".join(
        _mapped(order).strip() + f",5,{back}\n" for order in ("1", "2") for back in ("", "2026-04-01T00:00:00Z")
    )
    report = table_of(text, mapping)
    assert report.taken["order_line"] == 2
    assert rows("SELECT position, returned_at IS NULL FROM order_line ORDER BY order_id, position") == [
        (1, True), (5, False), (5, False),
    ]  # fmt: skip
    again = table_of(text, mapping)
    assert (dict(again.taken), dict(again.updated)) == ({}, {})
    missing = table_of(head + _mapped("3").strip() + ",,\n", mapping)
    assert dict(missing.skipped) == {"missing_key": 1}


_ROWS = st.lists(
    st.builds(
        first,
        st.sampled_from("123"),
        st.sampled_from(["5.00", "6.00"]),
        st.sampled_from("AB"),
        st.sampled_from("012"),
        st.sampled_from(["5.00", "x"]),
        refunded=st.sampled_from(["", "1.00"]),
        paid=st.sampled_from(["", LATER]),
    )
    | st.builds(line, st.sampled_from("123"), st.sampled_from("AB"), st.sampled_from("012")),
    max_size=6,
).map("".join)


def test_whatever_is_told_again_changes_nothing_and_chunks_do_not_matter(engine: Engine):
    """Two files over the same orders, any tellings, broken ones among them: each again is once."""

    @settings(max_examples=examples(30 if engine.dialect.name == "sqlite" else 8), deadline=None)
    @given(one=_ROWS, two=_ROWS)
    def check(one: str, two: str) -> None:
        ends = []
        for chunk in (20_000, 1):
            with engine.begin() as connection:
                for table in reversed(metadata.sorted_tables):
                    connection.execute(table.delete())
            with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
                patch.setattr(loading, "CHUNK", chunk)
                for number, content in enumerate((one, two)):
                    file = Path(folder, f"{number}.csv")
                    file.write_text(HEAD + content)
                    import_export(engine, file, TILL, clock=CLOCK, hash_address=hash_address)
                    before = _told(engine)
                    again = import_export(engine, file, TILL, clock=CLOCK, hash_address=hash_address)
                    assert _told(engine) == before
                    assert (dict(again.taken), dict(again.updated)) == ({}, {})
            ends.append(_told(engine))
        assert ends[0] == ends[1]

    check()


def _told(engine: Engine) -> list[list[tuple[object, ...]]]:
    with engine.connect() as connection:
        lines = 'SELECT o.external_id, v.sku, l.quantity, l.total_minor FROM order_line l JOIN variant v ON v.id = variant_id JOIN "order" o ON o.id = order_id ORDER BY 1, 2, 3, 4'
        return [[tuple(row) for row in connection.execute(text(statement))] for statement in (ORDERS, lines)]
