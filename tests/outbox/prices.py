"""Prices of text messages, and what a preview makes of them, for the outbox's tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update

from segue.contract import Channel, Cost, Message, MessageConnector, SmsContent
from segue.contract.fake import FakeConnector
from segue.journeys.definition import Moment
from segue.outbox.preview import preview
from segue.outbox.report import summary_of
from segue.outbox.rules import rules_of
from segue.outbox.summary import Summary
from segue.store.engine import read, write
from segue.store.tables import identifier
from tests.outbox.desk import Desk
from tests.outbox.shop import LONG_AGO, NOW, SECRET, step

CENT = Cost(micros=10_000, currency="USD")
TEXTING = step(channels=(Channel.SMS,))


class ByCountry(FakeConnector):
    """Americans cost a cent a segment, the British are billed in pounds, of others nobody knows."""

    def cost(self, message: Message) -> Cost | None:
        segments = message.content.segments if isinstance(message.content, SmsContent) else 1
        for prefix, micros, currency in (("+1", 10_000, "USD"), ("+44", 46_300, "GBP")):
            if message.address.startswith(prefix):
                return Cost(micros=segments * micros, currency=currency)
        return None


def summed(one: Desk) -> Summary:
    """What became of everything."""
    with read(one.engine) as connection:
        return summary_of(connection, journey="letters", run_id=None)


def previewed(
    one: Desk, library: Any, connectors: Mapping[Channel, MessageConnector], *, now: datetime = NOW
) -> Summary:
    """What a preview says."""
    letters = one.journeys["letters"]
    with read(one.engine) as connection:
        return preview(
            connection,
            letters,
            letters.brief(),
            Moment(now=now, live_from=LONG_AGO),
            rules=rules_of(one.settings),
            secret=SECRET,
            journeys=one.journeys,
            shard_size=2,
            library=library,
            connectors=connectors,
        )


def move_abroad(one: Desk, phones: Mapping[int, str]) -> None:
    """Give people other phones, by profile id."""
    with write(one.engine) as connection:
        for person, phone in phones.items():
            mine = (identifier.c.profile_id == person) & (identifier.c.kind == "phone")
            connection.execute(update(identifier).where(mine).values(value=phone))
