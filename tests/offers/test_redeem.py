"""Uses of codes: each kept, one counting, whoever tells of it and in whatever order."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import Engine, delete, event, select, update

from segue.offers import RedemptionCount, revoke
from segue.offers.redeem import codes_in
from segue.store.engine import read, write
from segue.store.tables import order, redemption
from tests.offers.till import CART, DAY, NOW, add_people, ask, import_orders, key, sell, tell, uses


@pytest.fixture(autouse=True)
def _people(engine: Engine) -> None:
    add_people(engine, 3)


@pytest.fixture
def code(engine: Engine) -> str:
    """A code of person 1."""
    return ask(engine, (1, 1))[key(1)].voucher.code


def count(**values: int) -> RedemptionCount:
    return RedemptionCount(**values)


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        ("ABCDE-FGHJK", ["ABCDE-FGHJK"]),
        ("  abcde-fghjk\n", ["ABCDE-FGHJK"]),
        ("SHIP,abcde-fghjk", ["SHIP", "ABCDE-FGHJK"]),
        ("SHIP , ABCDE-FGHJK", ["SHIP", "ABCDE-FGHJK"]),
        ("abcde-fghjk ABCDE-FGHJK", ["ABCDE-FGHJK"]),
        ("VIP+ABCDE-FGHJK+SHIP", ["VIP", "ABCDE-FGHJK", "SHIP"]),
        (" ,+ ", []),
        ("", []),
    ],
)
def test_a_cell_may_hold_several_codes(cell: str, codes: list[str]) -> None:
    assert codes_in(cell) == codes


@pytest.mark.parametrize("cell", ["{}", " {} ", "SHIP,{}", "{}+VIP", "VIP {}"])
@pytest.mark.parametrize("is_lower", [False, True])
def test_an_order_redeems_the_code_it_names(engine: Engine, code: str, cell: str, *, is_lower: bool) -> None:
    said = cell.format(code)
    sell(engine, "o1", said.lower() if is_lower else said, number="#1001", at=NOW + DAY)
    assert import_orders(engine) == count(seen=1, new=1)
    assert import_orders(engine) == count(seen=1)
    assert uses(engine) == [(code, "o1", True)]
    with read(engine) as connection:
        one = connection.execute(select(redemption)).one()
    assert (one.source, one.redeemed_at, one.recorded_at) == ("order", NOW + DAY, NOW)


@pytest.mark.parametrize("cell", [None, "", "OTHER", "X{}", "{}X", "{0}{0}"])
def test_another_code_redeems_nothing(engine: Engine, code: str, cell: str | None) -> None:
    sell(engine, "o1", cell if cell is None else cell.format(code))
    assert import_orders(engine) == count()
    assert uses(engine) == []


def test_somebody_elses_order_redeems_her_code(engine: Engine, code: str) -> None:
    """She gave it away: it is spent, and still was hers."""
    sell(engine, "o1", code, who=2)
    sell(engine, "o2", code, who=None, at=NOW + DAY)
    assert import_orders(engine) == count(seen=2, new=2, again=1)
    assert uses(engine) == [(code, "o1", True), (code, "o2", False)]


def test_of_orders_told_at_once_the_earliest_counts(engine: Engine, code: str) -> None:
    sell(engine, "late", code, at=NOW + 2 * timedelta(hours=1))
    sell(engine, "early", code, at=NOW + timedelta(hours=1))
    assert import_orders(engine) == count(seen=2, new=2, again=1)
    assert dict(row[1:] for row in uses(engine)) == {"early": True, "late": False}


def test_a_use_that_counts_goes_on_counting_whatever_is_told_later(engine: Engine, code: str) -> None:
    assert tell(engine, code, "till-7", at=NOW + DAY) == count(seen=1, new=1)
    sell(engine, "earlier", code, at=NOW)
    assert import_orders(engine) == count(seen=1, new=1, again=1)
    assert uses(engine) == [(code, "till-7", True), (code, "earlier", False)]


@pytest.mark.parametrize("said", ["#1001", "1001", " 1001 ", "shop-55", "gid://shopify/Order/shop-55"])
@pytest.mark.parametrize("first", ["import", "till"])
def test_one_order_told_by_import_and_by_till_is_one_use(engine: Engine, code: str, said: str, first: str) -> None:
    def imported() -> None:
        sell(engine, "shop-55", code, number="#1001")
        import_orders(engine)

    def told() -> None:
        tell(engine, code.lower(), said)

    for verb in (imported, told) if first == "import" else (told, imported):
        verb()
    for name in (said, "1001", "SHOP-55"):
        assert tell(engine, code, name) == count(seen=1)
    assert import_orders(engine) == count(seen=1)
    assert uses(engine) == [(code, "shop-55", True)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("NYC/1001", "LA/1001"),
        ("NYC/1001", "1001"),
        ("#1001", "1001"),
        ("gid://shopify/Order/17", "gid://shopify/Order/18"),
    ],
)
def test_receipts_of_two_names_are_two_uses(engine: Engine, code: str, one: str, other: str) -> None:
    """Whatever they have in common behind a slash."""
    assert tell(engine, code, one) == count(seen=1, new=1)
    assert tell(engine, code, other, at=NOW + timedelta(hours=1)) == count(seen=1, new=1, again=1)
    assert tell(engine, code, one.upper()) == tell(engine, code, f" {other} ") == count(seen=1)
    assert uses(engine) == [(code, one, True), (code, other, False)]


@pytest.mark.parametrize("apart", [-2 * DAY, 2 * DAY], ids=["before", "after"])
@pytest.mark.parametrize("is_near", [True, False], ids=["near", "far"])
@pytest.mark.parametrize("first", ["import", "till"])
@pytest.mark.parametrize("said", ["1001", "#1001"])
def test_one_number_is_one_order_only_near_its_time(
    engine: Engine, code: str, apart: timedelta, first: str, said: str, *, is_near: bool
) -> None:
    """The till has a receipt 1001, too."""
    at = NOW + apart + (timedelta() if is_near else apart / 1_000_000)

    def imported() -> None:
        sell(engine, "gid://shopify/Order/77", code, number="#1001")
        import_orders(engine)

    def told() -> None:
        tell(engine, code, said, at=at)

    for verb in (imported, told) if first == "import" else (told, imported):
        verb()
    for _ in range(2):
        told()
        import_orders(engine)
    refs = ["gid://shopify/Order/77"] if is_near else ["gid://shopify/Order/77", said]
    assert sorted(ref for _, ref, _ in uses(engine)) == sorted(refs)
    assert sum(counts for _, _, counts in uses(engine)) == 1


@pytest.mark.parametrize("order_of_arrival", list(permutations(["import", "north", "south"])), ids="-".join)
def test_in_any_order_of_arrival_one_use_counts(engine: Engine, code: str, order_of_arrival: tuple[str, ...]) -> None:
    for _ in range(2):
        for who in order_of_arrival:
            if who == "import":
                with write(engine) as connection:
                    connection.execute(delete(order))
                sell(engine, "web-1", code)
                import_orders(engine)
            else:
                tell(engine, code, f"{who}-1")
    told = uses(engine)
    assert {name for _, name, _ in told} == {"web-1", "north-1", "south-1"}
    assert [counts for _, _, counts in told] == [True, False, False]


@pytest.mark.parametrize(("after", "late"), [(2 * DAY - timedelta(seconds=1), 0), (2 * DAY, 1)], ids=str)
def test_what_the_shop_took_after_its_end_counts_and_is_reported(
    engine: Engine, code: str, after: timedelta, late: int
) -> None:
    assert tell(engine, code, "o1", at=NOW + after) == count(seen=1, new=1, late=late)
    assert uses(engine) == [(code, "o1", True)]


def test_what_the_shop_took_of_a_revoked_code_counts_and_is_reported(engine: Engine, code: str) -> None:
    with write(engine) as connection:
        revoke(connection, [code], NOW + timedelta(hours=1))
    sell(engine, "o1", code, at=NOW + timedelta(hours=1))
    assert import_orders(engine) == count(seen=1, new=1, late=1)
    assert uses(engine) == [(code, "o1", True)]


def test_a_cancelled_order_leaves_the_code_spent(engine: Engine, code: str) -> None:
    sell(engine, "o1", code)
    import_orders(engine)
    with write(engine) as connection:
        connection.execute(update(order).values(cancelled_at=NOW))
    assert import_orders(engine) == count(seen=1)
    assert uses(engine) == [(code, "o1", True)]
    assert ask(engine, (1, 1))[key(1)].is_spent


def test_codes_of_other_people_are_counted_and_left_alone(engine: Engine, code: str) -> None:
    assert tell(engine, "SUMMER", "o1") == count(unknown=1)
    assert tell(engine, code, "o1") == count(seen=1, new=1)


def test_one_order_may_use_several_codes(engine: Engine) -> None:
    codes = [one.voucher.code for one in ask(engine, (1, 1), (2, 2)).values()]
    sell(engine, "o1", ",".join(codes))
    assert import_orders(engine) == count(seen=2, new=2)
    assert sorted(uses(engine)) == sorted((code, "o1", True) for code in codes)


def test_without_vouchers_no_order_is_read(engine: Engine) -> None:
    """An import pays one look at an empty table."""
    sell(engine, "o1", "SUMMER")
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert import_orders(engine) == count()
    assert [" voucher" in one for one in asked if one.startswith("SELECT")] == [True]


def test_many_are_redeemed_in_a_handful_of_statements(engine: Engine) -> None:
    wanted = [(n, n % 3 + 1) for n in range(3)]
    codes = [one.voucher.code for one in ask(engine, *wanted, offer=CART).values()]
    for place in range(60):
        sell(engine, f"o{place}", codes[place % 3], at=NOW + timedelta(minutes=place))
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert import_orders(engine) == count(seen=60, new=60, again=57)
    assert len(asked) <= 10
    assert sum(counts for _, _, counts in uses(engine)) == 3


def test_an_orders_use_keeps_its_name_when_the_order_comes_under_another_id(engine: Engine, code: str) -> None:
    sell(engine, "17", code, number="#1001")
    import_orders(engine)
    sell(engine, "A-17", code, number="1001", at=NOW + timedelta(seconds=1))
    assert import_orders(engine) == count(seen=2)
    assert uses(engine) == [(code, "17", True)]
