"""Who somebody is, how she is reached, what she allowed, and what fits her."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from segue.store.tables.base import metadata, own_id, ref
from segue.store.types import BigId, UtcTime

profile = Table(
    "profile",
    metadata,
    own_id(),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("locale", Text),  # BCP 47, e.g. en-US
    Column("country", Text),  # ISO 3166-1 alpha-2; null = unknown = the strictest law
    Column("region", Text),  # state or province code
    Column("zone", Text),  # IANA time zone; null = unknown
    Column("birth_year", SmallInteger),
    Column("home_latitude", Float),
    Column("home_longitude", Float),
    Column("household_hash", Text),  # keyed HMAC of the postal address in one spelling: who shares it lives together
    Column("source", Text),  # the sales channel she came from: web, facebook_shop, store, popup
    Column("created_at", UtcTime, nullable=False),
    Column("merged_into", BigId),  # the redirect a merge leaves; such a row owns nothing any more
    Index(
        "ix_profile_merged",
        "merged_into",
        sqlite_where=text("merged_into IS NOT NULL"),
        postgresql_where=text("merged_into IS NOT NULL"),
    ),
)

identifier = Table(
    "identifier",
    metadata,
    own_id(),
    Column("kind", Text, nullable=False),  # email, phone, shop, cookie, loyalty
    Column("value", Text, nullable=False),  # e-mail trimmed and lower-cased, phone in E.164
    ref("profile_id", "profile"),
    # A shared phone is a way to reach two people and names neither: only one row a value may identify.
    Column("identifies", Boolean, nullable=False, default=True, server_default=text("true")),
    Column("recorded_at", UtcTime, nullable=False),
    UniqueConstraint("profile_id", "kind", "value"),
    Index(
        "uq_identifier_naming",
        "kind",
        "value",
        unique=True,
        sqlite_where=text("identifies"),
        postgresql_where=text("identifies"),
    ),
    Index("ix_identifier_value", "value"),
)

consent_event = Table(
    "consent_event",
    metadata,
    own_id(),
    ref("profile_id", "profile"),
    Column("channel", Text, nullable=False),  # email, sms, print, ads; all: an objection to direct marketing as such
    Column("purpose", Text, nullable=False, default="marketing", server_default="marketing"),
    Column("state", Text, nullable=False),  # granted, confirmed (double opt-in), denied, doubted (a no without a date)
    Column("basis", Text, nullable=False),  # opt_in, soft_opt_in, legitimate_interest, contract, objection
    Column("source", Text, nullable=False),  # where she said so: checkout_tick, popup_form, import:klaviyo
    Column("wording", Text),
    Column("occurred_at", UtcTime, nullable=False),  # of an undated one: when it was recorded
    # An undated yes is weak: it loses to any dated no, and to any doubt.
    Column("is_dated", Boolean, nullable=False, default=True, server_default=text("true")),
    Column("recorded_at", UtcTime, nullable=False),
    Column("dedupe", Text, nullable=False, unique=True),  # the fact's own name, so an import again adds nothing
    Index("ix_consent_event_profile", "profile_id", "channel", "occurred_at"),
)

suppression = Table(
    "suppression",
    metadata,
    own_id(),
    Column("address_hash", Text, nullable=False),  # keyed HMAC-SHA256, hex; survives erasure
    Column("reason", Text, nullable=False),  # unsubscribe, stop, hard_bounce, complaint, objection
    Column("occurred_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    UniqueConstraint("address_hash", "reason"),
)

profile_merge = Table(
    "profile_merge",
    metadata,
    own_id(),
    ref("kept_id", "profile"),
    ref("gone_id", "profile"),
    Column("because", Text, nullable=False),  # the kind of the verified identifier that both have: email, shop ...
    Column("found_at", UtcTime, nullable=False),
    Column("merged_at", UtcTime),  # null: found, and waiting to be done
    UniqueConstraint("kept_id", "gone_id"),
)

profile_size = Table(
    "profile_size",
    metadata,
    own_id(),
    ref("profile_id", "profile"),
    Column("category", Text, nullable=False),  # tops, bottoms, gloves ...
    Column("system", Text, nullable=False),  # us_women, alpha, one_size
    Column("size", Text, nullable=False),
    Column("evidence", Float(53), nullable=False),  # the weight of the facts that speak for it; an order line is 1
    Column("confidence", Float(53), nullable=False),  # its share of what speaks in this category and system, 0 to 1
    UniqueConstraint("profile_id", "category", "system", "size"),
)

# Something that is known of her changed where it stands: an order or its lines, a code of hers. Its id moves the mark
# of freshness, which sees only what is added.
change = Table(
    "change",
    metadata,
    own_id(),
    ref("profile_id", "profile"),
    Column("what", Text, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    CheckConstraint("what IN ('order', 'code')", name="what"),
    Index("ix_change_profile", "profile_id"),
)
