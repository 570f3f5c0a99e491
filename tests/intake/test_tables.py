"""The table door: every kind of record, dirt among the rows, all or nothing."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, literal, select

from segue.intake import IntakeError, import_table, load_mapping, loading
from segue.store.engine import open_engine, read
from segue.store.tables import metadata
from tests.search import examples

from .conftest import CLOCK, NOW, hash_address

CUSTOMERS = """
name = "shop"
time_zone = "America/New_York"
calling_code = "1"
[[record]]
kind = "profile"
[record.fields]
email = "Email"
phone = "Phone"
first_name = "First name"
country = { column = "Country", default = "US" }
[[record]]
kind = "consent"
when = { Consent = ["SUBSCRIBED", "UNSUBSCRIBED"] }
[record.fields]
email = "Email"
channel = { constant = "email" }
state = { column = "Consent", map = { SUBSCRIBED = "granted", UNSUBSCRIBED = "denied" } }
source = { constant = "import:shop" }
occurred_at = "When"
[[record]]
kind = "suppression"
when = { Consent = "BOUNCED" }
[record.fields]
address = "Email"
reason = { constant = "hard_bounce" }
occurred_at = "When"
"""
HEAD = "Email,Phone,First name,Country,Consent,When\n"

ORDERS = """
name = "orders"
currency = "USD"
[[record]]
kind = "order_line"
[record.fields]
order = "Order"
email = "Email"
occurred_at = "Created at"
sku = "SKU"
quantity = "Quantity"
unit_price = "Price"
category = "Category"
size = "Size"
size_system = { constant = "us_women" }
gift = "Gift"
returned_at = "Returned at"
cancelled_at = "Cancelled at"
cart = "Cart"
"""
ORDER_HEAD = "Order,Email,Created at,SKU,Quantity,Price,Category,Size,Gift,Returned at,Cancelled at,Cart\n"
#: What a line of these orders is worth by now as evidence of a size: half of it is gone after 18 months.
LINE = 1 - (NOW - datetime(2026, 3, 7, 17, 12, 44, tzinfo=UTC)) / timedelta(days=548) / 2


def _line(
    order: str, size: str = "8", *, email="a@example.com", price="10.00", gift="", back="", off="", cart=""
) -> str:
    at = "2026-03-07 09:12:44 -0800"
    return f"{order},{email},{at},T-{size},1,{price},tops,{size},{gift},{back},{off},{cart}\n"


def test_customers_with_their_consents_and_suppressions(table_of, rows):
    """A bounced address is kept as a hash and makes no consent; local times mind the clock change."""
    text = HEAD + (
        "Ann@Example.com,(202) 555-0143,Ann,,SUBSCRIBED,2026-11-01 01:30:00\n"
        "b@example.com,,Bea,gb,UNSUBSCRIBED,2026-03-08 02:30:00\n"
        "c@example.com,,Cleo,Atlantis,UNSUBSCRIBED,2026-03-09T02:30:00Z\n"
        "d@example.com,,,,BOUNCED,2026-01-01 00:00\n"
    )
    report = table_of(text, CUSTOMERS)
    assert dict(report.taken) == {"profile": 4, "consent": 2, "suppression": 1}
    assert dict(report.skipped) == {"bad_date": 1}
    assert dict(report.warnings) == {"ambiguous_time": 1, "bad_country": 1}
    assert rows("SELECT state, basis FROM consent_event ORDER BY id") == [
        ("granted", "opt_in"),
        ("denied", "objection"),
    ]
    assert rows("SELECT address_hash, reason FROM suppression") == [("hash of 13", "hard_bounce")]
    assert rows("SELECT first_name, country FROM profile ORDER BY id") == [
        ("Ann", "US"), ("Bea", "GB"), ("Cleo", None), (None, "US"),
    ]  # fmt: skip
    again = table_of(text, CUSTOMERS)
    assert (dict(again.taken), dict(again.updated)) == ({}, {})
    assert dict(again.duplicates) == {"consent": 2, "profile": 4, "suppression": 1}


NOES = """
name = "noes"
[[record]]
kind = "suppression"
when = { Kind = "suppression" }
[record.fields]
address = "Email"
reason = { constant = "unsubscribe" }
occurred_at = "When"
[[record]]
kind = "consent"
when = { Kind = ["denied", "granted"] }
[record.fields]
email = "Email"
channel = { constant = "email" }
state = "Kind"
source = { constant = "import:noes" }
occurred_at = "When"
[[record]]
kind = "delivery"
when = { Kind = "complained" }
[record.fields]
kind = "Kind"
address = "Email"
occurred_at = "When"
"""


@pytest.mark.parametrize(
    "ahead",
    [timedelta(seconds=5), timedelta(hours=2), timedelta(hours=27), timedelta(days=207)],
    ids=["a fast clock", "another zone", "more than any zone", "day and month changed places"],
)
def test_a_no_never_waits_for_its_date(table_of, rows, ahead: timedelta):
    """Whatever kind of row says it; a yes that lies far ahead stays where it is, and is weak against every no."""
    kinds = ("suppression", "denied", "complained", "granted")
    text = "Kind,Email,When\n" + "".join(f"{kind},{kind}@example.com,{(NOW + ahead).isoformat()}\n" for kind in kinds)
    assert dict(table_of(text, NOES).taken) == {"suppression": 2, "consent": 2, "delivery": 1, "profile": 2}
    waiting = "SELECT count(*) FROM {} WHERE occurred_at > recorded_at"
    assert rows(waiting.format("suppression")) == [(0,)]
    assert rows(waiting.format("consent_event") + " AND state = 'denied'") == [(0,)]
    is_far = ahead > timedelta(hours=26)
    assert rows(waiting.format("consent_event")) == [(int(is_far),)]
    assert rows("SELECT state, is_dated FROM consent_event ORDER BY 1") == [("denied", True), ("granted", not is_far)]
    assert dict(table_of(text, NOES).taken) == {}


def test_lines_make_orders_totals_and_sizes(table_of, rows):
    """Gifts, returns and cancelled orders say nothing about her size; the share is within category and system."""
    text = (
        ORDER_HEAD + _line("1", "8") + _line("1", "10", price="5.50") + _line("2", "8") + _line("3", "12", gift="yes")
    )
    text += (
        _line("4", "14", back="2026-04-01T00:00:00Z")
        + _line("5", "16", off="2026-04-01T00:00:00Z")
        + _line("6", email="")
    )
    report = table_of(text, ORDERS)
    assert dict(report.taken) == {
        "order": 6, "order_line": 7, "product stub": 5, "profile": 1, "variant stub": 5,
    }  # fmt: skip
    assert rows('SELECT total_minor FROM "order" ORDER BY external_id')[:2] == [(1_550,), (1_000,)]
    sizes = rows("SELECT category, system, size, evidence, confidence FROM profile_size ORDER BY size")
    assert sizes == [
        ("tops", "us_women", "10", pytest.approx(LINE), pytest.approx(LINE / (3 * LINE + 1))),
        ("tops", "us_women", "8", pytest.approx(2 * LINE), pytest.approx(2 * LINE / (3 * LINE + 1))),
    ]
    again = table_of(text, ORDERS)
    assert (dict(again.taken), dict(again.updated)) == ({}, {})
    assert dict(again.duplicates) == {"order": 6, "order_line": 7}


def test_a_later_file_completes_an_order(table_of, rows):
    """A return and a cancellation are news about it, and her sizes follow."""
    table_of(ORDER_HEAD + _line("1", "8") + _line("2", "8") + _line("3", "10"), ORDERS)
    later = ORDER_HEAD + _line("1", "8", back="2026-04-01T00:00:00Z") + _line("2", "8", off="2026-04-01T00:00:00Z")
    report = table_of(later, ORDERS)
    assert dict(report.updated) == {"order": 1, "order_line": 1}
    assert rows("SELECT size, evidence, confidence FROM profile_size") == [
        ("10", pytest.approx(LINE), pytest.approx(LINE / (LINE + 1)))
    ]
    assert dict(table_of(later, ORDERS).updated) == {}


@pytest.mark.parametrize("chunk", [1, 3, 20_000])
def test_one_bad_row_takes_its_whole_order_with_it(table_of, rows, monkeypatch, chunk: int):
    """Wherever it stands, and whether or not the other rows were already written; its neighbours stay."""
    monkeypatch.setattr(loading, "CHUNK", chunk)
    bad = _line("2", price="free")
    text = ORDER_HEAD + _line("1") + _line("2") + _line("2", "10") + bad + _line("3") + _line("2", "12") + _line("4")
    report = table_of(text, ORDERS)
    assert rows('SELECT external_id FROM "order" ORDER BY 1') == [("1",), ("3",), ("4",)]
    assert dict(report.skipped) == {"bad_money": 1, "order_rejected": 3}
    assert [(p.line, p.column) for p in report.lines if p.reason == "bad_money"] == [(5, "Price")]
    assert (report.taken["order"], report.taken["order_line"]) == (3, 3)
    assert rows("SELECT sum(evidence) FROM profile_size") == [(pytest.approx(3 * LINE),)]


@pytest.mark.parametrize("chunk", [1, 20_000])
def test_a_rejected_order_leaves_no_cart(table_of, rows, monkeypatch, chunk: int):
    """A cart that only its rows spoke of goes with it."""
    monkeypatch.setattr(loading, "CHUNK", chunk)
    report = table_of(ORDER_HEAD + _line("1", cart="k1") + _line("1", price="free") + _line("2", cart="k2"), ORDERS)
    assert rows("SELECT external_id FROM cart") == [("k2",)]
    assert report.taken["cart"] == 1


def test_a_cut_row_takes_its_order_with_it(table_of, rows):
    report = table_of(ORDER_HEAD + _line("1") + _line("2") + "2,a@example.com,2026-03", ORDERS)
    assert rows('SELECT external_id FROM "order"') == [("1",)]
    assert dict(report.skipped) == {"truncated": 1, "order_rejected": 1}


def test_an_order_with_a_cart_empties_it(table_of, rows):
    table_of(ORDER_HEAD + _line("1", cart="k1") + _line("1", "10", cart="k1"), ORDERS)
    assert rows("SELECT kind, dedupe FROM cart_event") == [("ordered", "order:1")]
    assert rows('SELECT e.occurred_at = o.occurred_at FROM cart_event e, "order" o')[0][0]


SHOP = """
name = "catalogue"
time_zone = "UTC"
[[record]]
kind = "location"
[record.fields]
external_id = "Place"
kind = { constant = "store" }
name = "Place"
latitude = "Lat"
[[record]]
kind = "variant"
[record.fields]
sku = "SKU"
product = "Product"
price = "Price"
currency = "Currency"
[[record]]
kind = "stock"
unless = { Quantity = "not stocked" }
[record.fields]
sku = "SKU"
location = "Place"
quantity = "Quantity"
occurred_at = "At"
[[record]]
kind = "listing"
[record.fields]
product = "Product"
sales_channel = { constant = "web" }
listed_from = "At"
"""


def test_catalogue_places_listings_and_stock(table_of, rows):
    """A product nobody described is a stub; yen have no cents; oversold is negative; a new price is an update."""
    head = "SKU,Product,Price,Currency,Place,Lat,Quantity,At\n"
    text = (
        head
        + "A,p,7400,JPY,Soho,40.7,-2,2026-01-01\nB,p,7.5,USD,Soho,440,not stocked,2026-01-01\nC,q,1,usd,Soho,,x,2026-01-01\n"
    )
    report = table_of(text, SHOP)
    assert dict(report.skipped) == {"bad_quantity": 1}
    assert dict(report.warnings) == {"bad_point": 1}
    assert rows("SELECT sku, price_minor, currency FROM variant ORDER BY sku") == [
        ("A", 7_400, "JPY"), ("B", 750, "USD"), ("C", 100, "USD"),
    ]  # fmt: skip
    assert rows("SELECT external_id, title FROM product ORDER BY 1") == [("p", "p"), ("q", "q")]
    assert rows("SELECT quantity FROM stock_event") == [(-2,)]
    assert rows("SELECT count(*) FROM listing") == [(2,)]
    assert dict(table_of(text.replace("7.5", "8.5"), SHOP).updated) == {"variant": 1}
    assert rows("SELECT price_minor FROM variant WHERE sku = 'B'") == [(850,)]


def test_within_one_file_the_later_row_wins_and_again_changes_nothing(table_of, rows, monkeypatch):
    """Even when the two rows fall into different chunks."""
    monkeypatch.setattr(loading, "CHUNK", 2)
    head = "SKU,Product,Price,Currency,Place,Lat,Quantity,At\n"
    text = head + "".join(f"A,p,{price},USD,Soho,1,1,2026-01-0{price}\n" for price in range(1, 6))
    table_of(text, SHOP)
    assert rows("SELECT price_minor FROM variant") == [(500,)]
    again = table_of(text, SHOP)
    assert rows("SELECT price_minor FROM variant") == [(500,)]
    assert (dict(again.taken), dict(again.updated)) == ({}, {})


def test_where_records_contradict_each_other_the_last_row_stands(table_of, rows):
    """What hangs on one cell is said once a file, but not where another record of its kind may say otherwise."""
    record = '[[record]]\nkind = "profile"\nwhen = {{ Moved = "{0}" }}\n[record.fields]\nshop = "Customer"\ncountry = {{ constant = "{1}" }}\n'
    both = 'name = "moves"\n' + record.format("out", "DE") + record.format("back", "US")
    table_of("Customer,Moved\n7,back\n7,out\n8,back\n8,out\n7,back\n", both)
    assert rows("SELECT country FROM profile ORDER BY id") == [("US",), ("DE",)]
    table_of("Customer,Moved\n9,back\n9,out\n9,back\n", both)
    assert rows("SELECT country FROM profile ORDER BY id") == [("US",), ("DE",), ("US",)]


def test_missing_columns_are_all_named_and_nothing_is_written(table_of, census):
    with pytest.raises(IntakeError, match="lacks the columns Phone, First name, Consent that the mapping shop needs"):
        table_of("When,EMAIL,Country\n2026-01-01,a@example.com,US\n", CUSTOMERS)
    assert sum(census().values()) == 0


def test_columns_are_found_by_name_in_any_order_and_case(table_of):
    text = "when;consent;FIRST  NAME;country;phone; email \n2026-01-01;;Ann;US;;a@example.com\n"
    assert dict(table_of(text, CUSTOMERS).taken) == {"profile": 1}


def test_a_file_of_unreadable_times_is_refused_whole(table_of, census):
    """If most times have another shape it is the mapping that is wrong."""
    text = HEAD + "".join(f"a{i}@example.com,,,,SUBSCRIBED,07/10/2023 14:05\n" for i in range(30))
    with pytest.raises(
        IntakeError, match=r"30 times cannot be read \(ambiguous_dates\); give the mapping its time_format"
    ):
        table_of(text, CUSTOMERS)
    assert sum(census().values()) == 0


@pytest.mark.parametrize("stop", [1, 5])
def test_a_crash_in_the_middle_leaves_nothing(table_of, census, monkeypatch, stop: int):
    """Chunks already written go with the transaction, and the file can be imported afterwards."""
    monkeypatch.setattr(loading, "CHUNK", 4)
    monkeypatch.setattr("segue.intake.doors._STEP", 1)
    text = ORDER_HEAD + "".join(_line(str(i), cart=f"k{i}") for i in range(10))
    written: list[int] = []

    def crash(done: int, _total: int | None) -> None:
        written.append(done)
        if len(written) == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        table_of(text, ORDERS, progress=crash)
    assert sum(census().values()) == 0
    assert table_of(text, ORDERS).taken["order"] == 10


def test_progress_ends_at_the_total(table_of, monkeypatch):
    monkeypatch.setattr("segue.intake.doors._STEP", 2)
    seen: list[tuple[int, int | None]] = []
    table_of(HEAD + "a@example.com,,,,,\n" * 5, CUSTOMERS, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 6), (5, 6), (6, 6)]


def test_the_report_names_lines_and_reasons_and_nobody(table_of):
    """Values from the file never reach the report, whatever is wrong with them."""
    secret = "zanzibar"
    text = (
        HEAD + f"{secret}@example.com,{secret},{secret},{secret},SUBSCRIBED,{secret}\n{secret},,,,,\n{secret},1\n" * 7
    )
    report = table_of(text.encode("cp1252"), CUSTOMERS)
    shown = report.to_text()
    assert secret not in shown + repr(report)
    assert "table0.csv (shop, utf-8): 21 rows read" in shown
    assert "skipped field_count: 7, e.g. line 4, 7, 10, 13, 16" in shown
    assert "skipped bad_date: 7, e.g. line 2 (When), 5 (When)" in shown
    assert len([p for p in report.lines if p.reason == "bad_email"]) == 5


def test_windows_text_is_read_and_said(table_of, rows):
    report = table_of((HEAD + "a@example.com,,José,,,\n").encode("cp1252"), CUSTOMERS)
    assert report.notes == ("the file is not UTF-8; it was read as Windows-1252",)
    assert rows("SELECT first_name FROM profile") == [("José",)]


_DIRT = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(['"', "x" * 300, "\x00", "1e99", "'=1"])
_EMAILS = ["a@example.com", "B@example.com", "c@example.com", ""]
_TIMES = ["2026-01-01T10:00:00Z", "2026-01-02", "1 Jan"]
_COLUMNS = {
    HEAD: (_EMAILS, ["+12025550143", "202 555 0144", ""], ["Ann", ""], ["US", ""], ["SUBSCRIBED", "UNSUBSCRIBED", "BOUNCED", ""], _TIMES),
    ORDER_HEAD: (
        ["1", "2", "3"], _EMAILS, _TIMES, ["A", "B"], ["1", "2"], ["5", "6.5"], ["tops", ""], ["8", "10", ""], ["", "yes"],
        ["", *_TIMES], ["", *_TIMES], ["", "k1", "k2"],
    ),
}  # fmt: skip


def _dirty_table(head: str) -> st.SearchStrategy[str]:
    """Mostly sensible rows in which any cell may be dirt, and lines that are no rows at all."""
    sensible = st.tuples(*(st.sampled_from(cells) for cells in _COLUMNS[head])).map(list)
    one_bad = st.tuples(sensible, st.integers(0, len(_COLUMNS[head]) - 1), _DIRT).map(
        lambda drawn: [*drawn[0][: drawn[1]], drawn[2], *drawn[0][drawn[1] + 1 :]]
    )
    line = st.one_of(sensible, sensible, one_bad).map(",".join) | _DIRT
    return st.lists(line, max_size=14).map("\n".join)


def _everything(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with read(engine) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }


def _without_ids(engine: Engine) -> dict[str, list[str]]:
    """What the store says, whatever numbers its rows have."""
    with read(engine) as connection:
        return {
            table.name: sorted(
                repr(tuple(row))
                for row in connection.execute(
                    select(
                        *(c for c in table.columns if c.name not in {"id", "dedupe"} and not c.foreign_keys), literal(0)
                    )
                )
            )
            for table in metadata.sorted_tables
        }


@pytest.mark.parametrize("mapping", [CUSTOMERS, ORDERS], ids=["customers", "orders"])
def test_no_dirt_stops_an_import_and_chunks_change_nothing(engine: Engine, mapping: str):
    """Any rows at all: a report comes back, a second import adds nothing, and small chunks end in the same store."""
    head = HEAD if mapping is CUSTOMERS else ORDER_HEAD

    @settings(max_examples=examples(25 if engine.dialect.name == "sqlite" else 12), deadline=None)
    @given(text=_dirty_table(head))
    def check(text: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file, page = Path(folder, "t.csv"), Path(folder, "m.toml")
            file.write_text(head + text, newline="")
            page.write_text(mapping)
            found = load_mapping(page)
            with engine.begin() as connection:
                for table in reversed(metadata.sorted_tables):
                    connection.execute(table.delete())
            try:
                import_table(engine, file, found, clock=CLOCK, hash_address=hash_address)
            except IntakeError as error:  # most of its times are dirt: refused whole
                assert "ambiguous_dates" in str(error)  # noqa: PT017 - the refusal is one of two good ends
                assert not any(_everything(engine).values())
                return
            before = _everything(engine)
            again = import_table(engine, file, found, clock=CLOCK, hash_address=hash_address)
            assert (dict(again.taken), dict(again.updated)) == ({}, {})
            assert _everything(engine) == before
            other = open_engine(f"sqlite:///{folder}/other.db")
            metadata.create_all(other)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(loading, "CHUNK", 2)
                import_table(other, file, found, clock=CLOCK, hash_address=hash_address)
            small = _without_ids(other)
            other.dispose()
            assert small == _without_ids(engine)

    check()


@pytest.mark.parametrize("chunk", [1, 20_000])
def test_what_an_order_line_says_of_an_unknown_variant_first_stands(table_of, rows, monkeypatch, chunk: int):
    """A stand-in is made once, wherever the chunks of a file begin."""
    monkeypatch.setattr(loading, "CHUNK", chunk)
    line = _line("1", "8")
    table_of(ORDER_HEAD + line + line.replace(",8,", ",10,"), ORDERS)
    assert rows("SELECT sku, size FROM variant") == [("T-8", "8")]
