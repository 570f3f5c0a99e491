"""Text to meaning: times, money, addresses, numbers. Every refusal is a reason, never the value.

Nothing here guesses: what could mean two things is refused or counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from math import isfinite
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from segue.intake.errors import BadValueError

_EMAIL = re.compile(r"[^\s@,;<>\"()]+@[^\s@,;<>\"()]+\.[^\s@,;<>\"().]+\Z")
_OFFSET_APART = re.compile(r"\s+(?:([+-]\d\d):?(\d\d)|UTC|GMT|Z)\Z", re.IGNORECASE)
_ROUNDED = re.compile(r"\d+([.,]\d+)?[eE]\+?\d+")
_BY_NUMBER = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:,?[ T]+(.+))?\Z")
_HAS_OFFSET = re.compile(r"\d(?:\.\d+)?\s*(?:[+-]\d\d(?::?\d\d)?|UTC|GMT|Z)\Z", re.IGNORECASE)
_WORDY = ("%b %d, %Y %I:%M:%S %p", "%b %d, %Y %I:%M %p", "%b %d, %Y %H:%M:%S", "%b %d, %Y %H:%M", "%b %d, %Y",
          "%d %b %Y %H:%M:%S", "%d %b %Y %H:%M", "%d %b %Y")  # fmt: skip
_CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
_GROUPING = " \u00a0\u202f'"
_YES = frozenset({"yes", "true", "1", "y", "t"})
_NO = frozenset({"no", "false", "0", "n", "f"})
_ZERO_DECIMALS = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()  # noqa: SIM905 - reads as a list
)
_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
#: A computer's rounding noise in a price such as 56.970000000000006, in minor units.
_NOISE = Decimal("0.0001")
_INT32 = 2**31 - 1
_INT64 = 2**63 - 1
_COUNTRY_NAMES = {
    "usa": "US", "united states": "US", "united states of america": "US", "uk": "GB", "united kingdom": "GB",
    "great britain": "GB", "canada": "CA", "germany": "DE", "france": "FR", "australia": "AU", "ireland": "IE",
}  # fmt: skip


def parse_text(value: str, limit: int | None = None) -> str:
    """Text that both databases can hold, trimmed, at most `limit` characters; else `bad_text`, `too_long`."""
    value = value.strip()
    if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise BadValueError("bad_text")
    if limit is not None and len(value) > limit:
        raise BadValueError("too_long")
    return value


def parse_id(value: str) -> str:
    """An id as text; numbers that a spreadsheet has rounded (`7.80112E+12`) or that pass 2^63-1 are `bad_id`."""
    value = value.strip()
    if _ROUNDED.fullmatch(value) or (len(value) > 18 and value.isdecimal() and int(value) > _INT64):
        raise BadValueError("bad_id")
    return parse_text(value, 255)


def parse_email(value: str) -> str:
    """An e-mail address, trimmed and lower-cased; dots and +tags stay; else `bad_email`."""
    value = value.strip().lower()
    if len(value) > 254 or not value.isprintable() or not _EMAIL.match(value) or ".." in value:
        raise BadValueError("bad_email")
    return value


def parse_phone(value: str, calling_code: str | None = None) -> str:
    """A phone number in E.164; without a `+` the `calling_code` (digits) is put before it, else `bad_phone`."""
    digits = re.sub(r"[\s().\-/]", "", value)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    elif not digits.startswith("+") and calling_code:
        national = digits.lstrip("0")
        digits = f"+{national}" if _is_whole_nanp(national, calling_code) else f"+{calling_code}{national}"
    if not re.fullmatch(r"\+[1-9][0-9]{7,14}", digits):
        raise BadValueError("bad_phone")
    return digits


def _is_whole_nanp(national: str, calling_code: str) -> bool:
    """North Americans often write the leading 1 of their own country."""
    return calling_code == "1" and len(national) == 11 and national.startswith("1")


def minor_digits(currency: str) -> int:
    """Decimal places of a currency (ISO 4217): 2 for most, 0 for yen, 3 for dinars."""
    return 0 if currency in _ZERO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2


def parse_money(value: str, currency: str, decimal_sign: str = ".") -> int:
    """An amount of 0 or more in minor units of `currency`; else `bad_money`."""
    grouping = _GROUPING + ("," if decimal_sign == "." else ".")
    whole, _, fraction = value.strip().partition(decimal_sign)
    groups = re.split(f"[{re.escape(grouping)}]", whole)
    if len(groups) > 1 and (not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:])):
        raise BadValueError("bad_money")
    number = "".join(groups) + (f".{fraction}" if fraction else "")
    if not re.fullmatch(r"[0-9]{1,18}(\.[0-9]+)?", number):
        raise BadValueError("bad_money")
    return money_of(Decimal(number), currency)


def parse_signed_money(value: str, currency: str, decimal_sign: str = ".") -> int:
    """An amount in minor units that may be below 0, such as a refund's or a discount's; else `bad_money`."""
    value = value.strip()
    if value[:1] in {"-", "\u2212"}:
        return -parse_money(value[1:], currency, decimal_sign)
    return parse_money(value, currency, decimal_sign)


def money_of(amount: Decimal, currency: str) -> int:
    """A decimal amount in minor units; a fraction of a minor unit beyond rounding noise is `bad_money`."""
    try:
        minor = amount.scaleb(minor_digits(currency))
        rounded = minor.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    except InvalidOperation as error:
        raise BadValueError("bad_money") from error
    if rounded < 0 or rounded > _INT64 or abs(minor - rounded) > _NOISE:
        raise BadValueError("bad_money")
    return int(rounded)


def parse_currency(value: str) -> str:
    """Three letters (ISO 4217) in capitals; else `bad_currency`."""
    value = value.strip().upper()
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise BadValueError("bad_currency")
    return value


def parse_country(value: str) -> str:
    """Two capital letters (ISO 3166-1), also from a few common English names; else `bad_country`."""
    value = _COUNTRY_NAMES.get(value.strip().lower(), value.strip().upper())
    if not re.fullmatch(r"[A-Z]{2}", value):
        raise BadValueError("bad_country")
    return value


def parse_zone(value: str) -> str:
    """An IANA time zone; else `bad_zone`."""
    value = value.strip()
    if value not in _zones():
        raise BadValueError("bad_zone")
    return value


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def parse_locale(value: str) -> str:
    """A BCP 47 tag such as `en-US`; `en_US` is understood; else `bad_locale`."""
    value = value.strip().replace("_", "-")
    if len(value) > 16 or not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise BadValueError("bad_locale")
    return value


def parse_whole(value: str) -> int:
    """A whole number, possibly negative, of 32 bits; else `bad_quantity`."""
    value = value.strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,12}(\.0+)?", value) or abs(number := int(value.split(".")[0])) > _INT32:
        raise BadValueError("bad_quantity")
    return number


def parse_count(value: str) -> int:
    """A whole number of 1 or more; else `bad_quantity`."""
    number = parse_whole(value)
    if number < 1:
        raise BadValueError("bad_quantity")
    return number


def parse_quantity(value: str) -> int:
    """A whole number of 0 or more; else `bad_quantity`."""
    number = parse_whole(value)
    if number < 0:
        raise BadValueError("bad_quantity")
    return number


def parse_percent(value: str) -> float:
    """A share of 0 to 100, whatever its sign (files of discounts write `-10.0`); else `bad_percent`."""
    try:
        number = abs(float(value.strip().removesuffix("%")))
    except ValueError as error:
        raise BadValueError("bad_percent") from error
    if not number <= 100:  # not a number is no share either
        raise BadValueError("bad_percent")
    return number


def parse_year(value: str) -> int:
    """A birth year, alone or at the head of an ISO date; else `bad_year`."""
    match = re.match(r"(1[89]\d\d|2[01]\d\d)(?!\d)", value.strip())
    if not match:
        raise BadValueError("bad_year")
    return int(match[1])


def parse_degrees(limit: int) -> Callable[[str], float]:
    """Make the reader of a latitude (`limit` 90) or longitude (180); else `bad_point`."""

    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError as error:
            raise BadValueError("bad_point") from error
        if not isfinite(number) or abs(number) > limit:
            raise BadValueError("bad_point")
        return number

    return parse


def parse_bool(value: str) -> bool:
    """A yes or a no; any other word is `unknown_value`."""
    word = value.strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise BadValueError("unknown_value")


@lru_cache(maxsize=4096)
def parse_time(value: str, zone: str | None = None, form: str | None = None) -> tuple[datetime, bool]:
    """An instant in UTC, and whether the local time it came from happened twice (then the first is meant).

    `form` is a strptime format, `unix` or `unix_ms`; None reads ISO 8601. A time without an offset needs
    `zone`; one that no clock there ever showed is `bad_date`, as is everything else that is unreadable.
    """
    try:
        read = _read_time(value.strip(), form)
        if read.tzinfo is not None:
            return read.astimezone(UTC), False
        if zone is None:
            raise BadValueError("bad_date")
        return _localise(read, ZoneInfo(zone))
    except (ValueError, OverflowError) as error:
        raise BadValueError("bad_date") from error


def shows_day_by_number(value: str) -> bool:
    """Whether a date is written so that only a convention tells the day from the month: `07/10/2023 14:05`."""
    return _BY_NUMBER.match(value.strip()) is not None


def has_offset(value: str) -> bool:
    """Whether a time says its distance from UTC: `+01:00`, `-0800`, `Z`, `UTC`."""
    return ":" in value and _HAS_OFFSET.search(value.strip()) is not None


@lru_cache(maxsize=4096)
def parse_local_time(
    value: str, zone: str | None = None, date_order: Literal["day_first", "month_first"] | None = None
) -> datetime:
    """An instant in UTC from what an export or a spreadsheet writes; else `bad_date`.

    ISO 8601 and `Apr 2, 2026 1:00:00 PM` need `zone` (IANA) unless they carry an offset; `07/10/2023 14:05` needs
    `zone` and `date_order`. Nothing is guessed. Of an hour that comes twice the first is meant.
    """
    value = value.strip()
    parts = _BY_NUMBER.match(value)
    try:
        if parts is not None:
            return _by_number(parts, zone, date_order)
        if value[:1].isalpha() or " " in value[:3]:
            return parse_time(value, zone, next(form for form in _WORDY if _fits(value, form)))[0]
    except (ValueError, StopIteration) as error:
        raise BadValueError("bad_date") from error
    return parse_time(value, zone)[0]


def _by_number(parts: re.Match[str], zone: str | None, date_order: str | None) -> datetime:
    if zone is None or date_order is None:
        raise BadValueError("bad_date")
    first, second, year = int(parts[1]), int(parts[3]), int(parts[4])
    day, month = (first, second) if date_order == "day_first" else (second, first)
    clock = (parts[5] or "00:00").strip().upper()
    form = next(form for form in _CLOCKS if _fits(clock, form))
    at = datetime.strptime(clock, form)  # noqa: DTZ007 - the zone is put on below
    return parse_time(at.replace(year=year, month=month, day=day).isoformat(), zone)[0]


def _fits(value: str, form: str) -> bool:
    try:
        datetime.strptime(value, form)  # noqa: DTZ007 - only a look at its shape
    except ValueError:
        return False
    return True


def _read_time(value: str, form: str | None) -> datetime:
    if form in {"unix", "unix_ms"}:
        try:
            seconds = Decimal(value) / (1000 if form == "unix_ms" else 1)
            micros = int(seconds * 1_000_000)
        except (InvalidOperation, ValueError) as error:
            raise BadValueError("bad_date") from error
        return datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    if form is not None:
        return datetime.strptime(value, form)  # noqa: DTZ007 - the zone is put on by the caller
    apart = _OFFSET_APART.search(value)
    if apart:
        value = value[: apart.start()] + (f"{apart[1]}:{apart[2]}" if apart[1] else "+00:00")
    return datetime.fromisoformat(value)


def _localise(naive: datetime, zone: ZoneInfo) -> tuple[datetime, bool]:
    """Put a zone on a wall-clock time, minding the hour that clocks skip or repeat."""
    first = naive.replace(tzinfo=zone, fold=0)
    instant = first.astimezone(UTC)
    if first.utcoffset() == naive.replace(tzinfo=zone, fold=1).utcoffset():
        return instant, False
    if instant.astimezone(zone).replace(tzinfo=None, fold=0) != naive:
        raise BadValueError("bad_date")
    return instant, True
