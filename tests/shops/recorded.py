"""What is written down while a story is played: whatever leaves, and who was who."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from segue.clock import VirtualClock
from segue.contract import EmailContent, Message, PrintContent, SmsContent
from segue.contract.fake import Answer, FakeWire
from tests.shops.story import Fact, Story


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A message whose bytes arrived at the provider."""

    key: str
    channel: str
    address: str
    at: datetime
    answer: Answer
    text: str
    unsubscribe_url: str | None
    valid_until: datetime | None

    @property
    def step(self) -> str:
        """`journey/step`."""
        return "/".join(self.key.split("/")[:2])

    @property
    def counts(self) -> bool:
        """Whether it may have reached her."""
        return self.answer in ("ok", "silence")


@dataclass(slots=True)
class Stretch:
    """From one telling to the next: what left, and who is who meanwhile."""

    since: datetime
    until: datetime
    handed: list[HandedOver]
    #: Of each name of the story the profile that it is by now.
    root: dict[str, int]
    #: Of each message the profile it is for.
    owner: dict[str, int]
    #: Available and pending points of each profile that has an entry; None where nobody looked.
    points: dict[int, tuple[int, int]] | None
    #: Members of each audience, as the platform knows them; None where nothing was synced.
    audiences: dict[str, frozenset[str]] | None
    withdrawn: frozenset[str]


@dataclass(slots=True)
class Played:
    """A story and everything that came of it."""

    story: Story
    facts: list[Fact]
    stretches: list[Stretch] = field(default_factory=list)
    #: At the end of each day on which anything happened: journey and state to how many messages.
    sums: dict[datetime, dict[tuple[str, str], int]] = field(default_factory=dict)
    #: What each journey says of its whole life.
    summaries: dict[str, dict[str, int]] = field(default_factory=dict)
    vouchers: dict[str, Any] = field(default_factory=dict)
    carts: dict[int, str] = field(default_factory=dict)
    orders: dict[int, str] = field(default_factory=dict)
    redeemed: int = 0


class Wire(FakeWire):
    """The providers' end: it writes down when what arrived, and answers as the story has it."""

    def __init__(self, clock: VirtualClock, trouble: str) -> None:
        super().__init__()
        self._clock = clock
        self._trouble = trouble
        self._tried: set[str] = set()
        self.handed: list[HandedOver] = []

    def take(self, message: Message) -> Answer:
        """Receive one message."""
        answer: Answer = "ok"
        if self._trouble != "ok" and zlib.crc32(message.key.encode()) % 3 == 0:
            answer = self._trouble if message.key not in self._tried else "ok"  # type: ignore[assignment]
        self._tried.add(message.key)
        content = message.content
        text, unsubscribe = "", None
        if isinstance(content, EmailContent):
            text, unsubscribe = content.text, content.unsubscribe_url
        elif isinstance(content, SmsContent):
            text = content.text
        elif isinstance(content, PrintContent):
            text = content.data
        self.handed.append(
            HandedOver(
                message.key,
                str(message.channel),
                message.address,
                self._clock.now(),
                answer,
                text,
                unsubscribe,
                message.valid_until,
            )
        )
        self.answer(answer)
        return super().take(message)
