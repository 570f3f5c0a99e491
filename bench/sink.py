"""An SMTP server that keeps nothing but counts: what the send benches talk to, in a process of its own.

    python bench/sink.py --port 0 [--control-port 0]

Prints one JSON line with its ports once it listens, and one with its counts on SIGTERM. Whoever connects to the
control port is sent the counts at that moment. Takes MAIL, RCPT, DATA, RSET, NOOP, QUIT, EHLO, offers PIPELINING, and
believes everything: an envelope is checked for its order and nothing else.
"""

from __future__ import annotations

import argparse
import json
import re
import select
import signal
import socket
import sys
from dataclasses import dataclass, field

_HELLO = b"250-sink.example.test\r\n250-PIPELINING\r\n250-SIZE 0\r\n250 8BITMIME\r\n"
_ANSWERS = {
    b"MAIL": b"250 2.1.0 ok\r\n",
    b"RCPT": b"250 2.1.5 ok\r\n",
    b"DATA": b"354 go on\r\n",
    b"EHLO": _HELLO,
    b"HELO": b"250 sink.example.test\r\n",
    b"RSET": b"250 2.0.0 ok\r\n",
    b"NOOP": b"250 2.0.0 ok\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
}
_TAKEN = b"250 2.0.0 taken\r\n"
_ANSWERS_TO_BODY_AND_ENVELOPE = _TAKEN + b"".join(_ANSWERS[verb] for verb in (b"MAIL", b"RCPT", b"DATA"))
_ENVELOPE = re.compile(rb"MAIL FROM:<[^>]*>[^\r]*\r\nRCPT TO:<([^>]*)>[^\r]*\r\nDATA\r\n")
_END = b"\r\n.\r\n"
_MESSAGE_ID = b"\r\nMessage-ID: <"
_RECIPIENT = b"RCPT TO:<"
#: Within `Counts`, `bytes` is a number of them.
_Bytes = bytes


@dataclass(slots=True)
class Counts:
    """What came in."""

    messages: int = 0
    bytes: int = 0
    connections: int = 0
    without_id: int = 0
    recipients: set[_Bytes] = field(default_factory=set)
    keys: set[_Bytes] = field(default_factory=set)

    def summary(self) -> dict[str, int]:
        return {
            "messages": self.messages,
            "bytes": self.bytes,
            "connections": self.connections,
            "distinct_recipients": len(self.recipients),
            "distinct_keys": len(self.keys),
            "duplicates": self.messages - self.without_id - len(self.keys),
            "without_id": self.without_id,
        }


class Caller:
    """One connection: what it said that is not yet understood."""

    __slots__ = ("buffer", "counts", "in_data", "recipients", "sock")

    def __init__(self, sock: socket.socket, counts: Counts) -> None:
        self.sock = sock
        self.counts = counts
        self.buffer = b""
        self.in_data = False
        self.recipients: list[bytes] = []

    def hear(self) -> bool:
        """Read once and answer; False when the connection is over."""
        try:
            received = self.sock.recv(32_768)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not received:
            return False
        self.buffer = self.buffer + received if self.buffer else received
        if self.in_data and (answers := self._quickly()):
            going_on = True
        else:
            answers, going_on = self._understand()
        if answers:
            try:
                self.sock.sendall(answers)  # a few dozen bytes: they fit, or the caller does not listen
            except OSError:
                return False
        return going_on

    def _quickly(self) -> bytes:
        """The answers if one body and the next whole envelope lie before us, as a pipelining client sends them."""
        if not self.buffer.endswith(b"\r\nDATA\r\n"):
            return b""
        end = self.buffer.find(_END)
        found = _ENVELOPE.fullmatch(self.buffer, end + 5) if end >= 0 else None
        if found is None or not self._take_body():
            return b""
        self.recipients = [found.group(1)]
        self.in_data = True
        self.buffer = b""
        return _ANSWERS_TO_BODY_AND_ENVELOPE

    def _understand(self) -> tuple[bytes, bool]:
        answers: list[bytes] = []
        while self.buffer:
            if self.in_data:
                if not self._take_body():
                    break
                answers.append(_TAKEN)
                continue
            line, found, rest = self.buffer.partition(b"\r\n")
            if not found:
                break
            self.buffer = rest
            answer = self._obey(line)
            answers.append(answer)
            if answer.startswith(b"221"):
                return b"".join(answers), False
        return b"".join(answers), True

    def _take_body(self) -> bool:
        body = self.buffer
        if body.startswith(b".\r\n"):
            end, size = 0, 3
        else:
            end = body.find(_END)
            size = end + 5
        if end < 0:
            return False
        counts = self.counts
        counts.messages += 1
        counts.bytes += size
        start = body.find(_MESSAGE_ID, 0, end)
        if start < 0:
            counts.without_id += 1
        else:
            start += len(_MESSAGE_ID)
            counts.keys.add(body[start : body.index(b">", start)])
        counts.recipients.update(self.recipients)
        self.recipients = []
        self.in_data = False
        self.buffer = body[size:]
        return True

    def _obey(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"RCPT":
            self.recipients.append(line[len(_RECIPIENT) : line.find(b">")])
        elif verb == b"DATA":
            self.in_data = bool(self.recipients)
            if not self.in_data:
                return b"554 5.5.1 no valid recipients\r\n"
        elif verb in (b"MAIL", b"RSET"):
            self.recipients = []
        return _ANSWERS.get(verb, b"502 5.5.1 not here\r\n")


class StoppedError(Exception):
    """SIGTERM or SIGINT came."""


def serve(port: int, control_port: int) -> Counts:
    """Listen until a signal ends it, and return the counts."""
    counts = Counts()
    callers: dict[int, Caller] = {}
    with _listening(port) as mail, _listening(control_port) as control, select.epoll() as poll:
        for sock in (mail, control):
            poll.register(sock, select.EPOLLIN)
        ports = {"port": mail.getsockname()[1], "control_port": control.getsockname()[1]}
        print(json.dumps(ports), flush=True)
        try:
            while True:
                for number, _ in poll.poll():
                    if number == mail.fileno():
                        sock, _ = mail.accept()
                        sock.setblocking(False)
                        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        sock.sendall(b"220 sink.example.test\r\n")
                        counts.connections += 1
                        callers[sock.fileno()] = Caller(sock, counts)
                        poll.register(sock, select.EPOLLIN)
                    elif number == control.fileno():
                        with control.accept()[0] as sock:
                            sock.sendall(json.dumps(counts.summary()).encode() + b"\n")
                    elif not callers[number].hear():
                        poll.unregister(number)
                        callers.pop(number).sock.close()
        except StoppedError:
            for caller in callers.values():
                caller.sock.close()
    return counts


def _listening(port: int) -> socket.socket:
    sock = socket.create_server(("127.0.0.1", port), backlog=512)
    sock.setblocking(False)
    return sock


def _stop(_number: int, _frame: object) -> None:
    raise StoppedError


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0: a free one, printed")
    parser.add_argument("--control-port", type=int, default=0, help="0: a free one, printed")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    json.dump(serve(options.port, options.control_port).summary(), sys.stdout)
    print(flush=True)


if __name__ == "__main__":
    main()
