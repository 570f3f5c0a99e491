"""The ledger of codes: reading vouchers as they stand, and the lock under which anything is decided about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, literal, or_, select, text, update

from segue.contract import Key, Voucher
from segue.offers.offer import OfferedVoucher
from segue.store.sql import listed
from segue.store.tables import change, redemption, voucher
from segue.store.types import UtcTime

#: People are locked in so many groups, by their id, as their messages are leased: workers do not wait for each other.
_GROUPS = 256
#: "offr" in bytes: the room of our advisory locks.
_ROOM = 0x6F666672
_LOCK = text("SELECT pg_advisory_xact_lock(:room, one) FROM unnest(CAST(:groups AS int[])) AS one")

IS_REDEEMED = select(redemption.c.id).where(redemption.c.voucher_id == voucher.c.id, redemption.c.counts).exists()
_IS_SPENT = or_(voucher.c.revoked_at.is_not(None), IS_REDEEMED).label("is_spent")
#: What `offered` reads, in its order.
COLUMNS = (
    voucher.c.code,
    voucher.c.key,
    voucher.c.percent,
    voucher.c.amount_minor,
    voucher.c.currency,
    voucher.c.valid_from,
    voucher.c.valid_until,
    voucher.c.profile_id,
    voucher.c.published_at,
    _IS_SPENT,
)
# Built once, as all that runs for each shard.
_BY_KEY = select(*COLUMNS, voucher.c.message_key).where(listed(voucher.c.message_key, "keys"))
_LIVE = select(*COLUMNS).where(
    listed(voucher.c.profile_id, "people"),
    voucher.c.valid_until > bindparam("now", type_=UtcTime),
    voucher.c.revoked_at.is_(None),
    ~voucher.c.earned,
    ~IS_REDEEMED,
)


def lock_people(connection: Connection, profile_ids: Collection[int]) -> None:
    """Let nobody else mint, redeem or revoke codes of these people until this transaction ends.

    Ask for everybody a transaction is about at once, so that two of them never wait for each other. On SQLite the
    one write lock has done it. Rows of people are not locked: an import may hold those for minutes.
    """
    if connection.dialect.name == "postgresql" and profile_ids:
        groups = sorted({profile_id % _GROUPS for profile_id in profile_ids})
        connection.execute(_LOCK, {"room": _ROOM, "groups": groups})


def lock_owners(connection: Connection, codes: Collection[str]) -> None:
    """Lock whoever owns `codes`. A merge that was in the way may have given them to somebody else: asked again."""
    if connection.dialect.name == "sqlite":
        return
    locked: set[int] = set()
    owners = select(voucher.c.profile_id).where(listed(voucher.c.code, "codes"))
    while fresh := set(connection.scalars(owners, {"codes": list(codes)})) - locked:
        lock_people(connection, fresh)
        locked |= fresh


def vouchers_of(connection: Connection, keys: Collection[Key]) -> dict[Key, OfferedVoucher]:
    """Return the vouchers of the messages `keys`, spent and expired ones among them.

    A voucher keeps the key it was minted under; its message may have another one since a merge.
    """
    if not keys:
        return {}
    found = connection.execute(_BY_KEY, {"keys": list(keys)})
    return {Key(row.message_key): offered(row) for row in found}


def live_vouchers(
    connection: Connection, profile_ids: Collection[int], now: datetime
) -> dict[int, list[OfferedVoucher]]:
    """Return the offers each of these people holds and could use now; what she earned stands beside them."""
    held: dict[int, list[OfferedVoucher]] = {}
    if profile_ids:
        for row in connection.execute(_LIVE, {"people": list(profile_ids), "now": now}):
            held.setdefault(row.profile_id, []).append(offered(row))
    return held


def mark_published(connection: Connection, keys: Collection[Key], *, at: datetime) -> None:
    """Remember that the shop knows the codes minted under `keys`.

    One that was revoked while the shop was told of it has to be taken out again, whatever was withdrawn before.
    """
    if keys:
        mine = select(voucher.c.id).where(listed(voucher.c.key, "keys"))
        is_news = or_(voucher.c.published_at.is_(None), voucher.c.withdrawn_at.is_not(None))
        values = {"published_at": func.coalesce(voucher.c.published_at, literal(at, UtcTime)), "withdrawn_at": None}
        known = update(voucher).where(in_order(connection, mine), is_news).values(values)
        connection.execute(known, {"keys": list(keys)})


def revoke(connection: Connection, codes: Collection[str], now: datetime) -> int:
    """Take `codes` back, as written at a till (spaces around, any case); return how many were not yet.

    From then on no message names them. The shop is asked by `withdraw`, in a transaction of its own.
    """
    ours = {"codes": sorted({code.strip().upper() for code in codes})}
    if not ours["codes"]:
        return 0
    mine = select(voucher.c.id).where(listed(voucher.c.code, "codes"), voucher.c.revoked_at.is_(None))
    lock_owners(connection, ours["codes"])
    taken = update(voucher).where(in_order(connection, mine), voucher.c.revoked_at.is_(None)).values(revoked_at=now)
    owners = connection.scalars(taken.returning(voucher.c.profile_id), ours).all()
    if owners:  # a message that is about to leave with one of them is judged again
        told = [{"profile_id": one, "what": "code", "recorded_at": now} for one in sorted(set(owners))]
        connection.execute(insert(change), told)
    return len(owners)


def offered(row: Row[Any] | Sequence[Any]) -> OfferedVoucher:
    """Make one of a row of `COLUMNS`."""
    code, key, percent, amount_minor, currency, valid_from, valid_until, profile_id, published_at, is_spent = row[:10]
    return OfferedVoucher(
        voucher=Voucher(
            code=code,
            key=Key(key),
            percent=percent,
            amount_minor=amount_minor,
            currency=currency,
            valid_from=valid_from,
            valid_until=valid_until,
        ),
        profile_id=profile_id,
        is_published=published_at is not None,
        is_spent=bool(is_spent),
    )


def in_order(connection: Connection, rows: Select[tuple[int]]) -> Any:
    """`id IN rows`, locked in the order of its id, so that two such updates never wait for each other."""
    ordered = rows.order_by(voucher.c.id)
    return voucher.c.id.in_(ordered.with_for_update() if connection.dialect.name == "postgresql" else ordered)
