"""What each country demands, as data: which bases allow marketing, and at which hours a text message may arrive.

`countries.csv` and `sms_hours.csv` are a starting point gathered from public summaries, not legal advice: a shop's
counsel must confirm every line it relies on. `load_law` reads a shop's own two files from any folder.
An unknown country gets the strictest of everything listed: only what every line allows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from importlib.resources import files
from importlib.resources.abc import Traversable

from segue.contract import Channel
from segue.policy.bases import BASES
from segue.policy.hours import Hours, minutes

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CONSENTS = frozenset(BASES) - {"contract", "doubted", "denied"}

Bases = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """The tables, by ISO 3166-1 alpha-2 code; hours by (country, state), with an empty state for the whole country."""

    email: Mapping[str, Bases]
    sms: Mapping[str, Bases]
    hours: Mapping[tuple[str, str], Hours]
    strictest_email: Bases
    strictest_sms: Bases
    strictest_hours: Hours

    def bases(self, country: str | None, channel: Channel) -> Bases:
        """Return the bases on which she may be sent marketing on `channel`, e-mail or SMS."""
        table, strictest = (
            (self.sms, self.strictest_sms) if channel is Channel.SMS else (self.email, self.strictest_email)
        )
        return table.get(_code(country), strictest)

    def sms_hours(self, country: str | None, region: str | None) -> Hours:
        """Return the local hours in which a marketing text may arrive."""
        code = _code(country)
        return self.hours.get((code, _code(region))) or self.hours.get((code, "")) or self.strictest_hours


@cache
def shipped_law() -> Law:
    """Return the tables beside this file, read once."""
    return load_law(files(__name__))


def load_law(folder: Traversable) -> Law:
    """Read a shop's own `countries.csv` and `sms_hours.csv` from a folder (a `Path` will do).

    Raises ValueError naming the file and line that cannot be read.
    """
    email: dict[str, Bases] = {}
    sms: dict[str, Bases] = {}
    for where, row in _lines(folder / "countries.csv"):
        code = row["country"]
        if code in email:
            raise ValueError(f"{where}: {code} is listed twice")
        email[code], sms[code] = _bases(where, row["email"]), _bases(where, row["sms"])
    hours = _read_hours(folder / "sms_hours.csv")
    if not email or not hours:
        raise ValueError("the law tables are empty; then nothing could be called strictest")
    return Law(
        email=email,
        sms=sms,
        hours=hours,
        strictest_email=frozenset.intersection(*email.values()),
        strictest_sms=frozenset.intersection(*sms.values()),
        strictest_hours=reduce(Hours.meet, hours.values()),
    )


def _read_hours(file: Traversable) -> dict[tuple[str, str], Hours]:
    weeks: dict[tuple[str, str], list[list[tuple[int, int]]]] = {}
    for where, row in _lines(file):
        span = _span(where, row["opens"], row["closes"])
        for country in row["countries"].split():
            week = weeks.setdefault((country, row["region"]), [[] for _ in _WEEKDAYS])
            for day in _days(where, row["days"]):
                week[day].append(span)
    return {place: Hours(tuple(tuple(sorted(day)) for day in week)) for place, week in weeks.items()}


def _lines(file: Traversable) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each line with its place for errors; lines that start with # are remarks."""
    text = file.read_text(encoding="utf-8").splitlines()
    numbered = [(number, line) for number, line in enumerate(text, 1) if line and not line.startswith("#")]
    rows = csv.DictReader((line for _, line in numbered), restval="", strict=True)
    for (number, _), row in zip(numbered[1:], rows, strict=True):
        yield f"{file.name}, line {number}", row


def _bases(where: str, text: str) -> Bases:
    bases = frozenset(text.split())
    if not bases or not bases <= _CONSENTS:
        raise ValueError(f"{where}: {text!r} must name bases among {', '.join(sorted(_CONSENTS))}")
    return bases


def _span(where: str, opens: str, closes: str) -> tuple[int, int]:
    try:
        span = minutes(opens), minutes(closes)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    if span[0] >= span[1]:
        raise ValueError(f"{where}: {opens} is not before {closes}; hours over midnight take two lines")
    return span


def _days(where: str, text: str) -> range:
    first, _, last = text.partition("-")
    if first not in _WEEKDAYS or (last or first) not in _WEEKDAYS:
        raise ValueError(f"{where}: {text!r} are no days; write for instance mon-fri or sun")
    days = range(_WEEKDAYS.index(first), _WEEKDAYS.index(last or first) + 1)
    if not days:
        raise ValueError(f"{where}: {text!r} runs backwards; a week starts with mon")
    return days


def _code(text: str | None) -> str:
    return "" if text is None else text.upper()
