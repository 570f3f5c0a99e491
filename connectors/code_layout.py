"""How a till wants its files: which columns, under which names, and how it writes dates and money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.appended_csv import FORMULA, Row
from connectors.minor_units import written_out
from segue.contract import ConfigurationError, Redemption, Voucher

#: What a code's line can tell. `amount` is written out (15.00), `amount_minor` in minor units (1500).
FIELDS: Final = ("code", "percent", "amount", "amount_minor", "currency", "valid_from", "valid_until", "key")
_REDEMPTION_FIELDS: Final = ("code", "order_id", "redeemed_at")
_AMOUNTS: Final = {"amount", "amount_minor"}


class CodeLayout:
    """The columns and formats of one till.

    `columns` and `redemption_columns` are lists of fields with commas, each with a name of the till's own behind
    an equals sign if it wants one: `code=Coupon,percent,valid_until=Valid to`. `date_format` is a strftime format;
    empty means ISO 8601 with an offset. Times are written in `time_zone`, and a redemption's time without an offset
    is read in it. Raises ConfigurationError for a layout in which a code would lose its worth or its end.
    """

    def __init__(
        self,
        *,
        columns: str = "code,percent,amount_minor,currency,valid_from,valid_until,key",
        redemption_columns: str = "code,order_id,redeemed_at",
        date_format: str = "",
        time_zone: str = "",
        decimal_sign: str = ".",
        separator: str = ",",
    ) -> None:
        self._names = _names(columns, FIELDS, "columns")
        self._redemption_names = _names(redemption_columns, _REDEMPTION_FIELDS, "redemption_columns")
        fields = set(self._names)
        if not {"code", "valid_until"} <= fields or not fields & {"percent", *_AMOUNTS}:
            raise ConfigurationError("`columns` needs code, valid_until, and percent, amount or amount_minor")
        if fields & _AMOUNTS and "currency" not in fields:
            raise ConfigurationError("`columns` with an amount needs currency, too")
        if set(self._redemption_names) != set(_REDEMPTION_FIELDS):
            raise ConfigurationError("`redemption_columns` needs code, order_id and redeemed_at")
        if decimal_sign not in {".", ","} or separator not in {",", ";", "\t"}:
            raise ConfigurationError("`decimal_sign` is a point or a comma; `separator` a comma, semicolon or tab")
        self._dates = date_format
        self._zone = _zone(time_zone)
        self._knows_zone = bool(time_zone)
        self._decimal_sign = decimal_sign
        self.separator = separator

    @property
    def columns(self) -> Row:
        """The first line of `codes.csv`."""
        return tuple(self._names.values())

    @property
    def key(self) -> int:
        """Where in a line the code stands."""
        return list(self._names).index("code")

    @property
    def redemption_columns(self) -> Row:
        """What a redemption file's first line must have at least."""
        return tuple(self._redemption_names.values())

    def row(self, voucher: Voucher) -> Row:
        """The voucher's line."""
        return tuple(self._cell(field, voucher) for field in self._names)

    def refusal(self, voucher: Voucher) -> str | None:
        """Why this voucher cannot stand in such a file, or None.

        A guarded code would be a wrong code at the till, a line break would tear the line, and a till that is
        not told the worth would make one up.
        """
        if not self.holds(voucher.code) or not all(cell.isprintable() for cell in self.row(voucher)):
            return "code_not_writable"
        worth = {"percent"} if voucher.percent is not None else _AMOUNTS
        return None if worth & set(self._names) else "worth_not_writable"

    def holds(self, code: str) -> bool:
        """Whether such a file can hold this code as it is."""
        return bool(code) and code.isprintable() and not code.startswith(FORMULA)

    def redemption(self, line: Mapping[str, str | None]) -> Redemption | None:
        """What a till wrote in one line, or None if it cannot be read."""
        code, order_id, written = (line.get(self._redemption_names[field]) for field in _REDEMPTION_FIELDS)
        if not code or not order_id or not written:
            return None
        try:
            at = (
                datetime.strptime(written, self._dates)  # noqa: DTZ007 - the zone is looked at below
                if self._dates
                else datetime.fromisoformat(written)
            )
        except ValueError:
            return None
        if at.tzinfo is None:
            if not self._knows_zone:
                return None
            at = at.replace(tzinfo=self._zone)
        return Redemption(code=code, order_id=order_id, redeemed_at=at.astimezone(UTC))

    def _cell(self, field: str, voucher: Voucher) -> str:
        if field == "amount":
            if voucher.amount_minor is None:
                return ""
            return written_out(voucher.amount_minor, voucher.currency or "").replace(".", self._decimal_sign)
        value = getattr(voucher, field)
        if isinstance(value, datetime):
            local = value.astimezone(self._zone)
            return local.strftime(self._dates) if self._dates else local.isoformat()
        return "" if value is None else str(value)


def _names(text: str, fields: tuple[str, ...], option: str) -> dict[str, str]:
    names: dict[str, str] = {}
    for part in text.split(","):
        field, _, name = (piece.strip() for piece in part.partition("="))
        if field not in fields or field in names:
            raise ConfigurationError(f"`{option}` names each of {', '.join(fields)} at most once and nothing else")
        names[field] = name or field
    if len(set(names.values())) < len(names) or any(name.startswith(FORMULA) for name in names.values()):
        raise ConfigurationError(f"`{option}` gives two columns one name, or one that a spreadsheet would run")
    return names


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigurationError("`time_zone` is a name such as Europe/London") from error
