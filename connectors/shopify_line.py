"""One conversation with Shopify's GraphQL Admin API: a kept connection, and an honest word about every failure.

A query changes nothing, so a silence after it is transient; a mutation whose answer is lost may have been carried
out, so that is uncertain. Statuses and error codes are as on shopify.dev, "Shopify API response status and error
codes" and "GraphQL Admin API rate limits". Nothing here repeats, waits or logs.
"""

from __future__ import annotations

import http.client
import json
import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import urlsplit

from segue.contract import ConfigurationError, TransientError, UncertainError

_SCOPES = "the token needs read_discounts and write_discounts, and read_orders to read redemptions"
_CURES = {
    401: "refuses the token; check `token`",
    402: "is frozen for an unpaid bill",
    403: f"refuses access; {_SCOPES}",
    404: "is not there; check `shop` and `api_version`",
    423: "is locked",
}
_REFUSALS = {
    "ACCESS_DENIED": f"denies access; {_SCOPES}",
    "SHOP_INACTIVE": "is inactive",
    "MAX_COST_EXCEEDED": "finds the query too costly",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Where the API is and how we are known there."""

    base_url: str
    api_version: str
    token: str = field(repr=False)
    #: Seconds a silence may last.
    timeout: float

    def talk(self) -> AdminLine:
        """Return a line; it connects with the first question. Raises ConfigurationError for an address that is none."""
        return AdminLine(self)


class AdminLine:
    """A connection kept for as long as one call to the connector lasts; use it as a context manager."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._where = f"the Shopify shop at {urlsplit(shop.base_url).hostname}"
        self._connection: http.client.HTTPConnection | None = None
        #: The shop's clock when it last answered.
        self.clock: datetime | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()

    def ask(self, document: str, variables: Mapping[str, object]) -> dict[str, Any]:
        """Return the answer's `data`.

        Raises TransientError (throttled, unreachable), UncertainError (a mutation without an answer) or
        ConfigurationError (token, scope, shop, version).
        """
        changes = document.startswith("mutation")
        status, headers, body = self._post(json.dumps({"query": document, "variables": variables}).encode(), changes)
        self._sort_status(status, headers, changes)
        try:
            answer = json.loads(body)
            errors, data = answer.get("errors"), answer.get("data")
        except (ValueError, AttributeError):
            self._lost(changes, "answers with something that is no GraphQL")
        if errors:
            self._sort_errors(errors, answer, changes)
        if not isinstance(data, dict):
            self._lost(changes, "answers without data")
        return data

    def _post(self, body: bytes, changes: bool) -> tuple[int, http.client.HTTPMessage, bytes]:
        shop = self._shop
        headers = {"Content-Type": "application/json", "X-Shopify-Access-Token": shop.token, "User-Agent": "segue"}
        try:
            connection = self._connection or self._connect()
            path = f"{urlsplit(shop.base_url).path.rstrip('/')}/admin/api/{shop.api_version}/graphql.json"
            connection.request("POST", path, body, headers)
        except ssl.SSLCertVerificationError as error:
            raise ConfigurationError(f"{self._where} shows a certificate that is not trusted") from error
        except (OSError, http.client.HTTPException) as error:
            raise TransientError(f"{self._where} is out of reach ({type(error).__name__})") from error
        try:
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()
        except (OSError, http.client.HTTPException) as error:
            self._lost(changes, f"did not answer ({type(error).__name__})")

    def _connect(self) -> http.client.HTTPConnection:
        url = urlsplit(self._shop.base_url)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(url.hostname or "", url.port, timeout=self._shop.timeout)
        self._connection.connect()
        return self._connection

    def _sort_status(self, status: int, headers: http.client.HTTPMessage, changes: bool) -> None:
        self.clock = _date(headers.get("Date")) or self.clock
        if status == http.HTTPStatus.OK:
            return
        if status in {429, 430}:
            raise TransientError(f"{self._where} is throttling", retry_after=_seconds(headers.get("Retry-After")))
        if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            raise TransientError(f"{self._where} is unavailable", retry_after=_seconds(headers.get("Retry-After")))
        if status >= 500 or status == http.HTTPStatus.REQUEST_TIMEOUT:
            self._lost(changes, f"answers with status {status}")
        raise ConfigurationError(f"{self._where} {_CURES.get(status, f'answers with status {status}')}")

    def _sort_errors(self, errors: object, answer: dict[str, Any], changes: bool) -> NoReturn:
        codes = {
            str((error.get("extensions") or {}).get("code", ""))
            for error in (errors if isinstance(errors, list) else [])
            if isinstance(error, dict)
        }
        if "THROTTLED" in codes:
            raise TransientError(f"{self._where} is throttling", retry_after=_wait(answer))
        for code, cure in _REFUSALS.items():
            if code in codes:
                raise ConfigurationError(f"{self._where} {cure}")
        if any(code.startswith("INTERNAL") or code == "TIMEOUT" for code in codes):
            self._lost(changes, "failed inside")
        raise ConfigurationError(f"{self._where} does not understand the question; check `api_version`")

    def _lost(self, changes: bool, what: str) -> NoReturn:
        if changes:
            raise UncertainError(f"{self._where} {what}; the change may have been made")
        raise TransientError(f"{self._where} {what}")


def _wait(answer: dict[str, Any]) -> timedelta | None:
    """How long until the bucket holds what the question costs."""
    try:
        cost = answer["extensions"]["cost"]
        bucket = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(bucket["currentlyAvailable"])
        return timedelta(seconds=max(1, math.ceil(missing / float(bucket["restoreRate"]))))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _seconds(text: str | None) -> timedelta | None:
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return timedelta(seconds=seconds) if 0 <= seconds < 86_400 else None


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None
