"""A real HTTP server on a real port that answers as SendGrid does: the provider's end of the connector's tests.

It judges every request, and carries out the substitutions as they are documented, so that tests read finished mails.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.connectors.provider_end import Call, ProviderEnd
from tests.connectors.sendgrid_judge import beyond, complaints

KEY = "SG.of-the-tests"
DATE = "Thu, 14 May 2026 15:00:00 GMT"


@dataclass(frozen=True)
class Reply:
    """What is said to one whole request."""

    status: int = 202
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    #: Before the body was read, and then the line is closed.
    early: bool = False
    #: The body's announced length, if it is not the true one.
    length: int | None = None
    #: After the answer the line is closed.
    closes: bool = False


@dataclass(frozen=True)
class Delivered:
    """One finished mail."""

    to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    key: str


def errors(*fields: str | None) -> bytes:
    """A refusal's body; it quotes an address, as SendGrid's do."""
    said = [{"message": "reader.0@example.com is not to our liking", "field": one, "help": None} for one in fields]
    return json.dumps({"errors": said}).encode()


class SendgridWire(ProviderEnd):
    """What it will say, and what reached it. Use it as a context manager."""

    def __init__(self) -> None:
        super().__init__(_Send)
        self.requests: list[dict[str, Any]] = []
        #: Of requests that were taken.
        self.delivered: list[Delivered] = []
        self.heads: list[dict[str, str]] = []
        #: What is said to the next requests, whatever the words are.
        self.replies: list[Reply] = []
        #: What is said to a request for what it holds; None leaves it to `replies` and the words.
        self.refuse: Callable[[dict[str, Any]], Reply | None] = lambda _body: None
        self._socks: list[socket.socket] = []

    def __exit__(self, *error: object) -> None:
        self.hang_up()
        super().__exit__(*error)

    def get_request(self) -> tuple[socket.socket, Any]:
        sock, address = super().get_request()
        self._socks.append(sock)
        return sock, address

    def hang_up(self) -> None:
        """Close every connection from the server's side."""
        while self._socks:
            sock = self._socks.pop()
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def reply(self, *replies: Reply) -> None:
        """Say these to the next requests, whatever the words are."""
        self.replies += replies

    def arrived(self) -> int:
        return sum(len(one["personalizations"]) for one in self.requests)

    def kept(self) -> int:
        return len({one.key for one in self.delivered})

    def sizes(self) -> list[int]:
        return [len(one["personalizations"]) for one in self.requests]


class _Send(Call):
    server: SendgridWire

    def play(self) -> None:
        wire = self.server
        if wire.replies and wire.replies[0].early:
            return self._reply(wire.replies.pop(0))
        body = json.loads(self.body())
        wire.complaints += complaints(body) + beyond(body)
        wire.requests.append(body)
        wire.heads.append(dict(self.headers))
        if self.path != "/v3/mail/send" or self.headers["Content-Type"] != "application/json":
            return self._reply(Reply(404))
        if self.headers["Authorization"] != f"Bearer {KEY}":
            return self._reply(Reply(401, body=errors(None)))
        reply = wire.refuse(body) or (wire.replies.pop(0) if wire.replies else self._played(body))
        if reply is None:
            return None
        if reply.status == 202:
            wire.delivered += map(_delivered, [body] * len(body["personalizations"]), body["personalizations"])
        return self._reply(reply)

    def _played(self, body: dict[str, Any]) -> Reply | None:
        """The answer to a request, a word a message; None is none at all."""
        words = [self.server.word() for _ in body["personalizations"]]
        named = [f"personalizations.{n}.to.0.email" for n, word in enumerate(words) if word == "rejected"]
        if named:
            return Reply(400, body=errors(*named))
        word = next((word for word in words if word != "ok"), "ok")
        if word in {"silence", "cut"}:
            self.hang_up(after=30 if word == "silence" else 0)
            return None
        status = {"ok": 202, "throttled": 429, "unauthorised": 401}[word]
        return Reply(status, body=b"" if word == "ok" else errors(None))

    def _reply(self, reply: Reply) -> None:
        headers = {"Date": DATE, **reply.headers}
        if reply.status == 202:
            headers["X-Message-Id"] = f"id-{len(self.server.requests)}"
        if reply.length is not None:
            headers["Content-Length"] = str(reply.length)
        self.say(reply.status, headers, reply.body)
        self.close_connection = reply.early or reply.closes or reply.length is not None


def _delivered(body: dict[str, Any], one: dict[str, Any]) -> Delivered:
    parts = {part["type"]: part["value"] for part in body["content"]}
    subject, text, html = one["subject"], parts.get("text/plain", ""), parts.get("text/html", "")
    # "Property names will be substituted by their values in subject and content": one after the other, everywhere.
    for tag, words in one.get("substitutions", {}).items():
        subject, text, html = (part.replace(tag, words) for part in (subject, text, html))
    return Delivered(
        to=one["to"][0]["email"],
        subject=subject,
        text=text,
        html=html,
        headers={**body.get("headers", {}), **one.get("headers", {})},
        key=one["custom_args"]["segue_key"],
    )
