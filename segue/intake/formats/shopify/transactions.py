"""Shopify's transaction history: when money came and went. The orders file knows only sums, this one the dates.

Each successful sale, capture and refund becomes an event. It changes no order: an order's own file says what was paid
and refunded in all, and adding the two would count money twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.formats.cells import Cells, fingerprint, text_of
from segue.intake.formats.door import RowDoor
from segue.intake.formats.format import Options
from segue.intake.report import Tally
from segue.intake.rows import Row, Table

_NAMES = {"sale": "Order Paid", "capture": "Order Paid", "refund": "Order Refunded"}


class TransactionsDoor(RowDoor):
    """Reads a transaction history."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__()
        self._cells = Cells(table.columns, (), options)

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:  # noqa: ARG002 - as declared
        """Yield the event of a row; one that moved no money yields nothing."""
        name = _NAMES.get(self._cells.raw(row, "Kind").casefold())
        if name is None or self._cells.raw(row, "Status").casefold() != "success":
            return
        yield self._event(row, name)

    def _event(self, row: Row, name: str) -> r.Event:
        cells = self._cells
        order = cells.hard(row, "Order", values.parse_id) or cells.hard(row, "Name", values.parse_id)
        if not order:
            raise BadValueError("missing_key", "Order")
        at = cells.time(row, "Created At")
        if at is None:
            raise BadValueError("bad_date", "Created At")
        currency = cells.currency(row)
        amount = cells.money(row, "Amount", currency)
        said = fingerprint([order, name, at.isoformat(), str(amount), currency, cells.raw(row, "Gateway")]).hex()
        return r.Event(
            line=row.line,
            dedupe=f"shopify:transaction:{said}",
            name=name,
            properties={
                "order_id": order,
                "kind": cells.raw(row, "Kind").casefold(),
                "amount_minor": amount,
                "currency": currency,
                "gateway": cells.hard(row, "Gateway", text_of(64)),
            },
            occurred_at=at,
        )
