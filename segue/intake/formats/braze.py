"""Braze: segment exports and e-mail address exports as CSV, user exports as JSON lines.

`subscribed` is what everybody is who never said anything, so it is no yes; only an opt-in is.
"""

from __future__ import annotations

from collections.abc import Iterator

from segue.intake import records as r
from segue.intake.formats.columns import Columns
from segue.intake.formats.format import Format, Options
from segue.intake.formats.senders import Sender
from segue.intake.report import Tally
from segue.intake.rows import Row, Table, same_name

_OPTED_IN = "opted_in_to_emails_at"
_UNSUBSCRIBED = "unsubscribed_from_emails_at"


class _Users(Sender):
    """Users and what they said of e-mail."""

    def __init__(self, table: Table, options: Options) -> None:
        super().__init__("import:braze", options)
        by_name = Columns(table.columns, USERS.aliases)
        self._email, self._phone = by_name["email"], by_name["phone_number"]
        self._first, self._last, self._zone = by_name["first_name"], by_name["last_name"], by_name["timezone"]
        self._state = by_name["email_subscribe"]
        self._in, self._out = by_name[_OPTED_IN], by_name[_UNSUBSCRIBED]
        self._complained = by_name["marked_email_as_spam_at"]

    def read(self, row: Row, tally: Tally) -> Iterator[r.Fact]:
        """Yield the profile, its yes and its no; which of the two is the later one is not decided here."""
        line = row.line
        found = self.who(line, tally, email=(self._email(row), "email"), phone=(self._phone(row), "phone_number"))
        if found is None:
            return
        email, names = found[0], self.names(*found)
        yield self.profile(
            line,
            names,
            first_name=self.text(self._first(row), line, tally, "first_name"),
            last_name=self.text(self._last(row), line, tally, "last_name"),
            zone=self.zone(self._zone(row), line, tally, "timezone"),
        )
        yield from self._said(row, email, names, tally)
        if email is not None and self._complained(row):
            at = self.said_at(self._complained(row), line, tally, "marked_email_as_spam_at", no=True)
            yield self.silence(line, email, "complaint", at)

    def _said(self, row: Row, email: str | None, names: r.Names, tally: Tally) -> Iterator[r.Fact]:
        line, state = row.line, self._state(row).casefold()
        if state not in {"", "opted_in", "subscribed", "unsubscribed"}:
            tally.warn(line, "unknown_state", "email_subscribe")
            yield self.consent(line, names, "email", "doubted", None)
        # Where a state is given it is the last word on the yes.
        said_yes = state == "opted_in" or (state == "" and bool(self._in(row)))
        yes_at = self.said_at(self._in(row), line, tally, _OPTED_IN, no=False) if said_yes else None
        if self._out(row) or state == "unsubscribed":
            at = self.said_at(self._out(row), line, tally, _UNSUBSCRIBED, no=True)
            yield self.consent(line, names, "email", "denied", at)
            # The address said no, whoever has it, unless this very row says that it came back.
            came_back = at is not None and yes_at is not None and yes_at > at
            if email is not None and not came_back:
                yield self.silence(line, email, "unsubscribe", at)
        if said_yes:
            yield self.consent(line, names, "email", "granted", yes_at)


def _is_users(columns: tuple[str, ...], _file: str) -> bool:
    found = {same_name(column) for column in columns}
    return bool(
        found & {"appboy id", "braze id", "braze_id"}
        or {"external_id", "email_subscribe"} <= found
        or {"email", _UNSUBSCRIBED} <= found
    )


USERS = Format(
    name="braze-users",
    title="Braze users",
    needed=[("email", "phone_number")],
    recognises=_is_users,
    door=_Users,
    known=(
        "Appboy ID", "Braze ID", "braze_id", "external_id", "user_id", "email", "phone_number", "first_name",
        "last_name", "timezone", "country", "city", "gender", "language", "date_of_birth", "created_at", "created_from",
        "devices", "first_session", "last_session", "session_count", "random_bucket", "user_aliases",
        "last_app_version_used", "google_ad_ids", "IDFAs", "IDFVs", "roku_ad_ids", "windows_ad_ids",
        "number_of_google_ad_ids", "number_of_IDFAs", "number_of_IDFVs", "number_of_push_tokens",
        "number_of_roku_ad_ids", "number_of_windows_ad_ids", "opted_into_push_at", "unsubscribed_from_push_at",
        "push_subscribe", "in_app_purchase_total", "email_subscribe", "marked_email_as_spam_at", _OPTED_IN,
        _UNSUBSCRIBED,
    ),
    aliases=(
        ("phone_number", ("phone",)),
        ("timezone", ("time_zone",)),
        (_OPTED_IN, ("email_opted_in_at",)),
        (_UNSUBSCRIBED, ("email_unsubscribed_at",)),
    ),
)  # fmt: skip
FORMATS = (USERS,)
