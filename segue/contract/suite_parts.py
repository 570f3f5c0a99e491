"""What the contract suite sends, and how it writes down what happens."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from segue.contract.errors import ConnectorError
from segue.contract.fake import Answer
from segue.contract.mail import MailFrame
from segue.contract.page import PageFrame
from segue.contract.protocols import MessageConnector
from segue.contract.types import Channel, Content, EmailContent, Key, Message, Outcome, PrintContent, Result, SmsContent

AT = datetime(2026, 5, 14, 15, 0, tzinfo=UTC)
WORDS_OF_ONE = "Your leggings, size 8, are waiting"
_FRAME = MailFrame(from_name="Brand", from_address="hello@example.com")
#: Two pages a card, front and back, with the card's words on the front.
PAGE = PageFrame(
    name="contract/step",
    source="""#set document(date: none)
#set page(width: 105mm, height: 148mm)
#for card in json(bytes(sys.inputs.pages)) [#page(card.words) #page(card.order)]""",
    root=Path(__file__).parent,
)


class Wire(Protocol):
    """The provider's end of a test: it plays answers and counts what reached it."""

    def answer(self, *answers: Answer) -> None:
        """Say these to the next messages, one each; the last goes on for all that follow."""

    def arrived(self) -> int:
        """How many messages' bytes reached the provider, repeats included."""

    def kept(self) -> int:
        """How many messages the provider took; a repeated key once. Asked only of idempotent connectors."""


def card(number: int) -> str:
    """The data of one card, the same for the same number."""
    return json.dumps({"words": f"{WORDS_OF_ONE} {number}", "order": f"#{number}"})


def message(number: int, channel: Channel = Channel.EMAIL) -> Message:
    """A message like the outbox's, the same for the same number."""
    contents: dict[Channel, Content] = {
        Channel.EMAIL: EmailContent(
            frame=_FRAME, subject="Still here", text=WORDS_OF_ONE, html=f"<p>{WORDS_OF_ONE}</p>"
        ),
        Channel.SMS: SmsContent(text=WORDS_OF_ONE, segments=1),
        Channel.PRINT: PrintContent(frame=PAGE, data=card(number), location="new-york", order=f"#{number}"),
    }
    addresses = {Channel.EMAIL: f"reader.{number}@example.com", Channel.SMS: f"+1202555{100 + number % 100:04}"}
    return Message(
        key=Key(f"contract/step/occasion:{number}"),
        channel=channel,
        address=addresses.get(channel, ""),
        content=contents[channel],
        at=AT,
        valid_until=AT + timedelta(hours=6),
    )


@dataclass
class Sending:
    """What one `send` did, as the outbox would see it."""

    results: list[Result] = field(default_factory=list)
    left: list[Key] = field(default_factory=list)
    #: Keys answered before they had left, though their answer says that they did.
    unannounced: list[Key] = field(default_factory=list)
    most_unanswered: int = 0
    error: ConnectorError | None = None

    def count(self) -> Counter[Outcome]:
        """How many results of each outcome."""
        return Counter(result.outcome for result in self.results)


def send(connector: MessageConnector, batch: Sequence[Message]) -> Sending:
    """Send a batch and write down everything that happens."""
    seen = Sending()
    unanswered: set[Key] = set()

    def leaving(key: Key) -> None:
        seen.left.append(key)
        unanswered.add(key)
        seen.most_unanswered = max(seen.most_unanswered, len(unanswered))

    try:
        for result in connector.send(batch, leaving):
            if result.outcome in {Outcome.ACCEPTED, Outcome.UNCERTAIN} and result.key not in seen.left:
                seen.unannounced.append(result.key)
            unanswered.discard(result.key)
            seen.results.append(result)
    except ConnectorError as error:
        seen.error = error
    return seen


def texts_of(error: BaseException | None) -> str:
    """All that a log would show of an error: its text and those of its causes, but for what `from None` hides."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error)]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(texts)
