"""What every provider's end behind HTTP is made of: a real port, words to say one after the other, and a judge's list.

A provider is a `ProviderEnd`, which remembers what its tests ask for, and a `Call`, whose `play` answers one request.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class ProviderEnd(ThreadingHTTPServer):
    """Serves while its block lasts, and must have had nothing to complain of at the end."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, call: type[Call]) -> None:
        super().__init__(("127.0.0.1", 0), call)
        self.url = f"http://127.0.0.1:{self.server_port}"
        #: What the provider's own rules say against the requests.
        self.complaints: list[str] = []
        self.connections = 0
        #: Set at the end: whoever is silent waits no longer.
        self.over = threading.Event()
        self._words: list[Any] = []
        self._last: Any = "ok"

    def answer(self, *words: Any) -> None:
        """Say these next, one each; the last goes on for all that follow."""
        self._words, self._last = list(words), words[-1]

    def word(self) -> Any:
        """What is to be said now."""
        return self._words.pop(0) if self._words else self._last

    def get_request(self) -> tuple[socket.socket, Any]:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection the other side gave up on is part of the play."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
        assert self.complaints == []


class Call(BaseHTTPRequestHandler):
    """One connection's requests."""

    server: Any
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536  # head and body leave together, or each answer waits for the other side's nod

    def play(self) -> None:
        """Answer one request, of whatever method."""
        raise NotImplementedError

    def do_POST(self) -> None:
        self.play()

    do_GET = do_DELETE = do_POST  # noqa: N815 - the server calls them so

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def say(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        """Answer; `headers` may tell another length than the body's."""
        self.send_response_only(status)
        for name, value in ({"Content-Length": str(len(body))} | dict(headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self, *, after: float = 0.0) -> None:
        """Say nothing and close the line, after so many seconds unless the test is over before."""
        self.close_connection = True
        self.server.over.wait(after)

    def log_message(self, *_: object) -> None:
        """Keep the test's output quiet."""
