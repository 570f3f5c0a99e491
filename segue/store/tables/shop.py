"""What is sold, where it lies, what was put in carts and bought."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from segue.store.tables.base import metadata, own_id, ref
from segue.store.types import BigId, UtcTime

product = Table(
    "product",
    metadata,
    own_id(),
    Column("external_id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("category", Text),  # garment category, as in profile_size
    Column("size_system", Text),
    Column("url", Text),  # path or absolute address on the shop's site
    Column("image_url", Text),  # path under the asset base URL, or absolute
    Column("recorded_at", UtcTime, nullable=False),
)

# What goes with what: who bought the one is shown the other.
product_relation = Table(
    "product_relation",
    metadata,
    own_id(),
    ref("product_id", "product"),
    ref("related_id", "product"),
    Column("kind", Text, nullable=False),  # goes_with, alternative
    Column("rank", Integer, nullable=False, default=0, server_default="0"),  # lower comes first
    Column("recorded_at", UtcTime, nullable=False),
    UniqueConstraint("product_id", "related_id", "kind"),
)

variant = Table(
    "variant",
    metadata,
    own_id(),
    ref("product_id", "product"),
    Column("sku", Text, nullable=False, unique=True),
    # The product's id and the option values as the shop writes them, `wool-sweater/8/Navy`: how stock files name it.
    Column("option_key", Text, unique=True),
    Column("size", Text),  # null = has no size
    Column("colour", Text),
    Column("price_minor", BigId, nullable=False),
    Column("currency", Text, nullable=False),
    Index("ix_variant_product", "product_id"),
)

location = Table(
    "location",
    metadata,
    own_id(),
    Column("external_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),  # warehouse, store, popup
    Column("name", Text, nullable=False),
    Column("address", Text),  # as people write it on one line
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
    own_id(),
    ref("product_id", "product"),
    Column("sales_channel", Text, nullable=False),  # web, facebook_shop, instagram_shop, store, popup
    Column("listed_from", UtcTime, nullable=False),
    Column("listed_until", UtcTime),
    UniqueConstraint("product_id", "sales_channel", "listed_from"),
)

stock_event = Table(
    "stock_event",
    metadata,
    own_id(),
    ref("variant_id", "variant"),
    ref("location_id", "location"),
    Column("quantity", Integer, nullable=False),  # what is there from now on; may be negative (oversold)
    Column("occurred_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    UniqueConstraint("variant_id", "location_id", "occurred_at"),
)

cart = Table(
    "cart",
    metadata,
    own_id(),
    Column("external_id", Text, nullable=False, unique=True),
    ref("profile_id", "profile", nullable=True),  # null: nobody we know, so nobody to write to
    Column("sales_channel", Text, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Index("ix_cart_profile", "profile_id"),
)

cart_event = Table(
    "cart_event",
    metadata,
    own_id(),
    ref("cart_id", "cart"),
    Column("kind", Text, nullable=False),  # added, removed, viewed, checkout_started, ordered
    ref("variant_id", "variant", nullable=True),  # for added and removed
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
    own_id(),
    Column("external_id", Text, nullable=False, unique=True),
    ref("profile_id", "profile", nullable=True),
    ref("cart_id", "cart", nullable=True),
    Column("number", Text),  # what people call it, `#1001`; not unique over years
    Column("sales_channel", Text, nullable=False),
    Column("marketplace", Boolean, nullable=False, default=False, server_default=text("false")),
    ref("location_id", "location", nullable=True),  # where it was sold (till) or is packed (to be shipped)
    Column("delivery", Text),  # ship, pickup, none (a till, a service); null = unknown
    Column("currency", Text, nullable=False),
    Column("total_minor", BigId, nullable=False),  # as sold, after discounts
    # The most it was ever told to be worth, where that is more than it is worth now; else it may be less.
    Column("sold_minor", BigId, nullable=False, default=0, server_default="0"),
    Column("refunded_minor", BigId, nullable=False, default=0, server_default="0"),
    Column("discount_minor", BigId, nullable=False, default=0, server_default="0"),
    Column("discount_code", Text),
    Column("referral_code", Text),  # the friend's code the buyer named, at a checkout or a till
    Column("gift", Boolean, nullable=False, default=False, server_default=text("false")),
    Column("occurred_at", UtcTime, nullable=False),
    Column("paid_at", UtcTime),  # null: not paid yet
    Column("cancelled_at", UtcTime),
    Column("recorded_at", UtcTime, nullable=False),
    Index("ix_order_profile", "profile_id", "occurred_at"),
    Index("ix_order_paid", "paid_at"),
    Index("ix_order_discount_code", "discount_code"),
    Index(
        "ix_order_referral_code",
        "referral_code",
        sqlite_where=text("referral_code IS NOT NULL"),
        postgresql_where=text("referral_code IS NOT NULL"),
    ),
)

order_line = Table(
    "order_line",
    metadata,
    own_id(),
    ref("order_id", "order"),
    Column("position", Integer, nullable=False),
    ref("variant_id", "variant"),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_minor", BigId, nullable=False),
    # What the line cost: with a quantity of 0, a weight or a bundle price it is not quantity times price.
    Column("total_minor", BigId, nullable=False, default=0, server_default="0"),
    Column("returned_at", UtcTime),
    Column("return_reason", Text),  # too_small, too_large, other; null = not said
    UniqueConstraint("order_id", "position"),
    Index(
        "ix_order_line_returned",
        "order_id",
        sqlite_where=text("returned_at IS NOT NULL"),
        postgresql_where=text("returned_at IS NOT NULL"),
    ),
)

# A return that is a document of its own (a cancellation invoice), which may match no purchase we know; or part of an
# order that an event tells of: some of a variant, or an amount of money.
order_return = Table(
    "order_return",
    metadata,
    own_id(),
    Column("dedupe", Text, nullable=False, unique=True),
    Column("document", Text, nullable=False),  # `C536379`; the event's own name
    Column("by_event", Boolean, nullable=False, default=False, server_default=text("false")),
    ref("order_id", "order", nullable=True),  # the purchase, where it is known
    ref("profile_id", "profile", nullable=True),
    ref("variant_id", "variant", nullable=True),  # null: an amount of money, and a quantity of 0
    Column("quantity", Integer, nullable=False),  # as a positive number
    Column("total_minor", BigId, nullable=False),  # as a positive number
    Column("currency", Text, nullable=False),
    Column("reason", Text),
    Column("occurred_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Index("ix_order_return_profile", "profile_id"),
    Index("ix_order_return_order", "order_id"),
)

fulfilment = Table(
    "fulfilment",
    metadata,
    own_id(),
    ref("order_id", "order"),
    Column("kind", Text, nullable=False),  # packed, shipped, delivered, picked_up
    ref("location_id", "location", nullable=True),
    Column("occurred_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    CheckConstraint("kind IN ('packed', 'shipped', 'delivered', 'picked_up')", name="kind"),
    UniqueConstraint("order_id", "kind", "occurred_at"),
)

event = Table(
    "event",
    metadata,
    own_id(),
    Column("dedupe", Text, nullable=False, unique=True),  # the sender's message id
    ref("profile_id", "profile", nullable=True),
    Column("name", Text, nullable=False),  # Segment's names: Product Viewed, Products Searched ...
    Column("properties", JSON, nullable=False),
    Column("occurred_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Index("ix_event_profile", "profile_id", "occurred_at"),
    # Asked at every booking of points, and few among many.
    Index(
        "ix_event_points_redeemed",
        "profile_id",
        sqlite_where=text("name = 'Points Redeemed'"),
        postgresql_where=text("name = 'Points Redeemed'"),
    ),
)
