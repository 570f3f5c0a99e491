"""A CSV file that only grows: several processes append to it, and any program may read it meanwhile."""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from segue.contract import ConfigurationError, TransientError

#: A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection); an apostrophe makes it text.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")

Row = tuple[str, ...]


class AppendedTable:
    """A CSV file keyed by the column `key`, one writer at a time; rows are on the disk once `append` returns."""

    def __init__(self, path: Path, columns: Sequence[str], *, key: int = 0, separator: str = ",") -> None:
        self._path = path
        self._columns = tuple(columns)
        self._key = key
        self._separator = separator
        self._file: io.FileIO | None = None
        self._rows: dict[str, Row] = {}
        self._read_to = 0
        self._inode = -1

    @contextmanager
    def locked(self) -> Iterator[dict[str, Row]]:
        """Hold the file's lock; gives the rows by their key, other processes' rows included.

        Raises ConfigurationError if the file cannot be had or has other columns, TransientError if the disk is
        full or failing.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Opened anew each time: whoever moved the file away must not find us writing to the old one.
            with self._path.open("a+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._file = file
                self._catch_up(file)
                yield self._rows
        except (PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError) as error:
            raise ConfigurationError(f"cannot write {self._path.name}; check the connector's folder") from error
        except OSError as error:
            raise TransientError(f"cannot write {self._path.name}: {error.strerror}") from error
        finally:
            self._file = None

    def keys(self) -> frozenset[str]:
        """The keys in the file now; none if there is no file yet, which this does not make."""
        if not self._path.exists():
            return frozenset()
        with self.locked() as rows:
            return frozenset(rows)

    def append(self, rows: Iterable[Row]) -> None:
        """Write rows and wait for the disk; only inside `locked`."""
        if self._file is None:
            raise ValueError("append needs the lock; call it inside `locked`")
        new = list(rows)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n", delimiter=self._separator)
        if self._read_to == 0:
            writer.writerow(self._columns)
        writer.writerows([[guarded(cell) for cell in row] for row in new])
        data = text.getvalue().encode()
        if not data:
            return
        self._write(data)
        self._read_to += len(data)
        self._rows.update({row[self._key]: row for row in new})

    def _write(self, data: bytes) -> None:
        file = self._file
        if file is None:
            return
        try:
            left = memoryview(data)
            while left:
                left = left[file.write(left) or 0 :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(self._read_to)  # half a line would spoil the next one
            raise

    def _catch_up(self, file: io.FileIO) -> None:
        """Read what others appended, and cut off a last line whose writer died before its end."""
        status = os.fstat(file.fileno())
        size = status.st_size
        if status.st_ino != self._inode or size < self._read_to:  # another file by now: begin again
            self._rows.clear()
            self._read_to = 0
            self._inode = status.st_ino
        file.seek(self._read_to)
        added = file.read(size - self._read_to)
        whole = added[: added.rfind(b"\n") + 1]
        if len(whole) < len(added):
            file.truncate(self._read_to + len(whole))
        rows = csv.reader(io.StringIO(whole.decode("utf-8")), delimiter=self._separator)
        if whole and self._read_to == 0 and tuple(next(rows)) != self._columns:
            raise ConfigurationError(
                f"{self._path.name} has other columns than the connector's `columns` ask for; move the file away first"
            )
        for row in rows:
            if row:
                cells = tuple(unguarded(cell) for cell in row)
                self._rows[cells[self._key]] = cells
        self._read_to += len(whole)


def guarded(cell: str) -> str:
    """The cell as a spreadsheet shows it and does not run it."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def unguarded(cell: str) -> str:
    """What `guarded` was given."""
    return cell.removeprefix("'")
