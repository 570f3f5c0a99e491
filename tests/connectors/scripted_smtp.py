"""A real SMTP server on a real port that does as it is told: the provider's end of the smtp connector's tests."""

from __future__ import annotations

import base64
import contextlib
import socket
import socketserver
import ssl
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

#: Where in the dialogue a word speaks, and what it says; an empty text hangs up, None says nothing ever.
SCRIPT: dict[str, tuple[str, str | None]] = {
    "ok": (".", "250 2.0.0 Ok: queued as 4F2A"),
    "rejected": ("RCPT", "550 5.1.1 no such user here"),
    "throttled": ("RCPT", "451 4.7.0 slow down"),
    "unauthorised": ("MAIL", "530 5.7.0 authentication required"),
    "silence": (".", None),
    "cut": (".", ""),
    "greylisted": ("RCPT", "450 4.7.1 greylisted, come back"),
    "relay_denied": ("RCPT", "554 5.7.1 relay access denied"),
    "no_code": ("RCPT", "550 no thanks"),
    "full": ("RCPT", "452 4.2.2 mailbox full"),
    "sender_refused": ("MAIL", "550 5.1.8 bad sender"),
    "closing": ("MAIL", "421 4.3.2 closing"),
    "closing_after_body": (".", "421 4.3.2 closing"),
    "body_refused": (".", "554 5.6.0 we do not like this"),
    "body_deferred": (".", "451 4.3.0 later"),
    "too_big": ("MAIL", "552 5.3.4 too big"),
    "cut_at_mail": ("MAIL", ""),
    "cut_at_data": ("DATA", ""),
    "cut_in_body": ("BODY", ""),
    "silent_at_data": ("DATA", None),
    "nonsense": ("MAIL", "what?"),
    "multiline": (".", "250-2.0.0 first line\r\n250-and more\r\n250 2.0.0 Ok: queued as 9B"),
}


@dataclass
class ScriptedSmtp:
    """What it offers, what it will say, and what reached it. Use it as a context manager."""

    pipelining: bool = True
    utf8: bool = False
    size: int = 0
    login: tuple[str, str] | None = None
    tls: ssl.SSLContext | None = None
    starttls: bool = False
    #: After so many messages a connection is told 421.
    per_connection: int = 0
    #: A connection beyond this many is refused with 421.
    most_connections: int = 1000
    #: It says 354 whether or not there is a recipient, as RFC 2920 lets it.
    always_354: bool = False
    bodies: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    begun: int = 0

    def __enter__(self) -> Self:
        self._words: list[str] = []
        self._last = "ok"
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._socks: list[socket.socket] = []
        outer = self

        class Call(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                dialogue = _Dialogue(outer, self.request)
                with contextlib.suppress(OSError):
                    dialogue.run()
                dialogue.file.close()
                dialogue.sock.close()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 64

        self._server = Server(("127.0.0.1", 0), Call)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.hang_up()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def hang_up(self) -> None:
        """Close every connection from the server's side."""
        with self._lock:
            for sock in self._socks:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            self._socks.clear()

    def answer(self, *words: str) -> None:
        self._words, self._last = list(words), words[-1]

    def arrived(self) -> int:
        return len(self.bodies)

    def kept(self) -> int:
        return len(set(self.bodies))

    def commands_of(self, verb: str) -> int:
        return Counter(command.split(" ")[0].split(":")[0] for command in self.commands)[verb]

    def next_word(self) -> str:
        with self._lock:
            self.begun += 1
            return self._words.pop(0) if self._words else self._last

    def peek(self) -> str:
        return self._words[0] if self._words else self._last


class _Dialogue:
    """One connection."""

    def __init__(self, server: ScriptedSmtp, sock: socket.socket) -> None:
        self.server = server
        self.wrap(sock)
        self.word = "ok"
        self.refused = False
        self.has_sender = False
        self.done = 0

    def wrap(self, sock: socket.socket) -> None:
        if hasattr(self, "file"):
            self.file.close()
        self.sock = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.server._lock:
            self.server._socks.append(sock)
        self.file = sock.makefile("rb")

    def say(self, text: str) -> None:
        self.sock.sendall(text.encode() + b"\r\n")

    def run(self) -> None:
        if self.server.tls and not self.server.starttls:
            self.wrap(self.server.tls.wrap_socket(self.sock, server_side=True))
        self.server.connections += 1
        if self.server.connections > self.server.most_connections:
            self.say("421 4.7.0 too many connections")
            return
        self.say("220 scripted.example.test")
        while line := self.file.readline():
            command = line.decode().rstrip("\r\n")
            self.server.commands.append(command)
            if not self.obey(command):
                break
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def obey(self, command: str) -> bool:
        verb = command[:4].upper()
        act = getattr(self, f"on_{verb.lower()}", None)
        if act is None:
            self.say("502 5.5.1 not here")
            return True
        return bool(act(command))

    def scripted(self, step: str, otherwise: str | None) -> bool | None:
        """Play the word if it speaks at this step. True: said; False: over; None: the dialogue is out of it."""
        where, text = SCRIPT[self.word]
        if where != step:
            if otherwise is not None:
                self.say(otherwise)
            return None
        if text is None:
            self.server._over.wait(30)
            return False
        if not text:
            return False
        self.say(text)
        return not text.startswith("421")

    def on_ehlo(self, _: str) -> bool:
        offers = ["scripted.example.test"]
        offers += ["PIPELINING"] * self.server.pipelining + ["SMTPUTF8"] * self.server.utf8
        offers += [f"SIZE {self.server.size}"] if self.server.size else []
        offers += ["AUTH PLAIN"] if self.server.login else []
        offers += ["STARTTLS"] if self.server.starttls and not isinstance(self.sock, ssl.SSLSocket) else []
        for offer in offers[:-1]:
            self.say(f"250-{offer}")
        self.say(f"250 {offers[-1]}")
        return True

    def on_star(self, _: str) -> bool:
        self.say("220 go ahead")
        assert self.server.tls is not None
        self.wrap(self.server.tls.wrap_socket(self.sock, server_side=True))
        return True

    def on_auth(self, command: str) -> bool:
        given = base64.b64decode(command.split(" ")[2]).decode().split("\0")[1:]
        right = self.server.login is not None and tuple(given) == self.server.login
        if not right or self.server.peek() == "unauthorised":
            self.say(f"535 5.7.8 {given[0]} is not welcome")
        else:
            self.say("235 2.7.0 welcome")
        return True

    def on_mail(self, _: str) -> bool:
        if self.has_sender:
            self.say("503 5.5.1 nested MAIL")
            return True
        if self.server.per_connection and self.done >= self.server.per_connection:
            self.say("421 4.7.0 enough for one connection")
            return False
        self.word = self.server.next_word()
        said = self.scripted("MAIL", "250 2.1.0 ok")
        self.refused = said is not None
        self.has_sender = said is None
        self.has_recipient = False
        return said is not False

    def on_rcpt(self, command: str) -> bool:
        if not self.has_sender:
            self.say("503 5.5.1 MAIL first")
            return True
        said = self.scripted("RCPT", "250 2.1.5 ok")
        self.refused = said is not None
        self.has_recipient = said is None
        self.recipient = command[len("RCPT TO:<") :].partition(">")[0]
        return said is not False

    def on_data(self, _: str) -> bool:
        if not self.has_sender or self.refused or not self.has_recipient:
            if not self.server.always_354:
                self.say("503 5.5.1 no valid recipient")
                return True
            self.say("354 go on")
            assert self.file.readline() == b".\r\n"
            self.say("554 5.5.1 no valid recipients")
            self.has_sender = False
            return True
        if self.scripted("DATA", "354 go on") is not None:
            return False
        return self.take_body()

    def take_body(self) -> bool:
        body = b""
        while (line := self.file.readline()) != b".\r\n":
            if not line or SCRIPT[self.word][0] == "BODY":
                return False
            body += line[1:] if line.startswith(b".") else line
        self.server.bodies.append(body)
        self.server.recipients.append(self.recipient)
        self.has_sender = False
        self.done += 1
        return self.scripted(".", SCRIPT["ok"][1]) is not False

    def on_rset(self, _: str) -> bool:
        self.has_sender = self.refused = False
        self.say("250 2.0.0 ok")
        return True

    def on_quit(self, _: str) -> bool:
        self.say("221 2.0.0 bye")
        return False
