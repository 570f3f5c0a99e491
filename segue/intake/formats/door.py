"""What the doors have in common whose rows stand alone: a row at fault says nothing, and may cost its order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from segue.intake import records as r
from segue.intake.errors import BadValueError
from segue.intake.report import Tally
from segue.intake.rows import Row


class RowDoor(ABC):
    """A door that takes each row by itself, whole or not at all."""

    def __init__(self) -> None:
        #: Orders one of whose rows is at fault; stays empty in files without orders.
        self.spoilt: set[str] = set()

    def facts(self, row: Row, tally: Tally) -> Iterable[r.Fact]:
        """Return what `row` says; nothing where it is broken, or cannot be read and so is counted."""
        if row.reason is None:
            try:
                return list(self.read(row, tally))
            except BadValueError as error:
                tally.skip(row.line, error.reason, error.column)
        self._spoil(row)
        return ()

    @abstractmethod
    def read(self, row: Row, tally: Tally) -> Iterable[r.Fact]:
        """Return what a sound row says; raises BadValueError for one that is to be left out."""

    def order_of(self, row: Row) -> str | None:  # noqa: ARG002 - most files know no orders
        """Name the order that a row at fault spoils, None where it spoils none; raises BadValueError if unreadable."""
        return None

    def finish(self, tally: Tally) -> Iterable[r.Fact]:  # noqa: ARG002 - as declared
        """Return nothing: no row waits for another."""
        return ()

    def _spoil(self, row: Row) -> None:
        try:
            order = self.order_of(row)
        except BadValueError:
            return
        if order is not None:
            self.spoilt.add(order)
