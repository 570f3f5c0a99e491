"""Codes: once per key, one owner, the same on every retry, and only where the offer rule allows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, insert, select

from segue.contract import Key
from segue.offers import Offer, OfferedVoucher, mark_published, mint, vouchers_of
from segue.offers.mint import code_for
from segue.store.engine import read, write
from segue.store.tables import order, profile, voucher
from tests.search import examples

NOW = datetime(2026, 5, 14, 15, 0, 0, 123_456, tzinfo=UTC)
SECRET = b"a secret for tests only"
DAY = timedelta(days=1)
OFFER = Offer(name="cart", percent=10, valid_for=2 * DAY, cooldown=90 * DAY, full_price_within=365 * DAY)
TICK = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _people(engine: Engine) -> None:
    with write(engine) as connection:
        connection.execute(insert(profile), [{"id": n, "created_at": NOW} for n in range(1, 6)])


def key(number: int) -> Key:
    return Key(f"abandoned_cart/reminder/cart:{number}")


def ask(
    engine: Engine, *wanted: tuple[int, int], now: datetime = NOW, secret: bytes = SECRET, offer: Offer = OFFER
) -> dict[Key, OfferedVoucher]:
    """Mint for `(cart, profile)` pairs."""
    with write(engine) as connection:
        return mint(connection, [(key(cart), person) for cart, person in wanted], offer, now=now, secret=secret)


def buy(
    engine: Engine, *, ago: timedelta, discount: int = 0, total: int = 5000, cancelled: datetime | None = None
) -> None:
    with write(engine) as connection:
        connection.execute(
            insert(order).values(
                external_id=f"o{ago}",
                profile_id=1,
                sales_channel="web",
                currency="USD",
                total_minor=total,
                discount_minor=discount,
                occurred_at=NOW - ago,
                cancelled_at=cancelled,
                recorded_at=NOW,
            )
        )


def give(engine: Engine, *, ago: timedelta, lives: timedelta, offer: str = "cart") -> None:
    with write(engine) as connection:
        connection.execute(
            insert(voucher).values(
                key=f"old/{ago}/{offer}",
                code=f"OLD{ago}",
                profile_id=1,
                offer=offer,
                percent=5,
                valid_from=NOW - ago,
                valid_until=NOW - ago + lives,
            )
        )


def test_a_code_is_worth_what_the_offer_says_until_a_whole_second(engine: Engine) -> None:
    one = ask(engine, (1, 1))[key(1)]
    assert one.profile_id == 1
    assert not one.is_published
    assert (one.voucher.percent, one.voucher.amount_minor, one.voucher.currency) == (10, None, None)
    assert one.voucher.valid_from == NOW
    assert one.voucher.valid_until == (NOW + 2 * DAY).replace(microsecond=0)
    assert one.voucher.code == code_for(key(1), SECRET)


def test_a_retry_carries_the_same_code_and_expiry_whatever_the_rule_says_by_then(engine: Engine) -> None:
    first = ask(engine, (1, 1))
    buy(engine, ago=timedelta(0))
    dearer = Offer(name="cart", percent=50, valid_for=9 * DAY, cooldown=DAY, full_price_within=DAY)
    assert ask(engine, (1, 1), now=NOW + DAY, offer=dearer, secret=b"changed") == first


def test_codes_differ_by_key_and_by_secret() -> None:
    codes = {code_for(key(n), secret) for n in range(2_000) for secret in (b"a", b"b")}
    assert len(codes) == 4_000
    assert all(len(code) == 11 and code[5] == "-" and not set(code) & set("ILOU") for code in codes)


@pytest.mark.parametrize(
    ("ago", "allowed"), [(90 * DAY - TICK, False), (90 * DAY, True), (timedelta(0), False)], ids=str
)
def test_no_second_cart_code_within_ninety_days(engine: Engine, ago: timedelta, *, allowed: bool) -> None:
    give(engine, ago=ago, lives=timedelta(seconds=1))
    assert (key(1) in ask(engine, (1, 1), now=NOW + timedelta(seconds=2) if not ago else NOW)) is allowed


@pytest.mark.parametrize(("lives", "allowed"), [(10 * DAY, True), (10 * DAY + TICK, False)], ids=str)
def test_no_code_beside_another_live_one(engine: Engine, lives: timedelta, *, allowed: bool) -> None:
    """Whatever offer the live one belongs to."""
    give(engine, ago=10 * DAY, lives=lives, offer="welcome")
    assert (key(1) in ask(engine, (1, 1))) is allowed


@pytest.mark.parametrize(
    ("bought", "allowed"),
    [
        ({"ago": 365 * DAY - TICK}, False),
        ({"ago": 365 * DAY}, True),
        ({"ago": 30 * DAY, "discount": 100}, True),
        ({"ago": 30 * DAY, "total": 0}, True),
        ({"ago": 30 * DAY, "cancelled": NOW - DAY}, True),
        ({"ago": 30 * DAY, "cancelled": NOW + DAY}, False),
        ({"ago": -DAY}, True),
    ],
    ids=["a year ago almost", "a year ago", "with a discount", "a gift", "cancelled", "cancelled later", "tomorrow"],
)
def test_who_paid_the_full_price_within_a_year_needs_no_code(
    engine: Engine, bought: dict[str, object], *, allowed: bool
) -> None:
    buy(engine, **bought)  # type: ignore[arg-type]
    assert (key(1) in ask(engine, (1, 1))) is allowed


def test_two_carts_of_one_person_share_no_code_and_get_one(engine: Engine) -> None:
    minted = ask(engine, (1, 1), (2, 1), (3, 2))
    assert minted.keys() == {key(1), key(3)}
    assert ask(engine, (1, 1), (2, 1), (3, 2)) == minted


def test_a_code_somebody_already_holds_is_given_to_nobody_else(engine: Engine) -> None:
    """It happens once in 2**50; then her message says no code, and everybody else's says theirs."""
    with write(engine) as connection:
        taken = {"key": "x/y/z", "code": code_for(key(1), SECRET), "profile_id": 5, "offer": "other"}
        connection.execute(insert(voucher).values(**taken, valid_from=NOW - DAY, valid_until=NOW))
    assert ask(engine, (1, 1), (2, 2)).keys() == {key(2)}


def test_published_once_it_stays_published(engine: Engine) -> None:
    ask(engine, (1, 1), (2, 2))
    with write(engine) as connection:
        mark_published(connection, [key(1)], at=NOW)
        mark_published(connection, [key(1)], at=NOW + DAY)
        mark_published(connection, [], at=NOW)
    with read(engine) as connection:
        found = vouchers_of(connection, [key(1), key(2), key(3)])
        assert vouchers_of(connection, []) == {}
        assert connection.scalar(select(voucher.c.published_at).where(voucher.c.key == key(1))) == NOW
    assert {k: one.is_published for k, one in found.items()} == {key(1): True, key(2): False}


Asked = list[tuple[int, int]]


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    owners=st.lists(st.integers(1, 5), min_size=1, max_size=12),
    batches=st.lists(st.tuples(st.lists(st.integers(0, 11), max_size=8, unique=True), st.integers(0, 200)), max_size=6),
)
def test_however_often_and_in_whatever_batches_the_rule_holds(
    engine: Engine, owners: Sequence[int], batches: Sequence[tuple[list[int], int]]
) -> None:
    """One code a key, never changed; one a person within ninety days; never two live ones."""
    with write(engine) as connection:
        connection.execute(delete(voucher))
    now, known = NOW, dict[Key, OfferedVoucher]()
    for carts, days in batches:
        wanted = [(cart, owners[cart % len(owners)]) for cart in carts]
        minted = ask(engine, *wanted, now=now)
        for k, one in minted.items():
            assert known.setdefault(k, one) == one
        assert minted.keys() == {key(cart) for cart, _ in wanted} & known.keys()
        now += timedelta(days=days)
    starts: dict[int, list[datetime]] = {}
    for one in known.values():
        starts.setdefault(one.profile_id, []).append(one.voucher.valid_from)
    for moments in starts.values():
        moments.sort()
        assert all(later - earlier >= OFFER.cooldown for earlier, later in pairwise(moments))
    with read(engine) as connection:
        assert connection.scalar(select(func.count(voucher.c.code.distinct()))) == len(known)
