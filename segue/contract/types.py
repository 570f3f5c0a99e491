"""What crosses the border between Segue and a connector: frozen values, nothing to inherit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NewType

from segue.contract.mail import Attachment, MailFrame

if TYPE_CHECKING:
    from segue.contract.page import PageFrame

Key = NewType("Key", str)
"""What makes a message one: `journey/step/occasion`. Opaque to connectors, safe to log."""


class Channel(StrEnum):
    """The medium a message travels on."""

    EMAIL = "email"
    SMS = "sms"
    PRINT = "print"
    AUDIENCE = "audience"


class Outcome(StrEnum):
    """The provider's immediate answer about one message."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a connector can do, as data that the outbox reads."""

    #: Most messages one `send` call takes.
    max_batch: int
    #: Most messages it ever leaves handed over but unanswered, over all its connections.
    window: int
    #: Sending a key twice is sending it once.
    idempotent: bool = False
    #: It can be asked later what became of a key.
    can_look_up: bool = False
    #: Most it takes in any second, over all workers: segments of text messages, else messages. None: as they come.
    pace_per_second: float | None = None
    #: Of an audience: with fewer members than this the platform shows its ads to nobody.
    min_audience: int = 0
    #: Of an audience: most removals one `sync` call takes, where they take longer than additions. None: `max_batch`.
    max_removals: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """How a mail's bodies were put together, for providers that take the common words of many mails once."""

    text: tuple[str, ...]
    html: tuple[str, ...]
    #: The template's own words. A piece that is not among them is one person's.
    fixed: frozenset[str] = field(repr=False)
    #: What `text` and `html` are when joined. Whoever changes a mail's bodies leaves these behind, and a connector
    #: that uses pieces looks first whether they still are the mail's.
    bodies: tuple[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailContent:
    """One person's mail: what differs from person to person, and the frame that does not."""

    frame: MailFrame
    subject: str
    text: str
    html: str
    #: RFC 8058 target, https; None on a purely transactional mail.
    unsubscribe_url: str | None = None
    #: The same bodies in pieces, where the template can tell; a hint that no connector needs.
    pieces: Pieces | None = field(default=None, repr=False, compare=False)
    #: Files that come with it, e.g. a calendar entry; often the same for many people.
    attachments: tuple[Attachment, ...] = ()

    def mime(self, *, key: str, to: str, at: datetime) -> bytes:
        """Return the complete RFC 5322 message with CRLF line ends.

        `key` becomes the Message-ID (so a repeat is recognisably the same mail), `to` the
        recipient's address, `at` (timezone-aware) the Date header.
        """
        return self.frame.fill(
            key=key,
            to=to,
            at=at,
            subject=self.subject,
            text=self.text,
            html=self.html,
            unsubscribe_url=self.unsubscribe_url,
            attachments=self.attachments,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsContent:
    """One person's text message."""

    text: str
    #: Billed parts: GSM-7 160/153 characters, UCS-2 70/67.
    segments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintContent:
    """One person's printed piece: what differs from person to person, and the frame that does not."""

    frame: PageFrame
    #: JSON text of one card; data only, never source of the page.
    data: str
    #: Where it is printed and packed; a name people know, not a path.
    location: str
    #: The order number people read, e.g. `#1001`; it opens the pick list's line.
    order: str
    #: What else the packer reads, as (column, text), e.g. `("first name", "Sarah")`.
    packing: tuple[tuple[str, str], ...] = ()


Content = EmailContent | SmsContent | PrintContent


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One rendered thing for one address, with a key."""

    key: Key
    channel: Channel
    #: E-mail address, or phone number in E.164; empty for print.
    address: str
    content: Content
    #: When it was judged and composed, UTC. Used for dates in the message, never the machine's clock.
    at: datetime
    #: The provider may not deliver it after this instant, UTC (an SMS ends with the reader's window).
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the provider will charge for handing a message over."""

    #: Millionths of `currency`: 8,300 are 0.0083.
    micros: int
    #: ISO 4217.
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the provider said about one message."""

    key: Key
    outcome: Outcome
    #: The provider's own name for the message, for later news.
    provider_id: str | None = None
    #: Short machine-readable word for rejected, deferred and uncertain: `mailbox_unknown`, `throttled`, `no_answer`.
    reason: str | None = None
    #: For deferred: not before this long from now.
    retry_after: timedelta | None = None
    #: For rejected: the address itself is dead or unwilling; never write to it again.
    suppress: bool = False
    #: Of an audience: so many entries that this answer is about are of no use to the platform, which does not say
    #: whose. Carried by one result of each request, so that the sum over all results counts each entry once.
    unusable: int = 0


def accepted(key: Key, provider_id: str | None = None) -> Result:
    """The provider took it."""
    return Result(key=key, outcome=Outcome.ACCEPTED, provider_id=provider_id)


def deferred(key: Key, reason: str, retry_after: timedelta | None = None) -> Result:
    """It was not sent and may be tried again."""
    return Result(key=key, outcome=Outcome.DEFERRED, reason=reason, retry_after=retry_after)


def rejected(key: Key, reason: str, *, suppress: bool = False) -> Result:
    """It was refused for good."""
    return Result(key=key, outcome=Outcome.REJECTED, reason=reason, suppress=suppress)


def uncertain(key: Key, reason: str) -> Result:
    """Its bytes left and nobody knows what became of them."""
    return Result(key=key, outcome=Outcome.UNCERTAIN, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """A code the shop or till must know before a message may name it."""

    code: str
    #: The key of the message it was minted for; the same for the same code, always.
    key: Key
    #: Percent off, 1 to 100; None if it is worth an amount.
    percent: int | None
    #: Minor units of `currency`; None if it is a percentage.
    amount_minor: int | None
    currency: str | None
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """A code that the shop says was used."""

    code: str
    order_id: str
    redeemed_at: datetime


#: Every kind of identifier a member of an audience may have; a connector's `fields` are some of these.
IDENTIFIER_KINDS = (
    "email",  # trimmed, lower-cased
    "phone",  # E.164, with the plus
    "first_name",
    "last_name",
    "country",  # ISO 3166-1 alpha-2, upper-case
    "region",  # state or province code
    "birth_year",  # four digits
    "external_id",  # a keyed hash of ours, the same for the same member; tells a platform nothing
)

#: Each of these alone can tell a platform who is meant; a member without any is invalid.
NAMING_KINDS = ("email", "phone", "external_id")

#: The reason of a RejectedError by `AudienceConnector.sync`: the platform has no such audience (any more).
AUDIENCE_GONE = "audience_gone"

Members = tuple[tuple[Key, Mapping[str, str]], ...]
"""Who is meant, and by which identifiers (kind to value), in clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceChange:
    """The difference between who belongs in an ad audience and who is in it.

    Members are in clear: every platform normalises and hashes in its own way, so the connector does that before
    anything leaves. Who is removed comes with the very identifiers she was added with.
    """

    #: Our name for it: `cart`, `viewed`, `related`, `buyers`.
    audience: str
    #: The platform's name for it, as `ensure` returned it.
    external_id: str
    #: The kinds of identifiers the audience was made with, in order: some of the connector's own. A member has
    #: all or some of them, never others.
    fields: tuple[str, ...]
    add: Members = field(default=(), repr=False)
    remove: Members = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueItem:
    """One variant as an ad platform's catalogue lists it: the feed decides which things somebody sees."""

    #: Our SKU, unique in the feed.
    id: str
    #: The product all its variants belong to.
    group: str
    title: str
    category: str | None
    size: str | None
    colour: str | None
    #: To be had now, in this size.
    available: bool
    price_minor: int
    currency: str
    #: Absolute addresses; a thing without a page or a picture is in no feed.
    url: str
    image_url: str
    brand: str = ""
