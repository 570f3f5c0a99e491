"""Audiences as files: who would be at an ad platform, hashed as Meta wants it, ready to be uploaded by hand.

    <folder>/audiences/<name>.csv          who is in it now, one line a member, hashes only
    <folder>/audiences/<name>.changes.csv  what was ever added and removed, in order
    <folder>/feed.csv                      the product feed (see `product_feed`)

Any number of processes may hold one each; a file is whole or as it was.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

from connectors.product_feed import write_feed
from segue.contract import (
    AUDIENCE_GONE,
    NAMING_KINDS,
    AudienceChange,
    Capabilities,
    CatalogueItem,
    ConfigurationError,
    RejectedError,
    Result,
    TransientError,
    UnsupportedError,
    accepted,
    rejected,
)

#: Our kinds of identifiers, in the order of the columns, by the names that Meta's upload page reads.
COLUMNS: Final = {
    "email": "email",
    "phone": "phone",
    "first_name": "fn",
    "last_name": "ln",
    "country": "country",
    "region": "st",
    "birth_year": "doby",
    "external_id": "extern_id",
}
_UNSAFE: Final = re.compile(r"[^a-z0-9_-]+")
_NO_LETTER: Final = re.compile(r"[\W\d_]+")
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE: Final = re.compile(r"[1-9][0-9]{6,14}")

Row = tuple[str, ...]


class AudiencesCsvConnector:
    """Keeps audiences and the product feed in `folder`, which is made when the first one comes."""

    name = "audiences_csv"
    capabilities = Capabilities(max_batch=10_000, window=10_000, idempotent=True)
    fields = tuple(COLUMNS)

    def __init__(self, *, folder: str | Path) -> None:
        self._folder = Path(folder)

    def ensure(self, name: str, description: str) -> str:  # noqa: ARG002 - a file has no description
        """Make the audience's file; its id is the file's name, kept apart from names that look alike."""
        stem = _UNSAFE.sub("-", name.lower()).strip("-")[:80]
        if stem.replace("-", " ") != name:
            stem += "-" + hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
        with self._locked():
            # A file that somebody deleted left its log: made again it is another audience.
            for number in count(1):
                external_id = stem if number == 1 else f"{stem}-{number}"
                if self._path(external_id).exists():
                    break
                if not self._changes(external_id).exists():
                    _append(self._changes(external_id), [("change", *COLUMNS.values())])
                    _replace(self._path(external_id), [tuple(COLUMNS.values())])
                    break
        return external_id

    def sync(self, change: AudienceChange) -> Iterator[Result]:
        """Write the new file and what changed; everything is on the disk before anything counts as answered."""
        if unknown := set(change.fields) - set(COLUMNS):
            raise UnsupportedError(f"the connector {self.name} does not send {', '.join(sorted(unknown))}")
        if not (change.add or change.remove):
            return
        path = self._path(change.external_id)
        with self._locked():
            try:
                members = dict.fromkeys(_read(path))
            except FileNotFoundError:
                raise RejectedError(f"there is no file {path.name}; it is made anew", reason=AUDIENCE_GONE) from None
            results, log = _apply(members, change)
            if log:
                _append(self._changes(change.external_id), log)
                _replace(path, [tuple(COLUMNS.values()), *members])
        yield from results

    def publish_feed(self, items: Iterable[CatalogueItem]) -> int:
        """Write `feed.csv` anew."""
        return write_feed(self._folder / "feed.csv", items)

    def close(self) -> None:
        """There is nothing to let go of."""

    def _path(self, external_id: str) -> Path:
        return self._folder / "audiences" / f"{external_id}.csv"

    def _changes(self, external_id: str) -> Path:
        return self._folder / "audiences" / f"{external_id}.changes.csv"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time; errors of the disk become the contract's."""
        folder = self._folder / "audiences"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / ".lock").open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except (PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError) as error:
            raise ConfigurationError("cannot write audiences; check the connector's folder") from error
        except OSError as error:
            raise TransientError(f"cannot write audiences: {error.strerror}") from error


def hashed(member: Mapping[str, str], fields: Sequence[str]) -> Row | None:
    """A member's line, each identifier normalised and hashed as Meta wants it; None where nothing names her."""
    plain = {kind: _plain(kind, member.get(kind, "")) for kind in fields}
    if not any(plain.get(kind) for kind in NAMING_KINDS):
        return None
    return tuple(_hash(kind, plain.get(kind, "")) for kind in COLUMNS)


def _hash(kind: str, value: str) -> str:
    # Our own name for her is a keyed hash already, and platforms take it as it is.
    return value if not value or kind == "external_id" else hashlib.sha256(value.encode()).hexdigest()


def _plain(kind: str, value: str) -> str:
    """An identifier in its one spelling; empty where it is none."""
    value = value.strip().lower()
    if kind == "email":
        return value if _ADDRESS.fullmatch(value) else ""
    if kind == "phone":
        digits = re.sub(r"\D", "", value).lstrip("0")
        return digits if _PHONE.fullmatch(digits) else ""
    return _NO_LETTER.sub("", value) if kind in ("first_name", "last_name", "region") else value


def _apply(members: dict[Row, None], change: AudienceChange) -> tuple[list[Result], list[Row]]:
    """Remove, then add; the answers, and the lines of the log."""
    results, log = [], []
    for key, member in change.remove:
        row = hashed(member, change.fields)
        if row in members:
            del members[row]
            log.append(("removed", *row))
        results.append(accepted(key))
    for key, member in change.add:
        row = hashed(member, change.fields)
        if row is None:
            results.append(rejected(key, "invalid_entry"))
            continue
        if row not in members:
            members[row] = None
            log.append(("added", *row))
        results.append(accepted(key))
    return results, log


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


def _append(path: Path, rows: Sequence[Row]) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, rows: Sequence[Row]) -> None:
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
