"""The spool of printed pages: one SQLite file, so that a page is there whole or not at all, and once.

Pages stay after they are printed, for a page that was torn, lost or smeared.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from segue.contract import ConfigurationError, ConnectorError, Key, PageFrame, TransientError

_TABLES = """
create table if not exists frame (digest text primary key, name text not null, source text not null, root text not null)
    strict;
create table if not exists page (
    key text primary key, frame text not null references frame, location text not null,
    "order" text not null, packing text not null, data text not null
) strict;
"""
#: Seconds to wait for another process that is spooling; a batch takes a fraction of one.
_PATIENCE = 30.0
_CROWDED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One spooled page, as it was first sent."""

    key: Key
    frame: PageFrame
    location: str
    order: str
    packing: tuple[tuple[str, str], ...]
    data: str


class Spool:
    """The pages under one folder; any number of threads and processes may use it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "spool.db"

    @contextmanager
    def writing(self) -> Iterator[SpoolWriter]:
        """One transaction: what is added is on the disk once the block ends well, and gone if it does not."""
        with self._open() as database:
            database.execute("begin immediate")
            try:
                yield SpoolWriter(database)
            except BaseException:
                database.rollback()
                raise
            database.commit()

    def pages(self, keys: Sequence[Key]) -> dict[Key, Page]:
        """Return the pages of those `keys` that are spooled."""
        if not self._path.exists():
            return {}
        found: dict[Key, Page] = {}
        with self._open() as database:
            frames = {
                digest: PageFrame(name=name, source=source, root=Path(root))
                for digest, name, source, root in database.execute("select digest, name, source, root from frame")
            }
            rows = database.execute(
                'select key, frame, location, "order", packing, data from page'
                " where key in (select value from json_each(?))",
                (json.dumps([_text(key) for key in keys]),),
            )
            for written, frame, location, order, packing, data in rows:
                key = Key(json.loads(written))
                found[key] = Page(
                    key=key,
                    frame=frames[frame],
                    location=location,
                    order=order,
                    packing=tuple((column, text) for column, text in json.loads(packing)),
                    data=data,
                )
        return found

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for each call: nothing to share between threads, nothing to lose at a fork."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise _sorted(error) from None
        try:
            database.execute("pragma synchronous = full")
            if not _has_tables(database):
                with self._alone():
                    if not _has_tables(database):
                        database.execute("pragma journal_mode = wal")
                        database.executescript(_TABLES)
            yield database
        except (OSError, sqlite3.Error) as error:
            raise _sorted(error) from None
        finally:
            database.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Set the file up with nobody beside us: who is changing its journal mode makes others fail, not wait."""
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class SpoolWriter:
    """Adds pages within one transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._frames: set[str] = set()

    def holds(self, key: Key) -> bool:
        """Whether `key` has its page."""
        return self._database.execute("select 1 from page where key = ?", (_text(key),)).fetchone() is not None

    def add(self, page: Page) -> None:
        """Keep a page of a key that has none."""
        digest = page.frame.digest
        if digest not in self._frames:
            self._database.execute(
                "insert or ignore into frame values (?, ?, ?, ?)",
                (digest, page.frame.name, page.frame.source, str(page.frame.root)),
            )
            self._frames.add(digest)
        packing = json.dumps([[_clean(column), _clean(text)] for column, text in page.packing])
        row = (_text(page.key), digest, _clean(page.location), _clean(page.order), packing, _clean(page.data))
        self._database.execute("insert into page values (?, ?, ?, ?, ?, ?)", row)


def _has_tables(database: sqlite3.Connection) -> bool:
    return database.execute("select 1 from sqlite_master where name = 'page'").fetchone() is not None


def _text(key: Key) -> str:
    """A key as SQLite keeps it, whatever characters it has."""
    return json.dumps(key)


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _sorted(error: Exception) -> ConnectorError:
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int) and (code & 0xFF) in _CROWDED:
        return TransientError(f"the spool of print_insert is busy or its disk is full: {error}")
    told = error.strerror if isinstance(error, OSError) else error
    return ConfigurationError(f"cannot use the spool of print_insert: {told}; check `folder`")
