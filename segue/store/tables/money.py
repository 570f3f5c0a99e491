"""Promises of worth: vouchers and what became of them."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from segue.store.tables.base import metadata, own_id, ref
from segue.store.types import BigId, UtcTime

voucher = Table(
    "voucher",
    metadata,
    own_id(),
    Column("key", Text, nullable=False, unique=True),  # of the message it was minted for: once per key
    Column("code", Text, nullable=False, unique=True),
    ref("profile_id", "profile"),
    Column("offer", Text, nullable=False),  # which offer: cart
    Column("percent", SmallInteger),
    Column("amount_minor", BigId),
    Column("currency", Text),
    Column("valid_from", UtcTime, nullable=False),
    Column("valid_until", UtcTime, nullable=False),
    Column("published_at", UtcTime),  # null: the shop does not know the code yet
    Column("revoked_at", UtcTime),  # we took it back
    Column("withdrawn_at", UtcTime),  # the shop took it out, too
    Index("ix_voucher_profile", "profile_id", "valid_until"),
)

# Every use of a code that anybody told us of. One counts; a second till's is kept as a fact and counts for nothing.
redemption = Table(
    "redemption",
    metadata,
    own_id(),
    ref("voucher_id", "voucher"),
    Column("order_ref", Text, nullable=False),  # the shop's or till's own name for the order
    Column("source", Text, nullable=False),  # order (an imported discount code), or the offer connector's name
    Column("counts", Boolean, nullable=False),
    Column("redeemed_at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    UniqueConstraint("voucher_id", "order_ref"),
    Index(
        "uq_redemption_counting",
        "voucher_id",
        unique=True,
        sqlite_where=text("counts"),
        postgresql_where=text("counts"),
    ),
)

# Codes the shop made itself: what a customer may hold besides ours.
discount = Table(
    "discount",
    metadata,
    own_id(),
    Column("code", Text, nullable=False, unique=True),
    Column("percent", Float(53)),
    Column("amount_minor", BigId),
    Column("currency", Text),
    Column("status", Text),  # active, expired, scheduled
    Column("valid_from", UtcTime),
    Column("valid_until", UtcTime),
    Column("times_used", Integer),
    Column("recorded_at", UtcTime, nullable=False),
)
