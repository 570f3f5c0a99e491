"""What the files of shops share: how a cell is read, who a row is about, and what a variant is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import TypeVar

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError, IntakeError
from segue.intake.formats.columns import Columns
from segue.intake.formats.format import Options
from segue.intake.households import household_hash
from segue.intake.report import Tally
from segue.intake.rows import Reader, Row

#: Codes of provinces are two or three signs; what is longer is a name.
_LONGEST_REGION = 4
#: The only value of a product that comes in one kind.
_NO_OPTIONS = "default title"
_T = TypeVar("_T")
Aliases = Sequence[tuple[str, Sequence[str]]]


class Cells:
    """Cells of one file by canonical column name."""

    def __init__(self, columns: tuple[str, ...], aliases: Aliases, options: Options) -> None:
        self._columns = Columns(columns, aliases)
        self._readers: dict[str, Reader] = {}
        self.options = options

    def has(self, name: str) -> bool:
        """Tell whether the file has the column."""
        return self._columns.has(name)

    def raw(self, row: Row, name: str) -> str:
        """Return the trimmed cell; empty where there is no such column."""
        reader = self._readers.get(name)
        if reader is None:
            reader = self._readers[name] = self._columns[name]
        return reader(row)

    def hard(self, row: Row, name: str, parse: Callable[[str], _T]) -> _T:
        """Read a cell the record cannot do without; raises BadValueError with the column."""
        try:
            return parse(self.raw(row, name))
        except BadValueError as error:
            raise BadValueError(error.reason, name) from error

    def given(self, row: Row, name: str, parse: Callable[[str], _T]) -> _T | None:
        """As `hard`, where an empty cell says nothing."""
        return self.hard(row, name, parse) if self.raw(row, name) else None

    def soft(self, row: Row, name: str, parse: Callable[[str], _T], tally: Tally) -> _T | None:
        """Read a cell whose dirt costs the cell (with a warning), not the record."""
        try:
            return self.given(row, name, parse)
        except BadValueError as error:
            tally.warn(row.line, error.reason, name)
            return None

    def time(self, row: Row, name: str) -> datetime | None:
        """Return an instant in UTC, None where the cell is empty; raises BadValueError `bad_date`."""
        options = self.options
        return self.given(row, name, lambda text: values.parse_local_time(text, options.time_zone, options.date_order))

    def money(self, row: Row, name: str, currency: str) -> int:
        """Return minor units; an empty cell is `bad_money` as any other unreadable one."""
        return self.hard(row, name, lambda text: values.parse_money(text, currency, self.options.decimal_sign))

    def currency(self, row: Row, name: str = "Currency") -> str:
        """Return the row's currency, else the caller's; raises BadValueError `bad_currency`."""
        found = self.given(row, name, values.parse_currency) or self.options.currency
        if found is None:
            raise BadValueError("bad_currency", name)
        return found

    def email(self, row: Row, tally: Tally) -> str | None:
        """Return the row's e-mail address; a broken one is a warning and nobody's."""
        return self.soft(row, "Email", values.parse_email, tally)

    def phone(self, row: Row, name: str, tally: Tally) -> str | None:
        """Return a phone in E.164; one without a country is a warning and nobody's."""
        return self.soft(row, name, lambda text: values.parse_phone(text, self.options.calling_code), tally)

    def buyer(self, row: Row, tally: Tally) -> r.Names:
        """Who ordered: by e-mail, else phone, else billing phone; never by anything of the parcel's recipient."""
        email, phone = self.email(row, tally), self.phone(row, "Phone", tally)
        if email is None and phone is None:
            phone = self.phone(row, "Billing Phone", tally)
        return tuple((kind, value) for kind, value in (("email", email), ("phone", phone)) if value is not None)

    def says_yes(self, row: Row, name: str, tally: Tally) -> bool | None:
        """Return a tick; None where the cell is empty or holds a word that is neither yes nor no (`unknown_state`)."""
        text = self.raw(row, name)
        if not text:
            return None
        try:
            return values.parse_bool(text)
        except BadValueError:
            tally.warn(row.line, "unknown_state", name)
            return None


def needed_currency(options: Options) -> str:
    """Return the caller's currency; raises IntakeError with the cure where the file needs one."""
    if options.currency is None:
        raise IntakeError(f"{options.file_name} names no currency; say which with --currency, e.g. --currency USD")
    return options.currency


def option_key(handle: str, option_values: Sequence[str]) -> str:
    """What a stock file calls a variant: `wool-sweater/8/Navy`; the handle alone where there are no options."""
    kept = [value for value in option_values if value and value.casefold() != _NO_OPTIONS]
    return "/".join((handle, *kept))


def text_of(limit: int) -> Callable[[str], str]:
    """Make the reader of a text of at most `limit` characters."""
    return lambda value: values.parse_text(value, limit)


def region_of(cells: Cells, row: Row, name: str, country: str | None) -> str | None:
    """Return a province's code as it is within its country (`PT-11` is `11`); None where the cell holds no code."""
    text = cells.raw(row, name).upper()
    if country is not None:
        text = text.removeprefix(f"{country}-")
    return text if text.isalnum() and text.isascii() and len(text) <= _LONGEST_REGION else None


def household_of(cells: Cells, row: Row, prefix: str, country: str | None) -> str | None:
    """Return the keyed hash of the address in the columns that begin with `prefix`; None where it is not whole."""
    street = cells.raw(row, f"{prefix} Street") or " ".join(cells.raw(row, f"{prefix} Address{n}") for n in (1, 2))
    code, city = cells.raw(row, f"{prefix} Zip"), cells.raw(row, f"{prefix} City")
    return household_hash(street, code, city, country, cells.options.hash_address)


def fingerprint(*rows: Sequence[str]) -> bytes:
    """Stand for what rows say, so that the same told twice can be known from a newer word."""
    said = "\x1e".join("\x1f".join(row) for row in rows)
    return blake2b(said.encode("utf-8", "replace"), digest_size=16).digest()
