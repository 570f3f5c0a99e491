"""A real HTTP server on a real port that answers as SendGrid does: the provider's end of the connector's tests.

It judges every request, and carries out the substitutions as they are documented, so that tests read finished mails.
"""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

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


@dataclass
class SendgridWire:
    """What it will say, and what reached it. Use it as a context manager."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    #: Of requests that were taken.
    delivered: list[Delivered] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._words: list[str] = []
        self._last = "ok"
        self._replies: list[Reply] = []
        self._over = threading.Event()
        self._socks: list[socket.socket] = []
        wire = self

        class Call(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def setup(self) -> None:
                super().setup()
                wire.connections += 1
                wire._socks.append(self.connection)

            def do_POST(self) -> None:
                wire._serve(self)

            def log_message(self, *_: object) -> None:
                pass

            def date_time_string(self, timestamp: float | None = None) -> str:
                return DATE

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:  # a line that is cut is no news here
                pass

        self._server = Server(("127.0.0.1", 0), Call)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.hang_up()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        assert self.faults == []

    def hang_up(self) -> None:
        """Close every connection from the server's side."""
        while self._socks:
            sock = self._socks.pop()
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def answer(self, *words: str) -> None:
        self._words, self._last = list(words), words[-1]

    def reply(self, *replies: Reply) -> None:
        """Say these to the next requests, whatever the words are."""
        self._replies += replies

    def arrived(self) -> int:
        return sum(len(one["personalizations"]) for one in self.requests)

    def kept(self) -> int:
        return len({one.key for one in self.delivered})

    def sizes(self) -> list[int]:
        return [len(one["personalizations"]) for one in self.requests]

    def _serve(self, call: BaseHTTPRequestHandler) -> None:
        if self._replies and self._replies[0].early:
            self._say(call, self._replies.pop(0))
            return
        body = json.loads(call.rfile.read(int(call.headers["Content-Length"])))
        self.faults += complaints(body) + beyond(body)
        self.requests.append(body)
        self.heads.append(dict(call.headers))
        if call.path != "/v3/mail/send" or call.headers["Content-Type"] != "application/json":
            self._say(call, Reply(404))
        elif call.headers["Authorization"] != f"Bearer {KEY}":
            self._say(call, Reply(401, body=errors(None)))
        elif self._replies:
            self._finish(call, body, self._replies.pop(0))
        else:
            words = [self._words.pop(0) if self._words else self._last for _ in body["personalizations"]]
            self._finish(call, body, self._play(call, words))

    def _play(self, call: BaseHTTPRequestHandler, words: list[str]) -> Reply | None:
        """The answer to a request whose messages get these words; None is none at all."""
        named = [f"personalizations.{n}.to.0.email" for n, word in enumerate(words) if word == "rejected"]
        if named:
            return Reply(400, body=errors(*named))
        word = next((word for word in words if word != "ok"), "ok")
        if word == "silence":
            self._over.wait(30)
        if word in {"silence", "cut"}:
            call.close_connection = True
            return None
        status = {"ok": 202, "throttled": 429, "unauthorised": 401}[word]
        return Reply(status, body=b"" if word == "ok" else errors(None))

    def _finish(self, call: BaseHTTPRequestHandler, body: dict[str, Any], reply: Reply | None) -> None:
        if reply is None:
            return
        if reply.status == 202:
            self.delivered += map(_delivered, [body] * len(body["personalizations"]), body["personalizations"])
        self._say(call, reply)

    def _say(self, call: BaseHTTPRequestHandler, reply: Reply) -> None:
        call.send_response(reply.status)
        if reply.status == 202:
            call.send_header("X-Message-Id", f"id-{len(self.requests)}")
        for name, value in reply.headers.items():
            call.send_header(name, value)
        call.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
        call.end_headers()
        call.wfile.write(reply.body)
        call.wfile.flush()
        call.close_connection = reply.early or reply.closes or reply.length is not None


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
