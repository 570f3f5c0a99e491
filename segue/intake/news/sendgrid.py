"""SendGrid's event webhook: one object an event. The same event may be posted dozens of times under one `sg_event_id`.

Our message key comes back as `segue_key`, flattened out of `custom_args`. Of what a mailbox answered only the status
codes are kept: the text often repeats the address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Any

from segue.intake import records as r
from segue.intake import values
from segue.intake.call import text_of
from segue.intake.errors import BadValueError
from segue.intake.report import Tally
from segue.intake.talk import Delivery

PROVIDER = "sendgrid"
_KINDS = {
    "processed": "processed",
    "delivered": "delivered",
    "deferred": "deferred",
    "bounce": "bounced",
    "blocked": "blocked",
    "dropped": "dropped",
    "open": "opened",
    "click": "clicked",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
}
_SUPPRESSES = {"bounced": "hard_bounce", "complained": "complaint", "unsubscribed": "unsubscribe"}
#: SendGrid drops what its own lists forbid; the word that its reason holds -> what we should have known.
_DROPPED = (
    ("bounce", "hard_bounce"),
    ("invalid", "hard_bounce"),
    ("spam reporting", "complaint"),
    ("unsubscribe", "unsubscribe"),
)
_CODES = re.compile(r"\b[245]\d\d\b(?:[ -][245]\.\d{1,3}\.\d{1,3}\b)?|\b[245]\.\d{1,3}\.\d{1,3}\b")


def is_mine(given: dict[str, Any]) -> bool:
    """Whether an object is an event of SendGrid's."""
    return isinstance(given.get("event"), str) and ("sg_event_id" in given or "sg_message_id" in given)


def facts_of(
    line: int, given: dict[str, Any], tally: Tally, *, now: datetime, hash_address: Callable[[str], str]
) -> Iterator[r.Fact]:
    """Yield the news, and the suppression that follows from it; raises BadValueError."""
    kind = _KINDS.get(given["event"].strip().lower())
    if kind is None:
        raise BadValueError("other_news", "event")
    if kind == "bounced" and str(given.get("type", "")).lower() == "blocked":
        kind = "blocked"  # refused for now: the address is good
    at = _time(given, now)
    suppression = _dropped_for(given) if kind == "dropped" else _SUPPRESSES.get(kind)
    if suppression is not None:
        yield from _silence(line, given, tally, suppression, at, hash_address)
    yield Delivery(
        line=line,
        dedupe=f"{PROVIDER}:{_name(given)}:{kind}",
        provider=PROVIDER,
        kind=kind,
        key=text_of(given, "segue_key", 1_000),
        reason=suppression if kind == "dropped" and suppression else _code(given),
        occurred_at=at,
    )


def _silence(
    line: int, given: dict[str, Any], tally: Tally, reason: str, at: datetime, hash_address: Callable[[str], str]
) -> Iterator[r.Suppression]:
    """Yield the suppression; an address nobody can read is a warning."""
    told = given.get("email")
    if not isinstance(told, str) or not told.strip():
        tally.warn(line, "missing_key", "email")
        return
    try:
        digest = hash_address(values.parse_email(told))
    except BadValueError as error:
        tally.warn(line, error.reason, "email")
        return
    yield r.Suppression(line=line, address_hash=digest, reason=reason, occurred_at=at)


def _dropped_for(given: dict[str, Any]) -> str | None:
    told = str(given.get("reason", "")).lower()
    return next((reason for word, reason in _DROPPED if word in told), None)


def _time(given: dict[str, Any], now: datetime) -> datetime:
    told = given.get("timestamp")
    if told is None or isinstance(told, (bool, dict, list)):
        raise BadValueError("bad_date", "timestamp")
    try:
        return min(values.parse_time(str(told), None, "unix")[0], now)
    except BadValueError as error:
        raise BadValueError(error.reason, "timestamp") from error


def _name(given: dict[str, Any]) -> str:
    """The event's own id; without one a fingerprint of all it says."""
    told = text_of(given, "sg_event_id")
    if told is not None:
        return told
    canonical = json.dumps(given, sort_keys=True, default=str)
    return f"event-{blake2b(canonical.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"


def _code(given: dict[str, Any]) -> str | None:
    """The codes of what the mailbox answered: `550 5.1.1`."""
    for key in ("status", "response", "reason"):
        found = _CODES.search(str(given.get(key, "")))
        if found is not None:
            return found[0]
    return None
