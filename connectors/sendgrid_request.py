"""From messages to requests of SendGrid's Mail Send API: who can share one, and what is in it.

A request has one sender, one content, one set of categories and of attached files; a personalization in it has one
person's address, subject, headers, key and substitutions. The limits are those of SendGrid's page "Mail Send:
limitations" and of its specification.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from connectors.sendgrid_shapes import Shape, cut, new_nonce, tagged, tags
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

#: Recipients in all, and so personalizations, of one request.
MOST_PEOPLE = 1_000
#: The name our key goes by in `custom_args`, and in every event that SendGrid reports about the mail.
KEY_NAME = "segue_key"
_MOST_CUSTOM_ARGS_BYTES = 10_000
_MOST_CATEGORY = 255
#: Headers that SendGrid writes and lets nobody override.
_RESERVED = frozenset(
    {
        *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
        *("to", "from", "subject", "reply-to", "cc", "bcc"),
    }
)
#: Segue counts opens and clicks by its own links, and adds its own way to unsubscribe.
_NO_TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


@dataclass(frozen=True, slots=True)
class Letter:
    """One person's share of a request."""

    message: Message
    content: EmailContent
    #: What fills the shape's holes.
    own: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Common:
    """What all letters of a request share."""

    content: EmailContent
    categories: tuple[str, ...]
    shape: Shape


@dataclass(frozen=True, slots=True)
class Request:
    """Letters that travel together; no two to one address."""

    common: Common
    letters: list[Letter]
    addresses: set[str] = field(default_factory=set)

    @property
    def keys(self) -> list[Key]:
        """The keys of its messages."""
        return [letter.message.key for letter in self.letters]

    def halves(self) -> tuple[Request, Request]:
        """The same letters as two requests."""
        middle = len(self.letters) // 2
        return Request(self.common, self.letters[:middle]), Request(self.common, self.letters[middle:])

    def payload(self, *, sandbox: bool) -> bytes:
        """The request's JSON."""
        # Half a surrogate pair becomes a question mark, as it does in a mail of our own making.
        return json.dumps(self._body(sandbox=sandbox), ensure_ascii=False).encode("utf-8", "replace")

    def _body(self, *, sandbox: bool) -> dict[str, Any]:
        content, shape = self.common.content, self.common.shape
        names: list[str] = []
        if None in shape[0] or None in shape[1]:
            names = tags(shape, new_nonce(_texts(self.letters)))
        parts = zip(("text/plain", "text/html"), tagged(shape, names), strict=True)
        body: dict[str, Any] = {
            "personalizations": [_personalization(letter, names) for letter in self.letters],
            "from": _sender(content.frame),
            "content": [{"type": kind, "value": value} for kind, value in parts if value],
            "categories": list(self.common.categories),
            "tracking_settings": _NO_TRACKING,
            "mail_settings": {"sandbox_mode": {"enable": sandbox}},
        }
        if content.frame.reply_to:
            body["reply_to"] = {"email": content.frame.reply_to}
        if content.attachments:
            body["attachments"] = [
                {
                    "content": b64encode(file.data).decode("ascii"),
                    # SendGrid takes no parameters here.
                    "type": file.media_type.partition(";")[0],
                    "filename": file.name,
                    "disposition": "attachment",
                }
                for file in content.attachments
            ]
        return body


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
        if fault := _fault(message, content):
            refused.append(rejected(message.key, fault))
            continue
        shape, own = cut(content)
        categories = _categories(message.key)
        # One sender may write to one address twice in a batch, but SendGrid takes an address once a request.
        address = message.address.casefold()
        waiting = unfilled.setdefault((content.frame, categories, content.attachments, shape), [])
        request = next((one for one in waiting if address not in one.addresses), None)
        if request is None:
            request = Request(Common(content, categories, shape), [])
            requests.append(request)
            waiting.append(request)
        request.letters.append(Letter(message, content, own))
        request.addresses.add(address)
        if len(request.letters) >= most:
            waiting.remove(request)
    return requests, refused


def _fault(message: Message, content: EmailContent) -> str | None:
    """Why a message can never leave this way."""
    if not message.address.isascii():
        return "address_not_supported"
    try:
        require_address(message.address)
    except ValueError:
        return "address_malformed"
    try:
        _headers(content)
    except ValueError:
        return "content_malformed"
    if not _subject(content):
        return "subject_empty"
    if not content.text and not content.html:
        return "content_empty"
    return "key_too_long" if len(json.dumps({KEY_NAME: message.key})) >= _MOST_CUSTOM_ARGS_BYTES else None


def _subject(content: EmailContent) -> str:
    return one_line(content.subject).strip()


def _headers(content: EmailContent) -> dict[str, str]:
    """The headers of one mail; raises ValueError for what could break out of one."""
    headers = dict(_standing(content.frame))
    if content.unsubscribe_url is not None:
        headers.update(unsubscribe_headers(content.unsubscribe_url))
    return headers


@lru_cache(maxsize=256)
def _standing(frame: MailFrame) -> tuple[tuple[str, str], ...]:
    """The frame's standing headers; raises ValueError if it cannot stand in a mail."""
    frame.check()
    if reserved := sorted(name for name, _ in frame.headers if name.lower() in _RESERVED):
        raise UnsupportedError(f"SendGrid writes the header {reserved[0]} itself; take it out of the mail's frame")
    return frame.headers


@lru_cache(maxsize=256)
def _sender(frame: MailFrame) -> dict[str, str]:
    name = one_line(frame.from_name).strip()
    return {"email": frame.from_address, "name": name} if name else {"email": frame.from_address}


def _categories(key: Key) -> tuple[str, ...]:
    """Journey and step, which are nobody's personal data: `abandoned_cart` and `abandoned_cart/reminder`."""
    journey, _, rest = key.partition("/")
    step = rest.partition("/")[0]
    words = (journey, f"{journey}/{step}") if step else (journey,)
    return tuple(word for word in words if word and word.isascii() and len(word) <= _MOST_CATEGORY)


def _personalization(letter: Letter, names: Sequence[str]) -> dict[str, Any]:
    one: dict[str, Any] = {
        "to": [{"email": letter.message.address}],
        "subject": _subject(letter.content),
        "custom_args": {KEY_NAME: letter.message.key},
    }
    if headers := _headers(letter.content):
        # All of them here, since a person's headers may replace those of the request.
        one["headers"] = headers
    if names:
        one["substitutions"] = dict(zip(names, letter.own, strict=True))
    return one


def _texts(letters: Sequence[Letter]) -> list[str]:
    return [text for one in letters for text in (_subject(one.content), one.content.text, one.content.html)]
