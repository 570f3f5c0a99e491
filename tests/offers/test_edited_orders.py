"""An order that was edited down and of which something came back loses the points of what is gone once."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, select

from segue.clock import VirtualClock
from segue.intake import Hints, import_anything
from segue.offers.kept import kept_minor
from segue.store.engine import read, write
from segue.store.tables import cart_event, change, event, loyalty_entry, order, order_line, order_return
from tests.intake.formats.shopify_files import ORDER as COLUMNS
from tests.intake.formats.shopify_files import head, more, table
from tests.offers.points import book, day, held
from tests.offers.test_refunds import DOCUMENTS, HER, ORDER, refund, shirts, tell
from tests.search import examples

GRID = "ID,Purchase Point,Purchase Date,Grand Total (Base),Grand Total (Purchased),Status,Customer Email,Total Refunded"
#: What the order and one of its three shirts are worth.
WORTH, SHIRT = 15_000, 3_334
#: What is told besides the order: its total and what is refunded, by the shop's own system, or nothing by it; money and
#: shirts, by events; shirts, by the warehouse.
TOLD = st.fixed_dictionaries(
    {
        "edited": st.sampled_from([None, (15_000, 0), (11_666, 0), (11_666, 3_334), (9_000, 1_000), (2_000, 0)]),
        "money": st.sampled_from([0, 0, 3_334, 12_000]),
        "shirts": st.integers(0, 2),
        "packed_out": st.integers(0, 2),
    }
)


class Files:
    """What is told in one go: calls, and the rows of two files."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = [HER]
        self.grid: list[str] = []
        self.documents: list[str] = []

    def add(self, name: str, fact: str, told: dict[str, Any]) -> None:
        """One fact about the order `name`."""
        if fact == "edited":
            total, back = (f"{minor / 100:.2f}" for minor in told["edited"])
            at = f"{day(0.5):%b %-d, %Y %-I:%M:%S %p}"
            self.grid.append(f'{name},Main Website,"{at}",{total},{total},complete,sarah@example.com,{back}')
        elif fact == "packed_out":
            worth = told[fact] * SHIRT / 100
            self.documents.append(f"R{name},{name},S,{told[fact]},{worth:.2f},{day(4):%Y-%m-%dT%H:%M:%S}")
        else:
            call = {
                "created": lambda: ORDER,
                "money": lambda: refund("money", total=told["money"] / 100),
                "shirts": lambda: refund("shirts", **shirts(told["shirts"])),
            }[fact]()
            mine = {"messageId": f"{name}{call['messageId']}", "properties": call["properties"] | {"order_id": name}}
            self.calls.append(call | mine)

    def tell(self, engine: Engine, folder: Path) -> None:
        """Import them."""
        clock, unread = VirtualClock(day(5)), "".format
        if len(self.calls) > 1:
            tell(engine, folder, self.calls)
        if self.grid:
            file = folder / "grid.csv"
            file.write_text("\n".join([GRID, *self.grid, ""]))
            hints = Hints(currency="USD", time_zone="UTC")
            import_anything(engine, file, hints=hints, clock=clock, hash_address=unread)
        if self.documents:
            (folder / "m.toml").write_text(DOCUMENTS)
            file = folder / "r.csv"
            file.write_text("\n".join(["document,order,sku,quantity,total,at", *self.documents, ""]))
            import_anything(engine, file, folder / "m.toml", clock=clock, hash_address=unread)


def expected(told: dict[str, Any]) -> int:
    """By the words of the rule."""
    total, back = told["edited"] or (WORTH, 0)
    fell = WORTH - total
    gone = max(fell + (back if back != fell else 0), told["money"], told["shirts"] * SHIRT, told["packed_out"] * SHIRT)
    return max(0, WORTH - gone) // 100


@example(told={"edited": (11_666, 0), "money": 3_334, "shirts": 1, "packed_out": 1}, booked_between=False)
@example(told={"edited": (11_666, 0), "money": 3_334, "shirts": 1, "packed_out": 0}, booked_between=True)
@example(told={"edited": (11_666, 3_334), "money": 0, "shirts": 0, "packed_out": 0}, booked_between=True)
@example(told={"edited": (15_000, 0), "money": 0, "shirts": 2, "packed_out": 0}, booked_between=False)
@example(told={"edited": (2_000, 0), "money": 12_000, "shirts": 0, "packed_out": 0}, booked_between=False)
@example(told={"edited": (9_000, 0), "money": 0, "shirts": 0, "packed_out": 0}, booked_between=True)
@settings(max_examples=examples(3), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(told=TOLD, booked_between=st.booleans())
def test_what_is_gone_is_taken_once_in_whatever_order_it_is_told(
    engine: Engine, tmp_path: Path, told: dict[str, Any], *, booked_between: bool
) -> None:
    """Every order of the facts is an order of its own; with bookings between, the purchase is told first."""
    empty(engine)
    facts = ["created", *(fact for fact in told if told[fact])]
    turns = [turn for turn in permutations(facts) if not booked_between or turn[0] == "created"]
    for number in range(len(facts)):
        files = Files()
        for place, turn in enumerate(turns):
            files.add(f"A{place}", turn[number], told)
        files.tell(engine, tmp_path)
        if booked_between:
            book(engine, 5)
    book(engine, 5)
    assert points_of(engine) == dict.fromkeys((f"A{place}" for place in range(len(turns))), expected(told))
    book(engine, 5)
    assert held(engine, 5) == (0, len(turns) * expected(told))


@pytest.mark.parametrize("edited_first", [True, False])
@pytest.mark.parametrize("goods", [("SCF",), ("FER-8",), ("SCF", "FER-8")], ids=["what went", "what stayed", "all"])
def test_once_all_it_still_has_came_back_only_the_parcel_is_left(
    engine: Engine, tmp_path: Path, goods: tuple[str, ...], *, edited_first: bool
) -> None:
    """A sweater and a scarf, which an edit takes out: whether both came back or the sweater alone, nothing is left."""
    columns = (*COLUMNS, "Subtotal", "Lineitem discount")
    sold = table(head(Subtotal="121.00", Total="126.00"), more(), columns=columns)
    edit = table(head(Subtotal="89.00", Total="94.00"), columns=columns)
    back = [{"sku": sku, "quantity": 1} for sku in goods]
    event = refund("back", products=back)
    event["properties"]["order_id"] = head()["Id"]
    later = [lambda: export(engine, tmp_path, edit), lambda: tell(engine, tmp_path, [event])]
    export(engine, tmp_path, sold)
    for one in later if edited_first else reversed(later):
        one()
    with read(engine) as connection:
        left = connection.scalar(select(kept_minor(day(5))).select_from(order))
    assert left == (9_400 if goods == ("SCF",) else 500)


def export(engine: Engine, folder: Path, text: str) -> None:
    """A file of the shop's own system."""
    file = folder / "orders_export.csv"
    file.write_text(text)
    import_anything(engine, file, clock=VirtualClock(day(200)), hash_address="".format)


def points_of(engine: Engine) -> dict[str, int]:
    """The points of each order, all its entries together."""
    points = select(order.c.external_id, func.coalesce(func.sum(loyalty_entry.c.points), 0)).group_by(order.c.id)
    with read(engine) as connection:
        rows = connection.execute(points.outerjoin_from(order, loyalty_entry, loyalty_entry.c.order_id == order.c.id))
        return {name: int(sum_) for name, sum_ in rows}


def empty(engine: Engine) -> None:
    with write(engine) as connection:
        for table in (loyalty_entry, order_return, order_line, cart_event, change, event, order):
            connection.execute(delete(table))
