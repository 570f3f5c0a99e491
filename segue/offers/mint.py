"""Minting: one code per key, one owner, one live code a person, the same code and expiry on every retry.

The code is an HMAC of the key under the installation's secret, so it can be neither guessed nor minted
twice differently; the row decides all the same, since it holds the expiry that was promised.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select

from segue.contract import Key, Voucher
from segue.offers.ledger import live_vouchers, lock_people, vouchers_of
from segue.offers.offer import Offer, OfferedVoucher, best
from segue.store.bulk import insert_new
from segue.store.sql import listed
from segue.store.tables import order, profile, voucher
from segue.store.types import UtcTime

#: Crockford's base 32 without letters that a till clerk misreads.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

# Built once, as all that runs for each shard.
_COOLING = select(voucher.c.profile_id).where(
    listed(voucher.c.profile_id, "people"),
    voucher.c.offer == bindparam("offer"),
    voucher.c.valid_from > bindparam("since", type_=UtcTime),
)
_PAID_FULL_PRICE = select(order.c.profile_id).where(
    listed(order.c.profile_id, "people"),
    order.c.occurred_at > bindparam("since", type_=UtcTime),
    order.c.occurred_at <= bindparam("now", type_=UtcTime),
    order.c.discount_minor == 0,
    order.c.total_minor > 0,
    or_(order.c.cancelled_at.is_(None), order.c.cancelled_at > bindparam("now", type_=UtcTime)),
)
#: A merged profile owns nothing any more: its message is judged again under the one that stays.
_MERGED = select(profile.c.id).where(listed(profile.c.id, "people"), profile.c.merged_into.is_not(None))


def mint(
    connection: Connection, wanted: Sequence[tuple[Key, int]], offer: Offer, *, now: datetime, secret: bytes
) -> dict[Key, OfferedVoucher]:
    """Return the code that the message of each key in `wanted` (`key, profile_id`) may name, if it may name one.

    A key that was minted before keeps its code and expiry whatever the rule says now. Where she holds another live
    code nothing is minted, and `offer.if_live` says whether that one is shown. Else a new code is made if the rule
    allows: none of this offer within its cooldown, no full-price order. One new code a person, even if several
    messages ask at once, in whatever processes.
    """
    lock_people(connection, {profile_id for _, profile_id in wanted})
    named = vouchers_of(connection, [key for key, _ in wanted])
    asking: dict[int, list[Key]] = {}
    for key, profile_id in wanted:
        if key not in named:
            asking.setdefault(profile_id, []).append(key)
    if not asking:
        return named
    held = live_vouchers(connection, asking.keys(), now)
    unheld = asking.keys() - held.keys()
    allowed = unheld - _refused(connection, unheld, offer, now)
    first = {keys[0]: profile_id for profile_id, keys in asking.items() if profile_id in allowed}
    fresh = _insert(connection, first, offer, now=now, secret=secret)
    named |= fresh
    if offer.if_live == "show":
        for one in fresh.values():
            held.setdefault(one.profile_id, []).append(one)
        for profile_id, codes in held.items():
            shown = [one for one in codes if one.voucher.valid_until - now >= offer.shown_if_left]
            if shown:
                named |= {key: best(shown) for key in asking.get(profile_id, ()) if key not in fresh}
    return named


def code_for(key: str, secret: bytes) -> str:
    """Return the code of `key`: ten letters in two groups, 50 bits."""
    number = int.from_bytes(hmac.digest(secret, b"voucher:" + key.encode("utf-8"), hashlib.sha256)[:8], "big")
    letters = "".join(_LETTERS[(number >> (5 * place)) & 31] for place in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def _insert(
    connection: Connection, owners: Mapping[Key, int], offer: Offer, *, now: datetime, secret: bytes
) -> dict[Key, OfferedVoucher]:
    """Write a new voucher for each key, and return those that stand."""
    valid_until = (now + offer.valid_for).replace(microsecond=0)
    fresh = {
        key: OfferedVoucher(
            voucher=Voucher(
                code=code_for(key, secret),
                key=key,
                percent=offer.percent,
                amount_minor=offer.amount_minor,
                currency=offer.currency,
                valid_from=now,
                valid_until=valid_until,
            ),
            profile_id=profile_id,
            is_published=False,
        )
        for key, profile_id in owners.items()
    }
    if not fresh:
        return {}
    rows = [
        {
            "key": key,
            "message_key": key,
            "code": one.voucher.code,
            "profile_id": one.profile_id,
            "offer": offer.name,
            "percent": offer.percent,
            "amount_minor": offer.amount_minor,
            "currency": offer.currency,
            "valid_from": now,
            "valid_until": valid_until,
        }
        for key, one in fresh.items()
    ]
    # Any conflict: once in 2**50 somebody holds this code already, and she gets none.
    return fresh if insert_new(connection, voucher, rows) == len(rows) else vouchers_of(connection, list(owners))


def _refused(connection: Connection, people: Collection[int], offer: Offer, now: datetime) -> set[int]:
    """Whom the offer's rule gives no new code."""
    ids = list(people)
    if not ids:
        return set()
    refused = set(connection.scalars(_MERGED, {"people": ids}))
    if offer.cooldown is not None:
        asked = {"people": ids, "offer": offer.name, "since": now - offer.cooldown}
        refused |= set(connection.scalars(_COOLING, asked))
    if offer.full_price_within is not None:
        bought = {"people": ids, "since": now - offer.full_price_within, "now": now}
        refused |= set(connection.scalars(_PAID_FULL_PRICE, bought))
    return refused
