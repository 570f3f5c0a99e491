"""What the core does for every export format: recognised, refused or read, and what a caller must say."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

import re

import pytest

from segue.intake import FORMATS, IntakeError, format_named
from segue.intake import export_door as export_door_module

from .till import AT, HEAD, TILL, first, line


@pytest.fixture(autouse=True)
def _till_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        export_door_module, "recognised", lambda columns, name: TILL if TILL.recognises(columns, name) else None
    )


def test_an_export_is_recognised_by_its_columns(export_of, rows):
    report = export_of(HEAD + first("1", "10.00", email="A@example.com") + line("1", "B"))
    assert (report.source, report.encoding) == ("till", "utf-8")
    assert dict(report.taken) == {"order": 1, "order_line": 2, "product stub": 2, "profile": 1, "variant stub": 2}
    assert rows('SELECT external_id, total_minor, paid_at FROM "order"') == [("1", 1_000, None)]


def test_an_unknown_export_is_refused_and_told_what_it_lacks_to_be_the_nearest(export_of, census):
    with pytest.raises(IntakeError, match=r"`segue import --formats`.*--format.*--mapping") as caught:
        export_of("Secret,Columns\nx,y\n")
    assert "Secret" not in str(caught.value)
    assert "nearest" not in str(caught.value)
    head = "Name,Email,Financial Status,Fulfillment Status,Currency,Subtotal,Total,Lineitem quantity,Lineitem price\n"
    with pytest.raises(IntakeError, match=r"nearest is shopify-orders; it lacks Created at, Lineitem name;"):
        export_of(head)
    assert sum(census().values()) == 0


@pytest.mark.parametrize(
    ("head", "missing"),
    [
        ("Order,Refunded", "the columns At, SKU, Quantity or Pieces"),
        ("order, AT ,sku,Refunded", "the column Quantity or Pieces"),
    ],
)
def test_missing_columns_are_listed_in_order_and_nothing_is_written(export_of, census, head: str, missing: str):
    with pytest.raises(IntakeError, match=re.escape(f"lacks {missing} that Till orders need (missing_columns)")):
        export_of(f"{head}\n1,2,3\n", TILL)
    assert sum(census().values()) == 0


def test_columns_nobody_knows_are_named_once(export_of):
    report = export_of(
        HEAD.replace("Cancelled", "canceled").strip() + ",Mood,Weather,Mood\n" + first("1", "5").strip() + ",x,y,z\n"
    )
    assert report.notes == ("columns passed over: Mood, Weather",)


@pytest.mark.parametrize(
    ("cells", "minor"),
    [
        (["1.234,50", "2,5", "3.000"], [123_450, 250, 300_000]),
        (["1,234.50", "2.5", "3,000"], [123_450, 250, 300_000]),
        (["1\u202f234,5", "7", "1 000"], [123_450, 700, 100_000]),
        (["5", "1.000,00", "1.00"], None),
        (["127.0000", "1,000"], [12_700, 100_000]),
        (["127,0000", "1.000"], [12_700, 100_000]),
    ],
)
def test_the_decimal_sign_is_the_files_own(export_of, rows, cells: list[str], minor: list[int] | None):
    """It is what precedes one or two final digits most often; the other sign groups by three or the amount is bad."""
    text = HEAD.replace(",", ";") + "".join(f"{i};{AT};A;1;{cell};{cell};;;;\n" for i, cell in enumerate(cells))
    report = export_of(text)
    if minor is None:
        assert report.skipped["bad_money"] == 1  # a tie is a point: 1.000,00 is no amount
    else:
        assert [row[0] for row in rows('SELECT total_minor FROM "order" ORDER BY external_id')] == minor


@pytest.mark.parametrize(
    ("at", "asked", "options", "utc"),
    [
        ("07/10/2023 14:05", "--time-zone.*--date-order", {"time_zone": "Europe/Paris", "date_order": "day_first"}, "2023-10-07T12:05:00"),
        ("07/10/2023 2:05 PM", "--time-zone.*--date-order", {"time_zone": "UTC", "date_order": "month_first"}, "2023-07-10T14:05:00"),
        ("07.10.2023", "--time-zone.*--date-order", {"time_zone": "UTC", "date_order": "day_first"}, "2023-10-07T00:00:00"),
        ("2023-10-07 14:05:00", "--time-zone", {"time_zone": "Europe/Paris"}, "2023-10-07T12:05:00"),
        ("Oct 7, 2023 2:05:09 PM", "--time-zone", {"time_zone": "UTC"}, "2023-10-07T14:05:09"),
    ],
)  # fmt: skip
def test_times_that_could_mean_two_instants_are_asked_about(export_of, census, rows, at, asked, options, utc):
    """The file is refused until the caller says whose clock and which number is the day; then it is read."""
    text = HEAD + "".join(f'{i},"{at}",A,1,5.00,5.00,,,,\n' for i in range(3))
    with pytest.raises(IntakeError, match=rf"ambiguous_dates.*{asked}") as caught:
        export_of(text)
    assert ("--date-order" in str(caught.value)) is ("date_order" in options)
    assert at not in str(caught.value)
    assert sum(census().values()) == 0
    assert export_of(text, **options).taken["order"] == 3
    from datetime import UTC, datetime

    wanted = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    found = rows('SELECT DISTINCT occurred_at FROM "order"')[0][0]
    assert found in {wanted, int(wanted.timestamp() * 1_000_000)}


def test_a_single_time_without_an_offset_is_a_bad_row(export_of):
    report = export_of(HEAD + first("1", "5.00") + first("2", "5.00").replace(" -0800", "") + first("3", "5.00"))
    assert dict(report.skipped) == {"bad_date": 1}
    assert report.taken["order"] == 2


@pytest.mark.parametrize(
    ("options", "cure"),
    [
        ({"time_zone": "Mars/Base"}, "IANA"),
        ({"currency": "EURO"}, "three letters"),
        ({"calling_code": "+44"}, "digits"),
        ({"date_order": "day"}, "day_first"),
    ],
)
def test_options_are_checked_before_anything_is_read(export_of, options: dict[str, str], cure: str):
    with pytest.raises(IntakeError, match=cure):
        export_of(HEAD, **options)


def test_a_header_only_says_so_and_is_no_failure(export_of):
    report = export_of(HEAD)
    assert report.notes == ("the file holds only a header, no rows",)
    assert not report.is_fruitless


@pytest.mark.parametrize(("bad", "good", "refused"), [(3, 2, True), (3, 3, False), (2, 0, False)])
def test_most_times_of_a_small_file_unreadable_refuse_it(export_of, census, bad: int, good: int, refused: bool):
    text = HEAD + "".join(
        first(str(i), "5.00").replace(AT, "2026-13-45 09:12:44 -0800" if i < bad else AT) for i in range(bad + good)
    )
    if refused:
        with pytest.raises(IntakeError, match=r"3 times cannot be read \(ambiguous_dates"):
            export_of(text)
        assert sum(census().values()) == 0
    else:
        assert export_of(text).skipped["bad_date"] == bad


def test_empty_lines_are_passed_over_and_counted(export_of):
    report = export_of("\n# a comment\n" + HEAD + "\n" + first("1", "5.00") + "\n,,,,,,,,,\n")
    assert (report.rows, report.empty_lines) == (1, 4)
    assert "1 row read, 4 empty lines passed over" in report.to_text()


def test_a_cut_row_takes_its_order_with_it(export_of, rows):
    report = export_of(HEAD + first("1", "5.00") + first("2", "10.00") + "2,,B,1")
    assert dict(report.skipped) == {"truncated": 1, "order_rejected": 2}
    assert "CUT OFF" in report.to_text().splitlines()[-1]
    assert rows('SELECT external_id FROM "order"') == [("1",)]


def test_a_quote_that_is_never_closed_takes_its_order_with_it(export_of, rows):
    report = export_of(HEAD + first("1", "5.00") + '2,,"oops,1,5.00,,,,,\n' + first("2", "10.00") + first("3", "1.00"))
    assert report.skipped["unclosed_quote"] == 1
    assert rows('SELECT external_id FROM "order" ORDER BY 1') == [("1",), ("3",)]


@pytest.mark.parametrize("order", ["7.80112E+12", "7,8E+12", "9223372036854775808"])
def test_an_id_that_was_rounded_is_never_guessed(export_of, order: str):
    report = export_of(HEAD + first("1", "5.00") + first(f'"{order}"', "5.00"))
    assert dict(report.skipped) == {"bad_id": 1}


def test_the_formats_have_names_of_their_own():
    names = [one.name for one in FORMATS]
    assert len(set(names)) == len(names)
    assert all(format_named(name).name == name for name in names)
    with pytest.raises(IntakeError, match="there is no format nope"):
        format_named("nope")
