"""The contract suite, played against a web server of our own."""

# ruff: noqa: D101, D102, INP001, S106 - a test beside its module, with a made-up token

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from segue_webhook import Webhook

from segue.contract import Channel
from segue.contract.suite import MessageConnectorContract

_STATUS = {"ok": 202, "rejected": 422, "throttled": 429, "unauthorised": 401}


class Receiver(ThreadingHTTPServer):
    """The address that messages are posted to: does as it is told, and takes a key once."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Post)
        self.words, self.last, self.seen, self.keys = [], "ok", 0, set()
        self.over = threading.Event()

    def answer(self, *answers: str) -> None:
        self.words, self.last = list(answers), answers[-1]

    def arrived(self) -> int:
        return self.seen

    def kept(self) -> int:
        return len(self.keys)


class Post(BaseHTTPRequestHandler):
    """One request."""

    server: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen += 1
        word = self.server.words.pop(0) if self.server.words else self.server.last
        if word not in _STATUS:
            self.close_connection = True
            return self.server.over.wait(10 if word == "silence" else 0) and None
        if word == "ok":
            self.server.keys.add(body["key"])
        self.send_response(_STATUS[word])
        self.send_header("Content-Length", "0")
        return self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output quiet."""


class TestWebhook(MessageConnectorContract):
    channel = Channel.SMS
    answers = MessageConnectorContract.answers | {"cut"}

    @pytest.fixture
    def wire(self) -> Iterator[Receiver]:
        with Receiver() as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            yield server
            server.over.set()
            server.shutdown()
            thread.join()

    @pytest.fixture
    def connector(self, wire: Receiver) -> Iterator[Webhook]:
        connector = Webhook(base_url=f"http://127.0.0.1:{wire.server_port}/messages", token="t0ken", timeout=0.3)
        yield connector
        connector.close()
