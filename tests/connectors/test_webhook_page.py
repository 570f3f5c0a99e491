"""What `docs/how-to/attach-a-webhook.md` tells a receiver is what the connector does."""

from __future__ import annotations

import inspect
import json
import socket
from typing import Any

import pytest

from connectors.webhook import WebhookConnector
from connectors.webhook_body import results
from connectors.webhook_line import Answer
from segue.contract import Key, Outcome
from segue.contract.signing import SIGNATURE_HEADER, verify
from segue.contract.suite import send
from tests.connectors.mails import sms
from tests.connectors.scripted_socket import Script
from tests.connectors.webhook_receiver import PAGE, SCHEMA, SECRET, blocks, connect


def test_the_pages_receiver_works() -> None:
    """The Python on the page, run as it stands against what the connector sends."""
    (code,) = [block for block in blocks("python") if "def receive" in block]
    page: dict[str, Any] = {}
    exec(code.replace("what openssl said", SECRET), page)  # noqa: S102 - our own page
    raw: list[tuple[dict[str, str], bytes]] = []

    def keep(script: Script, connection: socket.socket) -> None:
        text = connection.recv(65_536)
        while not text.rstrip().endswith(b"}"):
            text += connection.recv(65_536)
        head, _, body = text.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
        raw.append((dict(lines), body))
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    with Script(keep) as script:
        ours = connect(script.url)
        assert send(ours, [sms(1)]).count() == {Outcome.ACCEPTED: 1}
        ours.close()
    ((headers, body),) = raw
    assert page["receive"](headers, body) == 202
    assert page["receive"](headers, body + b" ") == 401
    assert page["receive"]({}, body) == 401
    with pytest.raises(ValueError, match="no signature fits"):
        verify(body, headers[SIGNATURE_HEADER], secrets=["another-secret-of-the-tests"], now=0)


def test_the_pages_examples_are_what_the_schema_says() -> None:
    """And the answer on it gives each message its own fate."""
    told = [json.loads(text) for text in blocks("json")]
    examples = [one for one in told if "type" in one and "$schema" not in one]
    assert len(examples) == 2
    assert [error.message for one in examples for error in SCHEMA.iter_errors(one)] == []
    (answer,) = [one for one in told if "results" in one]
    keys = [Key(one["key"]) for one in answer["results"]]
    fates = [result.outcome.value for result in results(keys, Answer(body=answer, is_broken=False))]
    assert fates == [one["outcome"] for one in answer["results"]]


def test_the_page_names_every_setting() -> None:
    options = set(inspect.signature(WebhookConnector).parameters) - {"seconds"}
    rows = {line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `") and line.count("|") == 4}
    assert options <= rows
