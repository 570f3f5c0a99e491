"""Promises of worth: vouchers and what became of them."""

from __future__ import annotations

from typing import Any

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

_UNPUBLISHED = "published_at IS NULL AND revoked_at IS NULL"
_TO_WITHDRAW = "revoked_at IS NOT NULL AND withdrawn_at IS NULL"


def _own_key(context: Any) -> Any:
    return context.get_current_parameters()["key"]


voucher = Table(
    "voucher",
    metadata,
    own_id(),
    # Of the message it was minted for: once per key. It never changes, since the shop was told it with the code.
    Column("key", Text, nullable=False, unique=True),
    # The key its message has now: a merge may have given it another one.
    Column("message_key", Text, nullable=False, unique=True, default=_own_key),
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
    Index(
        "ix_voucher_unpublished",
        "valid_until",
        sqlite_where=text(_UNPUBLISHED),
        postgresql_where=text(_UNPUBLISHED),
    ),
    Index(
        "ix_voucher_to_withdraw",
        "valid_until",
        sqlite_where=text(_TO_WITHDRAW),
        postgresql_where=text(_TO_WITHDRAW),
    ),
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
