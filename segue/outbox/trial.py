"""Test messages to colleagues: what a template makes of its own samples, through the real connector.

They are no messages to customers: no row in `message`, so they count nowhere, in no budget and no statistic. Each says
that it is a test, and its links name message 0, which nobody has. The brake and the pace hold them like any other; a
row stands before each leaves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, insert, select, update

from segue.contract import Channel, EmailContent, Key, Message, MessageConnector, Result, SmsContent
from segue.outbox import brake, pace
from segue.outbox.journal import Journal
from segue.outbox.send import send
from segue.outbox.states import HANDED_OVER
from segue.render.trial_mark import marked_as_test
from segue.store.engine import write
from segue.store.tables import seed, test_send

if TYPE_CHECKING:
    from segue.render.templates import StepTemplate

#: What a test can be sent by.
CHANNELS = (Channel.EMAIL, Channel.SMS)
#: Of a message that belongs to nobody.
NO_MESSAGE = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialLine:
    """What became of a test message; holds no address."""

    label: str
    channel: str
    #: accepted, deferred, rejected or uncertain; `held` where the brake or the pace kept it: it then left no row.
    state: str
    reason: str | None


def send_trial(
    engine: Engine,
    template: StepTemplate,
    words: Mapping[str, Any],
    *,
    channels: Collection[Channel] = CHANNELS,
    connectors: Mapping[Channel, MessageConnector],
    journals: Path,
    now: datetime,
) -> list[TrialLine]:
    """Send `words` in `template` (`journey/folder`) to every seed of each of `channels` that it has words for."""
    lines: list[TrialLine] = []
    for channel in CHANNELS:
        if channel not in template.channels or channel not in channels:
            continue
        content = marked_as_test(template.content(channel, words, message_id=NO_MESSAGE))
        lines += _one_channel(engine, template.name, channel, content, connectors.get(channel), journals, now)
    return lines


def _one_channel(
    engine: Engine,
    name: str,
    channel: Channel,
    content: EmailContent | SmsContent,
    connector: MessageConnector | None,
    journals: Path,
    now: datetime,
) -> list[TrialLine]:
    journey, _, step = name.partition("/")
    with write(engine) as connection:
        seeds = connection.execute(select(seed).where(seed.c.channel == channel.value).order_by(seed.c.id)).all()
        if not seeds:
            return []
        if connector is None:
            return [_held(one, "no_connector") for one in seeds]
        paused = brake.paused_names(connection)
        if brake.held_by(paused, journey, channel=channel.value, connector=connector.name, run_id=None):
            return [_held(one, "paused") for one in seeds]
        drafts = [
            Message(key=Key("test"), channel=channel, address=one.address, content=content, at=now) for one in seeds
        ]
        grant = pace.reserve(connection, connector, drafts, now=now)
        leaves = list(range(len(seeds))) if grant is None else list(grant.leaves)
        keys = _rows(connection, [seeds[place].id for place in leaves], journey, step, now)
    messages = [replace(drafts[place], key=key) for place, key in zip(leaves, keys, strict=True)]
    results = _hand_over(engine, messages, connector, journals, now)
    told = dict(zip(leaves, (results[key] for key in keys), strict=True))
    return [
        TrialLine(label=one.label, channel=one.channel, state=told[place].outcome.value, reason=told[place].reason)
        if place in told
        else _held(one, "pace")
        for place, one in enumerate(seeds)
    ]


def _hand_over(
    engine: Engine, messages: Sequence[Message], connector: MessageConnector, journals: Path, now: datetime
) -> Mapping[Key, Result]:
    """Send, and write down what was answered; the journal stays where that could not be written."""
    if not messages:
        return {}
    journal = Journal(journals)
    is_told = False
    try:
        results = send(messages, connector, journal).results
        with write(engine) as connection:
            for key, result in results.items():
                connection.execute(
                    update(test_send)
                    .where(test_send.c.key == key)
                    .values(state=result.outcome.value, reason=result.reason, answered_at=now)
                )
        is_told = True
    finally:
        journal.close(keep=not is_told)
    return results


def _rows(connection: Connection, seeds: Sequence[int], journey: str, step: str, now: datetime) -> list[Key]:
    """A row for each before it leaves; its own number makes its key, so that it is repeatable at will."""
    keys = []
    for one in seeds:
        row = {"seed_id": one, "journey": journey, "step": step, "state": HANDED_OVER, "asked_at": now}
        number = connection.execute(
            insert(test_send).values(key=f"test/new/{one}", **row).returning(test_send.c.id)
        ).scalar_one()
        key = Key(f"test/{number}/{journey}/{step}")
        connection.execute(update(test_send).where(test_send.c.id == number).values(key=key))
        keys.append(key)
    return keys


def _held(one: Any, reason: str) -> TrialLine:
    return TrialLine(label=one.label, channel=one.channel, state="held", reason=reason)
