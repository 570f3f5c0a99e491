"""How one locale writes money, numbers and times: English as `wording` does, every other language by Babel.

Babel is slow and its answers repeat from person to person, so each is remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime, format_skeleton, format_time
from babel.numbers import format_currency, format_decimal, format_percent

from segue.render import wording
from segue.render.sms import segments

#: How a clock is read out, where it is more than its figures.
_CLOCK = {"de": "{}\u00a0Uhr", "es": "{}\u00a0h", "fi": "klo\u00a0{}"}
#: What stands between day and clock.
_BETWEEN = {"fi": " "}
#: What a line must not end in the middle of: `14. Mai`, `14 de mayo`.
_DAY_AND_MONTH = re.compile(r"\d+\.? (?:de )?\S+")
_YEAR_AT_END = re.compile(r"[,.]?\s*('[^']*'\s*)?y+$")


class Voice:
    """Writes for people of one locale; what it knows is what a template may call."""

    def __init__(self, locale: str, zone: str, size: str, one_size: str) -> None:
        """`zone` stands in where a person's is unknown; `size` is `Size {size}` in this language."""
        #: BCP 47, as Babel knows it.
        self.locale = locale
        self._zone = zone
        self._english = wording.Calendar(zone, locale) if language_of(locale) == "en" else None
        self._size, self._one_size = size, one_size
        # Asked dozens of times a mail, so nothing stands between the template and what is remembered.
        #: Minor units as a price tag has them: `money(7400, "USD")` is `$74.00` or `74,00 $`.
        self.money: Callable[[int, str], str] = (
            wording.money if self._english else partial(_money, locale=locale, whole=False)
        )
        #: The same without cents where there are none: `$15`, `15 €`.
        self.amount: Callable[[int, str], str] = (
            wording.amount if self._english else partial(_money, locale=locale, whole=True)
        )
        #: A count: `1,234`, `1.234`.
        self.number: Callable[[int], str] = "{:,}".format if self._english else partial(_number, locale=locale)

    def names(self) -> dict[str, Callable[..., Any]]:
        """What a template may call."""
        return {
            "money": self.money,
            "amount": self.amount,
            "worth": self.worth,
            "number": self.number,
            "local_time": self.local_time,
            "short_time": self.short_time,
            "day": self.day,
            "date": self.date,
            "size_label": self.size_label,
            "details": self.details,
        }

    def worth(self, voucher: Mapping[str, Any]) -> str:
        """Return what a voucher is worth: `10%`, `10 %`, `$15`, `7,50 €`."""
        if self._english:
            return wording.worth(voucher)
        percent = voucher["percent"]
        if percent is None:
            return self.amount(voucher["amount_minor"], voucher["currency"])
        return _percent(percent, self.locale)

    def local_time(self, at: str | datetime, zone: str | None = None, _locale: str | None = None) -> str:
        """Return an instant: `Thursday, May 14 at 11:00 AM EDT`, `Donnerstag, 14. Mai, 17:00 Uhr MESZ`.

        `at` is ISO 8601 with an offset, or an aware datetime; raises ValueError for one without.
        """
        if self._english:
            return self._english.local_time(at, zone)
        return _time(at, zone or self._zone, self._zone, self.locale, short=False)

    def short_time(self, at: str | datetime, zone: str | None = None, _locale: str | None = None) -> str:
        """The same for a text message: `Thu May 14, 11 AM EDT`, `Do., 14.5., 17:00 MESZ`."""
        if self._english:
            return self._english.short_time(at, zone)
        return _time(at, zone or self._zone, self._zone, self.locale, short=True)

    def date(self, at: str | datetime, zone: str | None = None) -> str:
        """Return the local day and month: `May 14`, `14. Mai`."""
        if self._english:
            day = self._english.day(at, zone)
            written = (day["month"], str(day["day"]))
            return " ".join(written if self.locale.endswith("-US") else written[::-1])
        return _date(at, zone or self._zone, self._zone, self.locale)

    def day(self, at: str | datetime, zone: str | None = None) -> Mapping[str, Any]:
        """Return the local day in its parts, for a date block: `weekday`, `month`, `day`, `year`."""
        if self._english:
            return self._english.day(at, zone)
        return _day(at, zone or self._zone, self._zone, self.locale)

    def last_day(self, until: str | datetime, zone: str | None = None) -> str:
        """Return the last whole local day before `until`, which is what paper can promise."""
        if self._english:
            return self._english.last_day(until, zone)
        return _last_day(until, zone or self._zone, self._zone, self.locale)

    def size_label(self, size: str) -> str:
        """Return a size as it stands beside a product: `Size 8`, `Größe 8`, `One size`."""
        return _size_label(size, self._size, self._one_size)

    def details(self, item: Mapping[str, Any], separator: str = " \u00b7 ") -> str:
        """Return what is known of an item beside its title: `Size 8 \u00b7 Ink`, one of them, or nothing."""
        size, colour = item.get("size"), item.get("colour")
        if not size:
            return colour or ""
        return f"{self.size_label(size)}{separator}{colour}" if colour else self.size_label(size)


def language_of(locale: str | None) -> str | None:
    """Return the language of a locale as customers' files spell it: `de` of `de-DE`, `de_AT` or `DE`."""
    if not isinstance(locale, str):
        return None
    return locale.replace("_", "-").partition("-")[0].lower() or None


def language_name(language: str) -> str:
    """Return a language's English name: `German` of `de`; the code itself where Babel knows none."""
    try:
        return Locale.parse(language).get_display_name("en") or language
    except (UnknownLocaleError, ValueError):
        return language


def known_locale(locale: str) -> str:
    """Return `locale` as BCP 47 where Babel knows it, else its language alone."""
    language, _, rest = locale.replace("_", "-").partition("-")
    region = rest.rpartition("-")[2].upper()
    try:
        return str(Locale.parse(f"{language.lower()}-{region}", sep="-")).replace("_", "-")
    except (ValueError, UnknownLocaleError):
        return language.lower()


def _babel(locale: str) -> Locale:
    return Locale.parse(locale, sep="-")


@lru_cache(maxsize=4096)
def _size_label(size: str, pattern: str, one_size: str) -> str:
    if size.lower() in ("one size", "os"):
        return one_size or size
    return pattern.replace("{size}", size)


@lru_cache(maxsize=65_536)
def _money(minor: int, currency: str, locale: str, *, whole: bool) -> str:
    digits = wording.minor_digits(currency)
    value = minor / 10**digits
    if whole and minor % 10**digits == 0:
        pattern = _babel(locale).currency_formats["standard"].pattern.replace("0.00", "0")
        return format_currency(value, currency, pattern, locale=_babel(locale), currency_digits=False)
    return format_currency(value, currency, locale=_babel(locale))


@lru_cache(maxsize=4096)
def _percent(percent: int, locale: str) -> str:
    return format_percent(percent / 100, locale=_babel(locale))


@lru_cache(maxsize=65_536)
def _number(count: int, locale: str) -> str:
    return format_decimal(count, locale=_babel(locale))


@lru_cache(maxsize=65_536)
def _time(at: str | datetime, zone: str, spare: str, locale: str, *, short: bool) -> str:
    local, babel = wording.local(at, zone, spare), _babel(locale)
    clock = format_time(local, "short", locale=babel)
    name = format_datetime(local, "zzz", local.tzinfo, locale=babel)
    name = name if name[:1].isalpha() and len(name) <= len("UTC+5:45") else wording.zone_name(local)
    if short:
        # Without the name of the day where it would make the text cost double: the á of `sáb` is not in GSM-7.
        days = (format_skeleton(parts, local, local.tzinfo, locale=babel) for parts in ("MEd", "Md"))
        day = next((day for day in days if segments(day)[0] == "GSM-7"), f"{local.day}.{local.month}.")
        return f"{day}, {clock} {name}"
    language = babel.language
    # Not the name of a day that stands alone: in a sentence, Finnish bends it.
    pattern = _YEAR_AT_END.sub("", babel.date_formats["full"].pattern).replace("cccc", "EEEE")
    day = format_datetime(local, pattern, local.tzinfo, locale=babel)
    day = _DAY_AND_MONTH.sub(lambda found: found[0].replace(" ", "\u00a0"), day)
    return f"{day}{_BETWEEN.get(language, ', ')}{_CLOCK.get(language, '{}').format(clock)}\u00a0{name}"


@lru_cache(maxsize=4096)
def _date(at: str | datetime, zone: str, spare: str, locale: str) -> str:
    local = wording.local(at, zone, spare)
    return format_skeleton("MMMMd", local, local.tzinfo, locale=_babel(locale))


@lru_cache(maxsize=4096)
def _day(at: str | datetime, zone: str, spare: str, locale: str) -> Mapping[str, Any]:
    local, babel = wording.local(at, zone, spare), _babel(locale)
    weekday, month = (format_datetime(local, name, local.tzinfo, locale=babel) for name in ("cccc", "LLLL"))
    return {"weekday": weekday, "month": month, "day": local.day, "year": local.year}


@lru_cache(maxsize=65_536)
def _last_day(until: str | datetime, zone: str, spare: str, locale: str) -> str:
    day = wording.local(until, zone, spare) - timedelta(days=1)
    return format_skeleton("yMMMMd", day, day.tzinfo, locale=_babel(locale))
