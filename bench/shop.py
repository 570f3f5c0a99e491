"""A shop of any size straight in the tables, and a journey that is nothing but its ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, Select, String, cast, insert, literal, select, text

from segue.contract import (
    Capabilities,
    Channel,
    EmailContent,
    Leaving,
    MailFrame,
    Message,
    Result,
    Voucher,
    accepted,
)
from segue.journeys.definition import Brief, Journey, Moment, Step
from segue.outbox.states import ALL_BUCKETS
from segue.store.engine import write
from segue.store.migrate import migrate
from segue.store.tables import consent_event, identifier, profile, suppression
from segue.store.types import UtcTime

NOW = datetime(2026, 5, 12, 15, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)


def fill(engine: Engine, people: int) -> None:
    """Make `people` consenting Americans with an e-mail address, and a thousand suppressed strangers."""
    migrate(engine, buckets=ALL_BUCKETS)
    with write(engine) as connection:
        numbers = list(range(1, people + 1))
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
                {
                    "kind": "email",
                    "value": f"p{n}@example.com",
                    "profile_id": n,
                    "identifies": True,
                    "recorded_at": LONG_AGO,
                }
                for n in numbers
            ],
        )
        connection.execute(
            insert(consent_event),
            [
                {
                    "profile_id": n,
                    "channel": "email",
                    "purpose": "marketing",
                    "state": "granted",
                    "basis": "opt_in",
                    "source": "bench",
                    "occurred_at": LONG_AGO,
                    "recorded_at": LONG_AGO,
                    "dedupe": f"c{n}",
                }
                for n in numbers
            ],
        )
        connection.execute(
            insert(suppression),
            [
                {"address_hash": f"{n:064x}", "reason": "unsubscribe", "occurred_at": LONG_AGO, "recorded_at": LONG_AGO}
                for n in range(1000)
            ],
        )
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))


def everybody(_moment: Moment, _brief: Brief) -> Select[Any]:
    """Everybody is due once."""
    return select(
        literal("bench:").concat(cast(profile.c.id, String)).label("occasion"),
        profile.c.id.label("profile_id"),
        profile.c.id.label("subject_id"),
        literal(NOW + timedelta(days=2), UtcTime).label("deadline_at"),
    )


def nothing_happened(_c: Connection, rows: pd.DataFrame, _moment: Moment, _brief: Brief) -> pd.DataFrame:
    """No facts speak against it."""
    return pd.DataFrame({"converted": False, "sold_out": False}, index=rows.index)


def no_words(_c: Connection, rows: pd.DataFrame, _moment: Moment, _brief: Brief) -> Sequence[dict[str, Any]]:
    """A constant message has none."""
    return [{}] * len(rows)


LEDGER = Journey(
    name="ledger",
    title="Ledger",
    brief=Brief,
    steps=(
        Step(
            name="only",
            due=everybody,
            channels=(Channel.EMAIL,),
            facts=nothing_happened,
            words=no_words,
            next_due=lambda _m, _b: select(literal(None, UtcTime)),
        ),
    ),
)


class ConstantTemplate:
    """The same mail for everybody: what is left is the ledger."""

    version = "constant"
    _content = EmailContent(
        frame=MailFrame(from_name="Bench", from_address="bench@example.com"), subject="s", text="t", html="<p>t</p>"
    )

    def step(self, _name: str, *, transactional: bool = False) -> ConstantTemplate:
        """The library's verb."""
        del transactional
        return self

    def content(self, _channel: Channel, _words: Any, *, message_id: int) -> EmailContent:
        """The template's verb."""
        del message_id
        return self._content


class NullConnector:
    """Takes everything and does nothing."""

    channels = frozenset({Channel.EMAIL, Channel.SMS})

    def __init__(self, window: int = 500) -> None:
        self.name = "null"
        self.capabilities = Capabilities(max_batch=window, window=window)

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Accept each."""
        for message in batch:
            leaving(message.key)
            yield accepted(message.key, "null")

    def publish(self, vouchers: Sequence[Voucher]) -> Iterator[Result]:
        """Know every code at once."""
        for voucher in vouchers:
            yield accepted(voucher.key)

    def withdraw(self, codes: Sequence[str]) -> Iterator[str]:
        """Forget codes."""
        yield from codes

    def redemptions(self) -> Iterator[Any]:
        """None were used."""
        yield from ()

    def close(self) -> None:
        """Nothing to close."""
