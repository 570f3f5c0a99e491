"""The whole send of the real abandoned-cart reminder, and the bare pipeline it is held against."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bench.databases import copied
from bench.shop import NOW, NullConnector
from segue.clock import VirtualClock
from segue.contract import Channel, EmailContent, Key, Leaving, Message, MessageConnector, Result, accepted
from segue.journeys.abandoned_cart import AbandonedCartBrief
from segue.outbox.connectors import Connectors
from segue.render import Library, Links, load_brand
from segue.service import open_segue
from segue.settings import Settings

_SECRET = "for the bench only"  # noqa: S105
_STEP = "abandoned_cart/reminder"
#: The holdout rule works for everybody and keeps nobody: its share is far below one in a million.
_HOLDOUT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What one mail is made of once the database has been asked everything."""

    key: Key
    message_id: int
    address: str
    words: Mapping[str, Any]


class MimeConnector(NullConnector):
    """Builds every mail as it would leave, and drops it."""

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Accept each once its bytes stand."""
        for message in batch:
            assert isinstance(message.content, EmailContent)  # noqa: S101 - the journey sends e-mail only
            message.content.mime(key=message.key, to=message.address, at=message.at)
            leaving(message.key)
            yield accepted(message.key, "null")


def send_everything(filled: Path, home: Path, connector: MessageConnector, *, percent: int) -> tuple[float, int]:
    """Promise, judge, mint (if `percent`), render, hand over and record on a copy of `filled`.

    Returns seconds and how many were accepted. Opening the database and compiling the template come before.
    """
    copied(filled, home)
    with open_segue(_settings(home), VirtualClock(NOW), connectors=_connectors(connector)) as segue:
        segue.library.step(_STEP)
        start = time.perf_counter()
        plan = segue.start_run(segue.journeys["abandoned_cart"], _brief(percent))
        done = segue.drain_run(plan)
        return time.perf_counter() - start, done.accepted


def collect(filled: Path, home: Path, *, percent: int) -> list[Mail]:
    """The words of every mail of such a send, for the bare pipeline."""
    said: dict[int, Mapping[str, Any]] = {}
    sent: list[Message] = []
    copied(filled, home)
    collector = _Collector(sent)
    with open_segue(_settings(home), VirtualClock(NOW), connectors=_connectors(collector)) as segue:
        template = segue.library.step(_STEP)
        fill = template.email

        def listening(words: Mapping[str, Any], *, message_id: int) -> EmailContent:
            content = fill(words, message_id=message_id)
            said[message_id] = words
            return content

        template.email = listening  # type: ignore[method-assign]
        segue.drain_run(segue.start_run(segue.journeys["abandoned_cart"], _brief(percent)))
    return [
        Mail(key=message.key, message_id=message_id, address=message.address, words=words)
        for message, (message_id, words) in zip(sent, said.items(), strict=True)
    ]


def send_bare(mails: Sequence[Mail], connector: MessageConnector) -> float:
    """Render and send `mails` with no ledger, no policy and no database at all; returns seconds."""
    settings = Settings()
    library = Library(settings.templates, load_brand(settings.brand), Links(settings.base_url, _SECRET.encode()))
    template = library.step(_STEP)
    window = connector.capabilities.window
    start = time.perf_counter()
    for first in range(0, len(mails), window):
        batch = [
            Message(
                key=mail.key,
                channel=Channel.EMAIL,
                address=mail.address,
                content=template.email(mail.words, message_id=mail.message_id),
                at=NOW,
            )
            for mail in mails[first : first + window]
        ]
        for result in connector.send(batch, lambda _key: None):
            assert result.outcome == "accepted"  # noqa: S101
    return time.perf_counter() - start


class _Collector(NullConnector):
    def __init__(self, sent: list[Message]) -> None:
        super().__init__()
        self._sent = sent

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        self._sent += batch
        yield from super().send(batch, leaving)


def _brief(percent: int) -> AbandonedCartBrief:
    return AbandonedCartBrief(percent=percent)


def _connectors(connector: MessageConnector) -> Connectors:
    return Connectors(by_channel={Channel.EMAIL: connector, Channel.SMS: NullConnector()}, offers=NullConnector())


def _settings(home: Path) -> Settings:
    return Settings(home=home, secret_key=SecretStr(_SECRET), holdout_journey=_HOLDOUT, holdout_global=_HOLDOUT)
