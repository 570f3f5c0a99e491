"""A shop's own address: real sockets, scripted answers, and nothing taken whose signature or shape is wrong."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from segue.contract.signing import SIGNATURE_HEADER, SignatureError, verify

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "attach-a-webhook.md").read_text("utf-8")
SECRET = "a-secret-of-the-tests-alone"
#: Statuses that answer for the whole request.
_WHOLE = {"throttled": 429, "unauthorised": 401}


def blocks(kind: str) -> list[str]:
    """The page's code blocks of one kind."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


SCHEMA = Draft202012Validator(next(one for one in map(json.loads, blocks("json")) if "$schema" in one))


class Receiver(ThreadingHTTPServer):
    """Does as it is told, one word a message; `whole` answers the next request in full, whatever it holds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.complaints: list[str] = []
        self.connections = 0
        self.secret = SECRET
        self.over = threading.Event()
        #: (status, headers, body) for the next requests; taken before the words.
        self.whole: list[tuple[int, dict[str, str], bytes]] = []
        self._words: list[str] = []
        self._last = "ok"
        self._kept: set[str] = set()
        self._audiences: dict[str, frozenset[str]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, *answers: str) -> None:
        self._words, self._last = list(answers), answers[-1]

    def arrived(self) -> int:
        return sum(len(request.get("messages", ())) or 1 for request in self.requests)

    def kept(self) -> int:
        return len(self._kept)

    def words(self, count: int) -> list[str]:
        return [self._words.pop(0) if self._words else self._last for _ in range(count)]

    def take(self, keys: list[str], words: list[str]) -> list[dict[str, Any]]:
        """What became of each message; trouble that only some met is theirs alone."""
        self._kept |= {key for key, word in zip(keys, words, strict=True) if word == "ok"}
        told = {
            "ok": {"outcome": "accepted", "id": "shop-1"},
            "rejected": {"outcome": "rejected", "reason": "mailbox_unknown", "suppress": True},
            "silence": {"outcome": "uncertain", "reason": "line_lost"},
        }
        later = {"outcome": "deferred", "reason": "busy", "retry_after": 30}
        return [{"key": key, **told.get(word, later)} for key, word in zip(keys, words, strict=True)]

    def change(self, body: dict[str, Any]) -> None:
        """Put members in or take them out."""
        said = {json.dumps({**member, "key": None}, sort_keys=True) for member in body["members"]}
        held = self._audiences.get(body["audience"], frozenset())
        self._audiences[body["audience"]] = held | said if body["action"] == "add" else held - said

    def held(self, external_id: str) -> frozenset[str]:
        return self._audiences.get(external_id, frozenset())

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()


class _Post(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        try:
            verify(raw, self.headers[SIGNATURE_HEADER], secrets=[server.secret], now=time.time())
        except SignatureError:
            return self._say(401, {}, b"")
        body = json.loads(raw)
        server.complaints += [error.message for error in SCHEMA.iter_errors(body)]
        server.requests.append(body)
        server.headers.append(dict(self.headers.items()))
        if server.whole:
            return self._say(*server.whole.pop(0))
        if body["type"] == "audience":
            return self._change(body)
        keys = [message["key"] for message in body["messages"]]
        words = server.words(len(keys))
        if len(set(words)) == 1 and words[0] in {"silence", "cut"}:
            self.close_connection = True
            server.over.wait(10 if words[0] == "silence" else 0)
            return None
        if words[0] in _WHOLE:
            return self._say(_WHOLE[words[0]], {"Retry-After": "30"}, b"")
        return self._say(200, {}, json.dumps({"results": server.take(keys, words)}).encode())

    def _change(self, body: dict[str, Any]) -> None:
        """An audience is changed by a request as a whole; one word answers it."""
        server = self.server
        (word,) = server.words(1)
        if word in _WHOLE:
            return self._say(_WHOLE[word], {"Retry-After": "30"}, b"")
        if word != "lost":
            server.change(body)
        if word != "ok":
            self.close_connection = True
            server.over.wait(10)
            return None
        return self._say(204, {}, b"")

    def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output quiet."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that serves while the block lasts and did not have to complain."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
    assert server.complaints == []
