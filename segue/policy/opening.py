"""When each row's hours open and close next: one conversion for each distinct place, not for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from segue.policy.columns import EMAIL, NAT, SMS, Codes, Facts, Instants, Mask
from segue.policy.hours import Hours
from segue.policy.rules import Rules
from segue.policy.zones import country_zones, find_zone, next_closed, next_open

#: Later than any instant: no legal hour exists.
NEVER = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Opening:
    """The first instant each row may leave, and, where its window is open and ends, when that is (else `NAT`)."""

    opens_at: Instants
    closes_at: Instants


def opening_of(facts: Facts, channel: Codes, rows: Mask, at: int, rules: Rules) -> Opening:
    """Look up the hours of the rows in `rows`; the others, and whatever knows no quiet hours, are open now.

    Text messages follow the law of her country and state. E-mail follows the shop's quiet hours, and a mail that
    answers a cart is free of them. Where her zone is unknown, the hours must be allowed in every zone of her country.
    Where that is unknown too, or never happens, e-mail goes by the shop's own zone and a text message by none.
    """
    opens_at = np.full(facts.size, at, dtype=np.int64)
    closes_at = np.full(facts.size, NAT, dtype=np.int64)
    bound = rows & ~facts.transactional & ((channel == SMS) | ((channel == EMAIL) & ~facts.answers_a_cart))
    chosen = np.flatnonzero(bound)
    if chosen.size == 0:
        return Opening(opens_at, closes_at)

    # The place and channel of a row as one number; -1, "unknown", is shifted to 0.
    widths = (len(facts.zone.values) + 1, len(facts.country.values) + 1, len(facts.region.values) + 1, 2)
    parts = (
        facts.zone.codes[chosen] + 1,
        facts.country.codes[chosen] + 1,
        facts.region.codes[chosen] + 1,
        (channel[chosen] == SMS).astype(np.intp),
    )
    # A mail does not care for the country once the zone is known, nor ever for the state.
    mail, placed = parts[3] == 0, parts[0] > 0
    parts[1][mail & placed] = 0
    parts[2][mail] = 0
    group, places = pd.factorize(np.ravel_multi_index(parts, widths))

    windows = _Windows(at, rules)
    opens, closes = [], []
    for zone, country, region, is_sms in zip(*np.unravel_index(np.asarray(places), widths), strict=True):
        window = windows.of(
            zone=_value(facts.zone.values, zone),
            country=_value(facts.country.values, country),
            region=_value(facts.region.values, region),
            is_sms=bool(is_sms),
        )
        opens.append(window[0])
        closes.append(window[1])
    opens_at[chosen] = np.array(opens, dtype=np.int64)[group]
    closes_at[chosen] = np.array(closes, dtype=np.int64)[group]
    return Opening(opens_at, closes_at)


class _Windows:
    """Next windows at one instant, remembered: most places share their hours and zones with others."""

    def __init__(self, at: int, rules: Rules) -> None:
        self._at = at
        self._rules = rules
        self._known: dict[tuple[Hours, tuple[ZoneInfo, ...]], tuple[int, int]] = {}

    def of(self, *, zone: str | None, country: str | None, region: str | None, is_sms: bool) -> tuple[int, int]:
        """Return when it opens (`NEVER` if it never does) and, if it is open, when it closes."""
        law = self._rules.law
        hours = law.sms_hours(country, region) if is_sms else self._rules.email_hours
        zones = _zones(zone, country)
        window = self._window(hours, zones)
        if window[0] == NEVER and not is_sms:
            return self._window(hours, (self._rules.home_zone,))
        return window

    def _window(self, hours: Hours, zones: tuple[ZoneInfo, ...]) -> tuple[int, int]:
        asked = (hours, zones)
        if asked not in self._known:
            self._known[asked] = self._find(hours, zones)
        return self._known[asked]

    def _find(self, hours: Hours, zones: tuple[ZoneInfo, ...]) -> tuple[int, int]:
        opens = next_open(hours, zones, self._at) if zones else None
        if opens is None:
            return NEVER, NAT
        closes = next_closed(hours, zones, opens) if opens == self._at else None
        return opens, NAT if closes is None else closes


def _zones(zone: str | None, country: str | None) -> tuple[ZoneInfo, ...]:
    """Return her zone if we know it, else every zone of her country, else none."""
    known = None if zone is None else find_zone(zone)
    if known is not None:
        return (known,)
    return () if country is None else country_zones().get(country.upper(), ())


def _value(values: Sequence[str], number: int) -> str | None:
    return values[number - 1] if number else None
