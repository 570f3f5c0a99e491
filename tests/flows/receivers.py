"""Where notifications arrive in tests: a webhook's receiver and a mail server, each in a thread of its own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


class Hook(ThreadingHTTPServer):
    """Keeps the text of every POST; `answers` are the statuses of the next ones, 200 once they are used up."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.texts: list[str] = []
        self.answers: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/sword-fish"


class _Post(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        hook = cast("Hook", self.server)
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert list(told) == ["text"]
        hook.texts.append(told["text"])
        self.send_response(hook.answers.pop(0) if hook.answers else 200)
        self.send_header("Location", hook.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        raise AssertionError("a redirected POST became a GET")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class Postbox:
    """Takes mails for anybody but `gone`; `busy` are the answers to the next ones."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.busy: list[str] = []
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if address.startswith("gone"):
            return f"550 5.1.1 no {address} here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.busy:
            return self.busy.pop(0)
        assert isinstance(envelope.original_content, bytes)
        mail = cast("EmailMessage", message_from_bytes(envelope.original_content, policy=default))
        self.mails.append((envelope.rcpt_tos, mail))
        return "250 2.0.0 taken"


def _login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object) -> AuthResult:
    right = getattr(given, "login", b"") == b"shop" and getattr(given, "password", b"") == b"s3cret@/:#"
    return AuthResult(success=right, handled=False)


@contextmanager
def postbox() -> Iterator[Postbox]:
    box = Postbox()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        box.port = probe.getsockname()[1]
    controller = Controller(
        box, hostname="127.0.0.1", port=box.port, authenticator=_login, auth_required=False, auth_require_tls=False
    )
    controller.start()
    yield box
    controller.stop()
    controller.loop.close()
