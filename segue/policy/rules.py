"""The rules' settings as one frozen value, built from plain words; unreadable words are refused with the cure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from segue.contract import Channel
from segue.policy.bases import CHANNELS
from segue.policy.hours import Hours, outside
from segue.policy.law import Law, shipped_law
from segue.policy.zones import find_zone

_CAP = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})([hd])")


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` messages in any `window`."""

    limit: int
    window: timedelta

    @classmethod
    def of(cls, text: str) -> Cap:
        """Read `4/7d` or `1/24h`; raises ValueError."""
        match = _CAP.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no cap; write how many per how long, for instance 1/24h or 4/7d")
        length = int(match[2])
        return cls(int(match[1]), timedelta(hours=length) if match[3] == "h" else timedelta(days=length))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything `judge` needs to know besides facts; make one with `Rules.of`."""

    law: Law
    #: The budget: caps by channel. A channel without caps is unlimited.
    caps: Mapping[Channel, tuple[Cap, ...]]
    #: A mail that answers a cart may be the second e-mail in 24 hours.
    cart_second_email: bool
    #: Shares of people left untreated, 0 to 1.
    holdout_journey: float
    holdout_global: float
    holdout_salt: str
    #: Local hours in which marketing e-mail may leave.
    email_hours: Hours
    #: The shop's own zone, for e-mail to people who could be anywhere.
    home_zone: ZoneInfo
    #: How long a braked message rests before it is looked at again.
    paused_recheck: timedelta = timedelta(minutes=5)

    @classmethod
    def of(
        cls,
        *,
        caps: Mapping[str, Sequence[str]],
        cart_second_email: bool,
        holdout_journey: float,
        holdout_global: float,
        holdout_salt: str,
        email_quiet: str,
        home_zone: str,
        law: Law | None = None,
    ) -> Rules:
        """Build the rules from settings; without `law`, the tables that ship in `segue/policy/law`.

        Raises ValueError naming the setting that cannot be read.
        """
        return cls(
            law=shipped_law() if law is None else law,
            caps=MappingProxyType(dict(_caps(channel, texts) for channel, texts in caps.items())),
            cart_second_email=cart_second_email,
            holdout_journey=_share("holdout_journey", holdout_journey),
            holdout_global=_share("holdout_global", holdout_global),
            holdout_salt=holdout_salt,
            email_hours=_email_hours(email_quiet),
            home_zone=_home_zone(home_zone),
        )


def _caps(channel: str, texts: Sequence[str]) -> tuple[Channel, tuple[Cap, ...]]:
    if isinstance(texts, str):
        raise ValueError(f"caps.{channel} must be a list of caps such as ['1/24h', '4/7d'], not one text")  # noqa: TRY004 - settings errors are ValueErrors
    if channel not in CHANNELS:
        raise ValueError(f"caps names the channel {channel!r}; it may be one of {', '.join(CHANNELS)}")
    try:
        return Channel(channel), tuple(Cap.of(text) for text in texts)
    except ValueError as error:
        raise ValueError(f"caps.{channel}: {error}") from error


def _share(name: str, share: float) -> float:
    if not 0 <= share <= 1:
        raise ValueError(f"{name} is {share}; it is a share of people, from 0 to 1")
    return share


def _email_hours(quiet: str) -> Hours:
    try:
        return outside(quiet)
    except ValueError as error:
        raise ValueError(f"email_quiet: {error}") from error


def _home_zone(name: str) -> ZoneInfo:
    zone = find_zone(name)
    if zone is None:
        raise ValueError(f"home_zone is {name!r}, which is no IANA time zone; write for instance America/New_York")
    return zone
