"""Minting: one code per key, one owner, the same code and expiry on every retry.

The code is an HMAC of the key under the installation's secret, so it can be neither guessed nor minted
twice differently; the row decides all the same, since it holds the expiry that was promised.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from segue.contract import Key, Voucher
from segue.store.bulk import insert_new
from segue.store.sql import among
from segue.store.tables import order, voucher

#: Crockford's base 32 without letters that a till clerk misreads.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """When a personal code may be given, and what it is worth."""

    name: str
    percent: int
    #: From the moment the message was judged until the code runs out.
    valid_for: timedelta
    #: No second code of this offer within this time.
    cooldown: timedelta
    #: Nobody who paid full price within this time needs a code.
    full_price_within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedVoucher:
    """A minted voucher and whether the shop knows it yet."""

    voucher: Voucher
    profile_id: int
    is_published: bool


def mint(
    connection: Connection, wanted: Sequence[tuple[Key, int]], offer: Offer, *, now: datetime, secret: bytes
) -> dict[Key, OfferedVoucher]:
    """Return the voucher of each key in `wanted` (`key, profile_id`) that has or may have one.

    A key that was minted before keeps its code and expiry whatever the rule says now. A new code is made
    only where the offer rule allows: no code of this offer within its cooldown, no full-price order, no
    other personal code still live, and one new code a person even if several messages ask at once.
    """
    minted = vouchers_of(connection, [key for key, _ in wanted])
    asking: dict[int, Key] = {}
    for key, profile_id in wanted:
        if key not in minted:
            asking.setdefault(profile_id, key)
    refused = _refused(connection, asking, offer, now)
    rows = [
        {
            "key": key,
            "code": code_for(key, secret),
            "profile_id": profile_id,
            "offer": offer.name,
            "percent": offer.percent,
            "amount_minor": None,
            "currency": None,
            "valid_from": now,
            "valid_until": (now + offer.valid_for).replace(microsecond=0),
            "published_at": None,
        }
        for profile_id, key in asking.items()
        if profile_id not in refused
    ]
    if rows:
        # Any conflict: the key was minted meanwhile, or (once in 2**50) somebody holds this code, and she gets none.
        insert_new(connection, voucher, rows)
        minted |= vouchers_of(connection, [row["key"] for row in rows])  # type: ignore[misc]
    return minted


def vouchers_of(connection: Connection, keys: Collection[Key]) -> dict[Key, OfferedVoucher]:
    """Return the vouchers minted for `keys`."""
    if not keys:
        return {}
    found = connection.execute(select(voucher).where(among(connection, voucher.c.key, keys)))
    return {Key(row.key): _offered(dict(row._mapping)) for row in found}  # noqa: SLF001 - SQLAlchemy's public name


def mark_published(connection: Connection, keys: Collection[Key], *, at: datetime) -> None:
    """Remember that the shop knows the codes of `keys`."""
    connection.execute(
        update(voucher)
        .where(among(connection, voucher.c.key, keys), voucher.c.published_at.is_(None))
        .values(published_at=at)
    )


def code_for(key: str, secret: bytes) -> str:
    """Return the code of `key`: ten letters in two groups, 50 bits."""
    digest = hmac.digest(secret, b"voucher:" + key.encode("utf-8"), hashlib.sha256)
    number = int.from_bytes(digest[:8], "big")
    letters = "".join(_LETTERS[(number >> (5 * place)) & 31] for place in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def _refused(connection: Connection, asking: Mapping[int, Key], offer: Offer, now: datetime) -> set[int]:
    """The profiles whom the offer rule gives no new code."""
    if not asking:
        return set()
    recent_or_live = select(voucher.c.profile_id).where(
        among(connection, voucher.c.profile_id, asking.keys()),
        ((voucher.c.offer == offer.name) & (voucher.c.valid_from > now - offer.cooldown))
        | (voucher.c.valid_until > now),
    )
    paid_full_price = select(order.c.profile_id).where(
        among(connection, order.c.profile_id, asking.keys()),
        order.c.occurred_at > now - offer.full_price_within,
        order.c.occurred_at <= now,
        order.c.discount_minor == 0,
        order.c.total_minor > 0,
        (order.c.cancelled_at.is_(None)) | (order.c.cancelled_at > now),
    )
    return set(connection.scalars(recent_or_live)) | set(connection.scalars(paid_full_price))


def _offered(row: Mapping[str, object]) -> OfferedVoucher:
    names = ("code", "key", "percent", "amount_minor", "currency", "valid_from", "valid_until")
    return OfferedVoucher(
        voucher=Voucher(**{name: row[name] for name in names}),  # type: ignore[arg-type]
        profile_id=row["profile_id"],  # type: ignore[arg-type]
        is_published=row["published_at"] is not None,
    )
