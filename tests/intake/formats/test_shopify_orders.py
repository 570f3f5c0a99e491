"""Shopify orders: what a row says, which rows make an order, whose it is, and what dirt costs."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segue.intake import IntakeError
from segue.intake import records as r

from .shopify_files import AT, ORDER, SAMPLES, head, more, of, read, table

PAID_AT = datetime(2026, 3, 7, 17, 12, 44, tzinfo=UTC)


def order_of(**cells: str) -> r.Order:
    (order,) = of(r.Order, read(table(head(**cells)))[0])
    return order


def test_first_row_carries_the_order_and_every_row_a_line() -> None:
    facts, report = read(table(head(Total="121.00"), more(), head(2)))
    first, second = of(r.Order, facts)
    assert (first.external_id, first.number, first.total_minor, first.currency) == (
        "5710000000001",
        "#1001",
        12100,
        "USD",
    )
    assert (first.occurred_at, first.paid_at, first.overwrites) == (PAID_AT, PAID_AT, True)
    lines = [(line.order, line.variant.sku, line.quantity, line.unit_price_minor) for line in of(r.OrderLine, facts)]
    assert lines == [
        (first.external_id, "FER-8", 1, 8900), (first.external_id, "SCF", 1, 3200), (second.external_id, "FER-8", 1, 8900),
    ]  # fmt: skip
    assert not report.skipped
    assert not report.warnings


@pytest.mark.parametrize(
    ("status", "is_paid"),
    [("paid", True), ("partially_refunded", True), ("refunded", True), ("partially_paid", True), ("pending", False),
     ("authorized", False), ("voided", False), ("expired", False)],
)  # fmt: skip
def test_paid_is_what_its_status_says(status: str, is_paid: bool) -> None:
    later = "2026-03-08 10:00:00 -0800"
    assert order_of(Financial_Status=status, Paid_at=later).paid_at == (
        datetime(2026, 3, 8, 18, tzinfo=UTC) if is_paid else None
    )
    assert order_of(Financial_Status=status, Paid_at="").paid_at == (PAID_AT if is_paid else None)


def test_a_free_order_is_paid() -> None:
    order = order_of(Total="0.00", Discount_Code="ALL", Discount_Amount="89.00")
    assert (order.total_minor, order.paid_at, order.discount_code, order.discount_minor) == (0, PAID_AT, "ALL", 8900)


def test_an_unknown_status_is_a_warning_and_no_payment() -> None:
    facts, report = read(table(head(Financial_Status="odd", Paid_at="")))
    assert of(r.Order, facts)[0].paid_at is None
    assert report.warnings == {"unknown_state": 1}


def test_refund_and_cancellation() -> None:
    order = order_of(Refunded_Amount="12.50", Cancelled_at="2026-03-09 00:00:00 UTC")
    assert (order.refunded_minor, order.cancelled_at) == (1250, datetime(2026, 3, 9, tzinfo=UTC))
    assert order_of(Refunded_Amount="").refunded_minor is None


@pytest.mark.parametrize(
    ("source", "channel", "marketplace"),
    [("web", "web", False), ("", "web", False), ("pos", "store", False), ("shopify_draft_order", "draft_order", False),
     ("2329312", "facebook_shop", False), ("instagram", "instagram_shop", False), ("amazon-us", "amazon", True),
     ("eBay", "ebay", True), ("4383523", "tiktok_shop", True), ("5690175", "app:5690175", False)],
)  # fmt: skip
def test_channels(source: str, channel: str, marketplace: bool) -> None:
    order = order_of(Source=source)
    assert (order.sales_channel, order.marketplace) == (channel, marketplace)


NO_ADDRESS = {"Shipping_Name": "", "Shipping_City": "", "Shipping_Country": ""}


@pytest.mark.parametrize(
    ("cells", "delivery"),
    [({}, "ship"), ({**NO_ADDRESS, "Shipping_Method": "Portland Store"}, "pickup"),
     ({**NO_ADDRESS, "Shipping_Method": ""}, "ship"),
     ({**NO_ADDRESS, "Shipping_Method": "", "Lineitem_requires_shipping": "false"}, "none"),
     ({"Shipping_Method": "Pick up in store"}, "pickup"), ({"Source": "pos"}, "none")],
)  # fmt: skip
def test_how_it_reaches_her(cells: dict[str, str], delivery: str) -> None:
    assert order_of(**cells).delivery == delivery


def test_one_line_that_ships_makes_a_parcel() -> None:
    facts, _ = read(table(head(Lineitem_requires_shipping="false", **NO_ADDRESS, Shipping_Method=""), more()))
    assert of(r.Order, facts)[0].delivery == "ship"


def test_without_address_columns_nobody_knows() -> None:
    columns = tuple(name for name in ORDER if not name.startswith("Shipping"))
    assert of(r.Order, read(table(head(), columns=columns))[0])[0].delivery is None


@pytest.mark.parametrize(
    ("cells", "expected"),
    [({"Note_Attributes": "gift: yes\r\ngift_message: Happy birthday!"}, True), ({"Note_Attributes": "gift: no"}, False),
     ({"Note_Attributes": "is_gift: true"}, True), ({"Note_Attributes": "gift card: yes"}, False),
     ({"Note_Attributes": "colour: gift"}, False), ({"Tags": "vip, gift"}, True), ({"Tags": "gift card, free gift"}, False),
     ({"Tags": "Gift-Wrap"}, True), ({"Notes": "It\u2019s a gift for my sister"}, True), ({"Notes": "This is a birthday gift."}, True),
     ({"Notes": "not a gift"}, False), ({"Notes": "This is not a gift for anybody"}, False),
     ({"Notes": "Please no gift wrap"}, False), ({"Notes": "please add my gift card"}, False),
     ({"Notes": "Leave with the neighbour"}, False), ({"Notes": "bitte als Geschenk verpacken"}, True),
     ({"Shipping_Name": "Somebody Else"}, False)],
)  # fmt: skip
def test_gifts(cells: dict[str, str], expected: bool) -> None:
    assert order_of(**cells).gift is expected


def test_what_left() -> None:
    sent = of(r.Fulfilment, read(table(head(Fulfillment_Status="fulfilled", Fulfilled_at="2026-03-08 10:00:00 Z")))[0])
    assert [(one.kind, one.occurred_at) for one in sent] == [("shipped", datetime(2026, 3, 8, 10, tzinfo=UTC))]
    undated = of(r.Fulfilment, read(table(head(Fulfillment_Status="partial")))[0])
    assert [(one.kind, one.occurred_at) for one in undated] == [("shipped", PAID_AT)]
    fetched = table(head(Fulfillment_Status="fulfilled", Shipping_Method="Portland Store", **NO_ADDRESS))
    assert [one.kind for one in of(r.Fulfilment, read(fetched)[0])] == ["picked_up"]
    for cells in ({"Fulfillment_Status": "restocked"}, {"Fulfillment_Status": "fulfilled", "Source": "pos"}):
        assert of(r.Fulfilment, read(table(head(**cells)))[0]) == []


def test_who_bought() -> None:
    phone = {"Phone": "+12025550101", "Billing_Phone": "+12025550102", "Shipping_Phone": "+12025550199"}
    assert order_of(Email=" Sarah@Example.com ", **phone).names == (
        ("email", "sarah@example.com"),
        ("phone", "+12025550101"),
    )
    assert order_of(Email="", **phone).names == (("phone", "+12025550101"),)
    assert order_of(Email="", **{**phone, "Phone": ""}).names == (("phone", "+12025550102"),)
    assert order_of(**{**phone, "Phone": ""}).names == (("email", "sarah@example.com"),)
    assert order_of(Email="", Shipping_Phone="+12025550199").names == ()
    assert order_of(Email="a+b.c@example.com").names == (("email", "a+b.c@example.com"),)


def test_a_broken_address_is_a_warning_and_nobodys() -> None:
    facts, report = read(table(head(Email="nobody", Phone="2025550101")))
    assert of(r.Order, facts)[0].names == ()
    assert report.warnings == {"bad_email": 1, "bad_phone": 1}
    assert order_of(Email="nobody").names == ()
    facts, report = read(table(head(Email="", Phone="(202) 555-0101")), calling_code="1")
    assert of(r.Order, facts)[0].names == (("phone", "+12025550101"),)


def test_home_is_where_the_newest_order_is_paid_from() -> None:
    old = head(1, Created_at="2025-01-01 00:00:00 Z", Billing_Country="GB", Billing_Province="")
    new = head(2, Billing_Province="US-OR")
    for rows in ((old, new), (new, old)):
        homes = [fact.traits for fact in of(r.Profile, read(table(*rows))[0])]
        assert homes[-1] == {"country": "US", "region": "OR"}
    assert of(r.Profile, read(table(head(Email="")))[0]) == []


def test_a_tick_is_a_yes_of_that_day_and_none_is_no_denial() -> None:
    facts, _ = read(table(head(Accepts_Marketing="yes"), head(2), head(3, Accepts_Marketing="yes", Email="")))
    (yes,) = of(r.Consent, facts)
    assert (yes.channel, yes.state, yes.basis, yes.source) == ("email", "granted", "opt_in", "import:shopify:orders")
    assert (yes.occurred_at, yes.is_dated, yes.names) == (PAID_AT, True, (("email", "sarah@example.com"),))
    facts, report = read(table(head(Accepts_Marketing="perhaps")))
    assert of(r.Consent, facts) == []
    assert report.warnings == {"unknown_state": 1}


def test_a_till_order_knows_its_place() -> None:
    facts, _ = read(table(head(Source="pos", Location="Portland Store"), head(2, Location="Warehouse")))
    assert [order.location for order in of(r.Order, facts)] == ["Portland Store", None]
    assert [(place.external_id, place.kind) for place in of(r.Location, facts)] == [("Portland Store", None)]


def test_lines_without_sku_are_told_by_name() -> None:
    facts, _ = read(table(head(Lineitem_sku=""), more(Lineitem_sku="", Lineitem_name="x" * 300)))
    short, long = (line.variant for line in of(r.OrderLine, facts))
    assert (short.sku, short.product.title, short.overwrites) == ("name:Fern Sweater - 8", "Fern Sweater - 8", False)
    assert len(long.sku) < 255
    (other,) = (
        line.variant for line in of(r.OrderLine, read(table(head(Lineitem_sku="", Lineitem_name="x" * 301)))[0])
    )
    assert other.sku != long.sku


def test_a_quantity_of_0_is_taken() -> None:
    facts, report = read(table(head(Lineitem_quantity="0")))
    assert of(r.OrderLine, facts)[0].quantity == 0
    assert not report.skipped


BAD = [
    ({"Lineitem_quantity": "-1"}, "bad_quantity", "Lineitem quantity"),
    ({"Lineitem_quantity": "1.5"}, "bad_quantity", "Lineitem quantity"),
    ({"Lineitem_quantity": ""}, "bad_quantity", "Lineitem quantity"),
    ({"Total": ""}, "bad_money", "Total"),
    ({"Total": "12,34.5"}, "bad_money", "Total"),
    ({"Refunded_Amount": "-3"}, "bad_money", "Refunded Amount"),
    ({"Lineitem_price": "free"}, "bad_money", "Lineitem price"),
    ({"Created_at": "2026-03-07 09:12:44"}, "bad_date", "Created at"),
    ({"Created_at": ""}, "bad_date", "Created at"),
    ({"Paid_at": "yesterday"}, "bad_date", "Paid at"),
    ({"Fulfilled_at": "soon"}, "bad_date", "Fulfilled at"),
    ({"Cancelled_at": "32/13/2026"}, "bad_date", "Cancelled at"),
    ({"Id": "5.71E+12"}, "bad_id", "Id"),
    ({"Id": "9223372036854775808"}, "bad_id", "Id"),
    ({"Id": ""}, "missing_key", "Id"),
    ({"Lineitem_sku": "7.80112E+12"}, "bad_id", "Lineitem sku"),
    ({"Currency": "dollars"}, "bad_currency", "Currency"),
    ({"Lineitem_sku": "", "Lineitem_name": ""}, "missing_key", "Lineitem name"),
]


@pytest.mark.parametrize(("cells", "reason", "column"), BAD)
def test_a_bad_first_row_rejects_its_order_alone(cells: dict[str, str], reason: str, column: str) -> None:
    # Five sound orders keep the file one of mostly sound times.
    facts, report = read(table(head(2), head(3), head(**cells), more(), head(4), head(5), head(6)))
    assert [order.external_id[-1] for order in of(r.Order, facts)] == ["2", "3", "4", "5", "6"]
    assert all(line.order[-1] != "1" for line in of(r.OrderLine, facts))
    assert report.skipped == {reason: 1, "order_rejected": 1}
    (problem,) = report.lines
    assert (problem.line, problem.reason, problem.column) == (4, reason, column)


@pytest.mark.parametrize("cells", [{"Lineitem_quantity": "-1"}, {"Lineitem_price": "x"}, {"Lineitem_sku": "1E+9"}])
def test_a_bad_further_row_rejects_its_order_alone(cells: dict[str, str]) -> None:
    facts, report = read(table(head(), more(**cells), more(), head(2)))
    assert [order.number for order in of(r.Order, facts)] == ["#1002"]
    assert report.skipped["order_rejected"] == 2
    assert report.lines[0].line == 3


def test_several_faults_are_each_named() -> None:
    _, report = read(table(head(Lineitem_quantity="x"), more(Lineitem_price="x"), more()))
    assert [(one.line, one.reason) for one in report.lines] == [(2, "bad_quantity"), (3, "bad_money")]
    assert report.skipped["order_rejected"] == 1


def test_without_id_orders_go_by_name() -> None:
    columns = tuple(name for name in ORDER if name != "Id")
    facts, _ = read(table(head(), more(), head(2), columns=columns))
    assert [order.external_id for order in of(r.Order, facts)] == ["#1001", "#1002"]
    bare = tuple(name for name in columns if name not in {"Currency", "Total"})
    facts, _ = read(table(head(), more(), head(2), columns=bare), currency="USD")
    assert [(order.external_id, order.total_minor) for order in of(r.Order, facts)] == [
        ("#1001", None),
        ("#1002", None),
    ]
    assert len(of(r.OrderLine, facts)) == 3


def test_a_sorted_file_finds_its_orders() -> None:
    facts, report = read(table(more(2), head(1), head(2), more(1), more(1, Lineitem_sku="HAT")))
    lines = {(line.order[-1], line.variant.sku) for line in of(r.OrderLine, facts)}
    assert lines == {("1", "FER-8"), ("1", "SCF"), ("1", "HAT"), ("2", "FER-8"), ("2", "SCF")}
    assert not report.skipped


def test_a_line_apart_that_two_orders_could_own_is_an_orphan() -> None:
    older = head(2, Name="#1001", Created_at="2025-03-07 09:12:44 -0800")
    facts, report = read(table(head(), older, more(), head(3)))
    assert [order.number for order in of(r.Order, facts)] == ["#1003"]  # neither can be known to be whole
    assert (report.skipped["orphan_line"], report.lines[0].line) == (1, 4)
    _, report = read(table(head(), more(9)))
    assert report.skipped == {"orphan_line": 1}


def test_two_years_may_share_a_name() -> None:
    older_at = "2025-03-07 09:12:44 -0800"
    older = head(2, Name="#1001", Created_at=older_at)
    facts, report = read(table(head(), more(), older, more(Created_at=older_at)))
    assert [line.order[-1] for line in of(r.OrderLine, facts)] == ["1", "1", "2", "2"]
    assert not report.skipped


def test_a_bad_line_apart_rejects_its_order() -> None:
    facts, report = read(table(head(), head(2), more(1, Lineitem_quantity="x")))
    assert [order.number for order in of(r.Order, facts)] == ["#1002"]
    assert report.skipped == {"bad_quantity": 1}


def lines_of(*rows: dict[str, str]) -> list[str]:
    return table(*rows).splitlines(keepends=True)


def test_cut_rows_reject_their_order_alone() -> None:
    lines = lines_of(head(), more(), head(2), more(2), more(2), head(3))
    for number, lost in ((1, {"#1001"}), (2, {"#1001"}), (3, {"#1002"}), (5, {"#1002"}), (6, {"#1003"})):
        cut = [*lines]
        cut[number] = ",".join(cut[number].split(",")[:15]) + "\n"
        facts, report = read("".join(cut))
        assert {order.number for order in of(r.Order, facts)} == {"#1001", "#1002", "#1003"} - lost, number
        assert report.skipped["field_count"] == 1
        assert report.lines[0].line == number + 1


def test_a_file_cut_in_the_middle() -> None:
    text = table(head(), head(2), more(2))
    facts, report = read(text[:-20])
    assert [order.number for order in of(r.Order, facts)] == ["#1001"]
    assert report.skipped == {"truncated": 1, "order_rejected": 1}
    assert report.lines[0].line == 4


def test_a_quote_that_never_closes_rejects_its_order_alone() -> None:
    lines = lines_of(head(), more(), head(2, Notes="plain"), more(2), head(3))
    for number, lost in ((2, "#1001"), (3, "#1002"), (4, "#1002")):
        cut = [*lines]
        cells = cut[number].split(",")
        cells[25] = '"never closed'
        cut[number] = ",".join(cells)
        facts, report = read("".join(cut))
        assert {order.number for order in of(r.Order, facts)} == {"#1001", "#1002", "#1003"} - {lost}, number
        assert report.skipped["unclosed_quote"] == 1


def test_a_broken_first_row_takes_its_lines_with_it() -> None:
    lines = lines_of(head(), head(2), more(2), head(3))
    lines[2] = ",".join(lines[2].split(",")[:12]) + "\n"
    facts, report = read("".join(lines))
    assert [order.number for order in of(r.Order, facts)] == ["#1001", "#1003"]
    assert report.skipped == {"field_count": 1, "order_rejected": 1}


def test_a_broken_first_row_leaves_another_year_of_its_name_alone() -> None:
    lines = lines_of(head(), more(), head(2, Name="#1001", Created_at="2025-03-07 09:12:44 -0800"), more(), head(3))
    lines[3] = ",".join(lines[3].split(",")[:12]) + "\n"
    facts, report = read("".join(lines))
    assert [order.external_id[-1] for order in of(r.Order, facts)] == ["1", "3"]
    assert report.skipped == {"field_count": 1, "order_rejected": 1}


def test_columns_in_any_order_case_and_spelling() -> None:
    other = {"Cancelled at": "Canceled at", "Lineitem sku": "Lineitem SKU", "Total": " TOTAL "}
    text = table(head(Cancelled_at=AT), more(), columns=tuple(reversed(ORDER)))
    for name, spelling in other.items():
        text = text.replace(name, spelling, 1)
    plain, _ = read(table(head(Cancelled_at=AT), more()))
    assert read(text)[0] == plain
    assert of(r.Order, plain)[0].cancelled_at == PAID_AT


def test_columns_that_are_needed() -> None:
    with pytest.raises(IntakeError, match=r"Created at, Lineitem name .*missing_columns"):
        read(
            table(head(), columns=tuple(name for name in ORDER if name not in {"Created at", "Lineitem name"})),
            "shopify-orders",
        )
    without = table(head(), columns=tuple(name for name in ORDER if name != "Currency"))
    with pytest.raises(IntakeError, match="--currency"):
        read(without)
    assert of(r.Order, read(without, currency="EUR")[0])[0].currency == "EUR"


def test_a_file_saved_by_a_spreadsheet() -> None:
    at = "07/10/2023 14:05"
    text = table(head(Created_at=at, Paid_at=at, Total="34.5"), head(2, Created_at=at, Paid_at=at)).replace(
        "\n", "\r\n"
    )
    with pytest.raises(IntakeError, match="ambiguous_dates"):
        read(text)
    with pytest.raises(IntakeError, match="ambiguous_dates"):
        read(text, time_zone="Europe/London")
    for order, month, day in (("day_first", 10, 7), ("month_first", 7, 10)):
        facts, _ = read(text, time_zone="Europe/London", date_order=order)
        assert [one.occurred_at for one in of(r.Order, facts)] == [datetime(2023, month, day, 13, 5, tzinfo=UTC)] * 2
        assert of(r.Order, facts)[0].total_minor == 3450


def test_money_as_the_file_writes_it() -> None:
    facts, _ = read(
        table(
            head(Total="1.234,50", Lineitem_price="1.234,50", Refunded_Amount="0,00"),
            head(2, Total="12,00", Lineitem_price="9,90", Refunded_Amount="0,00"),
        )
    )
    assert [order.total_minor for order in of(r.Order, facts)] == [123450, 1200]
    assert order_of(Currency="CLP", Total="163056", Lineitem_price="163056", Refunded_Amount="0").total_minor == 163056


def test_checkouts_under_another_name_are_no_orders() -> None:
    rows = [head(n, Name=f"#{5710000000000 + n}", Financial_Status="", Paid_at="") for n in (1, 2)]
    with pytest.raises(IntakeError, match="shopify-checkouts"):
        read(table(*rows))


def test_formulas_stay_text() -> None:
    facts, _ = read(table(head(Lineitem_name="=1+1", Lineitem_sku="")))
    assert of(r.OrderLine, facts)[0].variant.product.title == "=1+1"


def test_unknown_columns_are_named_once() -> None:
    _, report = read(table(head(), columns=(*ORDER, "Lucky number")))
    assert report.notes == ("columns passed over: Lucky number",)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this checkout")
def test_the_sample() -> None:
    facts, report = read(SAMPLES / "orders_export.csv")
    orders = {order.number: order for order in of(r.Order, facts)}
    assert len(of(r.OrderLine, facts)) == 10
    assert {number: (one.total_minor, one.delivery, one.gift, one.sales_channel) for number, one in orders.items()} == {
        "#1001": (12700, "ship", False, "web"), "#1002": (7305, "ship", False, "web"),
        "#1003": (17800, "ship", False, "web"), "#1004": (8900, "ship", False, "web"),
        "#1005": (3800, "ship", True, "web"), "#1006": (7450, "pickup", False, "web"),
        "#1007": (12100, "none", False, "store"), "#1008": (5000, "none", False, "draft_order"),
    }  # fmt: skip
    assert [number for number, one in orders.items() if one.paid_at is None] == ["#1008"]
    assert [number for number, one in orders.items() if one.cancelled_at is not None] == ["#1004"]
    assert {number: one.refunded_minor for number, one in orders.items() if one.refunded_minor} == {
        "#1003": 8900,
        "#1004": 8900,
    }
    assert orders["#1002"].discount_code == "WELCOME10"
    assert orders["#1004"].currency == "GBP"
    assert orders["#1007"].names == (("phone", "+12025550105"),)
    assert len(of(r.Fulfilment, facts)) == 4
    assert len(of(r.Consent, facts)) == 2
    assert not report.skipped
    assert not report.warnings
    assert not report.notes
