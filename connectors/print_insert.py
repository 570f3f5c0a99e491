"""Prints cards for parcels: one PDF and one pick list a location and run.

    <folder>/spool.db                       every page by its key; see `print_spool`
    <folder>/<location>/<name>.pdf          the cards in packing order, front and back
    <folder>/<location>/<name>.csv          the pick list in the same order; opens in a spreadsheet
    <folder>/_reprints/<name>.pdf           pages printed again

Accepted means spooled: the page is on the disk, and the same key again is accepted and keeps the first page.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import threading
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from connectors.code_file import guarded
from connectors.print_spool import Page, Spool
from segue.contract import (
    Capabilities,
    Channel,
    ConfigurationError,
    ConnectorError,
    Key,
    Leaving,
    Message,
    PageError,
    PrintContent,
    Result,
    TransientError,
    UnsupportedError,
    accepted,
    deferred,
    read_page,
    reason_of,
    rejected,
)

_REPRINTS = "_reprints"
_UNSAFE = re.compile(r"[^a-z0-9]+")


class PrintInsertConnector:
    """Spools cards into `folder`, which is made when the first one comes."""

    name = "print_insert"
    channels = frozenset({Channel.PRINT})
    capabilities = Capabilities(max_batch=1000, window=500, idempotent=True)

    def __init__(self, *, folder: str | Path, crop_marks: bool = False) -> None:
        """`crop_marks` adds 3 mm of bleed and the marks a print shop cuts along; without, pages are A6 as they are."""
        self._folder = Path(folder)
        self._spool = Spool(self._folder)
        self._marks = "crop" if crop_marks else "none"

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Spool `batch`, window by window; a key that has its page is accepted and left as it is.

        Raises ConfigurationError if the folder cannot be written to, TransientError if it is busy or full, both
        only while nothing has been answered; UnsupportedError for anything but print.
        """
        if any(not isinstance(message.content, PrintContent) for message in batch):
            raise UnsupportedError("print_insert prints cards only")
        window = self.capabilities.window
        for start in range(0, len(batch), window):
            try:
                results = self._spool_pages(batch[start : start + window], leaving)
            except ConnectorError as error:
                if start == 0:
                    raise
                yield from (deferred(m.key, reason_of(error)) for m in batch[start:])
                return
            yield from results

    def close_spool(self, location: str, keep: Sequence[Key], *, name: str) -> Sequence[Path]:
        """Print the pages of `keep` in that order; return the PDF and the pick list, or the list alone if none is kept.

        The same `name` again makes the same files anew. A key named twice is printed once. Raises UnsupportedError,
        saying how many, if keys are not spooled, and ConfigurationError if a template cannot be set.
        """
        pages = self._pages(keep)
        stem = self._folder / _safe(location) / _safe(name)
        pdf, pick_list = stem.with_name(f"{stem.name}.pdf"), stem.with_name(f"{stem.name}.csv")
        try:
            stem.parent.mkdir(parents=True, exist_ok=True)
            if pages:
                _put(pdf, self._printed(pages))
            else:
                pdf.unlink(missing_ok=True)
            _put(pick_list, _pick_list(pages))
        except OSError as error:
            raise _sorted(error) from error
        return (pdf, pick_list) if pages else (pick_list,)

    def reprint(self, keys: Sequence[Key], *, name: str) -> Path:
        """Print the pages of `keys` again, as they were first spooled, in that order, whatever their location.

        Raises UnsupportedError if none is given, or keys are not spooled.
        """
        pages = self._pages(keys)
        if not pages:
            raise UnsupportedError("nothing to print again; name at least one key")
        path = self._folder / _REPRINTS / f"{_safe(name)}.pdf"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _put(path, self._printed(pages))
        except OSError as error:
            raise _sorted(error) from error
        return path

    def close(self) -> None:
        """Nothing is held open between calls."""

    def _spool_pages(self, share: Sequence[Message], leaving: Leaving) -> list[Result]:
        """One transaction; nothing counts as accepted before it is on the disk."""
        results = []
        with self._spool.writing() as writer:
            for message in share:
                content = message.content
                if not isinstance(content, PrintContent):
                    raise UnsupportedError("print_insert prints cards only")
                try:
                    read_page(content.data)
                except PageError:
                    results.append(rejected(message.key, "content_malformed"))
                    continue
                if not writer.holds(message.key):
                    leaving(message.key)
                    page = Page(
                        key=message.key,
                        frame=content.frame,
                        location=content.location,
                        order=content.order,
                        packing=content.packing,
                        data=content.data,
                    )
                    writer.add(page)
                results.append(accepted(message.key, _provider_id(content.location, message.key)))
        return results

    def _pages(self, keys: Sequence[Key]) -> list[Page]:
        wanted = list(dict.fromkeys(keys))
        found = self._spool.pages(wanted)
        missing = len(wanted) - len(found)
        if missing:
            raise UnsupportedError(
                f"{missing} of {len(wanted)} pages are not in the spool under {self._folder}; nothing was printed."
                " Hand them over first, or name the folder they were spooled in"
            )
        return [found[key] for key in wanted]

    def _printed(self, pages: Sequence[Page]) -> bytes:
        """One PDF, also where the template changed between the pages."""
        try:
            parts = [
                frame.pdf([page.data for page in some], marks=self._marks)
                for frame, some in groupby(pages, key=lambda page: page.frame)
            ]
        except PageError as error:
            raise ConfigurationError(f"{error}; mend the template") from error
        return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: Sequence[bytes]) -> bytes:
    import pypdf  # noqa: PLC0415 - large, and hardly any print run has cards of two templates

    writer = pypdf.PdfWriter()
    for part in parts:
        writer.append(io.BytesIO(part))
    whole = io.BytesIO()
    writer.write(whole)
    return whole.getvalue()


def _pick_list(pages: Sequence[Page]) -> bytes:
    """The cards' lines as CSV with a byte order mark, without which Excel spoils names."""
    columns = list(dict.fromkeys(column for page in pages for column, _ in page.packing))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["position", "order", *map(_cell, columns)])
    for position, page in enumerate(pages, start=1):
        told = dict(page.packing)
        writer.writerow([position, _cell(page.order), *(_cell(told.get(column, "")) for column in columns)])
    return text.getvalue().encode("utf-8-sig")


def _cell(text: str) -> str:
    """One line, and no formula."""
    return guarded(_one_line(text))


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _provider_id(location: str, key: Key) -> str:
    """Begins with the location as the shop calls it: print runs are asked for by that name."""
    return f"{_one_line(location)}/{_digest(key, 10)}"


def _safe(name: str) -> str:
    """A file name for a name: readable, never a path or hidden, and different for different names."""
    clean = _UNSAFE.sub("-", name.lower()).strip("-")[:60]
    return clean if clean == name else f"{clean}-{_digest(name, 5)}".strip("-")


def _digest(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


def _put(path: Path, data: bytes) -> None:
    """Write a whole file or none, and wait for the disk: a packer must not find half a list."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _sorted(error: OSError) -> ConnectorError:
    if isinstance(error, PermissionError | FileExistsError | NotADirectoryError | IsADirectoryError):
        return ConfigurationError(f"cannot write the printed pages: {error.strerror}; check `folder`")
    return TransientError(f"cannot write the printed pages: {error.strerror}")
