"""Promises of worth: vouchers and what became of them, loyalty points, referrals."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
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
    # Owed for something she did (a referral): no offer of ours, so it stands beside the one live personal code.
    Column("earned", Boolean, nullable=False, default=False, server_default=text("false")),
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

# Points: every change is a row, and the balance is the sum of the rows that count by now. Nothing is ever edited.
loyalty_entry = Table(
    "loyalty_entry",
    metadata,
    own_id(),
    Column("dedupe", Text, nullable=False, unique=True),  # what happened, said once: earned:order:17
    ref("profile_id", "profile"),
    Column("kind", Text, nullable=False),  # earned, spent, expired, taken_back, given_back, adjusted
    Column("reason", Text, nullable=False),  # order, follow, mention, reward, return, expiry, correction
    Column("points", BigId, nullable=False),  # with its sign
    Column("occurred_at", UtcTime, nullable=False),
    Column("counts_from", UtcTime, nullable=False),  # until then it is pending
    # Of earned points: the instant from which what is left of them is worth nothing. What is taken from them again has
    # the same one, so that a sum over it is what an instant's points still are.
    Column("expires_at", UtcTime),
    # Of an order's points: what 1,000 units of money were promised to earn; a return is reckoned by it.
    Column("points_per_thousand", Integer),
    ref("order_id", "order", nullable=True),
    Column("network", Text),  # of a follow or a mention
    Column("verified", Boolean, nullable=False, default=True, server_default=text("true")),
    Column("recorded_at", UtcTime, nullable=False),
    CheckConstraint(
        "kind IN ('earned', 'spent', 'expired', 'taken_back', 'given_back', 'adjusted')",
        name="kind",
    ),
    Index("ix_loyalty_entry_profile", "profile_id", "counts_from"),
    Index("ix_loyalty_entry_order", "order_id"),
    Index("ix_loyalty_entry_expires", "expires_at"),
    Index(
        "ix_loyalty_entry_network",
        "profile_id",
        "network",
        sqlite_where=text("network IS NOT NULL"),
        postgresql_where=text("network IS NOT NULL"),
    ),
)

# What she gives to friends. Two profiles that became one have two, and both lead to her.
referral_code = Table(
    "referral_code",
    metadata,
    own_id(),
    Column("code", Text, nullable=False, unique=True),
    ref("profile_id", "profile"),
    Column("created_at", UtcTime, nullable=False),
    Index("ix_referral_code_profile", "profile_id"),
)

# A friend's first order under somebody's code. What is thought of it is beside it; what is paid for it are vouchers.
referral = Table(
    "referral",
    metadata,
    own_id(),
    ref("profile_id", "profile"),  # who referred
    ref("friend_id", "profile"),
    ref("order_id", "order"),
    Column("code", Text, nullable=False),
    Column("occurred_at", UtcTime, nullable=False),  # when the friend's order was paid
    Column("score", SmallInteger, nullable=False),  # 0 to 100: how much speaks for abuse
    Column("signals", JSON, nullable=False),  # what speaks for it: ["household", "device"]
    Column("reviewed_at", UtcTime),
    Column("review", Text),  # approved, refused
    Column("reviewed_by", Text),
    Column("recorded_at", UtcTime, nullable=False),
    CheckConstraint("review IN ('approved', 'refused')", name="review"),
    UniqueConstraint("order_id"),
    Index("ix_referral_profile", "profile_id"),
    Index("ix_referral_friend", "friend_id"),
)
