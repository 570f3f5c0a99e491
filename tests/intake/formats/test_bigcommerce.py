"""BigCommerce: lines packed into one cell, days without a time, states of payment, and who the buyer is."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.intake import IntakeError
from segue.intake import records as r

from .shopify_files import SAMPLES, of, read, table

FOLDER = SAMPLES.parent / "bigcommerce"
COLUMNS = (
    "Order ID", "Customer ID", "Customer Name", "Customer Email", "Customer Phone", "Order Date", "Order Status", "Ship Method", "Coupon Details",
    "Order Total (inc tax)", "Order Total (ex tax)", "Payment Method", "Date Shipped", "Order Currency Code", "Exchange Rate", "Customer Message",
    "Billing First Name", "Billing Last Name", "Billing Country", "Billing Phone", "Billing Email", "Shipping Street 1", "Product Details",
    "Refund Amount", "Channel Name",
)  # fmt: skip


def line(
    number: str = "7",
    quantity: str = "1",
    sku: str = "FER-8",
    name: str = "Fern Sweater",
    price: str = "89.00",
    total: str = "89.00",
    more: str = "",
) -> str:
    return (
        f"Product ID: {number}, Product Qty: {quantity}, Product SKU: {sku}, Product Name: {name}{more}, "
        f"Product Unit Price: {price}, Product Total Price: {total}"
    )


def order(**cells: str) -> dict[str, str]:
    given = {
        "Order ID": "141", "Customer ID": "12", "Customer Name": "Sarah Doe", "Customer Email": "Sarah@example.com", "Customer Phone": "+12025550101",
        "Order Date": "02/04/2026", "Order Status": "Awaiting Fulfillment", "Order Total (inc tax)": "127.00", "Order Total (ex tax)": "120.00",
        "Payment Method": "Credit Card", "Order Currency Code": "USD", "Exchange Rate": "1.0000000000", "Billing First Name": "Sarah",
        "Billing Last Name": "Doe", "Billing Country": "United States", "Shipping Street 1": "12 Larch St", "Product Details": line(),
        "Refund Amount": "0.00", "Channel Name": "Store",
    }  # fmt: skip
    spaced = {name.replace("_", " "): text for name, text in cells.items()}
    return {**given, **spaced}


def told(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS, **options: str | None):
    return read(
        table(*rows, columns=columns), **{"time_zone": "America/New_York", "date_order": "day_first", **options}
    )


def lines(details: str) -> list[tuple[str, str, str | None, int, int, int | None]]:
    facts, report = told(order(Product_Details=details))
    assert not report.skipped
    return [
        (
            one.variant.sku,
            one.variant.product.external_id,
            one.variant.product.title,
            one.quantity,
            one.unit_price_minor,
            one.total_minor,
        )
        for one in of(r.OrderLine, facts)
    ]


def test_an_order() -> None:
    facts, report = told(order())
    (one,) = of(r.Order, facts)
    assert one.names == (("email", "sarah@example.com"), ("shop", "12"), ("phone", "+12025550101"))
    assert (one.external_id, one.total_minor, one.currency, one.refunded_minor, one.delivery, one.sales_channel) == (
        "141",
        12700,
        "USD",
        0,
        "ship",
        "web",
    )
    assert one.occurred_at == one.paid_at == datetime(2026, 4, 2, 4, tzinfo=UTC)
    assert [dict(one.traits) for one in of(r.Profile, facts)] == [
        {"first_name": "Sarah", "last_name": "Doe", "country": "US"}
    ]
    assert (report.source, dict(report.skipped), report.notes) == ("bigcommerce-orders", {}, ())


def test_the_same_digits_are_another_day_elsewhere() -> None:
    assert of(r.Order, told(order(), date_order="month_first")[0])[0].occurred_at == datetime(2026, 2, 4, 5, tzinfo=UTC)
    for missing in ({"date_order": None}, {"time_zone": None}):
        with pytest.raises(IntakeError, match="ambiguous_dates"):
            told(order(), **missing)


@pytest.mark.parametrize("between", ["|", " | ", "\n", " ", ""])
def test_lines_in_one_cell(between: str) -> None:
    assert lines(between.join([line(), line("9", "2", "SCF", "Scarf, wool|grey", "16.00", "32.00")])) == [
        ("FER-8", "7", "Fern Sweater", 1, 8900, 8900), ("SCF", "9", "Scarf, wool|grey", 2, 1600, 3200),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("details", "found"),
    [("", []), (line(sku=""), [("id:7", "7", "Fern Sweater", 1, 8900, 8900)]), (line("0", sku="", name="Gift wrap"), [("name:Gift wrap", "name:Gift wrap", "Gift wrap", 1, 8900, 8900)]),
     (line(sku="", more=", Product Weight: 0.8, Product Variation Details: Size: S (4)"), [("id:7/Size: S (4)", "7", "Fern Sweater", 1, 8900, 8900)]),
     (line(sku="A, B", name="Cup, 9&quot; &amp; lid"), [("A, B", "7", 'Cup, 9" & lid', 1, 8900, 8900)]), (line(price="$1,089.00", total="$1,089.00"), [("FER-8", "7", "Fern Sweater", 1, 108900, 108900)]),
     (line(quantity="0", total="0.00"), [("FER-8", "7", "Fern Sweater", 0, 8900, 0)]), (line().replace("Total Price", "Total"), [("FER-8", "7", "Fern Sweater", 1, 8900, 8900)])],
)  # fmt: skip
def test_what_a_cell_may_hold(details: str, found: list[tuple[str, str, str, int, int, int]]) -> None:
    assert lines(details) == found


_NAMES = st.text(st.sampled_from("ab ,|:$\u00e9"), min_size=1, max_size=20).map(str.strip).filter(bool)


@given(st.lists(st.tuples(_NAMES, st.integers(0, 9), st.integers(0, 99_999)), min_size=1, max_size=5))
def test_whatever_names_hold_every_line_comes_out(bought: list[tuple[str, int, int]]) -> None:
    packed = "|".join(
        line(str(number), str(many), f"S{number}", name, f"{cents / 100:.2f}", f"{many * cents / 100:.2f}")
        for number, (name, many, cents) in enumerate(bought, start=1)
    )
    assert lines(packed) == [
        (f"S{number}", str(number), name, many, cents, many * cents)
        for number, (name, many, cents) in enumerate(bought, start=1)
    ]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [({"Product_Details": "1 x Fern Sweater"}, "bad_lines"), ({"Product_Details": line() + "|Product ID: 9, Product Qty: 1, Prod"}, "bad_lines"), ({"Product_Details": line(quantity="-1")}, "bad_quantity"),
     ({"Product_Details": line(price="much")}, "bad_money"), ({"Order_ID": ""}, "missing_key"), ({"Order_ID": "7.8E+12"}, "bad_id"), ({"Order_Date": "31/31/2026"}, "bad_date"),
     ({"Order_Total_(inc_tax)": ""}, "bad_money"), ({"Date_Shipped": "soon"}, "bad_date"), ({"Order_Currency_Code": "dollars"}, "bad_currency"), ({"Order_Status": "Incomplete"}, "not_an_order")],
)  # fmt: skip
def test_a_bad_row_costs_the_whole_order(cells: dict[str, str], reason: str) -> None:
    facts, report = told(order(Order_ID="1"), order(**cells), *(order(Order_ID=str(number)) for number in range(3, 6)))
    assert [one.external_id for one in of(r.Order, facts)] == ["1", "3", "4", "5"]
    assert [one.order for one in of(r.OrderLine, facts)] == ["1", "3", "4", "5"]
    assert (dict(report.skipped), report.lines[0].line) == ({reason: 1}, 3)


@pytest.mark.parametrize(
    ("status", "method", "paid"),
    [("Awaiting Fulfillment", "Bank Deposit", True), ("Completed", "Cash on Delivery", True), ("Shipped", "Credit Card", True), ("Shipped", "Cash on Delivery", False),
     ("Awaiting Shipment", "", False), ("Awaiting Pickup", "Pay in Store", False), ("Partially Shipped", "PayPal", True), ("Refunded", "PayPal", True),
     ("Partially Refunded", "PayPal", True), ("Pending", "Credit Card", False), ("Awaiting Payment", "Credit Card", False), ("Declined", "Credit Card", False),
     ("Cancelled", "Credit Card", False), ("Disputed", "PayPal", False), ("Manual Verification Required", "PayPal", False), ("Embroidered", "PayPal", False)],
)  # fmt: skip
def test_only_a_status_that_says_paid_is(status: str, method: str, paid: bool) -> None:
    facts, report = told(order(Order_Status=status, Payment_Method=method))
    (one,) = of(r.Order, facts)
    assert (one.paid_at is not None) is paid
    assert (one.cancelled_at is not None) is (status == "Cancelled")
    assert dict(report.warnings) == ({"unknown_state": 1} if status == "Embroidered" else {})


@pytest.mark.parametrize(
    ("cells", "delivery", "left"),
    [({}, "ship", []), ({"Date_Shipped": "03/04/2026"}, "ship", [("shipped", 3)]), ({"Order_Status": "Completed"}, "ship", [("shipped", 2)]),
     ({"Order_Status": "Awaiting Pickup"}, "pickup", []), ({"Ship_Method": "Pickup In Store", "Order_Status": "Completed"}, "pickup", [("picked_up", 2)]),
     ({"Shipping_Street_1": ""}, None, []), ({"Shipping_Street_1": "", "Order_Status": "Completed"}, None, []), ({"Shipping_Street_1": "", "Ship_Method": "Flat rate"}, "ship", []),
     ({"Channel_Name": "Square POS", "Order_Status": "Completed"}, "none", [])],
)  # fmt: skip
def test_how_goods_reach_her(cells: dict[str, str], delivery: str | None, left: list[tuple[str, int]]) -> None:
    facts, _ = told(order(**cells))
    assert of(r.Order, facts)[0].delivery == delivery
    assert [(one.kind, one.occurred_at.day) for one in of(r.Fulfilment, facts)] == left


@pytest.mark.parametrize(
    ("name", "channel", "marketplace"),
    [("Store", "web", False), ("", "web", False), ("My second shop", "web", False), ("Amazon", "amazon", True), ("eBay UK", "ebay", True), ("Square POS", "store", False)],
)  # fmt: skip
def test_where_it_was_sold(name: str, channel: str, marketplace: bool) -> None:
    (one,) = of(r.Order, told(order(Channel_Name=name))[0])
    assert (one.sales_channel, one.marketplace) == (channel, marketplace)


@pytest.mark.parametrize(
    ("cells", "names", "traits"),
    [({"Customer_ID": "0", "Customer_Email": "", "Customer_Phone": "", "Billing_Email": "b@example.com", "Customer_Name": ""}, (("email", "b@example.com"),), {"country": "US"}),
     ({"Customer_Email": "", "Customer_Phone": "", "Billing_Email": "b@example.com"}, (("shop", "12"),), {"first_name": "Sarah", "last_name": "Doe", "country": "US"}),
     ({"Customer_ID": "", "Customer_Email": "", "Customer_Phone": "", "Billing_Phone": "+12025550102"}, (("phone", "+12025550102"),), {"first_name": "Sarah", "last_name": "Doe", "country": "US"}),
     ({"Customer_Name": "Joy Roe"}, (("email", "sarah@example.com"), ("shop", "12"), ("phone", "+12025550101")), {"country": "US"}),
     ({"Customer_ID": "0", "Customer_Email": "", "Customer_Phone": ""}, (), None)],
)  # fmt: skip
def test_who_bought(cells: dict[str, str], names: r.Names, traits: dict[str, str] | None) -> None:
    facts, _ = told(order(**cells))
    assert of(r.Order, facts)[0].names == names
    assert [dict(one.traits) for one in of(r.Profile, facts)] == ([] if traits is None else [traits])


def test_where_she_lives_is_what_her_newest_order_says() -> None:
    first, second = order(Order_Date="05/04/2026", Billing_Country="Canada"), order(Order_ID="142")
    for rows in ((first, second), (second, first)):
        (one,) = of(r.Profile, told(*rows)[0])
        assert (one.traits["country"], one.fills_only) == ("CA", True)
    # A rejected order says nothing of its buyer.
    facts, _ = told(second, first, order(Product_Details="?"))
    assert [one.external_id for one in of(r.Order, facts)] == ["142"]
    assert of(r.Profile, facts) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", None),
        ("SPRING", "SPRING"),
        ("Coupon Code: SPRING, Coupon Value: 10", "SPRING"),
        ("ten off everything", None),
    ],
)
def test_coupons(text: str, code: str | None) -> None:
    assert of(r.Order, told(order(Coupon_Details=text))[0])[0].discount_code == code


def test_presents_refunds_and_other_currencies() -> None:
    facts, report = told(order(Customer_Message="It's a gift for Joy", Refund_Amount="32.00", Exchange_Rate="0.85"))
    (one,) = of(r.Order, facts)
    assert (one.gift, one.refunded_minor, dict(report.warnings)) == (True, 3200, {"bad_currency": 1})


def test_a_template_of_few_columns() -> None:
    facts, _ = told(order(), columns=("Order ID", "Order Date", "Order Status", "Order Total (ex tax)"), currency="EUR")
    (one,) = facts
    assert isinstance(one, r.Order)
    assert (one.total_minor, one.currency, one.names, one.delivery, one.refunded_minor) == (
        12000,
        "EUR",
        (),
        None,
        None,
    )
    with pytest.raises(IntakeError, match="--currency"):
        told(order(), columns=("Order ID", "Order Date", "Order Status", "Order Total (ex tax)"))


def test_again_is_once_and_a_later_file_knows_better(export_of, census, rows) -> None:
    options = {"time_zone": "UTC", "date_order": "day_first"}
    twice = "|".join([line(), line(), line("9", "2", "SCF", "Scarf", "16.00", "32.00")])
    first = table(order(Product_Details=twice), columns=COLUMNS)
    export_of(first, **options)
    before = census()
    again = export_of(first, **options)
    assert (dict(again.taken), dict(again.updated), census()) == ({}, {}, before)
    assert rows("SELECT sum(quantity), sum(total_minor), count(*) FROM order_line") == [(4, 21_000, 3)]
    export_of(
        table(
            order(Product_Details=twice, Order_Status="Refunded", Refund_Amount="127.00", Date_Shipped="03/04/2026"),
            columns=COLUMNS,
        ),
        **options,
    )
    assert rows('SELECT refunded_minor FROM "order"') == [(12_700,)]
    assert rows("SELECT kind FROM fulfilment") == [("shipped",)]
    assert census() == {**before, "fulfilment": 1, "change": 1}


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the samples are not beside this checkout")
def test_the_sample() -> None:
    facts, report = told_sample()
    (one,) = of(r.Order, facts)
    assert (one.external_id, one.total_minor, one.paid_at) == ("141", 12700, datetime(2026, 4, 2, 4, tzinfo=UTC))
    assert [(one.variant.sku, one.variant.product.title, one.total_minor) for one in of(r.OrderLine, facts)] == [
        ("FER-MOS-08", "Fern Sweater", 8900), ("SCF-GRY", "Wool Scarf", 3200),
    ]  # fmt: skip
    assert [(one.kind, one.occurred_at) for one in of(r.Fulfilment, facts)] == [
        ("shipped", datetime(2026, 4, 3, 4, tzinfo=UTC))
    ]
    assert (dict(report.skipped), report.notes) == ({}, ())


def told_sample():
    return read(FOLDER / "orders.csv", time_zone="America/New_York", date_order="day_first")
