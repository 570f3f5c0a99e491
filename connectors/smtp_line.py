"""One kept SMTP connection: writes envelopes and bodies, and knows which end of data has left.

Where the server offers PIPELINING (RFC 2920) a message's body and the next one's whole envelope are one
write, so that a message costs about one round trip. At most one end of data is unanswered at a time.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from connectors.smtp_replies import Fate, Reply, Step, judge
from segue.contract import Key, Message, deferred, uncertain

_BLOCKED = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_CHUNK = 8_192
_LONGEST_REPLY = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What the server said it can do (EHLO)."""

    pipelining: bool
    utf8: bool
    #: It takes a SIZE parameter.
    size: bool
    #: Most bytes a message may have; 0 if it did not say.
    largest: int


@dataclass(slots=True, kw_only=True)
class Parcel:
    """A message with its bytes, on its way."""

    message: Message
    envelope: tuple[bytes, bytes]
    #: Dot-stuffed, the final dot included.
    body: bytes
    #: The first refusal of its envelope, once there is one.
    refusal: Fate | None = None
    #: Where in the connection's stream its end of data lies, once that is queued.
    ends_at: int | None = None


class Desk(Protocol):
    """Where a line gets its parcels and leaves what became of them."""

    def take(self, offers: Offers) -> Parcel | None:
        """Hand out the next parcel that this server can take."""

    def leaving(self, key: Key) -> None:
        """Note that the parcel's body is about to be written."""

    def settle(self, message: Message, fate: Fate) -> None:
        """Take note of what became of a message."""

    def give_back(self, message: Message) -> None:
        """Take back a message of which no byte was written, or only an envelope to a line that was dead already."""


class LineDownError(Exception):
    """The connection is of no more use. Never an OSError, so that one from the outbox's journal is not taken for it."""


class Line:
    """One connection's dialogue: what is to be written, and which answers are still to come."""

    def __init__(self, sock: socket.socket, offers: Offers, *, timeout: float, most: int) -> None:
        self.offers = offers
        #: Seconds on the monotonic clock after which silence means a dead line.
        self.deadline = time.monotonic() + timeout
        #: Answers to ends of data since the line was opened.
        self.answered = 0
        #: It was kept from an earlier batch and has not said a word since.
        self.stale = False
        sock.setblocking(False)
        # A body's last, short segment must not wait for the acknowledgement of those before it (Nagle).
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._timeout = timeout
        self._most = most
        self._taken = 0
        self._todo: deque[tuple[bytes, Step, Parcel | None]] = deque()
        self._expected: deque[tuple[Step, Parcel | None]] = deque()
        self._out = b""
        self._in = b""
        # Bytes handed to the stream and, of those, taken by the socket, since the line was opened.
        self._filled = 0
        self._written = 0

    def fileno(self) -> int:
        """The socket's number, for a selector."""
        return self._sock.fileno()

    @property
    def busy(self) -> bool:
        """Something is to be written or answered."""
        return bool(self._expected or self._todo or self._out)

    @property
    def blocked(self) -> bool:
        """The socket would not take all that was to be written."""
        return bool(self._out)

    @property
    def used_up(self) -> bool:
        """It has carried as many messages as one connection may."""
        return bool(self._most) and self._taken >= self._most

    def start(self, desk: Desk) -> None:
        """Begin with the next parcel; raises LineDownError if the connection is gone."""
        self._next_envelope(desk)
        self.write()

    def read(self, desk: Desk) -> None:
        """Take what the server said and go on; raises LineDownError if the connection is gone."""
        while True:
            try:
                received = self._sock.recv(_CHUNK)
            except _BLOCKED:
                break
            except OSError as error:
                raise LineDownError from error
            if not received:
                raise LineDownError
            self.deadline = time.monotonic() + self._timeout
            self._feed(received, desk)
            if not (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
                break
        self.write()

    def write(self) -> None:
        """Write what the server's answers and the socket allow; raises LineDownError if the connection is gone."""
        while True:
            if not self._out:
                self._fill()
                if not self._out:
                    return
            try:
                sent = self._sock.send(self._out)
            except _BLOCKED:
                return
            except OSError as error:
                raise LineDownError from error
            self._written += sent
            self._out = self._out[sent:]
            self.deadline = time.monotonic() + self._timeout
            if self._out:
                return

    def give_up(self, desk: Desk, reason: str) -> None:
        """Close for good and settle what was on its way: only an end of data that has left is uncertain."""
        self.close()
        begun = {id(parcel): parcel for _, parcel in self._expected if parcel is not None}
        waiting = {id(parcel): parcel for _, _, parcel in self._todo if parcel is not None and id(parcel) not in begun}
        for parcel in begun.values():
            key = parcel.message.key
            if parcel.refusal is not None:
                desk.settle(parcel.message, parcel.refusal)
            elif parcel.ends_at is not None and self._written >= parcel.ends_at:
                desk.settle(parcel.message, uncertain(key, reason))
            elif self.stale:
                desk.give_back(parcel.message)
            else:
                desk.settle(parcel.message, deferred(key, reason))
        for parcel in waiting.values():
            desk.give_back(parcel.message)
        self._expected.clear()
        self._todo.clear()
        self._out = b""

    def close(self, *, politely: bool = False) -> None:
        """Close the socket, with a QUIT if all is well."""
        if politely and not self.busy:
            try:
                self._sock.send(b"QUIT\r\n")
            except OSError:  # it closed first: what we wanted
                self._out = b""
        self._sock.close()

    def _feed(self, received: bytes, desk: Desk) -> None:
        *lines, self._in = (self._in + received).split(b"\n")
        if len(self._in) > _LONGEST_REPLY:
            raise LineDownError
        for line in lines:
            if line[3:4] == b"-":
                continue
            if not line[:3].isdigit():
                raise LineDownError
            self._answer(Reply(int(line[:3]), line[4:]), desk)

    def _answer(self, reply: Reply, desk: Desk) -> None:
        if not self._expected or (self.stale and reply.closing):  # unasked for, so a good-bye
            raise LineDownError
        self.stale = False
        step, parcel = self._expected.popleft()
        if parcel is None:
            if not reply.positive:
                raise LineDownError
        elif step is Step.END_OF_DATA:
            self.answered += 1
            desk.settle(parcel.message, parcel.refusal or judge(parcel.message.key, step, reply))
        elif step is Step.DATA:
            self._data_answered(parcel, reply, desk)
        elif not reply.positive and parcel.refusal is None:
            parcel.refusal = judge(parcel.message.key, step, reply)
            if not self.offers.pipelining:
                self._drop(parcel, parcel.refusal, desk)
        if reply.closing:
            raise LineDownError

    def _data_answered(self, parcel: Parcel, reply: Reply, desk: Desk) -> None:
        if reply.code != 354:
            if parcel.refusal is None and reply.positive:
                raise LineDownError  # neither yes nor no: the dialogue is out of step
            self._drop(parcel, parcel.refusal or judge(parcel.message.key, Step.DATA, reply), desk)
            return
        if parcel.refusal is not None:  # RFC 2920, 3.1: a server may say 354 with no recipient left
            self._queue(b".\r\n", Step.END_OF_DATA, parcel)
        else:
            desk.leaving(parcel.message.key)
            self._queue(parcel.body, Step.END_OF_DATA, parcel)
        self._next_envelope(desk)

    def _drop(self, parcel: Parcel, fate: Fate, desk: Desk) -> None:
        """Settle a parcel whose envelope was refused, and clear the table for the next."""
        self._todo.clear()
        desk.settle(parcel.message, fate)
        self._queue(b"RSET\r\n", Step.RESET, None)
        self._next_envelope(desk)

    def _next_envelope(self, desk: Desk) -> None:
        if self.used_up:
            return
        parcel = desk.take(self.offers)
        if parcel is None:
            return
        self._taken += 1
        sender, recipient = parcel.envelope
        self._queue(sender, Step.SENDER, parcel)
        self._queue(recipient, Step.RECIPIENT, parcel)
        self._queue(b"DATA\r\n", Step.DATA, parcel)

    def _queue(self, command: bytes, step: Step, parcel: Parcel | None) -> None:
        self._todo.append((command, step, parcel))

    def _fill(self) -> None:
        """Move to the socket's door what may be written now: everything, or one command a time."""
        commands = []
        while self._todo and (self.offers.pipelining or not self._expected):
            command, step, parcel = self._todo.popleft()
            commands.append(command)
            self._expected.append((step, parcel))
            self._filled += len(command)
            if parcel is not None and step is Step.END_OF_DATA:
                parcel.ends_at = self._filled
        self._out = b"".join(commands)
