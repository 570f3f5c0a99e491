"""Magento: the order grid, which has no lines and dates that could mean two instants, and the customer grid."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segue.intake import IntakeError
from segue.intake import records as r

from .shopify_files import SAMPLES, of, read, table

FOLDER = SAMPLES.parent / "magento"
COLUMNS = (
    "ID", "Purchase Point", "Purchase Date", "Grand Total (Base)", "Grand Total (Purchased)", "Status", "Shipping Address",
    "Shipping Information", "Customer Email", "Payment Method", "Total Refunded", "Pickup Location Code",
)  # fmt: skip
PEOPLE = (
    "ID",
    "Name",
    "Email",
    "Group",
    "Phone",
    "Country",
    "State/Province",
    "Customer Since",
    "Web Site",
    "Date of Birth",
)


def order(**cells: str) -> dict[str, str]:
    given = {
        "ID": "000000041", "Purchase Point": "Main Website\n    Main Website Store\n        Default Store View",
        "Purchase Date": "Apr 2, 2026 1:00:00 PM", "Grand Total (Base)": "127.0000", "Grand Total (Purchased)": "127.0000",
        "Status": "processing", "Shipping Address": "12 Larch St,Portland,Oregon,97205", "Shipping Information": "Flat Rate - Fixed",
        "Customer Email": "Sarah@example.com", "Payment Method": "braintree",
    }  # fmt: skip
    return {**given, **{name.replace("_", " "): text for name, text in cells.items()}}


def told(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS, **options: str):
    return read(table(*rows, columns=columns), **{"currency": "USD", "time_zone": "America/New_York", **options})


def test_an_order_without_lines_is_an_order() -> None:
    facts, report = told(order())
    (one,) = facts
    assert isinstance(one, r.Order)
    assert (one.external_id, one.number, one.names, one.total_minor, one.currency) == (
        "000000041",
        "000000041",
        (("email", "sarah@example.com"),),
        12700,
        "USD",
    )
    assert one.occurred_at == one.paid_at == datetime(2026, 4, 2, 17, tzinfo=UTC)
    assert (one.delivery, one.sales_channel, one.marketplace, one.refunded_minor) == ("ship", "web", False, None)
    assert (report.source, dict(report.skipped), report.notes) == ("magento-orders", {}, ())


@pytest.mark.parametrize(
    ("text", "order_of_date"),
    [("Apr 2, 2026, 1:00:00\u202fPM", None), ("2026-04-02 13:00:00", None), ("02.04.2026, 13:00:00", "day_first"), ("04/02/2026 1:00:00 PM", "month_first")],
)  # fmt: skip
def test_dates_as_admins_write_them(text: str, order_of_date: str | None) -> None:
    facts, _ = told(order(Purchase_Date=text), date_order=order_of_date)
    assert of(r.Order, facts)[0].occurred_at == datetime(2026, 4, 2, 17, tzinfo=UTC)


def test_dates_that_could_mean_two_instants() -> None:
    with pytest.raises(IntakeError, match=r"ambiguous_dates.*--time-zone"):
        told(order(), time_zone=None)
    with pytest.raises(IntakeError, match=r"ambiguous_dates.*--date-order"):
        told(order(Purchase_Date="02.04.2026, 13:00:00"))


@pytest.mark.parametrize(
    ("status", "method", "paid"),
    [("complete", "checkmo", True), ("Complete", "", True), ("closed", "checkmo", True), ("processing", "braintree", True), ("Processing", "Credit Card", True),
     ("processing", "checkout_com", True), ("processing", "checkmo", False), ("processing", "Check / Money order", False), ("processing", "bank_transfer", False), ("processing", "msp_cashondelivery", False), ("processing", "paycheckout", True), ("processing", "cashondelivery", False),
     ("processing", "Bank Transfer Payment", False), ("processing", "purchaseorder", False), ("processing", "", False), ("pending", "braintree", False),
     ("pending_payment", "braintree", False), ("holded", "braintree", False), ("On Hold", "braintree", False), ("canceled", "braintree", False),
     ("Suspected Fraud", "braintree", False), ("packing", "braintree", False)],
)  # fmt: skip
def test_only_a_status_that_says_paid_is(status: str, method: str, paid: bool) -> None:
    facts, report = told(order(Status=status, Payment_Method=method))
    (one,) = of(r.Order, facts)
    assert (one.paid_at is not None) is paid
    assert (one.cancelled_at is not None) is (status == "canceled")
    assert dict(report.warnings) == ({"unknown_state": 1} if status == "packing" else {})


@pytest.mark.parametrize(
    ("cells", "delivery", "left"),
    [({}, "ship", "shipped"), ({"Pickup_Location_Code": "store-1"}, "pickup", "picked_up"), ({"Shipping_Information": "In-Store Pickup Delivery"}, "pickup", "picked_up"),
     ({"Shipping_Information": "", "Shipping_Address": ""}, "none", None)],
)  # fmt: skip
def test_how_goods_reach_her(cells: dict[str, str], delivery: str, left: str | None) -> None:
    facts, _ = told(order(Status="complete", **cells))
    assert of(r.Order, facts)[0].delivery == delivery
    assert [one.kind for one in of(r.Fulfilment, facts)] == ([left] if left else [])
    assert of(r.Fulfilment, told(order(**cells))[0]) == []


def test_a_grid_of_few_columns() -> None:
    facts, _ = told(order(Status="complete"), columns=("ID", "Purchase Date", "Grand Total (Purchased)", "Status"))
    (one,) = facts
    assert isinstance(one, r.Order)
    assert (one.delivery, one.names, one.total_minor) == (None, (), 12700)
    with pytest.raises(IntakeError, match=r"Purchase Date.*missing_columns"):
        read(table(order(), columns=("ID", "Grand Total (Base)", "Status")), "magento-orders", currency="USD")


def test_two_currencies_and_refunds() -> None:
    facts, _ = told(order(Total_Refunded="32.0000"))
    assert of(r.Order, facts)[0].refunded_minor == 3200
    facts, report = told(
        order(
            **{"Grand_Total_(Purchased)": "1.117,6000", "Grand_Total_(Base)": "127,0000", "Total_Refunded": "32,0000"}
        )
    )
    assert (of(r.Order, facts)[0].total_minor, of(r.Order, facts)[0].refunded_minor) == (12700, None)
    assert dict(report.warnings) == {"bad_currency": 1}


def test_somebody_elses_shop() -> None:
    (one,) = of(r.Order, told(order(Purchase_Point="Main Website\n    Amazon\n        Amazon DE"))[0])
    assert (one.sales_channel, one.marketplace) == ("amazon", True)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [({"ID": ""}, "missing_key"), ({"ID": "1.2E+12"}, "bad_id"), ({"Grand_Total_(Base)": "", "Grand_Total_(Purchased)": ""}, "bad_money"),
     ({"Grand_Total_(Base)": "much"}, "bad_money"), ({"Purchase_Date": "soon"}, "bad_date"), ({"Purchase_Date": ""}, "bad_date")],
)  # fmt: skip
def test_a_bad_row_costs_itself(cells: dict[str, str], reason: str) -> None:
    facts, report = told(order(ID="1"), order(**cells), order(ID="3"), order(ID="4"))
    assert [one.external_id for one in of(r.Order, facts)] == ["1", "3", "4"]
    assert dict(report.skipped) == {reason: 1}
    # Told a second time by a row that cannot be read, the order is nobody's word any more.
    facts, _ = told(order(), order(**cells), order(ID="3"), order(ID="4"))
    whole = "ID" in cells
    assert [one.external_id for one in of(r.Order, facts)] == (["000000041"] if whole else []) + ["3", "4"]
    facts, _ = told(order(Customer_Email="nobody"))
    assert of(r.Order, facts)[0].names == ()


def test_again_is_once_and_a_later_grid_knows_better(export_of, census, rows) -> None:
    first = table(order(), order(ID="000000042", Customer_Email=""), columns=COLUMNS)
    export_of(first, currency="USD", time_zone="UTC")
    before = census()
    again = export_of(first, currency="USD", time_zone="UTC")
    assert (dict(again.taken), dict(again.updated), census()) == ({}, {}, before)
    assert (before["order"], before["profile"], before["order_line"]) == (2, 1, 0)
    later = table(order(Status="closed", Total_Refunded="127.0000", Customer_Email=""), columns=COLUMNS)
    export_of(later, currency="USD", time_zone="UTC")
    assert rows('SELECT external_id, refunded_minor, profile_id IS NULL FROM "order" ORDER BY 1') == [
        ("000000041", 12700, False), ("000000042", 0, True),
    ]  # fmt: skip


def person(**cells: str) -> dict[str, str]:
    given = {"ID": "7", "Name": "Sarah Lindqvist", "Email": "Sarah@example.com", "Group": "General", "Phone": "+1 202 555 0101", "Country": "United States",
             "State/Province": "Oregon", "Customer Since": "Apr 2, 2026 1:00:00 PM", "Web Site": "Main Website", "Date of Birth": "Jan 5, 1990"}  # fmt: skip
    return {**given, **{name.replace("_", " "): text for name, text in cells.items()}}


def test_customers() -> None:
    facts, report = read(
        table(
            person(),
            person(ID="8", Email="", Name="Ann Mary Smith", Country="Utopia", Phone="x"),
            person(ID="", Email="", Phone=""),
            columns=PEOPLE,
        )
    )
    sarah, ann = of(r.Profile, facts)
    assert sarah.names == (("email", "sarah@example.com"), ("shop", "7"), ("phone", "+12025550101"))
    assert sarah.traits == {"first_name": "Sarah", "last_name": "Lindqvist", "country": "US", "birth_year": 1990}
    assert (ann.names, ann.traits) == ((("shop", "8"),), {"birth_year": 1990})
    assert (report.source, dict(report.skipped), dict(report.warnings)) == (
        "magento-customers",
        {"missing_key": 1},
        {"bad_phone": 1},
    )
    assert of(r.Consent, facts) == []


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the samples are not beside this checkout")
def test_the_sample() -> None:
    facts, report = read(FOLDER / "sales_order_grid.csv", currency="USD", time_zone="America/Los_Angeles")
    (one,) = of(r.Order, facts)
    assert (one.external_id, one.total_minor, one.paid_at) == ("000000041", 12700, datetime(2026, 4, 2, 20, tzinfo=UTC))
    assert (dict(report.skipped), report.notes) == ({}, ())
