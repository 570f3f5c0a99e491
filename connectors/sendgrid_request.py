"""What is in a request of SendGrid's Mail Send API; `sendgrid_plan` says who can share one.

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
from json.encoder import encode_basestring
from typing import Any

from connectors.sendgrid_shapes import SEPARATOR, Shape, new_tags, tagged
from segue.contract import EmailContent, Key, MailFrame, Message, one_line

#: Recipients in all, and so personalizations, of one request.
MOST_PEOPLE = 1_000
#: The name our key goes by in `custom_args`, and in every event that SendGrid reports about the mail.
KEY_NAME = "segue_key"
#: Segue counts opens and clicks by its own links, and adds its own way to unsubscribe.
_NO_TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}
_encode = json.JSONEncoder(ensure_ascii=False).encode
_quote = encode_basestring
_QUOTED_SEPARATOR = _quote(SEPARATOR)[1:-1]


@dataclass(frozen=True, slots=True)
class Letter:
    """One person's share of a request."""

    message: Message
    subject: str
    headers: dict[str, str]
    #: What fills the shape's holes, with a `SEPARATOR` between one and the next.
    own: str


@dataclass(frozen=True, slots=True)
class Common:
    """What all letters of a request share."""

    #: Of one of them; the others have the same sender, files and shape, or the same bodies where there is no shape.
    content: EmailContent
    categories: tuple[str, ...]
    shape: Shape | None


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
        content, shape = self.common.content, self.common.shape
        tags = new_tags(shape) if shape is not None else []
        parts = tagged(shape, tags) if shape is not None else (content.text, content.html)
        common = _encode(_common(self.common, parts, sandbox=sandbox))
        # A thousand people are written by hand, since they share their form and differ in a few strings.
        holes = ",".join(f'"{tag}":"%s"' for tag in tags)
        people = ",".join([_person(letter, holes, tags) for letter in self.letters])
        # Half a surrogate pair becomes a question mark, as it does in a mail of our own making.
        return f'{{"personalizations":[{people}],{common[1:]}'.encode("utf-8", "replace")


def _common(common: Common, parts: tuple[str, str], *, sandbox: bool) -> dict[str, Any]:
    """What is in a request beside the people."""
    content = common.content
    body: dict[str, Any] = {
        "from": _sender(content.frame),
        "content": [
            {"type": kind, "value": value}
            for kind, value in zip(("text/plain", "text/html"), parts, strict=True)
            if value
        ],
        "categories": list(common.categories),
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


def _person(letter: Letter, holes: str, tags: Sequence[str]) -> str:
    """One personalization; `holes` are its substitutions but for the words."""
    message = letter.message
    written = (
        f'{{"to":[{{"email":{_quote(message.address)}}}],"subject":{_quote(letter.subject)},'
        f'"custom_args":{{"{KEY_NAME}":{_quote(message.key)}}}'
    )
    if letter.headers:
        # All of them here, since a person's headers may replace those of the request.
        headers = ",".join([f"{_quote(name)}:{_quote(value)}" for name, value in letter.headers.items()])
        written += f',"headers":{{{headers}}}'
    if not tags:
        return written + "}"
    words = _quote(letter.own)[1:-1].split(_QUOTED_SEPARATOR)
    if len(words) == len(tags):
        return f'{written},"substitutions":{{{holes % tuple(words)}}}}}'
    # Somebody's words look like a quoted separator: slowly, then.
    return f'{written},"substitutions":{_encode(dict(zip(tags, letter.own.split(SEPARATOR), strict=True)))}}}'


@lru_cache(maxsize=256)
def _sender(frame: MailFrame) -> dict[str, str]:
    name = one_line(frame.from_name).strip()
    return {"email": frame.from_address, "name": name} if name else {"email": frame.from_address}
