"""What an SMTP server's answer means for one message. Knows no sockets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from segue.contract import ConfigurationError, Key, Result, TransientError, accepted, deferred, rejected

_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")
_QUEUED_AS = re.compile(rb"queued as ([\w.-]{1,128})", re.IGNORECASE)

#: The server wants a login, or another one (RFC 4954, 4 and 6).
_LOGIN_CODES = frozenset({530, 534, 535, 538})
_SERVICE_CLOSING = 421

#: Enhanced status codes (RFC 3463) without their class, in our words.
_REASONS = {
    "1.1": "mailbox_unknown",
    "1.2": "domain_unknown",
    "1.3": "address_malformed",
    "1.6": "mailbox_moved",
    "1.10": "domain_takes_no_mail",
    "2.1": "mailbox_disabled",
    "2.2": "mailbox_full",
    "2.3": "message_too_big",
    "3.4": "message_too_big",
    "6.7": "address_not_supported",
}
#: By subject, the middle number, where the detail says nothing of its own.
_SUBJECTS = {"1": "address_refused", "4": "network", "6": "content_refused", "7": "refused_by_policy"}
#: The address itself is dead. 1.7 and 1.8 speak of the sender's address, so they are not among them.
_HARD_BOUNCES = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10"})


class Step(Enum):
    """What a reply answers."""

    RESET = "RSET"
    SENDER = "MAIL"
    RECIPIENT = "RCPT"
    DATA = "DATA"
    END_OF_DATA = "."


@dataclass(frozen=True, slots=True)
class Reply:
    """One complete reply: the code and the text of its last line."""

    code: int
    text: bytes

    @property
    def positive(self) -> bool:
        """2xx, or 3xx: go on."""
        return 200 <= self.code < 400

    @property
    def closing(self) -> bool:
        """The server ends the connection after this."""
        return self.code == _SERVICE_CLOSING

    @property
    def detail(self) -> str:
        """The enhanced status code without its class, e.g. `1.1`; empty if there is none."""
        found = _ENHANCED.match(self.text)
        return found.group().decode("ascii").partition(".")[2] if found else ""


Fate = Result | TransientError | ConfigurationError
"""A result, or the error that stands for "this one was not sent, and here is what keeps us"."""


def judge(key: Key, step: Step, reply: Reply) -> Fate:
    """The fate of a message whose end of data was answered, or whose envelope was refused."""
    if reply.positive:
        found = _QUEUED_AS.search(reply.text)
        return accepted(key, found.group(1).decode("ascii", "replace") if found else None)
    if reply.code in _LOGIN_CODES:
        return ConfigurationError(
            "the SMTP server takes no mail without another login; check the smtp connector's username and password"
        )
    if reply.closing and step is not Step.END_OF_DATA:
        return TransientError("the SMTP server is closing its service for now (421)")
    if reply.code < 500:
        return deferred(key, _reason(reply, default="try_later"))
    reason = _reason(reply, default="refused")
    if step is Step.SENDER and reason not in {"message_too_big", "address_not_supported"} and reply.code != 552:
        return ConfigurationError(
            "the SMTP server refused the sender's address; check the brand's from address and what the server may send"
        )
    if reply.code == 552 and reason == "refused":
        reason = "message_too_big" if step is not Step.RECIPIENT else "mailbox_full"
    return rejected(key, reason, suppress=step is not Step.SENDER and reply.detail in _HARD_BOUNCES)


def _reason(reply: Reply, *, default: str) -> str:
    detail = reply.detail
    if not detail:
        return default
    if reply.code < 500 and detail.startswith("7."):
        return "greylisted" if detail == "7.1" else "throttled"
    return _REASONS.get(detail) or _SUBJECTS.get(detail.partition(".")[0], default)
