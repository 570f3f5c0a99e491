"""One kept connection to a shop's own address, and what its statuses and silences mean.

Whether anything can have been taken is decided here: a request that was not written to its end cannot, one that was and
got no answer may have been. Nothing here repeats, waits or logs, and no text shows the path, which may hold a key.
"""

from __future__ import annotations

import http.client
import json
import select
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from segue.contract import ConfigurationError, RejectedError, TransientError, UncertainError

_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
#: A kept connection that idled longer may be gone; many servers hang up after five seconds.
_LONGEST_IDLE: Final = 4.0
_LARGEST_ANSWER: Final = 4_000_000
_LONGEST_WISH: Final = timedelta(days=1)
_CURES: Final = {
    401: "refuses the signature; check `secret` on both sides",
    403: "refuses access; check `secret` on both sides",
    404: "has no such page; check `url`",
    405: "takes no POST there; check `url`",
    406: "cannot answer in JSON; check `url`",
    410: "has taken the page away; check `url`",
    415: "takes no JSON there; check `url`",
}
#: The request did not arrive whole, or the receiver would not look at it now.
_LATER: Final = frozenset({408, 425, 429, 503})


def address(url: str, option: str) -> SplitResult:
    """Return `url` in parts. Raises ConfigurationError for one that is not https, but for this machine's own."""
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0 and url.isascii() and url.isprintable() and " " not in url
    except ValueError:  # a port that is no number
        is_whole = False
    if not is_whole or (parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE)):
        raise ConfigurationError(
            f"the webhook connector's {option} is an address such as https://hooks.example.com/segue"
        )
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"the webhook connector's {option} must not hold a name or password; it signs instead")
    return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A yes: the receiver took the request, and may tell of each message."""

    #: What the body said, where it was JSON; None where it was not.
    body: Any
    #: The body was to be JSON and could not be read as such.
    is_broken: bool


class Line:
    """A connection to one host, opened with the first request and again when it was lost."""

    def __init__(self, host: SplitResult, *, ca_file: str, timeout: float) -> None:
        self._connection: http.client.HTTPConnection
        name = host.hostname or ""
        if host.scheme == "https":
            try:
                context = ssl.create_default_context(cafile=ca_file or None)
            except OSError:
                raise ConfigurationError("the webhook connector's ca_file holds no certificates") from None
            self._connection = http.client.HTTPSConnection(name, host.port, timeout=timeout, context=context)
        else:
            self._connection = http.client.HTTPConnection(name, host.port, timeout=timeout)
        self._where = f"the webhook at {name}"
        self._used_at = 0.0

    def open(self) -> None:
        """Have a connection that stands, as far as this side can see. Raises TransientError or ConfigurationError."""
        connection = self._connection
        if connection.sock is not None and (time.monotonic() - self._used_at > _LONGEST_IDLE or _has_news(connection)):
            connection.close()
        if connection.sock is not None:
            return
        try:
            connection.connect()
        except ssl.SSLCertVerificationError:
            connection.close()
            raise ConfigurationError(f"{self._where} shows a certificate that is not trusted") from None
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise TransientError(f"{self._where} is out of reach ({type(error).__name__})") from None

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post `body`, on a line that is open, and return the yes.

        Raises TransientError (not taken, try again), UncertainError (no answer), RejectedError (refused for what
        it says) or ConfigurationError (address or secret).
        """
        connection = self._connection
        reply: http.client.HTTPResponse | None = None
        try:
            connection.request("POST", path, body, dict(headers))
        except (OSError, http.client.HTTPException) as error:
            # It was not written to its end, so nobody can have read all of it. Who refuses it may hang up early.
            reply = self._early_word()
            if reply is None:
                connection.close()
                raise TransientError(f"{self._where} did not take the whole request ({type(error).__name__})") from None
        is_early = reply is not None
        try:
            reply = reply or connection.getresponse()
            text = reply.read(_LARGEST_ANSWER + 1)
            if reply.length and len(text) <= _LARGEST_ANSWER:
                raise http.client.IncompleteRead(b"", reply.length)  # with a bound, `read` lets it pass
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise UncertainError(f"{self._where} did not answer ({type(error).__name__})") from None
        if is_early or len(text) > _LARGEST_ANSWER:
            connection.close()
        self._used_at = time.monotonic()
        self._sort(reply)
        return _answer(text)

    def close(self) -> None:
        """Hang up; the next request opens the line again."""
        self._connection.close()

    def _early_word(self) -> http.client.HTTPResponse | None:
        """A refusal spoken before the request was complete, if there is one to read."""
        if self._connection.sock is None or not _has_news(self._connection):
            return None
        try:
            reply = self._connection.getresponse()
        except (OSError, http.client.HTTPException):
            return None
        return reply if reply.status >= 400 else None

    def _sort(self, reply: http.client.HTTPResponse) -> None:
        status = reply.status
        if 200 <= status < 300:
            return
        if status in _LATER:
            wish = _wish(reply.headers.get("Retry-After"), reply.headers.get("Date"))
            raise TransientError(f"{self._where} is busy (status {status})", retry_after=wish)
        if status >= 500:
            raise UncertainError(f"{self._where} broke while it had the request (status {status})")
        if status < 400:
            raise ConfigurationError(f"{self._where} has moved (status {status}); set `url` to where it is now")
        if status in _CURES:
            raise ConfigurationError(f"{self._where} {_CURES[status]}")
        reason = "too_big" if status == 413 else f"http_{status}"
        raise RejectedError(f"{self._where} refuses the request (status {status})", reason=reason)


def _has_news(connection: http.client.HTTPConnection) -> bool:
    """Bytes wait where none are due: the other side has hung up, or talks out of turn."""
    return connection.sock is None or bool(select.select([connection.sock], [], [], 0)[0])


def _answer(text: bytes) -> Answer:
    """What a yes said. A receiver may well answer with nothing, or with a word of its own."""
    is_meant = text.lstrip()[:1] in {b"{", b"["}
    try:
        return Answer(body=json.loads(text), is_broken=False)
    except (ValueError, RecursionError):
        return Answer(body=None, is_broken=is_meant)


def _wish(text: str | None, date: str | None) -> timedelta | None:
    """Retry-After in seconds or as a date, the latter against the other side's own clock; None if it is neither."""
    try:
        wish = timedelta(seconds=float(text or ""))
    except (ValueError, OverflowError):
        until, now = _instant(text), _instant(date)
        if until is None or now is None:
            return None
        wish = until - now
    return wish if timedelta(0) <= wish <= _LONGEST_WISH else None


def _instant(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None
