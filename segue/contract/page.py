"""A page frame: everything of a printed piece that is the same for everybody, set once for a whole run.

The template is Typst and is code; a person's data reaches it only as JSON in `sys.inputs`, never as source,
so a name that looks like code prints as itself. All cards of a run are one compile: the compiler starts once,
and a picture that many cards show is read once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

import manimgx_fonts
import manimgx_fonts_cjk
import segno
import typst

#: Keys of a page's data that name a picture, as a path under the frame's root, or null.
PICTURE_KEYS = frozenset({"logo", "logo_on_dark", "picture"})
#: The key whose text becomes a QR code: its SVG is put beside it, as `qr`.
LINK_KEY = "link"
#: The longest link, in bytes, whose code a telephone still reads from 20 mm of paper.
MAX_LINK = 300

#: Modules of one colour in a row of a QR code.
_RUNS = re.compile(rb"\x00+|\x01+")
#: Line ends and other control characters, and the marks that turn the direction of whatever follows.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
#: What a message of the compiler may quote from the data.
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|`[^`]*`|(?<=panicked with: ).*|(?<=assertion failed: ).*", re.DOTALL)

_typst_compile: Any = typst.compile  # its own types ask all paths to be of one kind

_Kind = Literal["pdf", "png", "svg"]
Marks = Literal["none", "crop"]
"""What stands around a page: nothing, or 3 mm of bleed with crop marks."""


class PageError(ValueError):
    """A page cannot be set: its template has a fault, or its data is not what the template reads. Names nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFrame:
    """One template of printed pieces.

    Its source reads `json(bytes(sys.inputs.pages))`, a list of cards, and `sys.inputs.marks`. If it names
    `sys.inputs.ground` it is set twice: first with `sys.inputs.part` being `ground`, to give the art that is the same
    on every card, then with `cards` and that art as the bytes of a PDF, written as a JSON list. A PDF holds such art
    once, however many pages show it.
    """

    #: Which template, e.g. `welcome_insert/insert`; for people.
    name: str
    #: Typst.
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
        return _set(self, pages, "pdf", marks=marks)[0]

    def pictures(self, page: str, *, ppi: float = 144) -> list[bytes]:
        """Return one card as PNGs, its front first."""
        return _set(self, [page], "png", ppi=ppi)

    def all_pictures(self, pages: Sequence[str], *, ppi: float = 144) -> list[list[bytes]]:
        """Return the PNGs of many cards, card by card, set in one compile; what `pictures` gives, but sooner."""
        sides = _set(self, pages, "png", ppi=ppi)
        each = len(sides) // len(pages) if pages else 0
        return [sides[place * each : (place + 1) * each] for place in range(len(pages))]

    def svg(self, page: str) -> list[bytes]:
        """Return one card as SVGs, its front first."""
        return _set(self, [page], "svg")


def read_page(page: str) -> dict[str, Any]:
    """Return a page's data as it may be printed; raises PageError if it is no JSON object or its link is too long."""
    try:
        data = json.loads(page)
    except (ValueError, RecursionError):
        raise PageError("a page's data is not JSON") from None
    if not isinstance(data, dict):
        raise PageError("a page's data is not a JSON object")
    for holder in _holders(data):
        link = holder.get(LINK_KEY)
        if isinstance(link, str) and len(link.encode("utf-8", "replace")) > MAX_LINK:
            raise PageError(f"a page's link is longer than {MAX_LINK} bytes; a telephone would not read its code")
    return data


def qr_svg(text: str) -> str:
    """Return `text` as a QR code: SVG, one unit a module, no quiet zone.

    The mask is fixed, since trying all eight takes four times as long and scanners read each as well.
    """
    rows = segno.make_qr(text, error="m", mask=3, boost_error=False).matrix
    path: list[str] = []
    for y, row in enumerate(rows):
        path.append(f"M0 {y}.5")
        for run in _RUNS.finditer(row):
            length = run.end() - run.start()
            path.append(f"h{length}" if row[run.start()] else f"m{length} 0")
    size = len(rows)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {size} {size}'>"
        f"<path fill='none' stroke='#000' d='{''.join(path)}'/></svg>"
    )


def _set(frame: PageFrame, pages: Sequence[str], kind: _Kind, *, marks: Marks = "none", ppi: float = 0) -> list[bytes]:
    cards = [read_page(page) for page in pages]
    pictures: dict[str, str | None] = {}
    for holder in _holders(cards):
        _prepare(holder, frame.root, pictures)
    try:
        return _compile(frame, cards, kind, marks, ppi)
    except PageError:
        broken = {path for path in pictures.values() if path is not None and not _readable(frame, path)}
        if not broken:
            raise
    for holder in _holders(cards):
        for key in PICTURE_KEYS & holder.keys():
            holder[key] = None if holder[key] in broken else holder[key]
    return _compile(frame, cards, kind, marks, ppi)


def _prepare(holder: dict[str, Any], root: Path, pictures: dict[str, str | None]) -> None:
    """Make one mapping of a page's data printable, in place; `pictures` remembers which ones are there."""
    link = holder.get(LINK_KEY)
    for key, value in holder.items():
        if key in PICTURE_KEYS:
            if isinstance(value, str) and value not in pictures:
                pictures[value] = _found(root, value)
            holder[key] = pictures[value] if isinstance(value, str) else None
        elif isinstance(value, str) and not value.isprintable():
            holder[key] = _printable(value)
        elif isinstance(value, list):
            holder[key] = [_printable(one) if isinstance(one, str) else one for one in value]
    if isinstance(link, str):
        holder["qr"] = qr_svg(_printable(link))


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text.encode("utf-8", "replace").decode())


def _found(root: Path, path: str) -> str | None:
    """The picture's place under `root`; None if it is not there, or elsewhere."""
    try:
        base = root.resolve()
        file = (base / path.lstrip("/")).resolve()
        return file.relative_to(base).as_posix() if file.is_file() else None
    except (OSError, ValueError):
        return None


def _readable(frame: PageFrame, path: str) -> bool:
    try:
        _typst(frame, f"#image({json.dumps('/' + path)}, width: 1cm)", "pdf", {})
    except PageError:
        return False
    return True


def _compile(frame: PageFrame, cards: list[dict[str, Any]], kind: _Kind, marks: Marks, ppi: float) -> list[bytes]:
    inputs = {"pages": json.dumps(cards), "marks": marks, "part": "cards"}
    if cards and "sys.inputs.ground" in frame.source:
        first = {"pages": json.dumps(cards[:1]), "marks": marks, "part": "ground"}
        (ground,) = _typst(frame, frame.source, "pdf", first)
        inputs["ground"] = json.dumps(list(ground))
    return _typst(frame, frame.source, kind, inputs, ppi=ppi)


def _typst(frame: PageFrame, source: str, kind: _Kind, inputs: dict[str, str], *, ppi: float = 0) -> list[bytes]:
    try:
        made = _typst_compile(
            source.encode("utf-8", "replace"),
            root=str(frame.root),
            font_paths=_fonts(),
            ignore_system_fonts=True,
            format=kind,
            ppi=ppi or None,
            pdf_tags=False,
            sys_inputs=inputs,
        )
    except typst.TypstError as error:
        raise PageError(f"the template {frame.name} cannot be set: {_QUOTED.sub('...', error.message)}") from None
    except OSError as error:
        why = error.strerror or "it is not there"
        raise PageError(f"the template {frame.name} cannot read its folder {frame.root}: {why}") from None
    return [one.encode() if isinstance(one, str) else one for one in (made if isinstance(made, list) else [made])]


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """Typst's own fonts and Noto for every script: the same on every machine, whatever it has installed."""
    folders = [Path(cast("str", package.__file__)).parent for package in (manimgx_fonts, manimgx_fonts_cjk)]
    return typst.Fonts(include_system_fonts=False, font_paths=folders)


def _holders(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping inside `value`."""
    if isinstance(value, dict):
        yield value
        for one in list(value.values()):
            yield from _holders(one)
    elif isinstance(value, list):
        for one in value:
            yield from _holders(one)
