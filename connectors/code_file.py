"""Codes in CSV files: `codes.csv` tells a till what is worth something, `withdrawn.csv` what no longer is.

A till that can write leaves `redemptions.csv` (`code,order_id,redeemed_at`, times ISO 8601 with an offset).
Files are only ever appended to, under a lock that several processes respect, and are on the disk before a code
counts as known.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from segue.contract import ConfigurationError, Redemption, Result, TransientError, Voucher, accepted, rejected

CODE_COLUMNS = ("code", "percent", "amount_minor", "currency", "valid_from", "valid_until", "key")
_WITHDRAWN_COLUMNS = ("code",)
_REDEMPTION_COLUMNS = frozenset({"code", "order_id", "redeemed_at"})

#: A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection); an apostrophe makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


class CodeFile:
    """The CSV files of one folder; any number of processes may hold one each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._codes = AppendedTable(folder / "codes.csv", CODE_COLUMNS)
        self._withdrawn = AppendedTable(folder / "withdrawn.csv", _WITHDRAWN_COLUMNS)

    def publish(self, vouchers: Sequence[Voucher]) -> Iterator[Result]:
        """Append the codes that are not in the file; yields once they are on the disk.

        A code that stands for something else, or that a spreadsheet would not show as it is, is rejected.
        """
        rows = [_row(voucher) for voucher in vouchers]
        with self._codes.locked() as known:
            fresh: dict[str, tuple[str, ...]] = {}
            results = []
            for voucher, row in zip(vouchers, rows, strict=True):
                if _unwritable(row):
                    results.append(rejected(voucher.key, "code_not_writable"))
                elif known.get(row[0], fresh.setdefault(row[0], row)) != row:
                    results.append(rejected(voucher.key, "code_taken"))
                else:
                    results.append(accepted(voucher.key))
            self._codes.append(row for code, row in fresh.items() if code not in known)
        yield from results

    def withdraw(self, codes: Sequence[str]) -> Iterator[str]:
        """Append to `withdrawn.csv` those codes that `codes.csv` holds; yields each of them."""
        with self._codes.locked() as known:
            ours = [code for code in codes if code in known]
        with self._withdrawn.locked() as gone:
            self._withdrawn.append((code,) for code in dict.fromkeys(ours) if code not in gone)
        yield from ours

    def redemptions(self) -> Iterator[Redemption]:
        """Yield what a till wrote down; nothing if none did.

        Raises ConfigurationError after the good lines, naming the numbers of those that cannot be read.
        """
        path = self._folder / "redemptions.csv"
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return
        whole, newline, _half_written = text.rpartition("\n")
        rows = csv.DictReader(io.StringIO(whole + newline))
        if not set(rows.fieldnames or ()) >= _REDEMPTION_COLUMNS:
            raise ConfigurationError("redemptions.csv must begin with the line code,order_id,redeemed_at")
        unreadable = []
        for row in rows:
            redemption = _redemption(row)
            if redemption is None:
                unreadable.append(str(rows.line_num))
            else:
                yield redemption
        if unreadable:
            raise ConfigurationError(
                f"redemptions.csv: cannot read line {', '.join(unreadable)};"
                " a line is a code, an order and a time with an offset such as 2026-05-14T15:00:00+00:00"
            )


class AppendedTable:
    """A CSV file that only grows: keyed by its first column, one writer at a time."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path = path
        self._columns = tuple(columns)
        self._file: io.FileIO | None = None
        self._rows: dict[str, tuple[str, ...]] = {}
        self._read_to = 0
        self._inode = -1

    @contextmanager
    def locked(self) -> Iterator[dict[str, tuple[str, ...]]]:
        """Hold the file's lock; gives the rows by their first cell, other processes' rows included.

        Raises ConfigurationError if the file cannot be had, TransientError if the disk is full or failing.
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
            raise ConfigurationError(f"cannot write {self._path.name}; check the files connector's folder") from error
        except OSError as error:
            raise TransientError(f"cannot write {self._path.name}: {error.strerror}") from error
        finally:
            self._file = None

    def append(self, rows: Iterable[tuple[str, ...]]) -> None:
        """Write rows and wait for the disk; only inside `locked`."""
        if self._file is None:
            raise ValueError("append needs the lock; call it inside `locked`")
        new = list(rows)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if self._read_to == 0:
            writer.writerow(self._columns)
        writer.writerows([[guarded(cell) for cell in row] for row in new])
        data = text.getvalue().encode()
        if not data:
            return
        self._write(data)
        self._read_to += len(data)
        self._rows.update({row[0]: row for row in new})

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
        for row in csv.reader(io.StringIO(whole.decode("utf-8"))):
            if row and tuple(row) != self._columns:
                cells = tuple(unguarded(cell) for cell in row)
                self._rows[cells[0]] = cells
        self._read_to += len(whole)


def guarded(cell: str) -> str:
    """The cell as a spreadsheet shows it and does not run it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def unguarded(cell: str) -> str:
    """What `guarded` was given."""
    return cell.removeprefix("'")


def _row(voucher: Voucher) -> tuple[str, ...]:
    return (
        voucher.code,
        "" if voucher.percent is None else str(voucher.percent),
        "" if voucher.amount_minor is None else str(voucher.amount_minor),
        voucher.currency or "",
        voucher.valid_from.astimezone(UTC).isoformat(),
        voucher.valid_until.astimezone(UTC).isoformat(),
        voucher.key,
    )


def _unwritable(row: tuple[str, ...]) -> bool:
    """A guarded code would be a wrong code at the till, and a line break would tear the line."""
    return not row[0] or row[0].startswith(_FORMULA) or not all(cell.isprintable() for cell in row)


def _redemption(row: dict[str, str | None]) -> Redemption | None:
    code, order_id, written = row.get("code"), row.get("order_id"), row.get("redeemed_at")
    if not code or not order_id or not written:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    return None if at.tzinfo is None else Redemption(code=code, order_id=order_id, redeemed_at=at.astimezone(UTC))
