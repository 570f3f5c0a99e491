"""Reads written pages as a browser would: elements, what they load, where they lead, and what they say."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

#: Attributes that make a browser fetch something by itself.
_LOADING = {"src", "srcset", "poster", "background", "data"}
_SILENT = {"style", "script", "title"}


@dataclass
class Element:
    """A start tag."""

    tag: str
    attributes: dict[str, str]


@dataclass
class Page(HTMLParser):
    """One parsed page."""

    path: Path
    elements: list[Element] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._inside: list[str] = []
        self.source = self.path.read_text("utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))
        if tag in _SILENT:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.words.append(data)

    @property
    def text(self) -> str:
        """What a reader sees, spaces joined."""
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[Element]:
        """Every element of a tag."""
        return [element for element in self.elements if element.tag == tag]

    def loaded(self) -> list[str]:
        """Every address the browser would fetch by itself."""
        found = [
            value
            for element in self.elements
            for name, value in element.attributes.items()
            if name in _LOADING or (element.tag == "link" and name == "href")
        ]
        return [address for address in found if address]

    def target(self, address: str) -> Path:
        """The file that a relative address names."""
        return (self.path.parent / unquote(address.partition("#")[0])).resolve()
