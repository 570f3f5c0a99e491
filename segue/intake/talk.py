"""Facts about what was said between us and people: what they did with it, and what providers tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from segue.intake.records import Fact, PersonFact

#: What anybody may claim of herself: it counts as seen only where its teller says so.
CLAIMS = frozenset({"follow", "mention"})
DELIVERY_KINDS = (
    "processed", "delivered", "deferred", "bounced", "dropped", "blocked", "failed", "opened", "clicked",
    "complained", "unsubscribed",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Touchpoint(PersonFact):
    """Something she did with us outside a cart. Where nobody is named, the message or the voucher names its owner."""

    #: landing, click, ad_click, share, follow, mention
    kind: str
    dedupe: str
    #: The message whose link was used, as a token that was read says; else its key.
    through: int | None = None
    key: str | None = None
    #: A voucher's code, or a friend's; only a voucher's names anybody.
    code: str | None = None
    network: str | None = None
    campaign: str | None = None
    target: str | None = None
    verified: bool = True
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Fact):
    """What a provider told of a message after its answer."""

    #: `<provider>:<its name for the news, or for the message>:<kind>`
    dedupe: str
    provider: str
    #: One of `DELIVERY_KINDS`; bounced is for good, blocked and deferred are for now.
    kind: str
    #: Our message key, where the provider carried it back.
    key: str | None = None
    #: The provider's own id of a text message; it finds the message where no key came back.
    provider_id: str | None = None
    #: A code or a word of ours, never the provider's text: that may hold an address.
    reason: str | None = None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Fact):
    """A text message that somebody wrote to us. What it says is read and not kept."""

    dedupe: str
    #: E.164
    phone: str
    address_hash: str
    meaning: Literal["stop", "start", "help", "unclear"]
    occurred_at: datetime
