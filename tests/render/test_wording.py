"""Money, times and numbers read as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from segue.render.voice import Voice
from segue.render.wording import Calendar, money, plural, worth

HERE = Calendar("America/New_York", "en-US")


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (7400, "USD", "$74.00"),
        (5, "USD", "$0.05"),
        (-1250, "USD", "-$12.50"),
        (123456789, "EUR", "€1,234,567.89"),
        (7400, "JPY", "¥7,400"),
        (7400, "KRW", "KRW 7,400"),
        (7400, "KWD", "KWD 7.400"),
        (7400, "CHF", "CHF 74.00"),
        (0, "GBP", "£0.00"),
    ],
)
def test_money(minor: int, currency: str, written: str) -> None:
    assert money(minor, currency) == written


@pytest.mark.parametrize(
    ("voucher", "written"),
    [
        ({"percent": 10, "amount_minor": None, "currency": None}, "10%"),
        ({"percent": None, "amount_minor": 1500, "currency": "USD"}, "$15"),
        ({"percent": None, "amount_minor": 750, "currency": "USD"}, "$7.50"),
        ({"percent": None, "amount_minor": 1500, "currency": "JPY"}, "¥1,500"),
    ],
)
def test_what_a_voucher_is_worth(voucher: dict[str, Any], written: str) -> None:
    assert worth(voucher) == written


@pytest.mark.parametrize(
    ("zone", "locale", "written", "short"),
    [
        ("America/New_York", "en-US", "Thursday, May 14 at 11:00 AM EDT", "Thu May 14, 11 AM EDT"),
        ("America/Los_Angeles", "en-US", "Thursday, May 14 at 8:00 AM PDT", "Thu May 14, 8 AM PDT"),
        ("Europe/London", "en-GB", "Thursday 14 May, 16:00 BST", "Thu 14 May, 16:00 BST"),
        ("Asia/Kolkata", "en-US", "Thursday, May 14 at 8:30 PM IST", "Thu May 14, 8:30 PM IST"),
        ("America/Sao_Paulo", "en-GB", "Thursday 14 May, 12:00 UTC-3", "Thu 14 May, 12:00 UTC-3"),
        ("Asia/Kathmandu", "en-GB", "Thursday 14 May, 20:45 UTC+5:45", "Thu 14 May, 20:45 UTC+5:45"),
        ("Pacific/Auckland", "en-GB", "Friday 15 May, 03:00 NZST", "Fri 15 May, 03:00 NZST"),
        (None, None, "Thursday, May 14 at 11:00 AM EDT", "Thu May 14, 11 AM EDT"),
        ("Mars/Olympus", "en-US", "Thursday, May 14 at 11:00 AM EDT", "Thu May 14, 11 AM EDT"),
        ("../../etc/passwd", "en-US", "Thursday, May 14 at 11:00 AM EDT", "Thu May 14, 11 AM EDT"),
    ],
)
def test_a_time_is_told_in_her_own_zone(zone: str | None, locale: str | None, written: str, short: str) -> None:
    """The zone is named, so that a time stays true where hers is unknown and the brand's stands in."""
    assert HERE.local_time("2026-05-14T15:00:00+00:00", zone, locale) == written
    assert HERE.short_time("2026-05-14T15:00:00+00:00", zone, locale) == short


@pytest.mark.parametrize(("hour", "written"), [(4, "12:00 AM"), (16, "12:00 PM"), (17, "1:00 PM")])
def test_noon_and_midnight(hour: int, written: str) -> None:
    assert written in HERE.local_time(datetime(2026, 5, 14, hour, tzinfo=UTC))


def test_one_instant_is_one_time_however_it_is_written() -> None:
    """The same instant with another offset, as text or as a datetime."""
    at = datetime(2026, 5, 14, 17, 0, tzinfo=timezone(timedelta(hours=2)))
    assert HERE.local_time(at) == HERE.local_time(at.isoformat()) == HERE.local_time("2026-05-14T15:00:00Z")


def test_winter_has_another_name() -> None:
    assert HERE.local_time("2026-11-01T07:30:00Z").endswith("2:30 AM EST")


def test_a_time_without_an_offset_means_nothing() -> None:
    with pytest.raises(ValueError, match="offset"):
        HERE.local_time("2026-05-14T15:00:00")


def test_nouns_and_sizes() -> None:
    assert [plural(n, "piece", "pieces") for n in (0, 1, 2)] == ["pieces", "piece", "pieces"]
    assert [Voice("en-US", "UTC", "Size {size}", "").size_label(s) for s in ("8", "M", "One size", "one size")] == [
        "Size 8",
        "Size M",
        "One size",
        "one size",
    ]
