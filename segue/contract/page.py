"""A page frame: everything of a printed piece that is the same for everybody, set once for a whole run.

The template is Typst and is code; a person's data reaches it only as JSON in `sys.inputs`, never as source,
so a name that looks like code prints as itself. All cards of a run are one compile: the compiler starts once,
and a picture that many cards show is read once.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import segno
import typst

#: Keys of a page's data that name a picture, as a path under the frame's root, or null.
PICTURE_KEYS = frozenset({"logo", "picture"})
#: The key whose text becomes a QR code: its SVG is put beside it, as `qr`.
LINK_KEY = "link"

Marks = Literal["none", "crop"]
"""What stands around a page: nothing, or 3 mm of bleed with crop marks."""


class PageError(ValueError):
    """The frame cannot be set: its source has a fault, or its data is not what the source reads. Names nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFrame:
    """One template of printed pieces."""

    #: Which template, e.g. `welcome_insert/insert`; for people.
    name: str
    #: Typst. It reads `json(bytes(sys.inputs.pages))`, a list of cards, and `sys.inputs.marks`.
    source: str
    #: Folder under which the pictures lie that pages name; the source reads nothing above it.
    root: Path

    @property
    def digest(self) -> str:
        """Which frame exactly: name, source and root."""
        parts = "\0".join((self.name, self.source, str(self.root)))
        return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()

    def pdf(self, pages: Sequence[str], *, marks: Marks = "none") -> bytes:
        """Set all `pages`, the JSON texts of cards, in their order, as one PDF; the same pages are the same bytes.

        A picture that is not there, lies outside `root` or cannot be read becomes null. Raises PageError.
        """
        return _compile(self, pages, "pdf", marks=marks)[0]

    def pictures(self, page: str, *, ppi: float = 144) -> list[bytes]:
        """Return one card as PNGs, its front first."""
        return _compile(self, [page], "png", ppi=ppi)

    def svg(self, page: str) -> list[bytes]:
        """Return one card as SVGs, its front first."""
        return _compile(self, [page], "svg")


def qr_svg(text: str) -> str:
    """Return `text` as a QR code: SVG, one unit a module, no quiet zone."""
    code = segno.make_qr(text, error="m", mask=3, boost_error=False)
    file = io.BytesIO()
    code.save(file, kind="svg", border=0, xmldecl=False, nl=False, svgclass=None, lineclass=None)
    return file.getvalue().decode()


def _compile(
    frame: PageFrame, pages: Sequence[str], kind: Literal["pdf", "png", "svg"], *, marks: Marks = "none", ppi: float = 0
) -> list[bytes]:
    cards = [json.loads(page) for page in pages]
    for holder in _holders(cards):
        if isinstance(link := holder.get(LINK_KEY), str):
            holder["qr"] = qr_svg(link)
    source: bytes = frame.source.encode()
    try:
        made: Any = typst.compile(
            source,
            root=str(frame.root),
            ignore_system_fonts=True,
            format=kind,
            ppi=ppi or None,
            sys_inputs={"pages": json.dumps(cards), "marks": marks},
        )
    except typst.TypstError as error:
        raise PageError(f"the template {frame.name} cannot be set: {error}") from None
    except OSError as error:
        raise PageError(f"the template {frame.name} cannot read its folder: {error.strerror}") from None
    return [one.encode() if isinstance(one, str) else one for one in (made if isinstance(made, list) else [made])]


def _holders(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping inside `value`."""
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from _holders(one)
    elif isinstance(value, list):
        for one in value:
            yield from _holders(one)
