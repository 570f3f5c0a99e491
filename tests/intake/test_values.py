"""What one cell means, and what it cannot mean."""

# ruff: noqa: E501 - one case a line reads better than a wrapped one
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.intake import values
from segue.intake.errors import BadValueError


def _reason(call, *args) -> str:
    with pytest.raises(BadValueError) as caught:
        call(*args)
    return caught.value.reason


@pytest.mark.parametrize(
    ("text", "currency", "sign", "minor"),
    [
        ("19", "USD", ".", 1_900),
        ("1,234.50", "USD", ".", 123_450),
        ("1.234,50", "EUR", ",", 123_450),
        ("1 234,5", "EUR", ",", 123_450),
        ("1\u202f234,50", "EUR", ",", 123_450),
        ("127.0000", "USD", ".", 12_700),
        ("163056", "CLP", ".", 163_056),
        ("1.234", "KWD", ".", 1_234),
        ("56.970000000000006", "USD", ".", 5_697),
        ("0", "USD", ".", 0),
    ],
)
def test_money_becomes_minor_units(text: str, currency: str, sign: str, minor: int):
    assert values.parse_money(text, currency, sign) == minor


@pytest.mark.parametrize("text", ["", "free", "-1.00", "12,34.50", "1.005", "1.2.3", "1e5", "$5", "١٢", "9" * 30])
def test_money_that_could_mean_two_things_is_refused(text: str):
    assert _reason(values.parse_money, text, "USD") == "bad_money"


@pytest.mark.parametrize(
    ("text", "zone", "form", "instant"),
    [
        ("2026-03-07 09:12:44 -0800", None, None, datetime(2026, 3, 7, 17, 12, 44, tzinfo=UTC)),
        ("2026-03-07T09:12:44.5Z", None, None, datetime(2026, 3, 7, 9, 12, 44, 500_000, tzinfo=UTC)),
        ("2026-03-07 09:12:44 UTC", None, None, datetime(2026, 3, 7, 9, 12, 44, tzinfo=UTC)),
        ("2026-07-01 12:00:00", "America/New_York", None, datetime(2026, 7, 1, 16, tzinfo=UTC)),
        ("2026-01-01 12:00:00", "America/New_York", None, datetime(2026, 1, 1, 17, tzinfo=UTC)),
        ("07/10/2023 14:05", "UTC", "%d/%m/%Y %H:%M", datetime(2023, 10, 7, 14, 5, tzinfo=UTC)),
        ("1700000000", None, "unix", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("1700000000123", None, "unix_ms", datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)),
    ],
)
def test_times_become_instants(text: str, zone: str | None, form: str | None, instant: datetime):
    assert values.parse_time(text, zone, form) == (instant, False)


@pytest.mark.parametrize(
    ("text", "zone"),
    [("2026-03-07 09:12:44", None), ("2026-02-30", "UTC"), ("soon", "UTC"), ("07/10/2023 14:05", "UTC"),
     ("0001-01-01T00:00:00+14:00", None), ("2026-03-08 02:30:00", "America/New_York")],
)  # fmt: skip
def test_a_time_no_clock_showed_is_refused(text: str, zone: str | None):
    """Among them the half hour that New York skips in spring."""
    assert _reason(values.parse_time, text, zone) == "bad_date"


def test_the_hour_that_comes_twice_means_the_first_and_says_so():
    assert values.parse_time("2026-11-01 01:30:00", "America/New_York") == (
        datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
        True,
    )


@given(
    st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2040-01-01")),
    st.sampled_from(["Europe/London", "America/New_York"]),
)
def test_a_local_time_and_its_instant_agree(naive: datetime, zone: str):
    """Whatever is accepted reads back as the same wall clock, and is off UTC by at most half a day."""
    try:
        at, _ = values.parse_time(naive.isoformat(), zone)
    except BadValueError:
        return
    assert at.astimezone(values.ZoneInfo(zone)).replace(tzinfo=None, fold=0) == naive
    assert abs(at.replace(tzinfo=None) - naive) < timedelta(hours=13)


@pytest.mark.parametrize(
    ("text", "code", "phone"),
    [("+1 (202) 555-0143", None, "+12025550143"), ("0044 7700 900123", None, "+447700900123"),
     ("07700 900123", "44", "+447700900123"), ("202-555-0143", "1", "+12025550143"), ("12025550143", "1", "+12025550143")],
)  # fmt: skip
def test_phones_become_e164(text: str, code: str | None, phone: str):
    assert values.parse_phone(text, code) == phone


@pytest.mark.parametrize("text", ["202-555-0143", "+0123456789", "+1", "call me", "+" + "1" * 16])
def test_a_phone_without_its_country_names_nobody(text: str):
    assert _reason(values.parse_phone, text, None) == "bad_phone"


def test_an_email_keeps_its_dots_and_tags():
    assert values.parse_email("  Sarah.B+News@Example.COM ") == "sarah.b+news@example.com"


@pytest.mark.parametrize("text", ["sarah", "a@b", "a b@example.com", "a@exam..ple.com", "a@b@example.com", "a@x.c\x00"])
def test_what_is_no_email_is_refused(text: str):
    assert _reason(values.parse_email, text) == "bad_email"


@pytest.mark.parametrize(
    ("call", "text", "reason"),
    [
        (values.parse_id, "7.80112E+12", "bad_id"),
        (values.parse_id, "x" * 256, "too_long"),
        (values.parse_id, "a\x00b", "bad_text"),
        (values.parse_text, "lone \ud800", "bad_text"),
        (values.parse_whole, "2.5", "bad_quantity"),
        (values.parse_whole, "99999999999", "bad_quantity"),
        (values.parse_count, "0", "bad_quantity"),
        (values.parse_zone, "Mars/Base", "bad_zone"),
        (values.parse_country, "Elsewhere", "bad_country"),
        (values.parse_degrees(90), "nan", "bad_point"),
        (values.parse_degrees(90), "90.1", "bad_point"),
        (values.parse_year, "12/05/1990", "bad_year"),
        (values.parse_bool, "maybe", "unknown_value"),
        (values.parse_locale, "English, American", "bad_locale"),
    ],
)
def test_other_refusals_carry_their_reason(call, text: str, reason: str):
    assert _reason(call, text) == reason
