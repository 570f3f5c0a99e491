"""Filters for templates: money, times and numbers as people read them.

Each is a pure function of a few values that repeat from person to person, so each is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

#: ISO 4217 currencies whose minor unit is not a hundredth.
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS = {**dict.fromkeys(_WHOLE.split(), 0), **dict.fromkeys(_THOUSANDTHS.split(), 3)}
_SIGNS = {"USD": "$", "GBP": "£", "EUR": "€", "JPY": "¥", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$"}


@lru_cache(maxsize=65_536)
def money(minor: int, currency: str) -> str:
    """Return an amount of minor units as it stands on a price tag: `$74.00`, `¥7,400`, `CHF 74.00`."""
    digits = minor_digits(currency)
    major, rest = divmod(abs(minor), 10**digits)
    figures = f"{major:,}.{rest:0{digits}d}" if digits else f"{major:,}"
    sign = _SIGNS.get(currency)
    return f"{'-' if minor < 0 else ''}{sign or currency + ' '}{figures}"


@lru_cache(maxsize=4096)
def amount(minor: int, currency: str) -> str:
    """Return the same without cents where there are none: `$15`, `$7.50`."""
    return money(minor, currency).removesuffix(".00")


def minor_digits(currency: str) -> int:
    """Return how many digits the minor unit of a currency takes: 2 for most, 0 for yen."""
    return _DIGITS.get(currency, 2)


def worth(voucher: Mapping[str, Any]) -> str:
    """Return what a voucher is worth: `10%`, `$15` (no cents where there are none) or `$7.50`."""
    percent = voucher["percent"]
    if percent is not None:
        return f"{percent}%"
    return amount(voucher["amount_minor"], voucher["currency"])


def plural(count: int, one: str, many: str) -> str:
    """Return the noun that goes with `count`."""
    return one if count == 1 else many


class Calendar:
    """Writes instants for people; `zone` and `locale` stand in where a person's own are unknown."""

    def __init__(self, zone: str, locale: str) -> None:
        self._zone = zone
        self._locale = locale

    def local_time(self, at: str | datetime, zone: str | None = None, locale: str | None = None) -> str:
        """Return an instant in `zone`: `Thursday, May 14 at 11:00 AM EDT`, `Thursday 14 May, 11:00 BST`.

        `at` is ISO 8601 with an offset, or an aware datetime; raises ValueError for one without.
        """
        return _written(at, zone or self._zone, self._zone, (locale or self._locale).endswith("-US"), short=False)

    def short_time(self, at: str | datetime, zone: str | None = None, locale: str | None = None) -> str:
        """The same for a text message: `Thu May 14, 11 AM EDT`, `Thu 14 May, 11:00 BST`."""
        return _written(at, zone or self._zone, self._zone, (locale or self._locale).endswith("-US"), short=True)

    def last_day(self, until: str | datetime, zone: str | None = None, locale: str | None = None) -> str:
        """Return the last whole local day before `until`: what paper can promise, `July 19, 2026` or `19 July 2026`."""
        american = (locale or self._locale).endswith("-US")
        return _last_day(until, zone or self._zone, self._zone, american)

    def day(self, at: str | datetime, zone: str | None = None) -> Mapping[str, Any]:
        """Return the local day of an instant in its parts, for a date block: `weekday`, `month`, `day`, `year`."""
        return _day(at, zone or self._zone, self._zone)


@lru_cache(maxsize=4096)
def _day(at: str | datetime, zone: str, spare_zone: str) -> Mapping[str, Any]:
    there = local(at, zone, spare_zone)
    return {"weekday": f"{there:%A}", "month": f"{there:%B}", "day": there.day, "year": there.year}


@lru_cache(maxsize=65_536)
def _last_day(until: str | datetime, zone: str, spare_zone: str, american: bool) -> str:
    day = local(until, zone, spare_zone).date() - timedelta(days=1)
    return f"{day:%B} {day.day}, {day.year}" if american else f"{day.day} {day:%B} {day.year}"


@lru_cache(maxsize=65_536)
def _written(at: str | datetime, zone: str, spare_zone: str, american: bool, *, short: bool) -> str:
    there = local(at, zone, spare_zone)
    weekday, month = (f"{there:%a}", f"{there:%b}") if short else (f"{there:%A}", f"{there:%B}")
    if not american:
        return f"{weekday} {there.day} {month}, {there:%H:%M} {zone_name(there)}"
    hour = str(there.hour % 12 or 12)
    clock = hour if short and not there.minute else f"{hour}:{there:%M}"
    time = f"{clock} {'AM' if there.hour < 12 else 'PM'} {zone_name(there)}"
    return f"{weekday} {month} {there.day}, {time}" if short else f"{weekday}, {month} {there.day} at {time}"


def local(at: str | datetime, zone: str, spare_zone: str) -> datetime:
    """Return an instant in `zone`, or in the spare one where nobody knows that; raises ValueError without an offset."""
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    if instant.tzinfo is None:
        raise ValueError("a time without an offset; give ISO 8601 with one")
    return instant.astimezone(_zone(zone, spare_zone))


def _zone(name: str, spare: str) -> ZoneInfo:
    """A zone nobody knows costs nobody their mail: the brand's is named in the text, so it stays true."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(spare)


def zone_name(local: datetime) -> str:
    """`EDT`, or `UTC-3` where a zone has a number for a name."""
    name = local.tzname() or ""
    if name[:1] not in ("+", "-"):
        return name
    offset = local.utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset is not None else 0
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02d}' if rest else ''}"
