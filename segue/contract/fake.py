"""Connectors that speak to nobody: for a third party's tests and for the outbox's own.

They pass the same contract suite as the real ones, so they cannot drift from them. Script the provider's
end, the wire; never patch the connector.

    wire = FakeWire()
    wire.answer("ok", "rejected", "silence")
    connector = FakeConnector(wire=wire)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

from segue.contract.errors import ConfigurationError, ConnectorError, TransientError, UnsupportedError
from segue.contract.protocols import Leaving
from segue.contract.types import (
    Capabilities,
    Channel,
    Cost,
    Key,
    Message,
    Redemption,
    Result,
    SmsContent,
    Voucher,
    accepted,
    deferred,
    rejected,
    uncertain,
)

Answer = Literal["ok", "rejected", "throttled", "unauthorised", "silence", "cut"]
"""What a provider says to one message. `silence`: it took the bytes and never spoke; `cut`: it hung up after them."""

_ANSWERS = frozenset(get_args(Answer))


class FakeWire:
    """The provider's end: what it will say, and what reached it."""

    def __init__(self) -> None:
        #: Every message whose bytes arrived, in order, repeats included.
        self.received: list[Message] = []
        self._script: list[Answer] = []
        self._last: Answer = "ok"
        self._taken: dict[Key, str] = {}

    def answer(self, *answers: Answer) -> None:
        """Say these to the next messages, one each; the last goes on for all that follow."""
        unknown = set(answers) - _ANSWERS
        if unknown or not answers:
            raise ValueError(f"answers are {', '.join(sorted(_ANSWERS))}; got {', '.join(sorted(unknown)) or 'none'}")
        self._script, self._last = list(answers), answers[-1]

    def arrived(self) -> int:
        """How many messages' bytes reached the provider."""
        return len(self.received)

    def kept(self) -> int:
        """How many messages the provider took, a repeated key once."""
        return len(self._taken)

    def take(self, message: Message) -> Answer:
        """Receive one message's bytes and choose the answer. Override it to stall, or to die, at this moment."""
        self.received.append(message)
        answer = self._script.pop(0) if self._script else self._last
        if answer == "ok":
            self._taken.setdefault(message.key, f"fake-{len(self._taken) + 1}")
        return answer

    def name_of(self, key: Key) -> str | None:
        """The provider's own name for a message it took."""
        return self._taken.get(key)


class FakeConnector:
    """A message connector whose provider is a `FakeWire`.

    It hands over up to `window` messages before it listens to the answers, as a pipelining connector does.
    """

    def __init__(
        self,
        *,
        wire: FakeWire | None = None,
        name: str = "fake",
        channels: frozenset[Channel] = frozenset({Channel.EMAIL, Channel.SMS, Channel.PRINT}),
        max_batch: int = 500,
        window: int = 500,
        idempotent: bool = False,
        retry_after: timedelta | None = timedelta(seconds=30),
        pace_per_second: float | None = None,
        price: Cost | None = None,
    ) -> None:
        self.name = name
        self.channels = channels
        self.capabilities = Capabilities(
            max_batch=max_batch, window=window, idempotent=idempotent, pace_per_second=pace_per_second
        )
        #: What a message costs, or a text message's segment.
        self.price = price
        self.wire = wire or FakeWire()
        self.closed = False
        self._retry_after = retry_after

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Hand over the batch window by window and yield what the wire answers."""
        if any(message.channel not in self.channels for message in batch):
            raise UnsupportedError(f"the connector {self.name} does not carry this channel")
        window = self.capabilities.window
        for start in range(0, len(batch), window):
            share = batch[start : start + window]
            answers = [self._hand_over(message, leaving) for message in share]
            errors = [error for answer in answers if (error := self._error(answer)) is not None]
            if start == 0 and len(errors) == len(answers):
                raise errors[0]
            yield from self._results(share, answers)
            if errors:
                yield from (deferred(m.key, _reason(errors[0]), self._retry_after) for m in batch[start + window :])
                return

    def cost(self, message: Message) -> Cost | None:
        """The price a segment or message, if there is one."""
        if self.price is None:
            return None
        times = message.content.segments if isinstance(message.content, SmsContent) else 1
        return Cost(micros=times * self.price.micros, currency=self.price.currency)

    def close(self) -> None:
        """Note that it was closed; safe to call twice."""
        self.closed = True

    def _hand_over(self, message: Message, leaving: Leaving) -> Answer:
        if self.capabilities.idempotent and self.wire.name_of(message.key):
            return "ok"
        leaving(message.key)
        return self.wire.take(message)

    def _results(self, share: Sequence[Message], answers: Sequence[Answer]) -> Iterator[Result]:
        """One result a message; after a cut nobody hears what was said to the rest."""
        cut = False
        for message, answer in zip(share, answers, strict=True):
            cut = cut or answer == "cut"
            error = self._error(answer)
            if cut:
                yield uncertain(message.key, "connection_lost")
            elif error is not None:
                yield deferred(message.key, _reason(error), self._retry_after)
            elif answer == "rejected":
                yield rejected(message.key, "mailbox_unknown", suppress=True)
            elif answer == "silence":
                yield uncertain(message.key, "no_answer")
            else:
                yield accepted(message.key, self.wire.name_of(message.key))

    def _error(self, answer: Answer) -> ConnectorError | None:
        if answer == "throttled":
            return TransientError(f"the provider behind {self.name} is throttling", retry_after=self._retry_after)
        if answer == "unauthorised":
            return ConfigurationError(
                f"the provider behind {self.name} refused the key; check the connector's settings"
            )
        return None


def _reason(error: ConnectorError) -> str:
    return "throttled" if isinstance(error, TransientError) else "configuration"


class FakeOffers:
    """An offer connector whose shop is a few dictionaries."""

    def __init__(self, *, name: str = "fake") -> None:
        self.name = name
        #: What the shop knows, by code; withdrawn ones among them.
        self.published: dict[str, Voucher] = {}
        self.withdrawn: set[str] = set()
        #: Raised by the next calls, until it is None again: a shop that is down.
        self.error: ConnectorError | None = None
        self._redemptions: list[Redemption] = []

    def publish(self, vouchers: Sequence[Voucher]) -> Iterator[Result]:
        """Make codes known; a code that was withdrawn, or that stands for something else already, is rejected."""
        self._answer()
        for voucher in vouchers:
            if voucher.code in self.withdrawn:
                yield rejected(voucher.key, "code_withdrawn")
                continue
            known = self.published.setdefault(voucher.code, voucher)
            yield accepted(voucher.key) if known == voucher else rejected(voucher.key, "code_taken")

    def withdraw(self, codes: Sequence[str]) -> Iterator[str]:
        """Make codes worthless for good, those among them that were never published."""
        self._answer()
        for code in codes:
            self.withdrawn.add(code)
            yield code

    def redemptions(self) -> Iterator[Redemption]:
        """Yield what `redeem` was told."""
        self._answer()
        yield from tuple(self._redemptions)

    def redeem(self, code: str, order_id: str, at: datetime) -> None:
        """Use a code at the shop; raises ValueError if the shop would not take it."""
        voucher = self.published.get(code)
        if voucher is None or code in self.withdrawn or not voucher.valid_from <= at < voucher.valid_until:
            raise ValueError("the shop does not take this code now")
        self._redemptions.append(Redemption(code=code, order_id=order_id, redeemed_at=at))

    def known(self) -> frozenset[str]:
        """The codes a customer could use, were it the right day."""
        return frozenset(self.published) - self.withdrawn

    def _answer(self) -> None:
        if self.error is not None:
            raise self.error
