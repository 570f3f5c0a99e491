"""An import redeems the codes its orders name, in its own transaction, and tells what two friends share."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update

from segue.intake import records as r
from segue.intake.loading import Loader
from segue.intake.report import Tally
from segue.offers import RedemptionCount, redeem_orders
from segue.store.engine import write
from segue.store.tables import order, profile
from tests.offers import friends
from tests.offers.till import NOW, WELCOME, add_people, ask, key, sell, uses


class BrokenOffError(Exception):
    """The file ends in the middle."""


def an_order(name: str, code: str | None, line: int = 1) -> r.Order:
    return r.Order(
        line=line,
        external_id=name,
        cart=None,
        number=f"#{name}",
        sales_channel="web",
        currency="USD",
        total_minor=9000,
        discount_minor=1000,
        discount_code=code,
        occurred_at=NOW,
    )


def load(engine: Engine, *orders: r.Order, breaks: bool = False) -> None:
    with write(engine) as connection:
        loader = Loader(connection, Tally(), NOW)
        for one in orders:
            loader.add(one)
        loader.finish()
        if breaks:
            raise BrokenOffError


def test_an_order_that_a_later_file_changed_is_read_again_and_no_other(engine: Engine) -> None:
    """An import pays for its own orders, however many codes were used before."""
    add_people(engine, 3)
    codes = [one.voucher.code for one in ask(engine, *[(n, n) for n in (1, 2, 3)], offer=WELCOME).values()]
    load(engine, an_order("1001", None), an_order("1002", "SUMMER", 2))
    with write(engine) as connection:
        ids = dict(connection.execute(select(order.c.external_id, order.c.id)).tuples().all())
        for name, code in zip(ids, codes, strict=False):
            connection.execute(update(order).where(order.c.external_id == name).values(discount_code=code))
    later = NOW + timedelta(days=1)
    sell(engine, "1003", codes[2], at=later)
    with write(engine) as connection:
        assert redeem_orders(connection, later, [ids["1002"]]) == RedemptionCount(seen=2, new=2)
        assert redeem_orders(connection, later, []) == RedemptionCount(seen=1)
    assert uses(engine) == [(codes[1], "1002", True), (codes[2], "1003", True)]
    with write(engine) as connection:
        assert redeem_orders(connection, later) == RedemptionCount(seen=3, new=1)


def test_an_imported_order_redeems_the_code_it_names_once(engine: Engine) -> None:
    add_people(engine, 1)
    code = ask(engine, (1, 1), offer=WELCOME)[key(1)].voucher.code
    with pytest.raises(BrokenOffError):
        load(engine, an_order("1001", code), breaks=True)
    assert uses(engine) == [], "a file that failed redeemed a code"
    for _ in range(2):
        load(engine, an_order("1001", code.lower()), an_order("1002", "SUMMER", 2))
    load(engine, an_order("1003", f"SHIP, {code}"))
    assert uses(engine) == [(code, "1001", True), (code, "1003", False)]
    assert ask(engine, (1, 1), offer=WELCOME)[key(1)].is_spent


@pytest.mark.parametrize(
    ("shared", "signal"), [(("cookie", "c-1"), "shared_device"), (("phone", "+12025550123"), "shared_phone")]
)
def test_who_sat_at_her_device_or_has_her_phone_is_seen_as_imports_tell_it(
    engine: Engine, shared: tuple[str, str], signal: str
) -> None:
    """A phone or a cookie stands with both of whom a file tells it: else nobody would look."""
    with write(engine) as connection:
        loader = Loader(connection, Tally(), NOW)
        for line, address in enumerate(("anna@example.com", "berta@example.com"), start=1):
            loader.add(r.Profile(line=line, names=(("email", address), shared)))
        loader.finish()
        anna, berta = connection.scalars(select(profile.c.id).order_by(profile.c.id))
    friends.buy(engine, 7, berta, friends.codes(engine, anna)[anna])
    friends.find(engine)
    assert [one.signals for one in friends.referrals(engine)] == [[signal]]
    assert friends.grant(engine) == 0, "somebody looks before anything is paid"
