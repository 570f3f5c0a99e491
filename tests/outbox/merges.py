"""Short ways to find two profiles to be one, to merge them, and to look at what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, insert, select

from segue.outbox.lease import Leases
from segue.outbox.merge import Group, carry_out, merge_found
from segue.outbox.states import PERSON_BUCKETS
from segue.store.engine import read, write
from segue.store.redirects import roots_of
from segue.store.tables import (
    audience,
    audience_member,
    cart,
    cart_event,
    change,
    event,
    loyalty_entry,
    message,
    metadata,
    order,
    order_line,
    order_return,
    product,
    profile,
    profile_merge,
    referral,
    referral_code,
    run,
    run_audience,
    touchpoint,
    variant,
    voucher,
)
from tests.outbox.shop import LONG_AGO, NOW

_numbers = count(1)
THE_DAY_BEFORE = NOW - timedelta(days=1)


def found(engine: Engine, *pairs: tuple[int, int], because: str = "email") -> None:
    """Write down pairs `(kept, gone)` as an import does."""
    with write(engine) as connection:
        connection.execute(
            insert(profile_merge),
            [{"kept_id": kept, "gone_id": gone, "because": because, "found_at": NOW} for kept, gone in pairs],
        )


def merge(engine: Engine, now: datetime = NOW, **options: Any) -> int:
    """Carry out what was found."""
    return merge_found(
        engine, leases=Leases(engine, f"merger {next(_numbers)}", timedelta(seconds=5)), now=now, **options
    )


def carry_out_pairs(connection: Connection, pairs: Iterable[tuple[int, int]], now: datetime = NOW) -> None:
    """Merge one pair after the other, as if nobody held anything."""
    for pair in pairs:
        roots = set(roots_of(connection, pair).values())
        first = min(roots)
        if len(roots) > 1:
            carry_out(connection, [Group(first, frozenset(roots - {first}), ())], now)


def letter(profile_id: int, occasion: str, state: str = "queued", **values: Any) -> dict[str, Any]:
    """A row of `message`, of the journey `letters` and its step `only`."""
    transactional = values.get("transactional", False)
    sent = state in {"handed_over", "accepted", "uncertain", "rejected"}
    return {
        "key": f"letters/only/{occasion}",
        "profile_id": profile_id,
        "bucket": profile_id % PERSON_BUCKETS + PERSON_BUCKETS * transactional,
        "run_id": 0,
        "journey": "letters",
        "step": "only",
        "subject_id": None,
        "transactional": transactional,
        "priority": 50,
        "state": state,
        "reason": None,
        "not_before": LONG_AGO,
        "deadline_at": NOW + timedelta(days=2),
        "promised_at": THE_DAY_BEFORE,
        "channel": "email" if sent else None,
        "worker": "w" if sent else None,
        "epoch": 7 if sent else 0,
        "handed_over_at": THE_DAY_BEFORE if sent else None,
        "attempts": int(sent),
    } | values


def code(profile_id: int, key: str, **values: Any) -> dict[str, Any]:
    """A row of `voucher`, good until tomorrow."""
    return {
        "key": key,
        "code": f"CODE-{key}",
        "profile_id": profile_id,
        "offer": "cart",
        "percent": 10,
        "valid_from": THE_DAY_BEFORE,
        "valid_until": NOW + timedelta(days=1),
        "published_at": THE_DAY_BEFORE,
    } | values


def put(engine: Engine, table: Table, *rows: dict[str, Any]) -> None:
    """Insert rows."""
    with write(engine) as connection:
        connection.execute(insert(table), list(rows))


def live(engine: Engine, profile_id: int) -> None:
    """Give somebody one of everything that a person may have."""
    with write(engine) as connection:
        if connection.scalar(select(func.count()).select_from(variant)) == 0:
            connection.execute(
                insert(product).values(
                    id=1, external_id="p", title="T", category="tops", size_system="us_women", recorded_at=NOW
                )
            )
            connection.execute(
                insert(variant),
                [
                    {"id": n, "product_id": 1, "sku": f"v{n}", "size": f"{n}", "price_minor": 1, "currency": "USD"}
                    for n in (8, 10)
                ],
            )
        name = {"external_id": f"{profile_id}", "profile_id": profile_id, "sales_channel": "web", "recorded_at": NOW}
        cart_id = connection.execute(insert(cart).values(name).returning(cart.c.id)).scalar_one()
        connection.execute(
            insert(cart_event).values(
                cart_id=cart_id, kind="added", variant_id=8, quantity=1, occurred_at=THE_DAY_BEFORE, recorded_at=NOW,
                dedupe=f"{profile_id}",
            )
        )  # fmt: skip
        money = {"currency": "USD", "total_minor": 500, "occurred_at": THE_DAY_BEFORE}
        bought = connection.execute(insert(order).values(name | money).returning(order.c.id)).scalar_one()
        connection.execute(
            insert(order_line).values(
                order_id=bought, position=1, variant_id=8 if profile_id % 2 else 10, quantity=1, unit_price_minor=500,
                total_minor=500,
            )
        )  # fmt: skip
        fact = {"profile_id": profile_id, "dedupe": f"{profile_id}", "occurred_at": THE_DAY_BEFORE, "recorded_at": NOW}
        connection.execute(
            insert(order_return).values(
                fact | {"document": "C1", "variant_id": 8, "quantity": 1, "total_minor": 5, "currency": "USD"}
            )
        )
        connection.execute(insert(event).values(fact | {"name": "Product Viewed", "properties": {}}))
        connection.execute(insert(message), letter(profile_id, f"cart:{profile_id}"))
        connection.execute(insert(voucher), code(profile_id, f"letters/only/cart:{profile_id}"))
        connection.execute(insert(touchpoint).values(fact | {"kind": "follow", "network": "pinterest"}))
        connection.execute(
            insert(loyalty_entry).values(
                fact | {"kind": "earned", "reason": "order", "points": 5, "counts_from": NOW, "order_id": bought}
            )
        )
        connection.execute(insert(change).values(profile_id=profile_id, what="order", recorded_at=NOW))
        shares = {"profile_id": profile_id, "code": f"R{profile_id}"}
        connection.execute(insert(referral_code).values(shares | {"created_at": NOW}))
        paid = {"friend_id": profile_id, "order_id": bought, "occurred_at": NOW, "recorded_at": NOW}
        connection.execute(insert(referral).values(shares | paid | {"score": 0, "signals": []}))
        _be_seen(connection, profile_id)


def _be_seen(connection: Connection, profile_id: int) -> None:
    """Be in an audience, and in what a preview showed."""
    if connection.scalar(select(func.count()).select_from(audience)) == 0:
        connection.execute(
            insert(audience).values(id=1, name="cart", connector="files", fields=["email"], created_at=NOW)
        )
        connection.execute(insert(run).values(id=1, journey="letters", brief={}, started_at=NOW))
    key = {"key": f"m{profile_id}", "profile_id": profile_id}
    connection.execute(
        insert(audience_member).values(key | {"audience_id": 1, "state": "in", "identifiers": {}, "changed_at": NOW})
    )
    connection.execute(insert(run_audience).values(key | {"run_id": 1, "verdict": "send"}))


def owners(engine: Engine) -> dict[str, set[int]]:
    """Whose the rows of each table are."""
    with read(engine) as connection:
        return {
            table.name: set(connection.scalars(select(table.c.profile_id)))
            for table in metadata.sorted_tables
            if "profile_id" in table.c
        }


def census(engine: Engine) -> dict[str, int]:
    """How many rows each table has."""
    with read(engine) as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
        }


def redirects(engine: Engine) -> dict[int, int | None]:
    """Where each profile points to."""
    with read(engine) as connection:
        return dict(connection.execute(select(profile.c.id, profile.c.merged_into)).tuples().all())
