"""What SendGrid's answers mean: taken, refused, or an error that says what to do next.

Statuses are as in SendGrid's specification and on its page "Mail Send: errors". A request is taken or refused as a
whole. Nothing of an answer's text is passed on, since it may quote an address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPMessage

from segue.contract import ConfigurationError, TransientError, UncertainError

_PERSON = re.compile(r"personalizations\.(\d{1,4})(?:\.([a-z_]+))?(?:\..*)?")
_CURES = {
    401: "refuses the key, or the account is out of credits; check `api_key` and the plan",
    403: "refuses the sender or the action; verify the sender, and give the key the permission Mail Send",
    404: "is not there; check `base_url`",
    405: "is not there; check `base_url`",
}
#: Parts of a request that are the installation's, not one message's.
_SETTINGS = {
    "from": "the sender; check the brand's senders",
    "reply_to": "the reply address; check the brand's senders",
    "categories": "the categories",
    "mail_settings": "the mail settings",
    "tracking_settings": "the tracking settings",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came over the wire."""

    status: int
    headers: HTTPMessage
    body: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """The request was taken, all of it."""

    provider_id: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The request was refused, all of it; nothing was sent."""

    #: Why, for the persons that the answer names by their place in the request.
    named: Mapping[int, str]
    #: Why, for a request of one.
    reason: str


def understand(answer: Answer, *, sandbox: bool) -> Taken | Refused:
    """Sort an answer; raises TransientError (with the wish to wait), UncertainError or ConfigurationError."""
    status = answer.status
    if status == HTTPStatus.ACCEPTED or (sandbox and status == HTTPStatus.OK):
        return Taken(answer.headers.get("X-Message-Id") or None)
    if status == HTTPStatus.BAD_REQUEST:
        return _refusal(answer.body)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Refused({}, "message_too_big")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise TransientError("SendGrid is throttling", retry_after=_wait(answer.headers))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:  # "the v3 Web API is not available": it took nothing
        raise TransientError("SendGrid is unavailable", retry_after=_wait(answer.headers))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT or status < 300:
        raise UncertainError(f"SendGrid answers with status {status}, which does not say what became of the request")
    raise ConfigurationError(f"SendGrid {_CURES.get(status, f'answers with status {status}; check `base_url`')}")


def _refusal(body: bytes) -> Refused:
    named: dict[int, str] = {}
    reason = "refused"
    for field in _fields(body):
        head = field.partition(".")[0]
        if head in _SETTINGS:
            raise ConfigurationError(f"SendGrid refuses {_SETTINGS[head]}")
        if person := _PERSON.fullmatch(field):
            named[int(person[1])] = "address_refused" if person[2] == "to" else "content_refused"
        elif head in {"content", "subject", "attachments"}:
            reason = "content_refused"
    return Refused(named, next(iter(named.values()), reason))


def _fields(body: bytes) -> list[str]:
    """The parts of the request that an answer complains of."""
    try:
        errors = json.loads(body)["errors"]
        return [error["field"] for error in errors if isinstance(error.get("field"), str)]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []


def _wait(headers: HTTPMessage) -> timedelta | None:
    """How long SendGrid wants us to stay away, by its own clock; at most a day."""
    now = _date(headers.get("Date"))
    seconds = _number(headers.get("Retry-After"))
    if seconds is None and now is not None:
        until = _date(headers.get("Retry-After"))
        at = until.timestamp() if until is not None else _number(headers.get("X-RateLimit-Reset"))
        seconds = None if at is None else at - now.timestamp()
    return timedelta(seconds=max(0.0, seconds)) if seconds is not None and seconds <= 86_400 else None


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and re.fullmatch(r"\d{1,12}", text) else None


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None
