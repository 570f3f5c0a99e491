"""What a file's own amounts and times say about how they are written, learned before anything is read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from segue.intake.errors import IntakeError
from segue.intake.formats import Columns, Format
from segue.intake.rows import Row
from segue.intake.values import has_offset, shows_day_by_number

_LAST_SIGN = re.compile(r"([.,])(\d+)\D*\Z")


class Shapes:
    """Counts the shapes of one file's amounts and times."""

    def __init__(self, kind: Format, columns: tuple[str, ...]) -> None:
        by_name = Columns(columns, kind.aliases)
        self._money = [by_name[name] for name in kind.money if by_name.has(name)]
        self._times = [by_name[name] for name in kind.times if by_name.has(name)]
        self._signs: Counter[str] = Counter()
        #: Signs before any other number of digits than three: they tell where no amount has one or two.
        self._long: Counter[str] = Counter()
        self._seen = self._bare = self._numeric = 0

    @property
    def wanted(self) -> bool:
        """Whether the file has anything to learn from."""
        return bool(self._money or self._times)

    def learn(self, rows: Iterable[Row]) -> None:
        """Look at every row; broken ones say nothing."""
        for row in rows:
            if row.reason is not None:
                continue
            for read in self._money:
                found = _LAST_SIGN.search(read(row))
                if found:
                    digits = len(found[2])
                    (self._signs if digits <= 2 else self._long)[found[1]] += digits != 3
            for read in self._times:
                text = read(row)
                if text:
                    self._seen += 1
                    by_number = shows_day_by_number(text)
                    self._numeric += by_number
                    self._bare += by_number or not has_offset(text)

    @property
    def decimal_sign(self) -> Literal[".", ","]:
        """The sign that precedes one or two final digits most often; a point where nothing tells."""
        votes = self._signs or self._long
        return "," if votes[","] > votes["."] else "."

    def refuse_ambiguous(self, file: str, time_zone: str | None, date_order: str | None) -> None:
        """Raise IntakeError if most times could mean two instants and the caller does not say which."""
        missing: Sequence[str] = []
        if self._bare * 2 > self._seen and time_zone is None:
            missing = ["whose clock it is with --time-zone, e.g. Europe/Paris"]
        if self._numeric * 2 > self._seen and date_order is None:
            missing = [*missing, "which number is the day with --date-order day-first or month-first"]
        if missing:
            raise IntakeError(
                f"{file}: most of its times could mean two instants (ambiguous_dates); say {' and '.join(missing)}"
            )
