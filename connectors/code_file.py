"""Codes in CSV files: `codes.csv` tells a till what is worth something, `withdrawn.csv` what no longer is.

Tills that can write leave what they took in `redemptions.csv`, or each in a file of its own in `redemptions/`
(`code,order_id,redeemed_at`). Our files are only ever appended to, under a lock that several processes respect,
and are on the disk before a code counts as known.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from connectors.appended_csv import AppendedTable, Row, guarded, unguarded
from connectors.code_layout import CodeLayout
from segue.contract import ConfigurationError, Redemption, Result, Voucher, accepted, rejected

__all__ = ["CodeFile", "guarded", "unguarded"]


class CodeFile:
    """The CSV files of one folder; any number of processes may hold one each."""

    def __init__(self, folder: Path, layout: CodeLayout | None = None) -> None:
        self._folder = folder
        self._layout = layout or CodeLayout()
        separator = self._layout.separator
        self._codes = AppendedTable(
            folder / "codes.csv", self._layout.columns, key=self._layout.key, separator=separator
        )
        code_name = self._layout.columns[self._layout.key]
        self._withdrawn = AppendedTable(folder / "withdrawn.csv", (code_name,), separator=separator)

    def publish(self, vouchers: Sequence[Voucher]) -> Iterator[Result]:
        """Append the codes that are not in the file; yields once they are on the disk.

        A code that stands for something else, that was withdrawn, or that the file cannot hold as it is, is rejected.
        """
        with self._codes.locked() as known:
            gone = self._withdrawn.keys()
            fresh: dict[str, Row] = {}
            results = []
            for voucher in vouchers:
                row = self._layout.row(voucher)
                if (reason := self._layout.refusal(voucher)) is not None:
                    results.append(rejected(voucher.key, reason))
                elif voucher.code in gone:
                    results.append(rejected(voucher.key, "code_withdrawn"))
                elif known.get(voucher.code, fresh.setdefault(voucher.code, row)) != row:
                    results.append(rejected(voucher.key, "code_taken"))
                else:
                    results.append(accepted(voucher.key))
            self._codes.append(row for code, row in fresh.items() if code not in known)
        yield from results

    def withdraw(self, codes: Sequence[str]) -> Iterator[str]:
        """Append to `withdrawn.csv`, codes among them that no till was told of: they stay worthless for good."""
        ours = [code for code in codes if self._layout.holds(code)]
        with self._withdrawn.locked() as gone:
            self._withdrawn.append((code,) for code in dict.fromkeys(ours) if code not in gone)
        yield from ours

    def redemptions(self) -> Iterator[Redemption]:
        """Yield what tills wrote down, each use of a code in an order once, however many files tell of it.

        A last line without its end is still being written, and is left for the next time. Raises
        ConfigurationError after the good lines, naming the files and the numbers of the lines that cannot be read.
        """
        told: set[tuple[str, str]] = set()
        unreadable: list[str] = []
        for path in (self._folder / "redemptions.csv", *sorted((self._folder / "redemptions").glob("*.csv"))):
            for one in self._read(path, unreadable):
                if (one.code, one.order_id) not in told:
                    told.add((one.code, one.order_id))
                    yield one
        if unreadable:
            raise ConfigurationError(
                f"{'; '.join(unreadable)}; a line is {', '.join(self._layout.redemption_columns)}, the time as the"
                " connector's options say, or ISO 8601 with an offset such as 2026-05-14T15:00:00+00:00"
            )

    def _read(self, path: Path, unreadable: list[str]) -> Iterator[Redemption]:
        try:
            whole, _newline, _half_written = path.read_bytes().rpartition(b"\n")
        except FileNotFoundError:
            return
        except OSError as error:
            unreadable.append(f"{path.name}: {error.strerror}")
            return
        if not whole:
            return
        first, *lines = whole.removeprefix(codecs.BOM_UTF8).split(b"\n")
        head = self._cells(first)
        if head is None or not set(head) >= set(self._layout.redemption_columns):
            unreadable.append(f"{path.name} must begin with the line {','.join(self._layout.redemption_columns)}")
            return
        wrong = []
        for number, line in enumerate(lines, start=2):
            cells = self._cells(line)
            if cells == []:
                continue
            redemption = None if cells is None else self._layout.redemption(dict(zip(head, cells, strict=False)))
            if redemption is None:
                wrong.append(str(number))
            else:
                yield redemption
        if wrong:
            encoding = "" if _is_utf8(whole) else " is not UTF-8"
            unreadable.append(f"{path.name}{encoding}: cannot read line {', '.join(wrong)}")

    def _cells(self, line: bytes) -> list[str] | None:
        """One line's cells, none for an empty one; a use stands in one line, so a quote left open spoils no other."""
        if b"\0" in line or not _is_utf8(line):
            return None
        try:
            rows = list(csv.reader([line.decode().removesuffix("\r")], delimiter=self._layout.separator))
        except csv.Error:
            return None
        return rows[0] if rows else []


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
