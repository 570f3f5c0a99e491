"""The official SDK's client on a connection that is kept.

The SDK knows the address, the version and the headers. Its own transport opens a connection for each call, cannot tell
an address that is out of reach from an answer that is lost, and offers what it sends to the debug log. So `post` goes
another way here.
"""

from __future__ import annotations

import http.client
import select
import ssl
from typing import Any
from urllib.parse import urlsplit

from python_http_client import Client

from connectors.sendgrid_answers import Answer
from segue.contract import ConfigurationError, TransientError, UncertainError


class Line:
    """One kept connection. Opening it sends nothing; what is posted leaves whole or not at all."""

    def __init__(self, base_url: str, timeout: float) -> None:
        self._url = urlsplit(base_url)
        self._timeout = timeout
        self._connection: http.client.HTTPConnection | None = None

    def open(self) -> None:
        """Connect, unless the kept connection still stands; raises TransientError or ConfigurationError."""
        kept = self._connection
        if kept is not None and kept.sock is not None and not _has_ended(kept):
            return
        self.close()
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._timeout)
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            raise ConfigurationError("SendGrid shows a certificate that is not trusted; check `base_url`") from error
        except OSError as error:
            raise TransientError(f"SendGrid is out of reach ({type(error).__name__})") from error
        self._connection = connection

    def post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send one request; raises TransientError if it did not leave whole, UncertainError if no answer came."""
        connection = self._connection
        if connection is None:
            raise TransientError("SendGrid has not been called yet")
        try:
            connection.request("POST", url.removeprefix(f"{self._url.scheme}://{self._url.netloc}"), body, headers)
        except (BrokenPipeError, ConnectionResetError) as error:
            return self._early(connection, error)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise TransientError(f"SendGrid did not take the request ({type(error).__name__})") from error
        try:
            reply = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise UncertainError(f"SendGrid did not answer ({type(error).__name__})") from error
        return Answer(reply.status, reply.headers, self._rest(reply))

    def close(self) -> None:
        """Hang up; safe to call twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _early(self, connection: http.client.HTTPConnection, cause: OSError) -> Answer:
        """What the server said before it had the whole request, and hung up."""
        try:
            reply = connection.getresponse()
            answer = Answer(reply.status, reply.headers, self._rest(reply))
        except (OSError, http.client.HTTPException):
            raise TransientError(f"SendGrid hung up ({type(cause).__name__})") from cause
        finally:
            self.close()
        return answer

    def _rest(self, reply: http.client.HTTPResponse) -> bytes:
        """The answer's body; its status counts even where this breaks off."""
        try:
            return reply.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return b""


class KeptClient(Client):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client, posting over a `Line`; `post` takes the request's bytes and returns an `Answer`."""

    def __init__(self, line: Line, **settings: Any) -> None:
        super().__init__(**settings)
        self._line = line

    def _build_client(self, name: str | None = None) -> KeptClient:
        path = [*self._url_path, name] if name else self._url_path
        return KeptClient(
            self._line, host=self.host, version=self._version, request_headers=self.request_headers, url_path=path
        )

    def post(self, request_body: bytes) -> Answer:
        """Post JSON."""
        headers = {**self.request_headers, "Content-Type": "application/json"}
        return self._line.post(self._build_url(None), headers, request_body)


def _has_ended(connection: http.client.HTTPConnection) -> bool:
    """Whether an idle connection has something to read: a server says nothing unasked but good-bye."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
