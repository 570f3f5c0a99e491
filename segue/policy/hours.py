"""Opening hours by weekday, in local wall time; pure arithmetic, no zones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MINUTE = 60_000_000  # microseconds
DAY = 24 * 60 * MINUTE
_WHOLE_DAY = 24 * 60
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
_TIME = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Hours:
    """Minutes of the day in which something is allowed: `[opens, closes)` spans for Monday to Sunday."""

    days: tuple[tuple[Span, ...], ...]

    def __post_init__(self) -> None:
        if len(self.days) != 7:
            raise ValueError("a week has seven days")

    def next_local(self, local: int) -> int | None:
        """Return the first open moment at or after `local`, both in microseconds of wall time; None if never."""
        midnight = local - local % DAY
        weekday = (midnight // DAY + _EPOCH_WEEKDAY) % 7
        for ahead in range(8):  # the eighth is today's weekday again, for what opened earlier today
            for opens, closes in self.days[(weekday + ahead) % 7]:
                start = max(local, midnight + opens * MINUTE)
                if start < midnight + closes * MINUTE:
                    return start
            midnight += DAY
        return None

    def meet(self, other: Hours) -> Hours:
        """Return the hours that both allow."""
        return Hours(
            tuple(
                tuple(
                    sorted(
                        (max(a, c), min(b, d))
                        for a, b in mine
                        for c, d in theirs
                        if max(a, c) < min(b, d)
                    )
                )
                for mine, theirs in zip(self.days, other.days, strict=True)
            )
        )  # fmt: skip

    def closed(self) -> Hours:
        """Return the hours that this leaves out."""
        return Hours(tuple(_left_out(spans) for spans in self.days))


def always() -> Hours:
    """Return round the clock."""
    return Hours((((0, _WHOLE_DAY),),) * 7)


def minutes(text: str) -> int:
    """Read `09:30` as minutes since midnight; `24:00` is the end of the day. Raises ValueError."""
    match = _TIME.fullmatch(text)
    if match is None or (minute := int(match[1]) * 60 + int(match[2])) > _WHOLE_DAY:
        raise ValueError(f"{text!r} is no time of day; write HH:MM, from 00:00 to 24:00")
    return minute


def outside(quiet: str) -> Hours:
    """Read quiet hours such as `21:00-07:00` and return the hours left; an empty text leaves all of them."""
    if not quiet:
        return always()
    start, dash, end = quiet.partition("-")
    if not dash:
        raise ValueError(f"{quiet!r} are no quiet hours; write HH:MM-HH:MM, for instance 21:00-07:00")
    opens, closes = minutes(end), minutes(start)
    if opens == closes:
        raise ValueError(f"{quiet!r} starts when it ends; leave it empty for no quiet hours")
    spans = ((opens, closes),) if opens < closes else ((0, closes), (opens, _WHOLE_DAY))
    left = tuple(span for span in spans if span[0] < span[1])
    if not left:
        raise ValueError(f"{quiet!r} leaves no hour of the day; nothing could ever be sent")
    return Hours((left,) * 7)


def _left_out(spans: Iterable[Span]) -> tuple[Span, ...]:
    found, reached = [], 0
    for opens, closes in sorted(spans):
        if opens > reached:
            found.append((reached, opens))
        reached = max(reached, closes)
    if reached < _WHOLE_DAY:
        found.append((reached, _WHOLE_DAY))
    return tuple(found)
