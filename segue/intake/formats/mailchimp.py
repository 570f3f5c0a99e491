"""Mailchimp audience exports: a file a state, and the file's name is the state.

`cleaned_` holds addresses that bounced for good, `nonsubscribed_` people who bought and never signed up. Times have no
offset and are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from segue.intake import records as r
from segue.intake.formats.columns import Columns
from segue.intake.formats.format import Format, Options
from segue.intake.formats.senders import Sender
from segue.intake.report import Tally
from segue.intake.rows import Row, Table, same_name

State = Literal["subscribed", "unsubscribed", "cleaned", "nonsubscribed"]
#: Mostly at the front; a folder's or a shop's name may stand before it.
_NAMED = re.compile(r"(?:^|[^a-z])(unsubscribed|nonsubscribed|subscribed|cleaned)(?![a-z])", re.IGNORECASE)
_ALIASES = (
    ("Email Address", ("Email", "E-mail", "E-mail Address", "EMAIL")),
    ("Phone Number", ("Phone", "PHONE", "SMS Phone Number")),
    ("First Name", ("FNAME",)),
    ("Last Name", ("LNAME",)),
)


def state_of(columns: tuple[str, ...], file: str) -> State | None:
    """The state of everybody in a file; the strictest of what its name and its columns say, None where neither does."""
    found = {same_name(column) for column in columns}
    named = {match.lower() for match in _NAMED.findall(file)}
    if "clean_time" in found or "cleaned" in named:
        return "cleaned"
    if "unsub_time" in found or "unsubscribed" in named:
        return "unsubscribed"
    if "nonsubscribed" in named:
        return "nonsubscribed"
    return "subscribed" if "subscribed" in named else None


class _Audience(Sender):
    """The people of one state."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__("import:mailchimp", options)
        self._state = state_of(table.columns, options.file_name)
        by_name = Columns(table.columns, AUDIENCE.aliases)
        self._email, self._phone = by_name["Email Address"], by_name["Phone Number"]
        self._first, self._last = by_name["First Name"], by_name["Last Name"]
        self._opted_in, self._confirmed = by_name["OPTIN_TIME"], by_name["CONFIRM_TIME"]
        self._left, self._bounced = by_name["UNSUB_TIME"], by_name["CLEAN_TIME"]

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Yield what the state of this file makes of somebody."""
        line = row.line
        phone = "" if self._state == "cleaned" else self._phone(row)
        found = self.who(line, tally, email=(self._email(row), "Email Address"), phone=(phone, "Phone Number"))
        if found is None:
            return
        email = found[0]
        if self._state == "cleaned":
            at = self.said_at(self._bounced(row), line, tally, "CLEAN_TIME", no=True)
            yield self.silence(line, str(email), "hard_bounce", at)
            return
        names = self.names(*found)
        first, last = self._first(row), self._last(row)
        yield self.profile(
            line,
            names,
            first_name=self.text(first, line, tally, "First Name"),
            last_name=self.text(last, line, tally, "Last Name"),
        )
        if self._state == "unsubscribed":
            at = self.said_at(self._left(row), line, tally, "UNSUB_TIME", no=True)
            yield self.consent(line, names, "email", "denied", at)
            if email is not None:
                yield self.silence(line, email, "unsubscribe", at)
        elif self._state == "subscribed" and email is not None:
            yield self._yes(row, names, tally)

    def _yes(self, row: Row, names: r.Names, tally: Tally) -> r.Fact:
        """A yes is as good as its two times.

        Both: she signed up and confirmed. Only the first: she signed up. Only the second: the shop put her there, and
        when it did says nothing of when she agreed.
        """
        signed_up = self.said_at(self._opted_in(row), row.line, tally, "OPTIN_TIME", no=False)
        confirmed = self.said_at(self._confirmed(row), row.line, tally, "CONFIRM_TIME", no=False)
        if signed_up is None or confirmed is None:
            return self.consent(row.line, names, "email", "granted", signed_up)
        return self.consent(row.line, names, "email", "confirmed", confirmed)

    def finish(self, tally: Tally) -> Iterable[r.Fact]:
        """Say so where nobody could tell the state."""
        if self._state is None:
            tally.notes.append(
                "neither the file's name nor its columns say whether these people are subscribed, so nobody's consent "
                "was taken; keep Mailchimp's own file names"
            )
        return ()


def _is_audience(columns: tuple[str, ...], _file: str) -> bool:
    found = {same_name(column) for column in columns}
    return bool({"leid", "euid"} <= found or {"member_rating", "confirm_time"} <= found)


AUDIENCE = Format(
    name="mailchimp-audience",
    title="Mailchimp audiences",
    needed=["Email Address"],
    recognises=_is_audience,
    door=_Audience,
    known=(
        "Email Address", "First Name", "Last Name", "Address", "Phone Number", "Birthday", "MEMBER_RATING",
        "OPTIN_TIME", "OPTIN_IP", "CONFIRM_TIME", "CONFIRM_IP", "LATITUDE", "LONGITUDE", "GMTOFF", "DSTOFF", "TIMEZONE",
        "CC", "REGION", "LAST_CHANGED", "LEID", "EUID", "NOTES", "TAGS", "UNSUB_TIME", "UNSUB_CAMPAIGN_TITLE",
        "UNSUB_CAMPAIGN_ID", "UNSUB_REASON", "UNSUB_REASON_OTHER", "CLEAN_TIME", "CLEAN_CAMPAIGN_TITLE",
        "CLEAN_CAMPAIGN_ID",
    ),
    aliases=_ALIASES,
)  # fmt: skip
FORMATS = (AUDIENCE,)
