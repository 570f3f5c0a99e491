"""What the files of senders have in common: addresses, times, a yes, a no, a never again.

A no is never lost to the rest of its row: where its date cannot be read it is taken without one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.formats.door import RowDoor
from segue.intake.formats.format import Options
from segue.intake.report import Tally

#: Nobody consented to e-mail marketing before; such a date is an empty one that a computer filled in (1970, 1900).
_EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
_UNIX = re.compile(r"\d{9,11}(\.\d+)?\Z")
_UNIX_MS = re.compile(r"\d{12,14}\Z")
_DAY = re.compile(r"(\d{4}-\d\d-\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{4})\Z")

#: A cell and the name of its column.
Cell = tuple[str, str]
State = Literal["granted", "confirmed", "denied", "doubted"]


class Sender(RowDoor):
    """Makes the facts of one sender's file."""

    def __init__(
        self, source: str, options: Options, date_order: Literal["day_first", "month_first"] | None = None
    ) -> None:
        super().__init__()
        #: Where the facts come from: `import:klaviyo`.
        self.source = source
        self.options = options
        #: Which number is the day where this sender writes `09/30/2014`; None: never guessed.
        self.date_order = date_order

    def who(
        self, line: int, tally: Tally, *, email: Cell = ("", ""), phone: Cell = ("", "")
    ) -> tuple[str | None, str | None] | None:
        """Read the addresses of a row, each given as its cell and its column.

        None, and the row is skipped, where neither names anybody: `bad_email`, `bad_phone`, or `missing_key`. Beside a
        good address a bad one is a warning.
        """
        calling_code = self.options.calling_code
        found: list[str | None] = []
        wrong: list[tuple[str, str]] = []
        for (text, column), parse in (
            (email, values.parse_email),
            (phone, lambda told: values.parse_phone(told, calling_code)),
        ):
            try:
                found.append(parse(text) if text else None)
            except BadValueError as error:
                found.append(None)
                wrong.append((error.reason, column))
        if not any(found):
            reason, column = wrong[0] if wrong else ("missing_key", email[1] or phone[1])
            tally.skip(line, reason, column)
            return None
        for reason, column in wrong:
            tally.warn(line, reason, column)
        return found[0], found[1]

    def text(self, text: str, line: int, tally: Tally, column: str) -> str | None:
        """Read a name or the like; what no database can hold is a warning."""
        return self._soft(text, line, tally, column, lambda told: values.parse_text(told, 200))

    def zone(self, text: str, line: int, tally: Tally, column: str) -> str | None:
        """Read an IANA time zone; another word is a warning."""
        return self._soft(text, line, tally, column, values.parse_zone)

    def country(self, text: str, line: int, tally: Tally, column: str) -> str | None:
        """Read a country; one nobody knows is a warning."""
        return self._soft(text, line, tally, column, values.parse_country)

    @staticmethod
    def _soft(text: str, line: int, tally: Tally, column: str, parse: Callable[[str], str]) -> str | None:
        if not text:
            return None
        try:
            return parse(text)
        except BadValueError as error:
            tally.warn(line, error.reason, column)
            return None

    def said_at(self, text: str, line: int, tally: Tally, column: str, *, no: bool) -> datetime | None:
        """When something was said; None, with a warning, where that cannot be read or cannot be.

        Times without an offset are UTC, unless the caller says whose clock it was. A bare day counts from its first
        instant for a yes and to its last for a no.
        """
        if not text:
            return None
        try:
            at = self._instant(text)
            tally.read_as_utc += self.options.time_zone is None and ":" in text and not values.has_offset(text)
            if no and _DAY.match(text):
                at += timedelta(days=1, microseconds=-1)
        except (BadValueError, OverflowError):
            tally.warn(line, "bad_date", column)
            return None
        if at > self.options.now:
            if not _DAY.match(text):
                tally.warn(line, "future_date", column)
            return None
        if at < _EARLIEST:
            tally.warn(line, "bad_date", column)
            return None
        return at

    def _instant(self, text: str) -> datetime:
        if _UNIX.match(text) or _UNIX_MS.match(text):
            return values.parse_time(text, None, "unix_ms" if _UNIX_MS.match(text) else "unix")[0]
        zone = self.options.time_zone or "UTC"
        return values.parse_local_time(text, zone, self.options.date_order or self.date_order)

    def profile(self, line: int, names: r.Names, **traits: Any) -> r.Profile:
        """Who somebody is; traits that say nothing are left out."""
        return r.Profile(line=line, names=names, traits={k: v for k, v in traits.items() if v is not None})

    def consent(self, line: int, names: r.Names, channel: str, state: State, at: datetime | None) -> r.Consent:
        """A yes, a no or a doubt; without a date it is taken as said now, and known to be undated."""
        return r.Consent(
            line=line,
            names=names,
            channel=channel,
            purpose="marketing",
            state=state,
            basis="objection" if state in {"denied", "doubted"} else "opt_in",
            source=self.source,
            wording=None,
            occurred_at=at or self.options.now,
            is_dated=at is not None,
        )

    def silence(self, line: int, address: str, reason: str, at: datetime | None) -> r.Suppression:
        """An address never to be written to again, whoever has it; it makes nobody a customer."""
        digest = self.options.hash_address(address)
        return r.Suppression(line=line, address_hash=digest, reason=reason, occurred_at=at or self.options.now)

    @staticmethod
    def names(email: str | None, phone: str | None) -> r.Names:
        """What names somebody, strongest first."""
        found = (("email", email), ("phone", phone))
        return tuple((kind, value) for kind, value in found if value is not None)
