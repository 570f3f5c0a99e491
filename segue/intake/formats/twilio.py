"""Twilio: the message log, and what was sent to its Consent API. Of opted-out numbers it has no export.

Twilio itself blocks a number for a reply of one word only; here any reasonable wording counts. The bodies are read and
not kept. A START after a STOP is remembered as a yes and lifts nothing: the number stays suppressed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from segue.intake import records as r
from segue.intake.formats.columns import Columns
from segue.intake.formats.format import Format, Options
from segue.intake.formats.replies import meaning_of
from segue.intake.formats.senders import Sender
from segue.intake.report import Tally
from segue.intake.rows import Row, Table, same_name

_SOURCE = "import:twilio"
#: Not sent: the number had opted out.
_OPTED_OUT = "21610"
#: `whatsapp:+447700900123`: one number, and since 2026 one opt-out over all of its channels.
_CHANNEL = re.compile(r"\A[a-z]+:", re.IGNORECASE)


class _Messages(Sender):
    """The log: who replied stop, and whom Twilio refused to write to."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__(_SOURCE, options)
        by_name = Columns(table.columns, MESSAGES.aliases)
        self._from, self._to, self._body = by_name["From"], by_name["To"], by_name["Body"]
        self._direction, self._error, self._at = by_name["Direction"], by_name["ErrorCode"], by_name["SentDate"]
        self._stopped: dict[str, datetime] = {}
        self._started: list[tuple[int, str, datetime]] = []
        self._inbound = 0

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Yield the suppression of a number that said stop, or to which Twilio no longer writes."""
        line = row.line
        if not self._direction(row).casefold().startswith("inbound"):
            # A spreadsheet may have made 21610.0 of it.
            if self._error(row).split(".")[0] == _OPTED_OUT:
                yield from self._stop(row, self._to(row), "To", tally)
            return
        self._inbound += 1
        meaning = meaning_of(self._body(row))
        if meaning == "stop":
            yield from self._stop(row, self._from(row), "From", tally)
        elif meaning == "start":
            found = self.who(line, tally, phone=(_CHANNEL.sub("", self._from(row)), "From"))
            at = self.said_at(self._at(row), line, tally, "SentDate", no=False)
            if found is not None and at is not None:
                self._started.append((line, str(found[1]), at))

    def _stop(self, row: Row, address: str, column: str, tally: Tally) -> Iterator[r.Fact]:
        found = self.who(row.line, tally, phone=(_CHANNEL.sub("", address), column))
        if found is None:
            return
        number = str(found[1])
        at = self.said_at(self._at(row), row.line, tally, "SentDate", no=True)
        self._stopped[number] = max(at or self.options.now, self._stopped.get(number, at or self.options.now))
        yield self.silence(row.line, number, "stop", at)

    def finish(self, tally: Tally) -> Iterator[r.Fact]:
        """Yield a yes for each START that came after the number's last STOP, in whatever order the log stands.

        Without a STOP before it, a YES may answer anything.
        """
        for line, number, at in self._started:
            if number in self._stopped and at > self._stopped[number]:
                yield self.consent(line, (("phone", number),), "sms", "granted", at)
        tally.notes.append(
            f"{self._inbound:,} replies read, {len(self._stopped):,} numbers asked to stop or had opted out"
        )


class _Consents(Sender):
    """What was told to the Consent API."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__(_SOURCE, options)
        by_name = Columns(table.columns, CONSENTS.aliases)
        self._contact, self._status, self._at = by_name["contact_id"], by_name["status"], by_name["date_of_consent"]

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Yield a yes, or the suppression of a number."""
        line = row.line
        found = self.who(line, tally, phone=(_CHANNEL.sub("", self._contact(row)), "contact_id"))
        if found is None:
            return
        number = str(found[1])
        status = self._status(row).casefold().replace("_", "-").replace(" ", "-")
        at = self.said_at(self._at(row), line, tally, "date_of_consent", no=status != "opt-in")
        if status == "opt-in":
            yield self.consent(line, (("phone", number),), "sms", "granted", at)
        elif status == "opt-out":
            yield self.silence(line, number, "stop", at)
        else:
            tally.warn(line, "unknown_state", "status")


def _is_log(columns: tuple[str, ...], _file: str) -> bool:
    found = {same_name(column) for column in columns}
    return {"from", "to", "body", "direction"} <= found and bool(found & {"sid", "accountsid", "errorcode", "smssid"})


def _is_consents(columns: tuple[str, ...], _file: str) -> bool:
    return {"contact_id", "status"} <= {same_name(column) for column in columns}


MESSAGES = Format(
    name="twilio-messages",
    title="Twilio message logs",
    needed=["From", "To", "Body", "Direction"],
    recognises=_is_log,
    door=_Messages,
    known=(
        "From", "To", "Body", "Status", "SentDate", "ApiVersion", "NumSegments", "ErrorCode", "AccountSid", "Sid",
        "Direction", "Price", "PriceUnit",
    ),
    aliases=(("ErrorCode", ("Error Code", "error_code")), ("SentDate", ("Sent Date", "DateSent", "date_sent"))),
)  # fmt: skip
CONSENTS = Format(
    name="twilio-consents",
    title="Twilio consents",
    needed=["contact_id", "status"],
    recognises=_is_consents,
    door=_Consents,
    known=("contact_id", "correlation_id", "sender_id", "status", "source", "date_of_consent"),
)
FORMATS = (MESSAGES, CONSENTS)
