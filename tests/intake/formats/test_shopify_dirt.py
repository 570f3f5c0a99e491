"""Orders files that are cut, shuffled or scribbled on: nothing but IntakeError, and never half an order."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

import contextlib
import csv
import io
from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from segue.intake import IntakeError
from segue.intake import records as r
from tests.search import examples

from .shopify_files import ORDER, head, more, of, read, table

#: How many lines each of the orders has.
SHOPS = st.lists(st.integers(min_value=1, max_value=4), min_size=1, max_size=5)
CELL = st.one_of(
    st.sampled_from(
        ["", "-1", "1E+12", "0", "x", "'=1+1", "=cmd|' /C calc'!A0", '"', "\u202e", "\x00", "9" * 30, "2026-03-07", "1,5", "nan",
         "07/10/2023 14:05", "9999-12-31 23:59:59 -1200", "0001-01-01 00:00:00 +1400", "\ufeff", "#1001", "5710000000002"]
    ),
    st.text(max_size=12),
)  # fmt: skip


def shop(sizes: list[int]) -> list[dict[str, str]]:
    return [
        row
        for number, size in enumerate(sizes, start=1)
        for row in (head(number), *(more(number, Lineitem_sku=f"S{n}") for n in range(1, size)))
    ]


def lines_of(facts: list[r.Fact]) -> Counter[str]:
    return Counter(line.order for line in of(r.OrderLine, facts))


def whole(facts: list[r.Fact], sizes: list[int]) -> bool:
    """Every order that is there has exactly its own lines."""
    lines = lines_of(facts)
    orders = [order.external_id for order in of(r.Order, facts)]
    return lines == {key: sizes[int(key[-1]) - 1] for key in orders} and len(set(orders)) == len(orders)


@given(SHOPS, st.randoms(use_true_random=False))
def test_shuffled_rows_are_the_same_orders(sizes: list[int], random) -> None:
    rows = shop(sizes)
    plain = lines_of(read(table(*rows))[0])
    random.shuffle(rows)
    facts, report = read(table(*rows))
    assert lines_of(facts) == plain
    assert len(of(r.Order, facts)) == len(sizes)
    assert not report.skipped


@given(SHOPS, st.data())
@example([2, 2], None)
def test_a_file_cut_anywhere_holds_no_half_order(sizes: list[int], data) -> None:
    text = table(*shop(sizes))
    start = text.index("\n") + 1
    cut = len(text) - 5 if data is None else data.draw(st.integers(min_value=start, max_value=len(text)))
    facts, report = read(text[:cut])
    lines, orders = lines_of(facts), [order.external_id for order in of(r.Order, facts)]
    # Where the knife fell behind a whole row, nothing tells that there was more.
    fell_between = text[:cut].rsplit("\n", 1)[-1].count(",") in {0, len(ORDER) - 1}
    for key in orders:
        size = sizes[int(key[-1]) - 1]
        last = key == orders[-1]
        assert lines[key] == size or (last and fell_between)
    assert set(report.skipped) <= {"truncated", "order_rejected"}
    if report.skipped:
        assert report.lines[0].line == report.rows + 1


@given(SHOPS, st.data())
def test_cells_cut_off_a_row_cost_its_order_alone(sizes: list[int], data) -> None:
    lines = table(*shop(sizes)).splitlines(keepends=True)
    number = data.draw(st.integers(min_value=1, max_value=len(lines) - 1))
    kept = data.draw(st.integers(min_value=2, max_value=len(ORDER) - 1))
    lost = 0
    for order, size in enumerate(sizes, start=1):
        lost = order if number <= sum(sizes[:order]) else lost
        if lost:
            assert size
            break
    lines[number] = ",".join(lines[number].split(",")[:kept]) + "\n"
    facts, report = read("".join(lines))
    assert {int(order.external_id[-1]) for order in of(r.Order, facts)} == set(range(1, len(sizes) + 1)) - {lost}
    assert whole(facts, sizes)
    assert report.skipped["field_count"] == 1


@given(SHOPS, st.data())
@settings(max_examples=examples(300))
def test_scribbled_cells_raise_nothing_and_leave_no_half_order(sizes: list[int], data) -> None:
    rows = shop(sizes)
    for _ in range(data.draw(st.integers(min_value=1, max_value=4))):
        row = data.draw(st.sampled_from(rows))
        # Names and ids decide whose a line is: scribbled on they make other orders, not half ones.
        column = data.draw(st.sampled_from([name for name in ORDER if name not in {"Name", "Id", "Currency", "Total"}]))
        row[column] = data.draw(CELL)
    try:
        facts, report = read(table(*rows))
    except IntakeError:
        return
    held = [order.external_id for order in of(r.Order, facts)]
    lines = lines_of(facts)
    assert all(lines[key] <= sizes[int(key[-1]) - 1] for key in held)
    if len(held) < len(sizes):
        assert report.skipped
    if "orphan_line" not in report.skipped and "field_count" not in report.skipped:
        assert whole(facts, sizes)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_behind_a_header(garbage: bytes, behind_rows: bool) -> None:
    good = table(head(), more())
    start = good if behind_rows else good.split("\n", 1)[0] + "\n"
    with contextlib.suppress(IntakeError):
        read(start.encode() + garbage)


@given(st.lists(st.lists(CELL, min_size=len(ORDER), max_size=len(ORDER)), max_size=4))
def test_rows_of_anything(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([ORDER, *rows])
    try:
        facts, report = read(out.getvalue().encode("utf-8", "replace"))
    except IntakeError:
        return
    assert len(of(r.Order, facts)) <= report.rows
    assert all(set(problem.reason) <= set("abcdefghijklmnopqrstuvwxyz_") for problem in report.lines)
