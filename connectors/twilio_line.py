"""One kept connection to Twilio, driven by its SDK: `messages.create` speaks through an HTTP client of ours.

The SDK takes such a client from outside. Ours goes to `base_url`, says when the bytes leave, repeats nothing, and
reads no environment.
"""

from __future__ import annotations

import http.client
import logging
import select
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from connectors.twilio_answers import Fate, fate_of
from segue.contract import ConfigurationError, Key, TransientError, accepted, uncertain

#: A connection that rested longer is not trusted: whoever closes it first must not do so under our message.
_REST = 4.0
#: The SDK falls back to the environment for what it is not given; an empty mapping would not do.
_NO_ENVIRONMENT = {"TWILIO_EDGE": "", "TWILIO_REGION": ""}
_LONGEST_ANSWER = 1_000_000
_GONE = {"failed", "undelivered", "canceled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where the API is and how we are known there."""

    base_url: str
    account_sid: str
    username: str
    password: str = field(repr=False)
    #: Seconds a silence may last.
    timeout: float


class Http(HttpClient):  # type: ignore[misc]
    """The SDK's way out: one connection, kept."""

    def __init__(self, account: Account) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False, timeout=account.timeout)
        self._base = urlsplit(account.base_url)
        self._connection: http.client.HTTPConnection | None = None
        self._used_at = 0.0
        #: Called just before the bytes of the next request leave.
        self.announce: Callable[[], None] = lambda: None
        #: Of the last request: whether its bytes may have left, and what came back.
        self.has_left = False
        self.status = 0
        self.retry_after: str | None = None

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the account's holds
        allow_redirects: bool = False,  # noqa: ARG002 - never
    ) -> Any:
        """Send one request; what the SDK calls. Raises OSError or HTTPException; `has_left` tells what it means."""
        self.has_left, self.status, self.retry_after = False, 0, None
        target = (
            self._base.path.rstrip("/") + urlsplit(uri).path + (f"?{urlencode(params, doseq=True)}" if params else "")
        )
        head = dict(headers or {})
        if auth is not None:
            head["Authorization"] = f"Basic {b64encode(':'.join(auth).encode()).decode()}"
        connection = self._connected()
        self.announce()
        self.has_left = True
        try:
            connection.request(method.upper(), target, urlencode(data or {}, doseq=True), head)
            reply = connection.getresponse()
            text = reply.read(_LONGEST_ANSWER).decode("utf-8", "replace")
        except BaseException:
            self.close()
            raise
        self.status, self.retry_after = reply.status, reply.headers.get("Retry-After")
        self._used_at = time.monotonic()
        if reply.will_close or not reply.isclosed():
            self.close()
        return Response(reply.status, text, reply.headers)

    def close(self) -> None:
        """Hang up; safe to call twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> http.client.HTTPConnection:
        """The kept connection while it is fresh and the other side has not hung up, else a new one."""
        kept = self._connection
        if kept is not None and kept.sock is not None:
            is_quiet = not select.select([kept.sock], [], [], 0)[0]
            if is_quiet and time.monotonic() - self._used_at < _REST:
                return kept
        self.close()
        kind = http.client.HTTPSConnection if self._base.scheme == "https" else http.client.HTTPConnection
        made = kind(self._base.hostname or "", self._base.port, timeout=self.timeout)
        made.connect()
        self._connection = made
        return made


class Line:
    """A connection and the SDK's client that speaks over it; one thread at a time."""

    def __init__(self, account: Account) -> None:
        self._http = Http(account)
        self._client = Client(
            account.username,
            account.password,
            account.account_sid,
            http_client=self._http,
            environment=_NO_ENVIRONMENT,
        )

    def send(self, key: Key, fields: Mapping[str, object], announce: Callable[[], None]) -> Fate:
        """Create one message; `announce` is called just before its bytes leave. What `announce` raises goes on."""
        line = self._http
        line.announce = announce
        try:
            sent = self._client.messages.create(**fields)
        except TwilioException as error:  # its text quotes the number
            return fate_of(key, line.status, _code(error, line.status), line.retry_after)
        except (OSError, http.client.HTTPException) as error:
            return _fate_of_a_silence(key, error, has_left=line.has_left)
        except (ValueError, TypeError, AttributeError):
            if not line.status:
                raise
            sent = None  # it took something; the SDK cannot read what
        if not isinstance(getattr(sent, "sid", None), str) or not sent.sid:
            return uncertain(key, "unreadable_answer")
        if sent.status in _GONE:
            return fate_of(key, HTTPStatus.BAD_REQUEST, sent.error_code or 0, None)
        return accepted(key, sent.sid)

    def close(self) -> None:
        """Hang up; safe to call twice."""
        self._http.close()


def _code(error: TwilioException, status: int) -> int:
    """Twilio's code of an error, or the status where it has none."""
    code = getattr(error, "code", None)
    return code if isinstance(code, int) else status


def _fate_of_a_silence(key: Key, error: Exception, *, has_left: bool) -> Fate:
    """No answer came: whether anything left decides what that means."""
    if has_left:
        return uncertain(key, "no_answer" if isinstance(error, TimeoutError) else "connection_lost")
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigurationError("what answers at Twilio's address shows a certificate that is not trusted")
    return TransientError(f"Twilio is out of reach ({type(error).__name__})")
