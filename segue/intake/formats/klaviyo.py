"""Klaviyo: list or segment exports, and its suppressed profiles.

A profile may be subscribed and suppressed at once, and who unsubscribed may be missing from the suppressed list, so a
shop imports both; which comes first does not matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from segue.intake import records as r
from segue.intake.formats.columns import Columns
from segue.intake.formats.format import Format, Options
from segue.intake.formats.senders import Sender, State
from segue.intake.report import Tally
from segue.intake.rows import Reader, Row, Table, same_name

_SOURCE = "import:klaviyo"
_EMAIL = ("Email", ("Email Address",))
_PHONE = ("Phone Number", ("Phone",))

#: Channel, the column of its state, the column of when. Those of text messages are not documented: all names seen.
CONSENTS = (
    ("email", "Email Marketing Consent", "Email Marketing Consent Timestamp"),
    ("email", "Email Consent", "Email Consent Timestamp"),
    ("email", "Email Marketing Status", "Email Marketing Status Timestamp"),
    ("sms", "SMS Marketing Consent", "SMS Marketing Consent Timestamp"),
    ("sms", "SMS Consent", "SMS Consent Timestamp"),
    ("sms", "SMS Marketing Status", "SMS Marketing Status Timestamp"),
)
#: Channel and the column that names why its address is suppressed.
SUPPRESSIONS = (
    ("email", "Email Suppressions"),
    ("email", "Email Suppression"),
    ("sms", "SMS Suppressions"),
    ("sms", "SMS Suppression"),
)
_STATES: dict[str, State | None] = {
    "SUBSCRIBED": "granted", "YES": "granted", "TRUE": "granted", "1": "granted",
    "UNSUBSCRIBED": "denied",
    "NEVER_SUBSCRIBED": None, "PENDING": None, "": None,
    # These mix "never" with "no longer", and an older yes from elsewhere does not beat that.
    "NO": "doubted", "FALSE": "doubted", "0": "doubted",
}  # fmt: skip
_REASONS = {
    "HARD_BOUNCE": "hard_bounce", "INVALID_EMAIL": "hard_bounce", "SPAM_COMPLAINT": "complaint",
    "UNSUBSCRIBE": "unsubscribe", "UNSUBSCRIBED": "unsubscribe", "USER_SUPPRESSED": "unsubscribe",
    "TRUE": "unsubscribe", "YES": "unsubscribe",
}  # fmt: skip
#: What a suppression is called where she herself said no on a channel.
_NO_OF = {"email": "unsubscribe", "sms": "stop"}
_NO_REASON = frozenset({"NONE", "NULL", "FALSE", "NO", "N_A", "0"})
#: Words of the old `$consent` lists that are other channels than ours.
_OTHER_CONSENTS = frozenset({"web", "mobile", "push", "directmail"})
_WORD = re.compile(r"[A-Za-z0-9_]+")
_SPACES = re.compile(r"[\s\-/]+")


@dataclass(frozen=True, slots=True)
class _Column:
    channel: str
    column: str
    state: Reader
    at: Reader


class _Profiles(Sender):
    """Profiles with what they said of e-mail and text messages."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__(_SOURCE, options, "month_first")
        by_name = Columns(table.columns, PROFILES.aliases)
        self._cells = by_name
        self._email, self._phone = by_name["Email"], by_name["Phone Number"]
        self._first, self._last = by_name["First Name"], by_name["Last Name"]
        self._street, self._country = by_name["Address"], by_name["Country"]
        self._states = [
            _Column(channel, column, by_name[column], by_name[when])
            for channel, column, when in CONSENTS
            if by_name.has(column)
        ]
        self._suppressed = [(channel, column, by_name[column]) for channel, column in SUPPRESSIONS]
        self._old, self._old_at = by_name["$consent"], by_name["$consent_timestamp"]

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Yield the profile, what it said, and its suppressions."""
        line = row.line
        found = self.who(line, tally, email=(self._email(row), "Email"), phone=(self._phone(row), "Phone Number"))
        if found is None:
            return
        email, phone = found
        names = self.names(email, phone)
        # City and country may come from the address of a computer; only with a street did somebody write them.
        country = self._country(row) if self._street(row) else ""
        yield self.profile(
            line,
            names,
            first_name=self.text(self._first(row), line, tally, "First Name"),
            last_name=self.text(self._last(row), line, tally, "Last Name"),
            country=self.country(country, line, tally, "Country"),
        )
        addresses = {"email": email, "sms": phone}
        said = set()
        for one in self._states:
            state = self._state(one, row, tally)
            said |= {one.channel} if one.state(row) else set()
            if state is not None:
                at = self.said_at(one.at(row), line, tally, one.column, no=state != "granted")
                yield self.consent(line, names, one.channel, state, at)
                address = addresses[one.channel] if state == "denied" else None
                if address is not None:  # the address said no, whoever has it
                    yield self.silence(line, address, _NO_OF[one.channel], at)
        yield from self._old_consents(row, names, said, tally)
        for channel, column, read in self._suppressed:
            for reason in _reasons(read(row), line, tally, column):
                address = addresses[channel]
                if address is not None:
                    yield self.silence(line, address, _NO_OF[channel] if reason == "unsubscribe" else reason, None)

    @staticmethod
    def _state(one: _Column, row: Row, tally: Tally) -> State | None:
        word = _word(one.state(row))
        if word not in _STATES:
            # It may be a no in another language.
            tally.warn(row.line, "unknown_state", one.column)
            return "doubted"
        return _STATES[word]

    def _old_consents(self, row: Row, names: r.Names, said: set[str], tally: Tally) -> Iterator[r.Fact]:
        """What the list `["email","sms"]` allows, of channels for which no newer column says anything."""
        for word in dict.fromkeys(_listed(self._old(row))):
            if word in {"email", "sms"}:
                if word not in said:
                    at = self.said_at(self._old_at(row), row.line, tally, "$consent_timestamp", no=False)
                    yield self.consent(row.line, names, word, "granted", at)
            elif word not in _OTHER_CONSENTS:
                tally.warn(row.line, "unknown_state", "$consent")


class _Suppressed(Sender):
    """Addresses never to be written to; nobody becomes a customer by them."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__(_SOURCE, options, "month_first")
        by_name = Columns(table.columns, SUPPRESSED.aliases)
        self._email, self._reason, self._at = by_name["Email"], by_name["Reason"], by_name["Timestamp"]

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Yield the address under each reason it has; without one she unsubscribed."""
        line = row.line
        found = self.who(line, tally, email=(self._email(row), "Email"))
        if found is None:
            return
        at = self.said_at(self._at(row), line, tally, "Timestamp", no=True)
        for reason in _reasons(self._reason(row), line, tally, "Reason") or ["unsubscribe"]:
            yield self.silence(line, str(found[0]), reason, at)


def _word(text: str) -> str:
    return _SPACES.sub("_", text.strip()).upper()


def _reasons(text: str, line: int, tally: Tally, column: str) -> list[str]:
    """Why an address is suppressed; a reason nobody knows is as good as an unsubscribe."""
    reasons = []
    for part in re.split(r"[,;|\[\]\"']+", text):
        word = _word(part)
        if not word or word in _NO_REASON:
            continue
        if word not in _REASONS:
            tally.warn(line, "unknown_reason", column)
        reasons.append(_REASONS.get(word, "unsubscribe"))
    return list(dict.fromkeys(reasons))


def _listed(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    words = [str(one) for one in found] if isinstance(found, list) else _WORD.findall(text)
    return [word.strip().lower() for word in words]


def _has(columns: tuple[str, ...], *names: str) -> bool:
    return bool({same_name(name) for name in names} & {same_name(column) for column in columns})


def _is_profiles(columns: tuple[str, ...], _file: str) -> bool:
    return _has(columns, "Email", "Phone Number") and _has(
        columns, "Klaviyo ID", "Email Marketing Consent", "$consent", "Email Suppressions"
    )


def _is_suppressed(columns: tuple[str, ...], file: str) -> bool:
    found = {same_name(column) for column in columns}
    if "email" not in found or found & {"created", "klaviyo id", "email marketing consent"}:
        return False
    return {"email", "reason"} <= found <= {"email", "reason", "timestamp", "date", "created at", "suppressed at"} or (
        "suppress" in file.casefold() and found <= {"email", "reason", "timestamp"}
    )


PROFILES = Format(
    name="klaviyo-profiles",
    title="Klaviyo lists and segments",
    needed=[("Email", "Phone Number")],
    recognises=_is_profiles,
    door=_Profiles,
    known=(
        "Email", "Klaviyo ID", "First Name", "Last Name", "Organization", "Title", "Phone Number", "Address",
        "Address 2", "City", "State / Region", "Country", "Zip Code", "Latitude", "Longitude", "Source", "IP Address",
        "Historic Customer Lifetime Value", "Total Customer Lifetime Value", "Predicted Customer Lifetime Value",
        "Average Order Value", "Historic Number Of Orders", "First Active", "Last Active", "Profile Created On",
        "Date Added", "Last Open", "Last Click", "Average Days Between Orders", "$consent", "$consent_timestamp",
        *(column for _, state, at in CONSENTS for column in (state, at)), *(column for _, column in SUPPRESSIONS),
    ),
    aliases=(_EMAIL, _PHONE),
)  # fmt: skip
SUPPRESSED = Format(
    name="klaviyo-suppressed",
    title="Klaviyo suppressed profiles",
    needed=["Email"],
    recognises=_is_suppressed,
    door=_Suppressed,
    known=("Email", "Reason", "Timestamp"),
    aliases=(_EMAIL, ("Reason", ("Suppression Reason",)), ("Timestamp", ("Date", "Created At", "Suppressed At"))),
)
FORMATS = (PROFILES, SUPPRESSED)
