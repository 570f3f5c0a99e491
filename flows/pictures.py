"""Pictures for a run's page, as SVG in a `data:` address: Prefect shows neither HTML nor pictures from elsewhere.

Drawn by hand: a chart of six bars needs no plotting library, stays sharp at any size, and costs 2 kB in Prefect's
database where a PNG costs thirty. Each picture brings its own background, since the page may be dark.
"""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from flows.xhtml import to_xhtml

INK: Final = "#1f2933"
PAPER: Final = "#ffffff"
LINE: Final = "#d9dee4"
#: One colour a group, apart in lightness too, for readers who tell colours badly.
COLOURS: Final = {
    "accepted": "#1f7a54",
    "pending": "#3b76c4",
    "uncertain": "#e0a100",
    "rejected": "#b3362b",
    "skipped": "#98a2ad",
    "control": "#8460b5",
}
_MEDIA: Final = re.compile(r"@media[^{]+")
_LIMIT: Final = re.compile(r"(max|min)-width:\s*[\d.]+px")
_FONT: Final = "font-family='Inter,Segoe UI,Helvetica,Arial,sans-serif'"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it counts, how many, and the group that gives the colour."""

    label: str
    count: int
    group: str


def bars(title: str, rows: Sequence[Bar], *, width: int = 760) -> str:
    """Draw horizontal bars with their counts; equal counts have equal lengths. Returns a data address."""
    left, row, top = 330, 30, 56
    height = top + row * len(rows) + 14
    longest = max((bar.count for bar in rows), default=0) or 1
    parts = [_text(20, 32, title, size=16, weight=600)]
    for number, bar in enumerate(rows):
        y = top + number * row
        length = max(2, round((width - left - 90) * bar.count / longest)) if bar.count else 0
        parts.append(_text(left - 12, y + 16, bar.label, size=13, anchor="end"))
        parts.append(f"<rect x='{left}' y='{y + 2}' width='{length}' height='20' rx='3' fill='{COLOURS[bar.group]}'/>")
        parts.append(_text(left + length + 8, y + 17, f"{bar.count:,}", size=13, weight=600))
    return _picture(width, height, parts, spoken=title)


def mail_picture(subject: str, html: str, *, width: int = 640, height: int = 1740) -> str:
    """Draw a mail's own wide design, cut at `height`: the HTML, laid out by the reader's browser inside the picture."""
    drawn = to_xhtml(_wide(_by_day(html)))
    inside = (
        f"<foreignObject x='20' y='64' width='{width - 40}' height='{height - 65}'>"
        f"<div xmlns='http://www.w3.org/1999/xhtml' style='height:100%;overflow:hidden'>{drawn}</div>"
        "</foreignObject>"
    )
    return _picture(width, height, [*_head(subject, width), inside], spoken=f"E-mail: {subject}", scale=0.7)


def mail_card(subject: str, text: str, *, width: int = 640, lines: int = 18) -> str:
    """Draw a mail as its reader meets it: the subject, then the text part, cut after `lines`."""
    body = _wrap(text, columns=78, lines=lines)
    height = 96 + 19 * len(body)
    parts = [
        *_head(subject, width),
        *(_text(24, 88 + 19 * number, line, size=13) for number, line in enumerate(body)),
    ]
    return _picture(width, height, parts, spoken=f"E-mail: {subject}")


def sms_card(text: str, *, width: int = 400) -> str:
    """Draw a text message in its bubble."""
    body = _wrap(text, columns=40, lines=20)
    bubble = 26 + 20 * len(body)
    parts = [
        f"<rect x='20' y='20' width='{width - 70}' height='{bubble}' rx='16' fill='#e7ebf0'/>",
        *(_text(38, 46 + 20 * number, line, size=14) for number, line in enumerate(body)),
    ]
    return _picture(width, bubble + 40, parts, spoken="Text message")


def png(picture: bytes) -> str:
    """Return a finished PNG as a data address."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def _by_day(html: str) -> str:
    """Without the night colours: the page around may be dark, but most readers see the mail in the light."""
    return re.sub(r"prefers-color-scheme:\s*dark", "prefers-color-scheme: never", html)


def _wide(html: str) -> str:
    """As on a desk: inside a picture the browser measures the picture, and would lay the mail out for a telephone."""
    return _MEDIA.sub(lambda media: _LIMIT.sub(r"\1-width:0px", media[0]), html)


def _head(subject: str, width: int) -> list[str]:
    return [
        _text(24, 40, textwrap.shorten(subject, 62, placeholder=" …"), size=18, weight=600),
        f"<line x1='24' x2='{width - 24}' y1='60' y2='60' stroke='{LINE}'/>",
    ]


def _wrap(text: str, *, columns: int, lines: int) -> list[str]:
    wrapped: list[str] = []
    for paragraph in text.strip().splitlines():
        wrapped.extend(textwrap.wrap(paragraph, columns) or [""])
    return wrapped if len(wrapped) <= lines else [*wrapped[: lines - 1], "…"]


def _text(x: int, y: int, words: str, *, size: int, weight: int = 400, anchor: str = "start") -> str:
    return (
        f"<text x='{x}' y='{y}' font-size='{size}' font-weight='{weight}' text-anchor='{anchor}' fill='{INK}'>"
        f"{_printable(words)}</text>"
    )


def _printable(words: str) -> str:
    """Escape, and drop what XML cannot hold: one control character in a subject would lose the whole picture."""
    return escape("".join(sign for sign in words if sign.isprintable()))


def _picture(width: int, height: int, parts: Sequence[str], *, spoken: str, scale: float = 1.0) -> str:
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        f"width='{round(width * scale)}' height='{round(height * scale)}' "
        f"role='img' aria-label='{_printable(spoken)}' {_FONT}>"
        f"<rect x='0.5' y='0.5' width='{width - 1}' height='{height - 1}' rx='8' fill='{PAPER}' stroke='{LINE}'/>"
        f"{''.join(parts)}</svg>"
    )
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
