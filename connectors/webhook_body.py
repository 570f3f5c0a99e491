"""What a webhook is told and how its answer is read; `docs/how-to/attach-a-webhook.md` tells the receiver of both."""

from __future__ import annotations

import json
import re
from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from connectors.webhook_line import Answer
from segue.contract import (
    AudienceChange,
    EmailContent,
    Key,
    Message,
    PrintContent,
    Result,
    SmsContent,
    UnsupportedError,
    accepted,
    deferred,
    rejected,
    uncertain,
)

#: Raised when a receiver written for an older one would misunderstand; new fields may come without it.
SCHEMA_VERSION: Final = 1
_LONGEST_ID: Final = 200
_LONGEST_WISH: Final = 86_400
#: A reason is a word for machines. It is stored and shown, so nothing that looks like an address or number passes.
_REASON: Final = re.compile(r"(?!.*[0-9]{4})[a-z][a-z0-9]*(?:_[a-z0-9]+)*", re.ASCII)
_LONGEST_REASON: Final = 40


def messages_body(batch: Sequence[Message]) -> bytes:
    """The body for a batch of messages. Raises UnsupportedError for content of a kind not known here."""
    told = [
        {
            "key": message.key,
            "channel": message.channel.value,
            "to": message.address or None,
            "at": _when(message.at),
            "valid_until": _when(message.valid_until) if message.valid_until is not None else None,
            **_content(message),
        }
        for message in batch
    ]
    return _body({"type": "messages", "messages": told})


def members_body(change: AudienceChange, action: str, members: Sequence[tuple[Key, dict[str, str]]]) -> bytes:
    """The body for members of one audience; `action` is `add` or `remove`."""
    told = [{"key": key, **said} for key, said in members]
    return _body({"type": "audience", "audience": change.external_id, "action": action, "members": told})


def _body(said: dict[str, Any]) -> bytes:
    """JSON with the version, the same for the same content. Broken characters, which no JSON may hold, become `?`."""
    text = json.dumps({"version": SCHEMA_VERSION, **said}, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def idempotency_key(keys: Sequence[Key]) -> str:
    """The key itself for one that can stand in a header; else a hash over all, the same for the same batch."""
    if len(keys) == 1 and keys[0].isascii() and keys[0].isprintable() and keys[0].strip() == keys[0]:
        return keys[0]
    return sha256("\n".join(keys).encode("utf-8", "replace")).hexdigest()


def results(keys: Sequence[Key], answer: Answer) -> Iterator[Result]:
    """One result a key: as the answer tells of it, accepted where it tells of none, uncertain where it is garbled."""
    told = answer.body.get("results") if isinstance(answer.body, dict) else answer.body
    if not answer.is_broken and not isinstance(told, list | dict):
        yield from (accepted(key) for key in keys)
        return
    by_key: dict[str, Any] = {}
    for one in told if isinstance(told, list) else []:
        if isinstance(one, dict) and isinstance(one.get("key"), str):
            # Told of twice and not the same way: nobody knows which is true.
            by_key[one["key"]] = one if by_key.get(one["key"], one) == one else None
    yield from (_result(key, by_key.get(key)) for key in keys)


def _content(message: Message) -> dict[str, Any]:
    content = message.content
    if isinstance(content, EmailContent):
        frame = content.frame
        return {
            "email": {
                "from": {"name": frame.from_name, "address": frame.from_address},
                "reply_to": frame.reply_to,
                "subject": content.subject,
                "text": content.text,
                "html": content.html,
                "unsubscribe_url": content.unsubscribe_url,
                "headers": [{"name": name, "value": value} for name, value in frame.headers],
                "attachments": [
                    {
                        "name": file.name,
                        "media_type": file.media_type,
                        "base64": b2a_base64(file.data, newline=False).decode("ascii"),
                    }
                    for file in content.attachments
                ],
            }
        }
    if isinstance(content, SmsContent):
        return {"sms": {"text": content.text, "segments": content.segments}}
    if isinstance(content, PrintContent):
        return {
            "print": {
                "template": content.frame.name,
                "data": json.loads(content.data),
                "location": content.location,
                "order": content.order,
                "packing": [{"column": column, "text": text} for column, text in content.packing],
            }
        }
    raise UnsupportedError("the webhook connector does not know this kind of content")


def _result(key: Key, told: dict[str, Any] | None) -> Result:
    if told is None:
        return uncertain(key, "no_answer")
    outcome, reason = told.get("outcome"), _reason(told.get("reason"))
    if outcome == "accepted":
        return accepted(key, _id(told.get("id")))
    if outcome == "rejected":
        return rejected(key, reason or "refused", suppress=told.get("suppress") is True)
    if outcome == "deferred":
        return deferred(key, reason or "later", _wish(told.get("retry_after")))
    return uncertain(key, (reason if outcome == "uncertain" else None) or "no_answer")


def _reason(said: object) -> str | None:
    if not isinstance(said, str) or len(said) > _LONGEST_REASON or not _REASON.fullmatch(said):
        return None
    # It would stop the connector, which one message's fate must not.
    return said if said != "configuration" else None


def _id(said: object) -> str | None:
    text = str(said) if isinstance(said, str | int) and not isinstance(said, bool) else ""
    return text if 0 < len(text) <= _LONGEST_ID and text.isprintable() else None


def _wish(said: object) -> timedelta | None:
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= _LONGEST_WISH:
        return None
    return timedelta(seconds=said)


def _when(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
