"""Sends text messages through Example. Imports `segue.contract` and nothing else of Segue.

It works as it stands. Where a comment begins with `Yours:`, Example's own words go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from segue.contract import (
    Capabilities,
    Channel,
    ConfigurationError,
    Leaving,
    Message,
    RejectedError,
    Result,
    SmsContent,
    TransientError,
    UncertainError,
    UnsupportedError,
    accepted,
    send_each,
)


class ExampleConnector:
    """Posts to `base_url` with `token`; `timeout` in seconds bounds each silence."""

    name = "example"
    channels = frozenset({Channel.SMS})
    #: One message is on its way at a time, and Example is told its key, so that it takes each once.
    # Yours: idempotent=False if Example would take a key twice.
    capabilities = Capabilities(max_batch=500, window=500, idempotent=True)

    def __init__(
        self,
        *,
        token: str,
        base_url: str = "https://api.example.example.com/v1",
        timeout: float = 10.0,
    ) -> None:
        url = urlsplit(base_url)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ConfigurationError("base_url must begin with https://; check the example connector's settings")
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        self._connection = kind(url.hostname, url.port, timeout=timeout)
        self._path = url.path.rstrip("/") + "/messages"
        self._token = token

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Post the messages one by one."""
        self._connection.close()  # one that idled may have died, and its silence would count as uncertain
        return send_each(batch, leaving, self._post)

    def close(self) -> None:
        """Close the connection; the next send opens it again."""
        self._connection.close()

    def _post(self, message: Message) -> Result:
        told = self._ask("POST", self._path, _request(message), key=message.key)
        # Yours: Example's own name for the message, which its later news speak of.
        return accepted(message.key, str(told["id"]) if "id" in told else None)

    def _ask(self, method: str, path: str, body: object = None, *, key: str) -> dict[str, Any]:
        """One request and what is answered to it; raises what any other answer than yes means."""
        # Yours: how Example is told who asks.
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        headers["Idempotency-Key"] = key
        try:  # a step of its own: as long as nothing is connected, nothing can have been sent
            if self._connection.sock is None:
                self._connection.connect()
        except OSError as error:
            raise TransientError("Example is out of reach") from error
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise UncertainError("Example did not answer") from error
        _require_yes(answer)
        with suppress(ValueError):
            told = json.loads(text)
            return told if isinstance(told, dict) else {}
        return {}


def _request(message: Message) -> dict[str, Any]:
    """What Example is asked."""
    content = message.content
    if not isinstance(content, SmsContent):
        raise UnsupportedError("the example connector carries text messages only")
    # Yours: Example's fields.
    return {"key": message.key, "to": message.address, "text": content.text}


def _require_yes(answer: HTTPResponse) -> None:
    """What an answer means, sorted by what Segue does next."""
    if answer.status < 300:
        return
    # Yours: what Example's own statuses and words mean.
    if answer.status in {401, 403}:
        raise ConfigurationError("Example refused the token; check the example connector's token")
    if answer.status in {429, 503}:
        wait = None
        with suppress(ValueError):  # no Retry-After, or one that is a date
            wait = timedelta(seconds=int(answer.headers.get("Retry-After", "")))
        raise TransientError("Example is busy", retry_after=wait)
    if answer.status >= 500:
        raise UncertainError("Example broke while it had the message")
    raise RejectedError("Example refused the message", reason=f"http_{answer.status}")
