"""One batch on its way over several connections: who sends what next, and what is left over at the end."""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Iterator, Sequence

from connectors.smtp_line import Line, LineDownError, Offers, Parcel
from connectors.smtp_open import Server
from connectors.smtp_replies import Fate
from segue.contract import (
    ConfigurationError,
    ConnectorError,
    EmailContent,
    Leaving,
    Message,
    Result,
    TransientError,
    UnsupportedError,
    deferred,
    reason_of,
    rejected,
    retry_after_of,
)
from segue.contract.mail import require_address


class Delivery:
    """One batch on its way: the desk that its lines take parcels from."""

    def __init__(self, batch: Sequence[Message], leaving: Leaving, lines: list[Line], server: Server) -> None:
        self.leaving = leaving
        self._waiting = deque(batch)
        #: Lent by the connector, which keeps those that are still good; dead ones are taken out here.
        self._lines = lines
        self._server = server
        self._results: list[Result] = []
        self._unsent: list[tuple[Message, ConnectorError]] = []
        self._stop: ConnectorError | None = None

    def run(self) -> Iterator[Result]:
        """Yield results as answers come; what cannot be sent comes last, or is raised if nothing was answered."""
        yielded = False
        with selectors.DefaultSelector() as selector:
            for line in tuple(self._lines):
                self._begin(line, selector)
            while self._prepare(selector):
                self._turn(selector)
                if self._results:
                    yielded = True
                    results, self._results = self._results, []
                    yield from results
        yielded = yielded or bool(self._results)
        yield from self._results
        yield from self._leftovers(raising=not yielded)

    def take(self, offers: Offers) -> Parcel | None:
        """Hand out the next parcel; a message this server cannot take is rejected on the way."""
        while self._waiting and self._stop is None:
            message = self._waiting.popleft()
            parcel = _parcel(message, offers)
            if isinstance(parcel, Parcel):
                return parcel
            self._results.append(parcel)
        return None

    def settle(self, message: Message, fate: Fate) -> None:
        """Take note of what became of a message."""
        if isinstance(fate, Result):
            self._results.append(fate)
            return
        self._unsent.append((message, fate))
        if isinstance(fate, ConfigurationError):
            self._stop = self._stop or fate

    def give_back(self, message: Message) -> None:
        """Put an untouched message back to the front."""
        self._waiting.appendleft(message)

    def _prepare(self, selector: selectors.BaseSelector) -> bool:
        """Set idle lines to work, open new ones where none is left; true while there is something to wait for."""
        for line in [line for line in self._lines if not line.busy]:
            if not self._waiting or self._stop is not None:
                break
            if not line.used_up:
                self._wake(line, selector)
                continue
            self._lines.remove(line)
            selector.unregister(line)
            line.close(politely=True)
            self._open(selector)
        while self._waiting and self._stop is None and not self._busy():
            self._open(selector)
        return self._busy()

    def _busy(self) -> bool:
        return any(line.busy for line in self._lines)

    def _open(self, selector: selectors.BaseSelector) -> None:
        try:
            line = self._server.open()
        except ConnectorError as error:
            if not self._busy():
                self._stop = error
            return
        self._lines.append(line)
        self._begin(line, selector)

    def _begin(self, line: Line, selector: selectors.BaseSelector) -> None:
        selector.register(line, selectors.EVENT_READ)
        self._wake(line, selector)

    def _wake(self, line: Line, selector: selectors.BaseSelector) -> None:
        try:
            line.start(self)
        except LineDownError:
            self._lose(line, "connection_lost", selector)

    def _turn(self, selector: selectors.BaseSelector) -> None:
        """Wait for the next events and deal with them; then with lines that were silent for too long."""
        busy = [line for line in self._lines if line.busy]
        wait = max(0.0, min(line.deadline for line in busy) - time.monotonic())
        for found, events in selector.select(wait):
            line = found.fileobj
            if not isinstance(line, Line):  # only lines are registered
                continue
            try:
                if events & selectors.EVENT_READ:
                    line.read(self)
                if events & selectors.EVENT_WRITE:
                    line.write()
            except LineDownError:
                self._lose(line, "connection_lost", selector)
                continue
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.blocked else 0)
            if found.events != wanted:
                selector.modify(line, wanted)
        now = time.monotonic()
        for line in busy:
            if line.busy and line.deadline <= now:
                self._lose(line, "no_answer", selector)

    def _lose(self, line: Line, reason: str, selector: selectors.BaseSelector) -> None:
        selector.unregister(line)
        self._lines.remove(line)
        was_stale, answered = line.stale, line.answered
        line.give_up(self, reason)
        if not answered and not was_stale:  # a new line would fare no better
            self._stop = self._stop or TransientError("the SMTP server broke off before it took a message")

    def _leftovers(self, *, raising: bool) -> Iterator[Result]:
        """What never left: an error for the batch while nothing was answered, else one result each."""
        if self._waiting and self._stop is None:
            self._stop = TransientError("the SMTP server has no connection left for us")
        if raising and (error := self._stop or next((error for _, error in self._unsent), None)):
            raise error
        for message, error in self._unsent:
            yield deferred(message.key, reason_of(error), retry_after_of(error))
        if self._stop is not None:
            for message in self._waiting:
                yield deferred(message.key, reason_of(self._stop), retry_after_of(self._stop))


def _parcel(message: Message, offers: Offers) -> Parcel | Result:
    """The message as SMTP wants it, or why this server can never take it."""
    content = message.content
    if not isinstance(content, EmailContent):
        raise UnsupportedError("the smtp connector carries e-mail only")
    plain = message.address.isascii()
    if not plain and not offers.utf8:
        return rejected(message.key, "address_not_supported")
    try:
        require_address(message.address)
    except ValueError:
        return rejected(message.key, "address_malformed")
    try:
        body = content.mime(key=message.key, to=message.address, at=message.at)
    except ValueError:
        return rejected(message.key, "content_malformed")
    if 0 < offers.largest < len(body):
        return rejected(message.key, "message_too_big")
    sender = f"MAIL FROM:<{content.frame.from_address}>"
    if offers.size:
        sender += f" SIZE={len(body)}"
    if not plain:
        sender += " SMTPUTF8"
    return Parcel(
        message=message,
        envelope=(f"{sender}\r\n".encode(), f"RCPT TO:<{message.address}>\r\n".encode()),
        body=stuffed(body),
    )


def stuffed(body: bytes) -> bytes:
    """The body with leading dots doubled and its end of data (RFC 5321, 4.5.2)."""
    if body.startswith(b"."):
        body = b"." + body
    if b"\r\n." in body:
        body = body.replace(b"\r\n.", b"\r\n..")
    return body + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n")
