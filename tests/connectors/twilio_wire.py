"""Twilio's end: real sockets, scripted answers, and a judge at the door."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from tests.connectors.twilio_judge import complaints

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "a-token-of-the-tests-alone"
SERVICE = "MG" + "fedcba9876543210" * 2
NUMBER = "+12025550100"
#: (status, Twilio's code, headers) by word; a number is a code that comes with status 400.
_WORDS: Mapping[str, tuple[int, int | None, dict[str, str]]] = {
    "rejected": (400, 21614, {}),
    "throttled": (429, 20429, {"Retry-After": "7"}),
    "throttled without a word": (429, 20429, {}),
    "unauthorised": (401, 20003, {}),
    "broken": (500, 20500, {}),
    "away": (503, None, {}),
    "somebody else": (404, None, {}),
}


class TwilioWire(ThreadingHTTPServer):
    """Says one word a request, in order of arrival; the last goes on for all that follow."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        #: The form of every request, with its path under `""`.
        self.forms: list[dict[str, str]] = []
        self.complaints: list[str] = []
        self.users: list[str] = []
        self.connections = 0
        self.most_at_once = 0
        #: Requests wait for each other here, where a test wants to see several in flight.
        self.together: threading.Barrier | None = None
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._at_once = 0
        self._script: list[str | int] = []
        self._last: str | int = "ok"
        self._kept = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, *answers: str | int) -> None:
        self._script, self._last = list(answers), answers[-1]

    def arrived(self) -> int:
        return len(self.forms)

    def kept(self) -> int:
        return self._kept

    def enter(self, path: str, authorization: str, form: dict[str, list[str]]) -> str | int:
        """Judge a request and choose its answer."""
        with self._lock:
            self.forms.append({name: values[0] for name, values in form.items()} | {"": path})
            self.users.append(authorization)
            self.complaints += complaints(path, form)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            return self._script.pop(0) if self._script else self._last

    def leave(self) -> None:
        with self._lock:
            self._at_once -= 1

    def sid(self) -> str:
        with self._lock:
            self._kept += 1
            return f"SM{self._kept:032x}"

    def handle_error(self, _request: Any, _address: Any) -> None:
        """A connection the other side gave up on is part of the play."""


class _Post(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: TwilioWire

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        word = self.server.enter(
            self.path, self.headers.get("Authorization", ""), parse_qs(body, keep_blank_values=True)
        )
        try:
            if self.server.together is not None:
                self.server.together.wait(5)
            self._say(word)
        finally:
            self.server.leave()

    def _say(self, word: str | int) -> None:
        if word in {"silence", "cut"}:
            if word == "silence":
                self.server.over.wait(10)
            self.close_connection = True
            return
        if word == "ok":
            self._reply(201, json.dumps({"sid": self.server.sid(), "status": "queued", "error_code": None}))
        elif word == "not json":
            self._reply(201, "<html>thanks</html>")
        elif word == "failed at once":
            self._reply(201, json.dumps({"sid": self.server.sid(), "status": "failed", "error_code": 21610}))
        else:
            status, code, headers = (400, word, {}) if isinstance(word, int) else _WORDS[word]
            text = {"code": code, "message": "The number +12025550101 is not ours", "status": status}
            self._reply(status, json.dumps(text) if code is not None else "<html>no</html>", headers)

    def _reply(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_words: object) -> None:
        """Be quiet."""


def basic(user: str, secret: str) -> str:
    return "Basic " + b64encode(f"{user}:{secret}".encode()).decode()


@contextmanager
def twilio_wire(*, judged: bool = True) -> Iterator[TwilioWire]:
    """A wire, whose judge must have had nothing to say at the end."""
    with TwilioWire() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
        if judged:
            assert server.complaints == []
