"""Day by day: how many occasions came up, and how many messages left, as columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Final

from segue.gallery.chart import picture, printable

_TOP: Final = 14  # room for the highest column's number
_FOOT: Final = 26  # room for the dates
_LABEL: Final = 40  # room a date takes
_GRID: Final = "var(--line,#d9d3c7)"
_MUTED: Final = "var(--muted,#5f6966)"
#: What a column is drawn in, by what it counts.
FILLS: Final = {
    "left": "var(--faint,#cfc6b6)",
    "email": "var(--accepted,#1f7a5c)",
    "sms": "var(--texted,#5fb394)",
    "print": "var(--control,#7d62a8)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of the shop's calendar: what came up, and what left by channel."""

    day: date
    left: int
    sent: dict[str, int]

    @property
    def sent_in_all(self) -> int:
        """Messages that left on any channel."""
        return sum(self.sent.values())


DayLink = Callable[[date, str], str]
"""`(day, "left" or "sent")` -> the address of the page that lists them."""


def day_chart(days: Sequence[Day], *, link: DayLink | None = None, width: int = 920, height: int = 230) -> str:
    """Draw two columns a day, what came up and what left (stacked by channel), as SVG."""
    gutter = 30
    room = height - _TOP - _FOOT
    most = _round_up(max((max(day.left, day.sent_in_all) for day in days), default=0))
    pitch = (width - gutter) / max(len(days), 1)
    parts = [_rule(value, most, width, gutter, room) for value in (0, most // 2, most)]
    every = max(1, round(len(days) * 64 / (width - gutter)))
    for place, day in enumerate(days):
        x = gutter + place * pitch
        parts.append(_columns(day, x, pitch, room / most, room, link))
        if place % every == 0:
            said = f"{day.day.day} {day.day:%b}"
            at, anchor = (x, "start") if x + _LABEL <= width else (width, "end")  # a label never leaves the picture
            where = f'x="{at:.1f}" y="{height - 8}" text-anchor="{anchor}"'
            parts.append(f'<text {where} style="font-size:12px;fill:{_MUTED}">{said}</text>')
    told = "; ".join(f"{day.day.day} {day.day:%B}: {day.left} came up, {day.sent_in_all} sent" for day in days)
    return picture("Day by day: what came up and what was sent", told, parts, width, height, linked=link)


def _columns(day: Day, x: float, pitch: float, scale: float, room: int, link: DayLink | None) -> str:
    wide = pitch * 0.36
    drawn = []
    spoken = f"{day.day.day} {day.day:%B}"
    if day.left:
        box = _box(x, _TOP + room - day.left * scale, wide, day.left * scale, "left")
        drawn.append(_linked(box, f"{spoken}: {day.left} came up", link(day.day, "left") if link else None))
    if day.sent_in_all:
        boxes, top = [], float(_TOP + room)
        for channel, count in sorted(day.sent.items()):
            top -= count * scale
            boxes.append(_box(x + wide + pitch * 0.04, top, wide, count * scale, channel))
        said = f"{spoken}: {day.sent_in_all} sent"
        drawn.append(_linked("".join(boxes), said, link(day.day, "sent") if link else None))
    return "".join(drawn)


def _box(x: float, y: float, width: float, height: float, what: str) -> str:
    fill = FILLS.get(what, FILLS["email"])
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'style="fill:{fill};stroke:var(--card,#fff);stroke-width:.5"/>'
    )


def _linked(drawn: str, said: str, address: str | None) -> str:
    title = f"<title>{printable(said)}</title>"
    if address is None:
        return f"<g>{title}{drawn}</g>"
    return f'<a href="{escape(address)}" aria-label="{printable(said)}">{title}{drawn}</a>'


def _rule(value: int, most: int, width: int, gutter: int, room: int) -> str:
    y = _TOP + room - room * value / most
    return (
        f'<line x1="{gutter}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" style="stroke:{_GRID}"/>'
        f'<text x="{gutter - 8}" y="{y + 4:.1f}" text-anchor="end" style="font-size:12px;fill:{_MUTED}">{value}</text>'
    )


def _round_up(value: int) -> int:
    """The top of the scale: an even number a little above the highest column."""
    step = 2 if value < 20 else 10 if value < 100 else 50
    return max(step, -(-value // step) * step)
