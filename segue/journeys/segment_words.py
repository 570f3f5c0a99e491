"""A segment's conditions as people say them: `bought in the last 90 days and fits size 8 (us_women) in tops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from segue.journeys.segment_rules import (
    Bought,
    CameFrom,
    CartedNotBought,
    ClickedNotBought,
    Everyone,
    Fits,
    Follows,
    Lives,
    LivesWithin,
    Not,
    NotBought,
    PointsAtLeast,
    Speaks,
)


def in_words(condition: Any) -> str:
    """Return what `condition` says of somebody, as the rest of a sentence that begins with *who*."""
    return _WORDS[type(condition)](condition)


def _order(condition: Bought) -> str:
    parts = [
        f" {condition.category}" if condition.category else "",
        f" on {condition.channel}" if condition.channel else "",
        f" at {condition.location}" if condition.location else "",
    ]
    return f"{''.join(parts)} in the last {_days(condition.days)}"


def _fits(condition: Fits) -> str:
    system = f" ({condition.system})" if condition.system else ""
    return f"fits size {condition.size}{system}{f' in {condition.category}' if condition.category else ''}"


def _lives_within(condition: LivesWithin) -> str:
    middle = condition.location or f"{condition.latitude:g}, {condition.longitude:g}"
    return f"lives within {condition.km:g} km of {middle}"


def _lives(condition: Lives) -> str:
    return f"lives in {f'{condition.region}, ' if condition.region else ''}{condition.country}"


def _days(days: int) -> str:
    return "day" if days == 1 else f"{days} days"


_WORDS: dict[type, Callable[[Any], str]] = {
    Everyone: lambda _: "is anybody we know",
    Bought: lambda one: f"bought{_order(one)}",
    NotBought: lambda one: f"did not buy{_order(one)}",
    Fits: _fits,
    LivesWithin: _lives_within,
    ClickedNotBought: lambda one: f"clicked in the last {_days(one.days)} and has not bought since",
    CartedNotBought: lambda one: f"put something in a cart in the last {_days(one.days)} and has not bought since",
    PointsAtLeast: lambda one: f"has {one.points:,} points or more",
    Lives: _lives,
    Speaks: lambda one: f"reads {one.locale}",
    CameFrom: lambda one: f"came from {one.channel}",
    Follows: lambda one: f"follows us on {one.network}",
    Not: lambda one: f"not: {in_words(one.condition)}",
}
