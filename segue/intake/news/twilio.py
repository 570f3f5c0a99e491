"""What Twilio posts: the status of a message we sent, and the text messages that people send us.

Twilio dates neither, and sends statuses in no certain order. So each status is a fact of its own, and none undoes
another. `received_at` (ISO 8601), where whoever kept the posts put it, says when; else it is the instant of reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Literal

from segue.intake import records as r
from segue.intake import values
from segue.intake.call import text_of
from segue.intake.errors import BadValueError
from segue.intake.formats.replies import meaning_of
from segue.intake.report import Tally
from segue.intake.talk import Delivery, Reply

PROVIDER = "twilio"
_IDS = ("MessageSid", "SmsSid", "SmsMessageSid")
#: What Twilio says of a message of ours; `undelivered` depends on why.
_KINDS = {
    "accepted": "processed",
    "scheduled": "processed",
    "queued": "processed",
    "sending": "processed",
    "sent": "processed",
    "delivered": "delivered",
    "partially_delivered": "delivered",
    "read": "opened",
    "undelivered": "blocked",
    "failed": "failed",
    "canceled": "dropped",
}
_INBOUND = frozenset({"receiving", "received"})
#: The number had opted out: Twilio did not send.
_OPTED_OUT = "21610"
#: The number does not exist, or takes no text messages: 30005 unknown, 30006 landline.
_DEAD = frozenset({"30005", "30006"})
#: `whatsapp:+447700900123`: one number, and since 2026 one opt-out over all of its channels.
_CHANNEL = re.compile(r"\A[a-z]+:", re.IGNORECASE)
_HELP = frozenset({"help", "info"})


def is_mine(given: dict[str, Any]) -> bool:
    """Whether an object holds the parameters of a post of Twilio's."""
    return any(isinstance(given.get(name), str) for name in _IDS) and "type" not in given


def facts_of(
    line: int, given: dict[str, Any], tally: Tally, *, now: datetime, hash_address: Callable[[str], str]
) -> Iterator[r.Fact]:
    """Yield the news or the reply, and the suppression that follows from it; raises BadValueError."""
    sid = next((found for name in _IDS if (found := text_of(given, name)) is not None), None)
    if sid is None:
        raise BadValueError("missing_key", "MessageSid")
    at = _time(given, now)
    status = (text_of(given, "MessageStatus") or text_of(given, "SmsStatus") or "").lower()
    if status in _INBOUND or (not status and "Body" in given):
        yield from _reply(line, given, sid, at, hash_address)
        return
    kind = _KINDS.get(status)
    if kind is None:
        raise BadValueError("other_news" if status else "missing_key", "MessageStatus")
    code = text_of(given, "ErrorCode")
    if code == _OPTED_OUT:
        kind = "dropped"
        yield from _silence(line, given, tally, "stop", at, hash_address)
    elif code in _DEAD and status in {"undelivered", "failed"}:
        kind = "bounced"
        yield from _silence(line, given, tally, "hard_bounce", at, hash_address)
    yield Delivery(
        line=line,
        dedupe=f"{PROVIDER}:{sid}:{kind}",
        provider=PROVIDER,
        kind=kind,
        key=text_of(given, "segue_key", 1_000),
        provider_id=sid,
        reason=code if code is not None and code.isdecimal() and code != "0" else None,
        occurred_at=at,
    )


def _reply(
    line: int, given: dict[str, Any], sid: str, at: datetime, hash_address: Callable[[str], str]
) -> Iterator[r.Fact]:
    number = _number(given, "From")
    digest = hash_address(number)
    meaning = _meaning(given)
    if meaning == "stop":
        yield r.Suppression(line=line, address_hash=digest, reason="stop", occurred_at=at)
    yield Reply(
        line=line, dedupe=f"{PROVIDER}:{sid}", phone=number, address_hash=digest, meaning=meaning, occurred_at=at
    )


def _meaning(given: dict[str, Any]) -> Literal["stop", "start", "help", "unclear"]:
    """Read a reply: what Twilio took it for (`OptOutType`) and what it says; a no of either is a no."""
    told = str(given.get("OptOutType") or "").strip().lower()
    body = str(given.get("Body") or "")
    said = meaning_of(body)
    if "stop" in {told, said}:
        return "stop"
    if "start" in {told, said}:
        return "start"
    return "help" if told == "help" or body.strip(" \t\r\n.!?").casefold() in _HELP else "unclear"


def _silence(
    line: int, given: dict[str, Any], tally: Tally, reason: str, at: datetime, hash_address: Callable[[str], str]
) -> Iterator[r.Suppression]:
    try:
        digest = hash_address(_number(given, "To"))
    except BadValueError as error:
        tally.warn(line, error.reason, "To")
        return
    yield r.Suppression(line=line, address_hash=digest, reason=reason, occurred_at=at)


def _number(given: dict[str, Any], name: str) -> str:
    told = given.get(name)
    if not isinstance(told, str) or not told.strip():
        raise BadValueError("missing_key", name)
    try:
        return values.parse_phone(_CHANNEL.sub("", told.strip()))
    except BadValueError as error:
        raise BadValueError(error.reason, name) from error


def _time(given: dict[str, Any], now: datetime) -> datetime:
    told = text_of(given, "received_at")
    try:
        return min(values.parse_time(told)[0], now) if told is not None else now
    except BadValueError as error:
        raise BadValueError(error.reason, "received_at") from error
