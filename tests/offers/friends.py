"""Friends, their orders and what becomes of these; and granting in a process of its own that may die on the way."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from typing import Any

from sqlalchemy import Connection, Engine, Row, event, insert, select, update

from segue.offers import find_referrals, grant_rewards, referral_codes
from segue.settings.house import Referral
from segue.store.engine import open_engine, read, write
from segue.store.tables import identifier, order, profile, referral, voucher

rewarding = sys.modules["segue.offers.referral_rewards"]

NOW = datetime(2026, 5, 14, 15, 0, 0, 123_456, tzinfo=UTC)
SECRET = b"a secret for tests only"
DAY = timedelta(days=1)
RULES = Referral()
PAST = NOW + 31 * DAY


def add_people(engine: Engine, count: int, first: int = 1) -> None:
    """Make people who share nothing."""
    with write(engine) as connection:
        numbers = range(first, first + count)
        connection.execute(
            insert(profile), [{"id": n, "country": "US", "created_at": NOW - 400 * DAY} for n in numbers]
        )
        connection.execute(insert(identifier), [name(n, "email", f"p{n}@example.com") for n in numbers])


def name(who: int, kind: str, value: str, **facts: Any) -> dict[str, Any]:
    """A row of `identifier`."""
    return {"profile_id": who, "kind": kind, "value": value, "identifies": True, "recorded_at": NOW} | facts


def codes(engine: Engine, *people: int, at: datetime = NOW) -> dict[int, str]:
    """Each one's code."""
    with write(engine) as connection:
        return referral_codes(connection, people, at, SECRET)


def buy(engine: Engine, number: int, who: int | None, code: str | None = None, **facts: Any) -> None:
    """An order of 50 dollars, paid at `NOW`."""
    row = {
        "id": number,
        "external_id": f"order-{number}",
        "profile_id": who,
        "sales_channel": "popup",
        "currency": "USD",
        "total_minor": 5000,
        "referral_code": code,
        "occurred_at": NOW,
        "paid_at": NOW,
        "recorded_at": NOW,
    }
    with write(engine) as connection:
        connection.execute(insert(order).values(row | facts))


def many(engine: Engine, count: int) -> None:
    """Friends who bought under Sarah's code, one a day."""
    add_people(engine, count, first=10)
    code = codes(engine, 1)[1]
    for place in range(count):
        buy(engine, 100 + place, 10 + place, code, paid_at=NOW + place * DAY)


def change(engine: Engine, number: int, **facts: Any) -> None:
    """What becomes of an order."""
    with write(engine) as connection:
        connection.execute(update(order).where(order.c.id == number).values(facts))


def find(engine: Engine, now: datetime = NOW) -> int:
    with write(engine) as connection:
        return find_referrals(connection, now, RULES)


def grant(engine: Engine, now: datetime = PAST, rules: Referral = RULES) -> int:
    """Find and grant, as the journey does before it chooses anybody."""
    with write(engine) as connection:
        find_referrals(connection, now, rules)
        return grant_rewards(connection, now, rules, SECRET)


def referrals(engine: Engine) -> list[Row[Any]]:
    with read(engine) as connection:
        return list(connection.execute(select(referral).order_by(referral.c.id)).all())


def vouchers(engine: Engine) -> list[Row[Any]]:
    with read(engine) as connection:
        return list(connection.execute(select(voucher).order_by(voucher.c.key)).all())


def by_referral(engine: Engine) -> Counter[str]:
    """How many vouchers each referral has."""
    return Counter(one.key.rpartition(":")[0] for one in vouchers(engine))


def grant_in_process(url: str, barrier: Barrier | None, die_at: str = "", *, locked: bool = True) -> None:
    """Find and grant when the others do; killed at `die_at`: `before`, `half`, `written`, `commit` or `committed`."""
    engine = open_engine(url)
    write_rows = rewarding.insert_new

    def die(at: str) -> None:
        if at == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def slowly(connection: Connection, table: Any, rows: Any, conflict: Any) -> int:
        die("before")
        if die_at == "half":
            write_rows(connection, table, rows[:1], conflict)
        die("half")
        time.sleep(0.3 if barrier is not None else 0)
        done = write_rows(connection, table, rows, conflict)
        die("written")
        return int(done)

    rewarding.insert_new = slowly
    if not locked:
        rewarding.one_at_a_time = rewarding.lock_people = lambda *_: None
    event.listen(engine, "commit", lambda _connection: die("commit"))
    if barrier is not None:
        with engine.connect():
            pass
        barrier.wait(60)
    with write(engine) as connection:
        if locked:
            find_referrals(connection, PAST, RULES)
        grant_rewards(connection, PAST, RULES, SECRET)
    die("committed")
    engine.dispose()
