"""Several requests in flight, while every word to the caller is said in the caller's own thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event

from connectors.twilio_answers import Fate
from connectors.twilio_line import Account, Line
from segue.contract import Key, Leaving, Message

Compose = Callable[[Message], Mapping[str, object] | Fate]
"""What to send for a message, or why it is not sent; called just before it is."""


class _WithdrawnError(Exception):
    """Nobody waits for this message's answer any more, and it has not left yet."""


@dataclass(slots=True)
class _Asked:
    """A thread that may not let bytes leave before the caller has heard of it."""

    key: Key
    answered: Event = field(default_factory=Event)
    withdrawn: bool = False

    def answer(self, *, go: bool) -> None:
        self.withdrawn = not go
        self.answered.set()


@dataclass(frozen=True, slots=True)
class Landed:
    """What became of a message; `bug` is an error that has nothing to do with Twilio."""

    message: Message
    fate: Fate | None
    bug: Exception | None = None


class Flight:
    """Kept connections and the threads that wait at them."""

    def __init__(self, account: Account, connections: int) -> None:
        self._account = account
        self._connections = connections
        self._lines = [Line(account) for _ in range(connections)]
        self._idle: SimpleQueue[Line] = SimpleQueue()
        for line in self._lines:
            self._idle.put(line)
        self._threads: ThreadPoolExecutor | None = None

    def fly(self, messages: Sequence[Message], leaving: Leaving, compose: Compose) -> Iterator[Landed]:
        """Send `messages`, as many at once as there are connections; yield them as they land.

        Left alone before the end, it holds back what has not left and waits for what has.
        """
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._connections, thread_name_prefix="twilio")
        news: SimpleQueue[_Asked | Landed] = SimpleQueue()
        for message in messages:
            self._threads.submit(self._send, message, compose, news)
        in_air = len(messages)
        try:
            while in_air:
                event = news.get()
                if isinstance(event, _Asked):
                    go = False
                    try:
                        leaving(event.key)
                        go = True
                    finally:
                        event.answer(go=go)
                else:
                    in_air -= 1
                    yield event
        finally:
            while in_air:
                event = news.get()
                if isinstance(event, _Asked):
                    event.answer(go=False)
                else:
                    in_air -= 1

    def close(self) -> None:
        """Hang up everywhere; safe to call twice, and it can fly again."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None
        for line in self._lines:
            line.close()

    def _send(self, message: Message, compose: Compose, news: SimpleQueue[_Asked | Landed]) -> None:
        def announce() -> None:
            asked = _Asked(message.key)
            news.put(asked)
            asked.answered.wait()
            if asked.withdrawn:
                raise _WithdrawnError

        line = self._idle.get()
        try:
            fields = compose(message)
            fate = line.send(message.key, fields, announce) if isinstance(fields, Mapping) else fields
            landed = Landed(message, fate)
        except Exception as error:  # noqa: BLE001 - told to the caller, once the others have landed
            landed = Landed(message, None, error)
        finally:
            self._idle.put(line)
        news.put(landed)
