"""Shopify's `customers_export`: who they are, how they are reached, and whether they take news by e-mail and SMS.

The file dates no consent. So a yes is weak, and a no, which may be "never asked" as well as "unsubscribed", is a doubt:
an older yes from elsewhere does not beat it. Neither makes a suppression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.formats.cells import Cells, fingerprint, household_of, region_of, text_of
from segue.intake.formats.door import RowDoor
from segue.intake.formats.format import Options
from segue.intake.formats.shopify.headers import CUSTOMER_ALIASES
from segue.intake.report import Tally
from segue.intake.rows import Row, Table

#: Column of the tick, the channel it is for, the kind of address it needs.
_TICKS = (("Accepts Email Marketing", "email", "email"), ("Accepts SMS Marketing", "sms", "phone"))
#: A shop's own columns (metafields) that hold a birthday, by their title or their key.
_BIRTHDAY = re.compile(r"birth|geburt|naissance|nacimiento|cumplea|nascita|nascimento|geboorte|誕生|生年月日|生日")
_YEAR = re.compile(r"(?<!\d)(19\d\d|20\d\d)(?!\d)")


class CustomersDoor(RowDoor):
    """Reads customers."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__()
        self._cells = Cells(table.columns, CUSTOMER_ALIASES, options)
        self._birthdays = [
            name for name in table.columns if "customer.metafields" in name and _BIRTHDAY.search(name.casefold())
        ]
        #: Ids and e-mail addresses met so far -> what the row said.
        self._met: dict[tuple[str, str], bytes] = {}

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Yield who the row is about and what she said."""
        shop_id = self._cells.given(row, "Customer ID", values.parse_id)
        email, phone, broken = self._addresses(row)
        names = _names(email=email, shop=shop_id, phone=phone)
        if not names:
            raise broken[0] if broken else BadValueError("missing_key")
        for flaw in broken:
            tally.warn(row.line, flaw.reason, flaw.column)
        if self._is_known(row, names, tally):
            return
        yield r.Profile(line=row.line, names=names, traits=self._traits(row, tally))
        strongest = names[:1]
        for column, channel, kind in _TICKS:
            yield from self._tick(row, column, channel, strongest, tally, can_be_yes=dict(names).get(kind) is not None)

    def _addresses(self, row: Row) -> tuple[str | None, str | None, list[BadValueError]]:
        calling_code = self._cells.options.calling_code
        broken: list[BadValueError] = []

        def read(name: str, parse: Callable[[str], str]) -> str | None:
            try:
                return self._cells.given(row, name, parse)
            except BadValueError as error:
                broken.append(error)
                return None

        return read("Email", values.parse_email), read("Phone", lambda v: values.parse_phone(v, calling_code)), broken

    def _is_known(self, row: Row, names: r.Names, tally: Tally) -> bool:
        """Tell whether the file has said all of this before; the later of two rows that differ wins."""
        said = fingerprint(row.cells)
        keys = [name for name in names if name[0] != "phone"]
        before = next((self._met[key] for key in keys if key in self._met), None)
        self._met |= dict.fromkeys(keys, said)
        if before is not None:
            tally.warn(row.line, "duplicate" if before == said else "superseded")
        return before == said

    def _traits(self, row: Row, tally: Tally) -> dict[str, Any]:
        cells = self._cells
        country = cells.soft(row, "Default Address Country Code", values.parse_country, tally)
        if country is None:
            country = cells.soft(row, "Country", values.parse_country, Tally())  # a name we may not know is no fault
        traits = {
            "first_name": cells.soft(row, "First Name", text_of(200), tally),
            "last_name": cells.soft(row, "Last Name", text_of(200), tally),
            "country": country,
            "region": region_of(cells, row, "Default Address Province Code", country),
            "birth_year": self._birth_year(row),
            "household_hash": household_of(cells, row, "Default Address", country),
        }
        return {name: value for name, value in traits.items() if value is not None}

    def _birth_year(self, row: Row) -> int | None:
        years = (_YEAR.search(self._cells.raw(row, name)) for name in self._birthdays)
        year = next((int(found[1]) for found in years if found), None)
        return year if year is not None and year <= self._cells.options.now.year else None

    def _tick(
        self, row: Row, column: str, channel: str, names: r.Names, tally: Tally, *, can_be_yes: bool
    ) -> Iterator[r.Fact]:
        """Yield a yes for an address that the row gives, a doubt for a no; nothing where the cell says nothing."""
        yes = self._cells.says_yes(row, column, tally)
        if yes is None or (yes and not can_be_yes):
            return
        yield r.Consent(
            line=row.line,
            names=names,
            channel=channel,
            purpose="marketing",
            state="granted" if yes else "doubted",
            basis="opt_in",
            source="import:shopify:customers",
            wording=None,
            occurred_at=self._cells.options.now,
            is_dated=False,
        )


def _names(**given: str | None) -> r.Names:
    return tuple((kind, value) for kind, value in given.items() if value is not None)
