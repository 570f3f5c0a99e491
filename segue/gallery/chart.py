"""The sum as a picture: one bar a group and reason, each where the one before it ended, so that it visibly adds up.

Hand-written SVG: sharp at any size, a few kilobytes, and readable by a screen reader. Colours come from the page's
custom properties where it has them, else from the values here, so that a picture can also stand alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from segue.gallery import words
from segue.gallery.slices import Slice, groups_of, reasons_of
from segue.outbox.summary import Summary

Link = Callable[[Slice], str]
"""A slice -> the address of the page that lists everybody in it."""

#: One colour a group, apart in lightness too, for readers who tell colours badly.
COLOURS: Final = {
    "considered": "#33403f",
    "accepted": "#1f7a5c",
    "pending": "#3b76c4",
    "uncertain": "#c98a00",
    "rejected": "#b3362b",
    "skipped": "#a39a8b",
    "control": "#7d62a8",
}
_INK: Final = "var(--ink,#21302f)"
_MUTED: Final = "var(--muted,#5f6966)"
_LINE: Final = "var(--line,#d9d3c7)"
_FONT: Final = "font-family:var(--sans,'Helvetica Neue',Helvetica,Arial,sans-serif)"
_NARROW: Final = 480


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of the waterfall."""

    slice: Slice
    label: str
    #: Where it begins and how long it is, in people.
    start: int
    count: int
    #: A reason within a group stands a step further in.
    inner: bool


def sum_chart(
    summary: Summary,
    *,
    step: str | None = None,
    channels: Sequence[str] = (),
    link: Link | None = None,
    width: int = 920,
) -> str:
    """Draw the sum of `step` (all steps if None) as SVG, `width` CSS pixels wide; under 480, labels go above the bars.

    `channels` are the step's, so that reasons can name them. With `link`, every bar leads to its people.
    """
    bars = bars_of(summary, step=step, channels=channels)
    narrow = width < _NARROW
    row = 44 if narrow else 32
    height = row * len(bars) + 8
    total = max(bars[0].count, 1)
    about = f"{words.step(step)}: " if step else ""
    name = f"{about}{summary.considered if step is None else bars[0].count:,} considered"
    parts = [_bar(bar, place * row, total, narrow=narrow, width=width, link=link) for place, bar in enumerate(bars)]
    return picture(name, "; ".join(f"{bar.label}: {bar.count:,}" for bar in bars), parts, width, height, linked=link)


def bars_of(summary: Summary, *, step: str | None, channels: Sequence[str]) -> list[Bar]:
    """The bars in reading order: everybody, then each group that holds anybody, then its reasons."""
    whole = Slice(journey=summary.journey, step=step)
    bars = [Bar(slice=whole, label="Considered", start=0, count=whole.count(summary), inner=False)]
    start = 0
    for group in groups_of(summary, step):
        count = group.count(summary)
        if not count:
            continue
        said = words.group(group.group or "", preview=summary.preview)
        bars.append(Bar(slice=group, label=said, start=start, count=count, inner=False))
        inner = start
        for reason in reasons_of(summary, group):
            part = reason.count(summary)
            why = words.reason(reason.reason, channels) or "no reason given"
            bars.append(Bar(slice=reason, label=why, start=inner, count=part, inner=True))
            inner += part
        start += count
    return bars


def picture(name: str, told: str, parts: Sequence[str], width: int, height: int, *, linked: object) -> str:
    """Wrap `parts` in an SVG that says its name and what it shows; links inside stay reachable."""
    role = "group" if linked else "img"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="{role}" aria-label="{printable(name)}" style="{_FONT};max-width:100%;height:auto">'
        f"<title>{printable(name)}</title><desc>{printable(told)}</desc>{''.join(parts)}</svg>"
    )


def printable(text: str) -> str:
    """Escape, and drop what XML cannot hold: one control character would lose the whole picture."""
    return escape("".join(sign for sign in text if sign.isprintable()))


def colour(group: str) -> str:
    """A group's colour as CSS: the page's own, or ours."""
    return f"var(--{group},{COLOURS.get(group, COLOURS['skipped'])})"


def _bar(bar: Bar, top: int, total: int, *, narrow: bool, width: int, link: Link | None) -> str:
    left = 0 if narrow else 330
    room = width - left - (0 if narrow else 64)
    x, length = left + room * bar.start / total, max(room * bar.count / total, 2.0)
    y = top + (26 if narrow else 8)
    thick = 12 if narrow else 18
    indent = 18 if bar.inner else 0
    fill = colour(bar.slice.group or "considered")
    faint = ";opacity:.55" if bar.inner else ""
    weight = 400 if bar.inner else 600
    ink = _MUTED if bar.inner else _INK
    label_y = top + (18 if narrow else 22)
    count_x, anchor = (width, "end") if narrow else (x + length + 8, "start")
    drawn = (
        f'<rect x="{left}" y="{y}" width="{room:.1f}" height="{thick}" rx="2" style="fill:{_LINE};opacity:.35"/>'
        f'<rect x="{x:.1f}" y="{y}" width="{length:.1f}" height="{thick}" rx="2" style="fill:{fill}{faint}"/>'
        f'<text x="{indent}" y="{label_y}" style="font-size:14px;font-weight:{weight};fill:{ink}">'
        f"{printable(bar.label)}</text>"
        f'<text x="{count_x:.1f}" y="{label_y}" text-anchor="{anchor}" style="font-size:14px;'
        f'font-weight:{weight};fill:{ink};font-variant-numeric:tabular-nums">{bar.count:,}</text>'
    )
    if link is None:
        return drawn
    said = printable(f"{bar.count:,}: {bar.label}")
    return f'<a href="{escape(link(bar.slice))}" aria-label="{said}"><title>{said}</title>{drawn}</a>'
