"""What tests of codes do at a till: people, orders, uses; and verbs that run in a process of their own."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from typing import Any

from sqlalchemy import Engine, Row, insert, select

from segue.contract import Key, Redemption
from segue.offers import Offer, OfferedVoucher, mint, record_redemptions, redeem_orders
from segue.store.engine import open_engine, read, write
from segue.store.tables import order, profile, redemption, voucher

minting, redeeming = sys.modules["segue.offers.mint"], sys.modules["segue.offers.redeem"]

NOW = datetime(2026, 5, 14, 15, 0, 0, 123_456, tzinfo=UTC)
SECRET = b"a secret for tests only"
DAY = timedelta(days=1)
CART = Offer(name="cart", percent=10, valid_for=2 * DAY, cooldown=90 * DAY, full_price_within=365 * DAY)
WELCOME = Offer(name="welcome", percent=15, valid_for=60 * DAY, if_live="show")


def add_people(engine: Engine, count: int) -> None:
    """Make people 1 to `count`."""
    with write(engine) as connection:
        connection.execute(insert(profile), [{"id": n, "created_at": NOW} for n in range(1, count + 1)])


def key(name: object, journey: str = "abandoned_cart/reminder") -> Key:
    """The key of a message about cart `name`."""
    return Key(f"{journey}/cart:{name}")


def ask(
    engine: Engine, *wanted: tuple[object, int], offer: Offer = CART, now: datetime = NOW
) -> dict[Key, OfferedVoucher]:
    """Mint for `(cart, profile)` pairs."""
    with write(engine) as connection:
        return mint(connection, [(key(cart), who) for cart, who in wanted], offer, now=now, secret=SECRET)


def sell(engine: Engine, name: str, cell: str | None, *, at: datetime = NOW, who: int | None = 1, **facts: Any) -> None:
    """Write an order whose discount cell says `cell`."""
    row = {
        "external_id": name,
        "profile_id": who,
        "sales_channel": "web",
        "currency": "USD",
        "total_minor": 5000,
        "discount_minor": 500,
        "discount_code": cell,
        "occurred_at": at,
        "recorded_at": at,
    }
    with write(engine) as connection:
        connection.execute(insert(order).values(**row | facts))


def import_orders(engine: Engine, now: datetime = NOW) -> Any:
    """What the end of an import does."""
    with write(engine) as connection:
        return redeem_orders(connection, now)


def tell(engine: Engine, code: str, order_id: str, *, at: datetime = NOW, now: datetime = NOW) -> Any:
    """What a till's connector says of one use."""
    used = Redemption(code=code, order_id=order_id, redeemed_at=at)
    with write(engine) as connection:
        return record_redemptions(connection, [used], source="till", now=now)


def uses(engine: Engine) -> list[tuple[str, str, bool]]:
    """Code, order and whether it counts, of every redemption in the order of their recording."""
    with read(engine) as connection:
        rows = select(voucher.c.code, redemption.c.order_ref, redemption.c.counts).join(
            redemption, redemption.c.voucher_id == voucher.c.id
        )
        return [(row[0], row[1], bool(row[2])) for row in connection.execute(rows.order_by(redemption.c.id))]


def vouchers(engine: Engine) -> list[Row[Any]]:
    """All there are."""
    with read(engine) as connection:
        return list(connection.execute(select(voucher).order_by(voucher.c.id)).all())


def mint_at_once(
    url: str, barrier: Barrier, journey: str, people: Sequence[int], offer: Offer, *, locked: bool = True
) -> None:
    """In a process of its own: mint for everybody when the others do, each through another journey's message."""
    engine = open_engine(url)
    write_rows = minting._insert

    def slowly(*args: Any, **options: Any) -> Any:
        time.sleep(0.4)
        return write_rows(*args, **options)

    minting._insert = slowly
    if not locked:
        minting.lock_people = lambda _connection, _people: None
    wanted = [(key(who, journey), who) for who in people]
    _together(engine, barrier)
    with write(engine) as connection:
        mint(connection, wanted, offer, now=NOW, secret=SECRET)
    engine.dispose()


def redeem_at_once(url: str, barrier: Barrier, till: str, codes: Sequence[str], *, locked: bool = True) -> None:
    """In a process of its own: tell of a use of each code when the other till does."""
    engine = open_engine(url)
    _slow_redemptions(locked=locked)
    told = [Redemption(code=code, order_id=f"{till}-{place}", redeemed_at=NOW) for place, code in enumerate(codes)]
    _together(engine, barrier)
    with write(engine) as connection:
        record_redemptions(connection, told, source=till, now=NOW)
    engine.dispose()


def import_at_once(url: str, barrier: Barrier) -> None:
    """In a process of its own: redeem what orders name when a till tells of it."""
    engine = open_engine(url)
    _slow_redemptions()
    _together(engine, barrier)
    import_orders(engine)
    engine.dispose()


def _slow_redemptions(*, locked: bool = True) -> None:
    write_rows = redeeming.insert_new

    def slowly(*args: Any, **options: Any) -> Any:
        time.sleep(0.4)
        return write_rows(*args, **options)

    redeeming.insert_new = slowly
    if not locked:
        redeeming.lock_owners = lambda _connection, _people: None


def _together(engine: Engine, barrier: Barrier) -> None:
    with engine.connect():  # the first connection is the slow one
        pass
    barrier.wait(60)
