"""A mail's HTML as well-formed XML, so that an SVG picture can hold it.

Prefect shows no HTML, but it shows SVG pictures, and a browser draws XHTML inside one. A picture may load nothing
from elsewhere: the mail's own pictures are inside it already (`flows.album`), or become grey fields with their
alternative text.
"""

from __future__ import annotations

import base64
import re
from html import escape
from html.parser import HTMLParser
from typing import Final

_VOID: Final = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "source", "track", "wbr"})
#: Dropped with their tags only; their content stays.
_UNWRAPPED: Final = frozenset({"html", "head"})
#: Dropped whole: they draw nothing, and a picture must not run anything.
_DROPPED: Final = frozenset({"script", "title", "meta", "link"})
_NAME: Final = re.compile(r"[a-z][a-z0-9-]*\Z")


def to_xhtml(html: str) -> str:
    """Return the body of `html` as XML elements, styles included; unclosed tags are closed."""
    writer = _Writer()
    writer.feed(html)
    writer.close()
    return writer.text()


class _Writer(HTMLParser):
    """Writes each tag again the way XML wants it. Comments, and with them Outlook's own parts, stay out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []
        self._silent: str | None = None

    def text(self) -> str:
        """Everything written, with what is still open closed."""
        return "".join(self._parts) + "".join(f"</{tag}>" for tag in reversed(self._open))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self._silent = tag if tag in {"script", "title"} else None
            return
        if tag in _UNWRAPPED or not _NAME.match(tag):
            return
        tag = "div" if tag == "body" else tag
        given = {name: value or "" for name, value in attrs if _NAME.match(name) and not name.startswith("on")}
        if tag == "img" and not given.get("src", "").startswith("data:image/"):
            given["src"] = _grey_field(given.get("width", ""), given.get("height", ""), given.get("alt", ""))
        written = "".join(f' {name}="{escape(_drawable(value))}"' for name, value in given.items())
        if tag in _VOID:
            self._parts.append(f"<{tag}{written}/>")
        else:
            self._open.append(tag)
            self._parts.append(f"<{tag}{written}>")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = None
        tag = "div" if tag == "body" else tag
        if tag not in self._open:
            return
        while self._open:
            closing = self._open.pop()
            self._parts.append(f"</{closing}>")
            if closing == tag:
                return

    def handle_data(self, data: str) -> None:
        if self._silent is None:
            self._parts.append(escape(_drawable(data), quote=False))


def _grey_field(width: str, height: str, words: str) -> str:
    """A picture of nothing, as large as the real one."""
    wide = int(width) if width.isdecimal() else 280
    high = int(height) if height.isdecimal() else wide
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{wide}' height='{high}' "
        f"viewBox='0 0 {wide} {high}' preserveAspectRatio='xMidYMid slice'>"
        f"<rect width='100%' height='100%' fill='#e4e7eb'/><text x='50%' y='52%' text-anchor='middle' font-size='12' "
        f"font-family='sans-serif' fill='#52606d'>{escape(_drawable(words))}</text></svg>"
    )
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _drawable(words: str) -> str:
    """Without the control characters that XML forbids: one of them would lose the whole picture."""
    return "".join(sign for sign in words if sign >= " " or sign in "\t\n\r")
