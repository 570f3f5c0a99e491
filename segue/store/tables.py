"""What Segue remembers. Facts are appended, never edited; money is integer minor units; times are UTC.

One module, four rooms: people, shop, money, talking. `docs/architecture.md` tells the story of each.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from segue.store.types import BigId, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", BigId, primary_key=True, autoincrement=True)


def _ref(name: str, target: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigId, ForeignKey(f"{target}.id"), nullable=nullable)


installation = Table(
    "installation",
    metadata,
    Column("key", Text, primary_key=True),  # secret_fingerprint
    Column("value", Text, nullable=False),
)

# ---------------------------------------------------------------- people

profile = Table(
    "profile",
    metadata,
    _id(),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("locale", Text),  # BCP 47, e.g. en-US
    Column("country", Text),  # ISO 3166-1 alpha-2; null = unknown = the strictest law
    Column("region", Text),  # state or province code
    Column("zone", Text),  # IANA time zone; null = unknown
    Column("birth_year", SmallInteger),
    Column("home_latitude", Float),
    Column("home_longitude", Float),
    Column("source", Text),  # the sales channel she came from: web, facebook_shop, store, popup
    Column("created_at", UtcTime, nullable=False),
)

identifier = Table(
    "identifier",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),  # email, phone, shop, cookie, loyalty
    Column("value", Text, nullable=False),  # e-mail trimmed and lower-cased, phone in E.164
    _ref("profile_id", "profile"),
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
    _id(),
    _ref("profile_id", "profile"),
    Column("channel", Text, nullable=False),  # email, sms, print, ads; all: an objection to direct marketing as such
    Column("purpose", Text, nullable=False, default="marketing", server_default="marketing"),
    Column("state", Text, nullable=False),  # granted, confirmed (double opt-in), denied
    Column("basis", Text, nullable=False),  # opt_in, soft_opt_in, legitimate_interest, contract, objection
    Column("source", Text, nullable=False),  # where she said so: checkout_tick, popup_form, import:klaviyo
    Column("wording", Text),
    Column("occurred_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("dedupe", Text, nullable=False, unique=True),  # the fact's own name, so an import again adds nothing
    Index("ix_consent_event_profile", "profile_id", "channel", "occurred_at"),
)

suppression = Table(
    "suppression",
    metadata,
    _id(),
    Column("address_hash", Text, nullable=False),  # keyed HMAC-SHA256, hex; survives erasure
    Column("reason", Text, nullable=False),  # unsubscribe, stop, hard_bounce, complaint, objection
    Column("occurred_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    UniqueConstraint("address_hash", "reason"),
)

profile_size = Table(
    "profile_size",
    metadata,
    _id(),
    _ref("profile_id", "profile"),
    Column("category", Text, nullable=False),  # tops, bottoms, gloves ...
    Column("system", Text, nullable=False),  # us_women, alpha, one_size
    Column("size", Text, nullable=False),
    Column("evidence", Integer, nullable=False),  # order lines that speak for it
    Column("confidence", Float, nullable=False),  # share of her lines in this category and system, 0 to 1
    UniqueConstraint("profile_id", "category", "system", "size"),
)

# ---------------------------------------------------------------- shop

product = Table(
    "product",
    metadata,
    _id(),
    Column("external_id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("category", Text),  # garment category, as in profile_size
    Column("size_system", Text),
    Column("url", Text),  # path or absolute address on the shop's site
    Column("image_url", Text),  # path under the asset base URL, or absolute
    Column("recorded_at", UtcTime, nullable=False),
)

variant = Table(
    "variant",
    metadata,
    _id(),
    _ref("product_id", "product"),
    Column("sku", Text, nullable=False, unique=True),
    Column("size", Text),  # null = has no size
    Column("colour", Text),
    Column("price_minor", BigId, nullable=False),
    Column("currency", Text, nullable=False),
    Index("ix_variant_product", "product_id"),
)

location = Table(
    "location",
    metadata,
    _id(),
    Column("external_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),  # warehouse, store, popup
    Column("name", Text, nullable=False),
    Column("country", Text),
    Column("zone", Text),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("opens_at", UtcTime),
    Column("closes_at", UtcTime),
    Column("capacity", Integer),
)

listing = Table(
    "listing",
    metadata,
    _id(),
    _ref("product_id", "product"),
    Column("sales_channel", Text, nullable=False),  # web, facebook_shop, instagram_shop, store, popup
    Column("listed_from", UtcTime, nullable=False),
    Column("listed_until", UtcTime),
    UniqueConstraint("product_id", "sales_channel", "listed_from"),
)

stock_event = Table(
    "stock_event",
    metadata,
    _id(),
    _ref("variant_id", "variant"),
    _ref("location_id", "location"),
    Column("quantity", Integer, nullable=False),  # what is there from now on; may be negative (oversold)
    Column("occurred_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    UniqueConstraint("variant_id", "location_id", "occurred_at"),
)

cart = Table(
    "cart",
    metadata,
    _id(),
    Column("external_id", Text, nullable=False, unique=True),
    _ref("profile_id", "profile", nullable=True),  # null: nobody we know, so nobody to write to
    Column("sales_channel", Text, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Index("ix_cart_profile", "profile_id"),
)

cart_event = Table(
    "cart_event",
    metadata,
    _id(),
    _ref("cart_id", "cart"),
    Column("kind", Text, nullable=False),  # added, removed, viewed, checkout_started, ordered
    _ref("variant_id", "variant", nullable=True),  # for added and removed
    Column("quantity", Integer, nullable=False, default=0, server_default="0"),
    Column("occurred_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("dedupe", Text, nullable=False, unique=True),
    CheckConstraint("kind IN ('added', 'removed', 'viewed', 'checkout_started', 'ordered')", name="kind"),
    Index("ix_cart_event_cart", "cart_id", "occurred_at"),
    Index("ix_cart_event_time", "occurred_at", "cart_id"),
)

order = Table(
    "order",
    metadata,
    _id(),
    Column("external_id", Text, nullable=False, unique=True),
    _ref("profile_id", "profile", nullable=True),
    _ref("cart_id", "cart", nullable=True),
    Column("sales_channel", Text, nullable=False),
    _ref("location_id", "location", nullable=True),
    Column("currency", Text, nullable=False),
    Column("total_minor", BigId, nullable=False),  # what was paid
    Column("discount_minor", BigId, nullable=False, default=0, server_default="0"),
    Column("discount_code", Text),
    Column("gift", Boolean, nullable=False, default=False, server_default=text("false")),
    Column("occurred_at", UtcTime, nullable=False),
    Column("cancelled_at", UtcTime),
    Column("recorded_at", UtcTime, nullable=False),
    Index("ix_order_profile", "profile_id", "occurred_at"),
)

order_line = Table(
    "order_line",
    metadata,
    _id(),
    _ref("order_id", "order"),
    Column("position", Integer, nullable=False),
    _ref("variant_id", "variant"),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_minor", BigId, nullable=False),
    Column("returned_at", UtcTime),
    UniqueConstraint("order_id", "position"),
)

event = Table(
    "event",
    metadata,
    _id(),
    Column("dedupe", Text, nullable=False, unique=True),  # the sender's message id
    _ref("profile_id", "profile", nullable=True),
    Column("name", Text, nullable=False),  # Segment's names: Product Viewed, Products Searched ...
    Column("properties", JSON, nullable=False),
    Column("occurred_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Index("ix_event_profile", "profile_id", "occurred_at"),
)

# ---------------------------------------------------------------- money

voucher = Table(
    "voucher",
    metadata,
    _id(),
    Column("key", Text, nullable=False, unique=True),  # of the message it was minted for: once per key
    Column("code", Text, nullable=False, unique=True),
    _ref("profile_id", "profile"),
    Column("offer", Text, nullable=False),  # which offer: cart
    Column("percent", SmallInteger),
    Column("amount_minor", BigId),
    Column("currency", Text),
    Column("valid_from", UtcTime, nullable=False),
    Column("valid_until", UtcTime, nullable=False),
    Column("published_at", UtcTime),  # null: the shop does not know the code yet
    Index("ix_voucher_profile", "profile_id", "valid_until"),
)

# ---------------------------------------------------------------- talking

run = Table(
    "run",
    metadata,
    _id(),
    Column("journey", Text, nullable=False),
    Column("flow_run_id", Text, unique=True),  # Prefect's id; null when started without Prefect
    Column("brief", JSON, nullable=False),  # what the marketer turned; held messages are judged by it later
    Column("started_at", UtcTime, nullable=False),
)

message = Table(
    "message",
    metadata,
    _id(),
    Column("key", Text, nullable=False, unique=True),
    Column("profile_id", BigId, nullable=False),
    # The unit of leases: profile_id % 256, and 256 more in the transactional lane.
    Column("bucket", SmallInteger, nullable=False),
    Column("run_id", BigId),
    Column("journey", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("subject_id", BigId),  # the row the occasion is about: this cart
    Column("transactional", Boolean, nullable=False, default=False, server_default=text("false")),
    Column("priority", SmallInteger, nullable=False),  # higher goes first
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("not_before", UtcTime, nullable=False),
    Column("deadline_at", UtcTime, nullable=False),
    Column("promised_at", UtcTime, nullable=False),
    Column("channel", Text),
    Column("connector", Text),
    Column("template_version", Text),
    Column("attempts", SmallInteger, nullable=False, default=0, server_default="0"),
    Column("worker", Text),  # who marked it handed over
    Column("epoch", BigId, nullable=False, default=0, server_default="0"),  # of the lease it was marked under
    Column("handed_over_at", UtcTime),  # what the budget counts
    Column("answered_at", UtcTime),
    Column("provider_id", Text),
    CheckConstraint(
        "state IN ('queued', 'held', 'deferred', 'handed_over', 'accepted', 'rejected', 'uncertain', 'skipped',"
        " 'control')",
        name="state",
    ),
    Index(
        "ix_message_ready",
        "bucket",
        "not_before",
        sqlite_where=text("state IN ('queued', 'held', 'deferred')"),
        postgresql_where=text("state IN ('queued', 'held', 'deferred')"),
    ),
    Index(
        "ix_message_handed_over",
        "bucket",
        sqlite_where=text("state = 'handed_over'"),
        postgresql_where=text("state = 'handed_over'"),
    ),
    Index("ix_message_profile", "profile_id", "handed_over_at"),  # the budget's, and her timeline's
    Index(
        "ix_message_accepted",
        "journey",
        "step",
        "answered_at",
        sqlite_where=text("state = 'accepted'"),
        postgresql_where=text("state = 'accepted'"),
    ),
    Index("ix_message_run", "run_id"),
)

decision = Table(
    "decision",
    metadata,
    _id(),
    Column("message_id", BigId, ForeignKey("message.id"), nullable=False),
    Column("run_id", BigId),
    Column("verdict", Text, nullable=False),  # send, hold, skip, control
    Column("reason", Text),
    Column("until", UtcTime),  # for hold
    Column("decided_at", UtcTime, nullable=False),
    Index("ix_decision_message", "message_id"),
)

lease = Table(
    "lease",
    metadata,
    Column("bucket", SmallInteger, primary_key=True, autoincrement=False),
    Column("owner", Text),
    Column("epoch", BigId, nullable=False, default=0, server_default="0"),
    # Seconds since 1970 by the database's own clock.
    Column("expires_at", Float(53), nullable=False, default=0, server_default="0"),
)

channel_state = Table(
    "channel_state",
    metadata,
    Column("name", Text, primary_key=True),  # all, channel:sms, connector:smtp, journey:x, run:7
    Column("paused", Boolean, nullable=False, default=False, server_default=text("false")),
    Column("reason", Text),
    Column("pace_per_second", Float(53)),  # null: as fast as it goes
    Column("pace_free_at", UtcTime),  # the next free slot
    Column("changed_at", UtcTime, nullable=False),
)

journey_state = Table(
    "journey_state",
    metadata,
    Column("journey", Text, primary_key=True),
    Column("live_from", UtcTime, nullable=False),  # older facts never trigger it
)
