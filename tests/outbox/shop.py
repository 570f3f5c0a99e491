"""People, journeys and templates for the outbox's tests: as plain as can be, so that what is tested is the outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, Select, String, cast, insert, literal, select

from segue.contract import Channel, EmailContent, MailFrame, SmsContent
from segue.journeys.definition import Brief, Journey, Moment, Step
from segue.offers import Offer
from segue.render import TemplateError
from segue.store.engine import write
from segue.store.tables import consent_event, identifier, profile
from segue.store.types import UtcTime

NOW = datetime(2026, 5, 12, 15, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
SECRET = b"a secret for tests only"
_FRAME = MailFrame(from_name="Brand", from_address="hello@example.com")


def add_people(engine: Engine, count: int) -> None:
    """Make `count` New Yorkers, numbered from 1, who agreed to e-mail and SMS."""
    numbers = range(1, count + 1)
    with write(engine) as connection:
        connection.execute(
            insert(profile),
            [
                {"id": n, "first_name": "Sam", "country": "US", "zone": "America/New_York", "created_at": LONG_AGO}
                for n in numbers
            ],
        )
        connection.execute(
            insert(identifier),
            [
                {"kind": kind, "value": value, "profile_id": n, "identifies": True, "recorded_at": LONG_AGO}
                for n in numbers
                for kind, value in (("email", f"p{n}@example.com"), ("phone", f"+1202555{n:04}"))
            ],
        )
        connection.execute(
            insert(consent_event),
            [consent(n, channel, "granted", "opt_in", at=LONG_AGO) for n in numbers for channel in ("email", "sms")],
        )


def consent(profile_id: int, channel: str, state: str, basis: str, *, at: datetime) -> dict[str, Any]:
    """A row of `consent_event`."""
    return {
        "profile_id": profile_id,
        "channel": channel,
        "purpose": "marketing",
        "state": state,
        "basis": basis,
        "source": "test",
        "occurred_at": at,
        "recorded_at": at,
        "dedupe": f"{profile_id}/{channel}/{state}/{at.isoformat()}",
    }


def everybody(_moment: Moment, _brief: Brief) -> Select[Any]:
    """Everybody is due once, until two days from `NOW`."""
    return select(
        literal("person:").concat(cast(profile.c.id, String)).label("occasion"),
        profile.c.id.label("profile_id"),
        profile.c.id.label("subject_id"),
        literal(NOW + timedelta(days=2), UtcTime).label("deadline_at"),
    )


def nothing_happened(_c: Connection, rows: pd.DataFrame, _moment: Moment, _brief: Brief) -> pd.DataFrame:
    """No facts speak against it."""
    return pd.DataFrame({"converted": False}, index=rows.index)


def nothing_to_say(_c: Connection, rows: pd.DataFrame, _moment: Moment, _brief: Brief) -> Sequence[Mapping[str, Any]]:
    """The template's own words are enough."""
    return [{"subject": row} for row in rows["subject_id"].tolist()]


def step(name: str = "only", **changes: Any) -> Step:
    """A step for everybody by e-mail, with `changes`."""
    values: dict[str, Any] = {
        "name": name,
        "due": everybody,
        "channels": (Channel.EMAIL,),
        "facts": nothing_happened,
        "words": nothing_to_say,
        "next_due": lambda _moment, _brief: select(literal(None, UtcTime)),
    }
    return Step(**values | changes)


def journey(*steps: Step, name: str = "letters") -> Journey:
    """A journey of `steps`, or of one plain step."""
    return Journey(name=name, title="Letters", brief=Brief, steps=steps or (step(),))


def an_offer(_brief: Brief) -> Offer:
    """Ten percent for two days."""
    return Offer(
        name="cart",
        percent=10,
        valid_for=timedelta(hours=48),
        cooldown=timedelta(days=90),
        full_price_within=timedelta(days=365),
    )


class PlainLibrary:
    """Templates that say the voucher's code and end, and break for the subjects in `poisoned`."""

    version = "plain"
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self.poisoned: set[int] = set()
        #: Called before each message is written.
        self.before: Callable[[], None] = lambda: None

    def step(self, _name: str, *, transactional: bool = False) -> PlainLibrary:
        """The library's verb."""
        del transactional
        return self

    def content(self, channel: Channel, words: Mapping[str, Any], *, message_id: int) -> EmailContent | SmsContent:
        """The template's verb."""
        make = self.sms if channel is Channel.SMS else self.email
        return make(words, message_id=message_id)

    def email(self, words: Mapping[str, Any], *, message_id: int) -> EmailContent:
        """A mail."""
        del message_id
        return EmailContent(frame=_FRAME, subject="s", text=self._text(words), html="<p>t</p>")

    def sms(self, words: Mapping[str, Any], *, message_id: int) -> SmsContent:
        """A text message."""
        del message_id
        return SmsContent(text=self._text(words), segments=1)

    def _text(self, words: Mapping[str, Any]) -> str:
        self.before()
        if words["subject"] in self.poisoned:
            raise TemplateError("letters/only", "a value does not fit")
        voucher = words["voucher"]
        return "-\t-" if voucher is None else f"{voucher['code']}\t{voucher['valid_until']}"
