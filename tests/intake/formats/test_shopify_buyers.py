"""What orders say of their buyers: less than a customers export does, and nothing where the order is rejected."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest

from segue.intake import ImportReport, loading

from .shopify_files import head, more, table

Load = Callable[..., ImportReport]
HOMES = "SELECT value, country, region FROM profile JOIN identifier ON profile_id = profile.id WHERE kind = 'email' ORDER BY value"
YES = {"Accepts_Marketing": "yes"}


def customers(*rows: tuple[str, str, str]) -> str:
    """Who, country, region."""
    given = [
        {"First Name": "A", "Email": email, "Accepts Email Marketing": "no", "Default Address Country Code": country,
         "Default Address Province Code": region}
        for email, country, region in rows
    ]  # fmt: skip
    return table(*given, columns=("First Name", "Last Name", "Email", "Accepts Email Marketing", "Default Address Country Code",
                                  "Default Address Province Code", "Total Spent"))  # fmt: skip


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_customers_and_orders_in_any_order(load: Load, rows, order: tuple[int, ...]) -> None:
    """The customers export outranks an order; its gaps are filled; alternate imports flip nothing."""
    said = customers(
        ("sarah@example.com", "CA", "ON"),
        ("bea@example.com", "", ""),
        ("cleo@example.com", "GB", ""),
        ("dee@example.com", "US", ""),
    )
    files = [
        said,
        table(head(), head(2, Email="bea@example.com"), head(3, Email="cleo@example.com"), head(4, Email="dee@example.com")),
        table(head(5), head(6, Email="eve@example.com")),
    ]  # fmt: skip
    for day, number in enumerate(order):
        load(files[number], days=day)
    # Cleo's region may have come with her order's country, before the customers file named another; never after it.
    wanted = [
        ("bea@example.com", "US", "OR"),
        ("dee@example.com", "US", "OR"),
        ("eve@example.com", "US", "OR"),
        ("sarah@example.com", "CA", "ON"),
    ]
    found = rows(HOMES)
    assert [row for row in found if row[0] != "cleo@example.com"] == wanted
    for day, number in enumerate((0, 1, 2, 0, 1), start=3):
        assert load(files[number], days=day).updated == {}
    assert rows(HOMES) == found


def test_a_region_fills_no_other_country(load: Load, rows) -> None:
    load(customers(("sarah@example.com", "GB", "")))
    load(table(head()), days=1)
    assert rows(HOMES) == [("sarah@example.com", "GB", None)]


@pytest.mark.parametrize("chunk", [1, 20_000])
def test_within_a_file_the_newest_order_says_where_she_lives(
    load: Load, rows, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(loading, "CHUNK", chunk)
    moved = [
        head(1, Created_at="2026-01-01 00:00:00 Z", Billing_Country="GB", Billing_Province=""),
        head(2, Created_at="2026-03-01 00:00:00 Z", Billing_Country="CA", Billing_Province="ON"),
        head(3, Created_at="2026-02-01 00:00:00 Z"),
        head(4, Created_at="2026-04-01 00:00:00 Z", Billing_Country="FR", Billing_Province=""),
        head(5, Created_at="2026-05-01 00:00:00 Z", Billing_Country=""),
    ]
    load(table(*moved, more(4, Lineitem_quantity="x")))  # the fourth is rejected, so it says nothing
    assert rows(HOMES) == [("sarah@example.com", "CA", "ON")]


@pytest.mark.parametrize("chunk", [1, 20_000])
@pytest.mark.parametrize(
    "bad", [{"Lineitem_quantity": "x"}, {"Lineitem_price": "x"}, {"Lineitem_name": "", "Lineitem_sku": ""}]
)
def test_a_rejected_order_gives_no_consent_however_late_it_is_known(
    load: Load, rows, monkeypatch: pytest.MonkeyPatch, chunk: int, bad: dict[str, str]
) -> None:
    monkeypatch.setattr(loading, "CHUNK", chunk)
    said = [head(**YES), head(2, Email="bea@example.com", **YES), head(3, Email="cleo@example.com")]
    report = load(table(*said, more(1, **bad)))
    assert report.taken["consent"] == 1
    consents = (
        "SELECT value, state FROM consent_event JOIN identifier ON identifier.profile_id = consent_event.profile_id"
    )
    assert rows(consents) == [("bea@example.com", "granted")]
    assert [row[1:] for row in rows(HOMES) if row[0] == "sarah@example.com"] in ([], [(None, None)])
    load(table(*said, more(1)), days=1)  # mended, it counts
    assert sorted(rows(consents)) == [("bea@example.com", "granted"), ("sarah@example.com", "granted")]
    assert rows(HOMES)[-1] == ("sarah@example.com", "US", "OR")


def test_a_name_that_two_orders_share_rejects_both_and_their_yes(load: Load, rows) -> None:
    """A row that stood apart may belong to either year's order: nobody knows, so neither counts."""
    load(table(head(**YES), head(2, Name="#1001", Created_at="2025-03-07 00:00:00 Z", Email="bea@example.com", **YES), head(3), more(1)))  # fmt: skip
    assert rows('SELECT number FROM "order"') == [("#1003",)]
    assert rows("SELECT count(*) FROM consent_event") == [(0,)]
