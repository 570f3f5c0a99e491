"""The contract, played against a web server that answers as Example would."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from segue_example import ExampleConnector

from segue.contract import Channel, Outcome
from segue.contract.suite import MessageConnectorContract, message, send

TOKEN = "a-token-of-the-tests"
# Yours: how Example says each.
_STATUS = {"ok": 202, "rejected": 422, "throttled": 429, "unauthorised": 401}


class Provider(ThreadingHTTPServer):
    """The wire: Example's end. It does as it is told, and takes a key once."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.words, self.last = [], "ok"
        self.received, self.keys = [], set()
        self.over = threading.Event()

    def answer(self, *answers: str) -> None:
        """Say these to the next messages, one each; the last goes on."""
        self.words, self.last = list(answers), answers[-1]

    def arrived(self) -> int:
        """How many messages reached it, repeats included."""
        return len(self.received)

    def kept(self) -> int:
        """How many different ones it took."""
        return len(self.keys)


class Request(BaseHTTPRequestHandler):
    """One request."""

    server: Provider
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536  # head and body leave together, or each answer waits for the other side's nod

    def _read(self) -> dict[str, Any]:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        return json.loads(body) if body else {}

    def _is_known(self) -> bool:
        return self.headers["Authorization"] == f"Bearer {TOKEN}"

    def _say(self, status: int, told: object) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output quiet."""

    def do_POST(self) -> None:
        """Take the message, or say why not."""
        body = self._read()
        # Yours: refuse here what Example refuses, such as a field it does not know.
        self.server.received.append(body)
        word = self.server.words.pop(0) if self.server.words else self.server.last
        if not self._is_known():
            word = "unauthorised"
        if word not in _STATUS:  # `silence`, and `cut` for a line that breaks
            self.close_connection = True
            self.server.over.wait(10 if word == "silence" else 0)
            return
        if word == "ok":
            self.server.keys.add(body["key"])
        self._say(_STATUS[word], {"id": f"example-{len(self.server.keys)}"} if word == "ok" else {})


class TestExample(MessageConnectorContract):
    """What Segue relies on."""

    channel = Channel.SMS
    answers = MessageConnectorContract.answers | {"cut"}

    @pytest.fixture
    def wire(self) -> Iterator[Provider]:
        """Example's end, listening."""
        with Provider() as provider:
            thread = threading.Thread(target=provider.serve_forever, args=(0.02,))
            thread.start()
            yield provider
            provider.over.set()
            provider.shutdown()
            thread.join()

    @pytest.fixture
    def connector(self, wire: Provider) -> Iterator[ExampleConnector]:
        """Ours, pointed at it."""
        connector = ExampleConnector(
            base_url=f"http://127.0.0.1:{wire.server_port}/v1",
            token=TOKEN,
            timeout=0.3,
        )
        yield connector
        connector.close()

    def test_what_arrives_is_what_was_written(self, connector: ExampleConnector, wire: Provider) -> None:
        """The contract cannot know the provider's fields; this does."""
        written = message(1, self.channel)
        (result,) = send(connector, [written]).results
        assert (result.outcome, result.provider_id) == (Outcome.ACCEPTED, "example-1")
        (arrived,) = wire.received
        assert arrived["to"] == written.address
        assert arrived["text"] == written.content.text
