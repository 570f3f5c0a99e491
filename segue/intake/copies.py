"""Orders that one file tells more than once: equal copies are duplicates, of others the last one stands."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from itertools import pairwise
from operator import attrgetter

from segue.intake import records as r
from segue.intake.report import Tally

_HEAD = attrgetter(*(one.name for one in fields(r.Order) if one.name != "line"))


@dataclass(slots=True)
class _Copy:
    line: int
    head: int
    #: The sum of its lines' prints: in whatever order they come.
    lines: int = 0


@dataclass(slots=True)
class Copies:
    """The tellings of each order that says it replaces what was known."""

    _told: dict[str, list[_Copy]] = field(default_factory=dict)

    def count(self, order: str) -> int:
        """How often the file has told an order so far."""
        return len(self._told.get(order, ()))

    def begin(self, head: r.Order) -> bool:
        """Note a telling; return whether it is not the first of its order."""
        copies = self._told.setdefault(head.external_id, [])
        copies.append(_Copy(head.line, hash(_HEAD(head))))
        return len(copies) > 1

    def add(self, line: r.OrderLine) -> None:
        """Note a line of the telling at hand."""
        copies = self._told.get(line.order)
        if copies is not None:
            said = (
                line.position, line.variant.sku, line.quantity, line.unit_price_minor, line.total_minor,
                line.returned_at, line.return_reason,
            )  # fmt: skip
            copies[-1].lines += hash(said)

    def warn(self, tally: Tally) -> None:
        """Count what was told again: `duplicate` if equal to the telling before, else `superseded`."""
        for copies in self._told.values():
            for before, after in pairwise(copies):
                equal = (before.head, before.lines) == (after.head, after.lines)
                tally.warn(after.line, "duplicate" if equal else "superseded")
