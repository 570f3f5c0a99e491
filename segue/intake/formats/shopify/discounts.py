"""Shopify's `discounts_export`: the codes a shop made itself."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.formats.cells import Cells, needed_currency, text_of
from segue.intake.formats.door import RowDoor
from segue.intake.formats.format import Options
from segue.intake.report import Tally
from segue.intake.rows import Row, Table

#: Types whose value is not taken off the goods: of free shipping it is the shipping, of "buy X get Y" it is Y.
_NOT_OFF_THE_ORDER = frozenset({"free shipping", "buy x get y", "app discount"})


class DiscountsDoor(RowDoor):
    """Reads discount codes."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__()
        self._cells = Cells(table.columns, (), options)

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:  # noqa: ARG002 - as declared
        """Yield the code of a row."""
        cells = self._cells
        code = cells.hard(row, "Name", text_of(255))
        if not code:
            raise BadValueError("missing_key", "Name")
        worth = cells.raw(row, "Value").lstrip("-\u2212")
        kind = cells.raw(row, "Value Type").casefold()
        if not worth or cells.raw(row, "Type").casefold() in _NOT_OFF_THE_ORDER:
            kind = ""
        percent = amount = currency = None
        if kind == "percentage":
            percent = _percent(worth)
        elif kind == "fixed_amount":
            currency = needed_currency(cells.options)
            amount = _amount(worth, currency, cells.options)
        yield r.Discount(
            line=row.line,
            code=code,
            percent=percent,
            amount_minor=amount,
            currency=currency,
            status=cells.hard(row, "Status", text_of(32)).casefold() or None,
            valid_from=cells.time(row, "Start"),
            valid_until=cells.time(row, "End"),
            times_used=cells.given(row, "Times Used In Total", _count),
        )


def _percent(text: str) -> float:
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation as error:
        raise BadValueError("bad_money", "Value") from error
    if not number.is_finite() or not 0 <= number <= 100:
        raise BadValueError("bad_money", "Value")
    return float(number)


def _amount(text: str, currency: str, options: Options) -> int:
    try:
        return values.parse_money(text, currency, options.decimal_sign)
    except BadValueError as error:
        raise BadValueError(error.reason, "Value") from error


def _count(text: str) -> int:
    number = values.parse_whole(text)
    if number < 0:
        raise BadValueError("bad_quantity")
    return number
