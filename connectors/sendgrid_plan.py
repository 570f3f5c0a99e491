"""From messages to requests of SendGrid's Mail Send API: who can leave, and who can share a request.

The limits are those of SendGrid's page "Mail Send: limitations" and of its specification.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from connectors.sendgrid_request import KEY_NAME, Common, Letter, Request
from connectors.sendgrid_shapes import cut
from segue.contract import (
    EmailContent,
    Key,
    MailFrame,
    Message,
    Result,
    UnsupportedError,
    one_line,
    rejected,
    require_address,
    unsubscribe_headers,
)

_MOST_CUSTOM_ARGS_BYTES = 10_000
#: A character is six bytes of JSON at most.
_LONGEST_PLAIN_KEY = _MOST_CUSTOM_ARGS_BYTES // 6 - 10
_MOST_CATEGORY = 255
#: Headers that SendGrid writes and lets nobody override.
_RESERVED = frozenset(
    {
        *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
        *("to", "from", "subject", "reply-to", "cc", "bcc"),
    }
)


def plan(batch: Sequence[Message], most: int) -> tuple[list[Request], list[Result]]:
    """Sort `batch` into as few requests of at most `most` people as can be; what can never leave is rejected.

    Raises UnsupportedError for what is no e-mail or wants a header that SendGrid keeps to itself.
    """
    requests: list[Request] = []
    refused: list[Result] = []
    unfilled: dict[Any, list[Request]] = {}
    for message in batch:
        content = message.content
        if not isinstance(content, EmailContent):
            raise UnsupportedError("the sendgrid connector carries e-mail only")
        categories = _categories(message.key)
        shape, own = (cut(content) if most > 1 else None) or (None, "")
        try:
            letter = Letter(message, _subject(message, content), _headers(content), own)
        except _UnfitError as error:
            refused.append(rejected(message.key, error.reason))
            continue
        if most == 1:
            requests.append(Request(Common(content, categories, None), [letter]))
            continue
        # One sender may write to one address twice in a batch, but SendGrid takes an address once a request.
        address = message.address.casefold()
        kind = (content.frame, categories, content.attachments, shape or (content.text, content.html))
        waiting = unfilled.setdefault(kind, [])
        request = next((one for one in waiting if address not in one.addresses), None)
        if request is None:
            request = Request(Common(content, categories, shape), [])
            requests.append(request)
            waiting.append(request)
        request.letters.append(letter)
        request.addresses.add(address)
        if len(request.letters) >= most:
            waiting.remove(request)
    return requests, refused


class _UnfitError(ValueError):
    """A message that can never leave this way."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _subject(message: Message, content: EmailContent) -> str:
    """The subject of a message that is fit to leave."""
    if not message.address.isascii():
        raise _UnfitError("address_not_supported")
    try:
        require_address(message.address)
    except ValueError:
        raise _UnfitError("address_malformed") from None
    if not content.text and not content.html:
        raise _UnfitError("content_empty")
    if len(message.key) >= _LONGEST_PLAIN_KEY and len(json.dumps({KEY_NAME: message.key})) >= _MOST_CUSTOM_ARGS_BYTES:
        raise _UnfitError("key_too_long")
    subject = one_line(content.subject).strip()
    if not subject:
        raise _UnfitError("subject_empty")
    return subject


def _headers(content: EmailContent) -> dict[str, str]:
    """The headers of one mail."""
    try:
        headers = dict(_standing(content.frame))
        if content.unsubscribe_url is not None:
            headers.update(unsubscribe_headers(content.unsubscribe_url))
    except ValueError:
        raise _UnfitError("content_malformed") from None
    return headers


@lru_cache(maxsize=256)
def _standing(frame: MailFrame) -> tuple[tuple[str, str], ...]:
    """The frame's standing headers; raises ValueError if it cannot stand in a mail."""
    frame.check()
    if reserved := sorted(name for name, _ in frame.headers if name.lower() in _RESERVED):
        raise UnsupportedError(f"SendGrid writes the header {reserved[0]} itself; take it out of the mail's frame")
    return frame.headers


@lru_cache(maxsize=1024)
def _named(journey: str, step: str) -> tuple[str, ...]:
    words = (journey, f"{journey}/{step}") if step else (journey,)
    return tuple(word for word in words if word and word.isascii() and len(word) <= _MOST_CATEGORY)


def _categories(key: Key) -> tuple[str, ...]:
    """Journey and step, which are nobody's personal data: `abandoned_cart` and `abandoned_cart/reminder`."""
    journey, _, rest = key.partition("/")
    return _named(journey, rest.partition("/")[0])
