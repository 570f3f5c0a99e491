"""Opens other people's files: gzip, encodings, separators, and the line each record starts on.

A text file is scanned once before it is read, so that a broken archive or a wrong encoding is known
before anything is written, and so that progress has a total.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from segue.intake.errors import IntakeError

_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
#: The longest cell that is believed; a stray quote would otherwise swallow the rest of the file.
_LONGEST_CELL = 131_072


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file that has been read through once and found sound."""

    path: Path
    encoding: str
    #: Physical lines, the header included.
    line_count: int
    #: Whether the last line ends with a line break.
    ends_cleanly: bool
    size: int

    def lines(self) -> Iterator[str]:
        """Yield physical lines with their line ends, whichever of LF, CRLF and CR they are."""
        with (
            open_bytes(self.path) as raw,
            io.TextIOWrapper(raw, encoding=self.encoding, newline="") as stream,
        ):
            yield from stream


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file, through gzip if its first bytes say so (whatever its name says)."""
    try:
        with path.open("rb") as probe:
            zipped = probe.read(2) == _GZIP
        return cast("IO[bytes]", gzip.open(path, "rb")) if zipped else path.open("rb")
    except OSError as error:
        raise IntakeError(
            f"{path.name} cannot be opened: {error.strerror}; check the path and its permissions"
        ) from error


def open_text(path: Path) -> TextFile:
    """Find out how `path` is encoded and how long it is.

    A byte-order mark decides (UTF-8, UTF-16); else strict UTF-8; else Windows-1252 for the whole file.
    Raises IntakeError for a broken archive, an empty file and bytes that are none of these.
    """
    if path.name.endswith(".gz"):
        _require_gzip(path)
    encoding = _encoding(path)
    count, size, last = 0, 0, ""
    carry = False
    try:
        for piece in _decoded(path, encoding):
            size += len(piece)
            text = piece[1:] if carry and piece.startswith("\n") else piece
            count += text.count("\n") + text.count("\r") - text.count("\r\n")
            carry, last = piece.endswith("\r"), piece[-1:]
    except UnicodeDecodeError as error:
        raise IntakeError(
            f"{path.name} is neither UTF-8 nor Windows-1252 nor marked as UTF-16; save it again as UTF-8"
        ) from error
    if not size:
        raise IntakeError(f"{path.name} is empty; export it again")
    ends_cleanly = last in {"\n", "\r"}
    return TextFile(path, encoding, count + (not ends_cleanly), ends_cleanly, size)


def _require_gzip(path: Path) -> None:
    with path.open("rb") as probe:
        if probe.read(2) != _GZIP:
            raise IntakeError(f"{path.name} is called .gz but holds no gzip; remove the ending or pack it again")


def _encoding(path: Path) -> str:
    try:
        head = next(_blocks(path), b"")
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if head.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        for _ in _decoded(path, "utf-8"):
            pass
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for block in _blocks(path):
        if piece := decoder.decode(block):
            yield piece
    if piece := decoder.decode(b"", final=True):
        yield piece


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with open_bytes(path) as raw:
            while block := raw.read(_BLOCK):
                yield block
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise IntakeError(
            f"{path.name} is a broken gzip archive (damaged or cut off); fetch or pack it again"
        ) from error


@dataclass(frozen=True, slots=True)
class Cells:
    """One record of a CSV file, or the reason why there is none (`cells` is then what could be read)."""

    line: int
    cells: list[str]
    reason: str | None = None


class CsvRecords:
    """Reads records and knows the physical line each starts on, even behind cells with line breaks.

    Where quoting breaks (`unclosed_quote`), only the line at fault is given up: reading goes on behind it.
    """

    def __init__(self, lines: Iterator[str], separator: str, *, line: int, ends_cleanly: bool) -> None:
        self._source = lines
        self._separator = separator
        self._pulled = line - 1
        self._again: deque[str] = deque()
        self._record: list[str] = []
        self._ends_cleanly = ends_cleanly
        #: Records without anything in any cell, so far.
        self.empty = 0

    def __iter__(self) -> Iterator[Cells]:
        csv.field_size_limit(_LONGEST_CELL)
        reader = csv.reader(self._lines(), delimiter=self._separator, strict=True)
        while True:
            start = self._pulled + 1
            self._record.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                cut = self._at_end() and not self._ends_cleanly and len(self._record) == 1
                yield Cells(start, self._unquoted(), "truncated" if cut else "unclosed_quote")
                self._give_back()
                # A reader that has seen the end stays there: go on with a new one.
                reader = csv.reader(self._lines(), delimiter=self._separator, strict=True)
                continue
            if any(cells):
                yield Cells(start, cells)
            else:
                self.empty += 1

    def _lines(self) -> Iterator[str]:
        while True:
            if self._again:
                line = self._again.popleft()
            else:
                following = next(self._source, None)
                if following is None:
                    return
                line = following
            self._pulled += 1
            self._record.append(line)
            yield line

    def _give_back(self) -> None:
        """Read all lines of the broken record but its first once more."""
        self._pulled -= len(self._record) - 1
        self._again.extendleft(reversed(self._record[1:]))

    def _unquoted(self) -> list[str]:
        """Return the cells before the first quote: what is sure of a broken record; the last may be cut."""
        return self._record[0].split('"', 1)[0].rstrip("\r\n").split(self._separator) if self._record else []

    def _at_end(self) -> bool:
        if self._again:
            return False
        following = next(self._source, None)
        if following is not None:
            self._again.append(following)
        return following is None

    def is_last(self) -> bool:
        """Whether the record just read is the last one of a file that ends without a line break."""
        return not self._ends_cleanly and self._at_end()
