"""Posts each text message as JSON to a web address of yours. Imports `segue.contract` and nothing else of Segue."""

# ruff: noqa: INP001 - a module of its own, not part of the project around it

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
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


class Webhook:
    """One kept connection to `base_url`; `timeout` in seconds bounds each silence."""

    name = "webhook"
    channels = frozenset({Channel.SMS})
    #: One message is on its way at a time, and the address is asked to take each key once.
    capabilities = Capabilities(max_batch=500, window=500, idempotent=True)

    def __init__(self, *, base_url: str, token: str, timeout: float = 10.0) -> None:
        url = urlsplit(base_url)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ConfigurationError("base_url must begin with https://; check the webhook connector's settings")
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        self._connection = kind(url.hostname, url.port, timeout=timeout)
        self._path = url.path or "/"
        self._token = token

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        """Post the messages one by one."""
        self._connection.close()  # one that idled may have died, and its silence would count as uncertain
        return send_each(batch, leaving, self._post)

    def close(self) -> None:
        """Close the connection; the next send opens it again."""
        self._connection.close()

    def _post(self, message: Message) -> Result:
        if not isinstance(message.content, SmsContent):
            raise UnsupportedError("the webhook connector carries text messages only")
        body = {"key": message.key, "to": message.address, "text": message.content.text}
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Idempotency-Key": message.key,
        }
        try:
            if self._connection.sock is None:
                self._connection.connect()
        except OSError as error:
            raise TransientError("the webhook is out of reach") from error
        try:
            self._connection.request("POST", self._path, json.dumps(body).encode(), headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise UncertainError("the webhook did not answer") from error
        return _judge(message, answer)


def _judge(message: Message, answer: HTTPResponse) -> Result:
    """What the status code means, sorted by what Segue does next."""
    if answer.status < 300:
        return accepted(message.key, answer.headers.get("X-Message-Id"))
    if answer.status in {401, 403}:
        raise ConfigurationError("the webhook refused the token; check the webhook connector's token")
    if answer.status in {429, 503}:
        wait = None
        with suppress(ValueError):  # no Retry-After, or one that is a date
            wait = timedelta(seconds=int(answer.headers.get("Retry-After", "")))
        raise TransientError("the webhook is busy", retry_after=wait)
    if answer.status >= 500:
        raise UncertainError("the webhook broke while it had the message")
    raise RejectedError("the webhook refused the message", reason=f"http_{answer.status}")
