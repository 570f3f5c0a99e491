"""Web addresses in a marketer's own words: each becomes a link of ours, counted and tagged as every other one.

Mail programs make links of them anyway, and of a visit through such a one nobody would learn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from markupsafe import Markup, escape

#: What mail programs take for a link, without the marks that end a sentence.
WEB_ADDRESS = re.compile(r"\b(?:https?://|www\.)[^\s<>\"'“”«»]*[^\s<>\"'“”«».,;:!?)\]}]", re.IGNORECASE)
_STYLE = Markup("color:inherit;text-decoration:underline;")


def linked_text(words: str, link: Callable[[str], str]) -> str:
    """Return plain text in which each web address is the one that `link` makes of it."""
    return "".join(link(target) if target else said for said, target in _parts(words))


def linked_html(words: str, link: Callable[[str], str]) -> Markup:
    """Return HTML that shows each web address as it was written, as a link; all else is escaped."""
    shown = (
        Markup('<a href="{}" style="{}">{}</a>').format(link(target), _STYLE, said) if target else escape(said)
        for said, target in _parts(words)
    )
    return Markup("").join(shown)


def _parts(words: str) -> Iterator[tuple[str, str | None]]:
    """Each stretch of the words, and where it leads if it is an address."""
    end = 0
    for found in WEB_ADDRESS.finditer(words):
        yield words[end : found.start()], None
        said = found[0]
        scheme, colon, rest = said.partition("://")
        yield said, f"{scheme.lower()}://{rest}" if colon else f"https://{said}"
        end = found.end()
    yield words[end:], None
