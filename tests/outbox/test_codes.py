"""Which code a message names: its own, the live one she holds, or an earlier step's; never one that is spent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select

from segue.contract import Channel, Redemption, TransientError
from segue.contract.fake import FakeOffers
from segue.journeys.definition import Brief
from segue.offers import Offer, record_redemptions, revoke
from segue.render import TemplateError
from segue.store.engine import read, write
from segue.store.tables import order, voucher
from tests.outbox.desk import Desk
from tests.outbox.shop import NOW, an_offer, step

Desks = Callable[..., Desk]
HOUR = timedelta(hours=1)


def welcome(_brief: Brief) -> Offer:
    """Fifteen percent for sixty days; who holds another live code is shown that one."""
    return Offer(name="welcome", percent=15, valid_for=timedelta(days=60), if_live="show")


@pytest.fixture
def give(engine: Engine) -> Callable[..., None]:
    """Let person 1 hold a live code."""

    def give_one(code: str = "HELD", *, lives: timedelta = timedelta(days=9), **facts: Any) -> None:
        row = {
            "key": f"other/step/{code}",
            "code": code,
            "profile_id": 1,
            "offer": "other",
            "percent": 20,
            "valid_from": NOW - HOUR,
            "valid_until": NOW + lives,
            "published_at": NOW,
        }
        with write(engine) as connection:
            connection.execute(insert(voucher).values(**row | facts))

    return give_one


def said(desk: Desk) -> dict[str, tuple[str, str]]:
    """Code and expiry that each delivered message named."""
    return {str(one.key).partition("/")[2]: tuple(one.content.text.split("\t")) for one in desk.wire.received}  # type: ignore[misc, union-attr]


def spend(engine: Engine, how: str, code: str) -> None:
    """Make a code worthless."""
    with write(engine) as connection:
        if how == "revoked":
            revoke(connection, [code], NOW)
        else:
            used = Redemption(code=code, order_id="o1", redeemed_at=NOW)
            record_redemptions(connection, [used], source="till", now=NOW)


def own_code(engine: Engine, key: str) -> str:
    with read(engine) as connection:
        return str(connection.scalar(select(voucher.c.code).where(voucher.c.key == f"letters/{key}")))


def test_a_message_shows_the_live_code_she_holds_with_that_codes_expiry(
    desk: Desks, engine: Engine, give: Callable[..., None]
) -> None:
    one = desk(step("card", offer=welcome), people=2)
    give()
    one.drain()
    shown = said(one)
    assert shown["card/person:1"] == ("HELD", (NOW + timedelta(days=9)).isoformat())
    assert shown["card/person:2"][0] == own_code(engine, "card/person:2")
    assert len(one.offers.published) == 1  # type: ignore[attr-defined]


def test_every_channel_and_step_names_the_same_code_and_expiry(
    desk: Desks, engine: Engine, give: Callable[..., None]
) -> None:
    """Whether it is her own or one she held already, and though two steps ask for one."""
    one = desk(
        step("first", offer=welcome, priority=99),
        step("second", channels=(Channel.SMS,), offer=welcome, in_cap=False),
        step("third", shows_code_of="first", in_cap=False, priority=1),
        people=2,
    )
    give()
    one.drain()
    shown = said(one)
    assert len(shown) == 6
    assert {shown[f"{name}/person:1"] for name in ("first", "second", "third")} == {
        ("HELD", (NOW + timedelta(days=9)).isoformat())
    }
    hers = {shown[f"{name}/person:2"] for name in ("first", "second", "third")}
    assert len(hers) == 1
    assert hers.pop()[0] == own_code(engine, "first/person:2")
    with read(engine) as connection:
        assert len(connection.scalars(select(voucher.c.id)).all()) == 2


def test_a_held_code_the_shop_does_not_know_is_told_before_it_is_shown(desk: Desks, give: Callable[..., None]) -> None:
    shop = FakeOffers()
    shop.error = TransientError("the shop is down")
    one = desk(step("card", offer=welcome), people=1, offers=shop)
    give(published_at=None)
    one.drain()
    assert one.states() == {("held", "code_unpublished"): 1}
    shop.error = None
    one.clock.advance(HOUR)
    one.drain()
    assert said(one)["card/person:1"][0] == "HELD"
    assert shop.known() == {"HELD"}


def test_a_code_about_to_run_out_is_not_shown(desk: Desks, give: Callable[..., None]) -> None:
    one = desk(step("card", offer=welcome), step("again", shows_code_of="card", in_cap=False), people=1)
    give(lives=timedelta(hours=23))
    one.drain()
    assert said(one) == {"card/person:1": ("-", "-"), "again/person:1": ("-", "-")}


@pytest.mark.parametrize("how", ["redeemed", "revoked"])
@pytest.mark.parametrize("offer", [an_offer, welcome])
def test_the_last_call_shows_the_code_only_while_it_is_live(
    desk: Desks, engine: Engine, give: Callable[..., None], how: str, offer: Callable[[Brief], Offer]
) -> None:
    """And no other one in its place, even if she holds one by then."""
    one = desk(step("first", offer=offer, priority=99), step("last", shows_code_of="first", priority=1), people=2)
    one.drain()  # the second message waits for her budget
    assert said(one).keys() == {"first/person:1", "first/person:2"}
    spend(engine, how, own_code(engine, "first/person:1"))
    give()
    one.clock.advance(25 * HOUR)
    one.drain()
    assert said(one)["last/person:1"] == ("-", "-")
    assert said(one)["last/person:2"] == said(one)["first/person:2"]


@pytest.mark.parametrize("how", ["redeemed", "revoked"])
def test_a_message_that_was_held_does_not_show_what_was_spent_meanwhile(desk: Desks, engine: Engine, how: str) -> None:
    shop = FakeOffers()
    shop.error = TransientError("the shop is down")
    one = desk(step("only", offer=an_offer), people=2, offers=shop)
    one.drain()
    spend(engine, how, own_code(engine, "only/person:1"))
    shop.error = None
    one.clock.advance(HOUR)
    one.drain()
    assert said(one)["only/person:1"] == ("-", "-")
    assert said(one)["only/person:2"][0] == own_code(engine, "only/person:2")
    assert shop.known() == {own_code(engine, "only/person:2")}


def test_a_code_that_is_used_between_composing_and_handing_over_is_not_named(desk: Desks, engine: Engine) -> None:
    """By somebody else's order, which is no fact about her; only she is judged again, the others leave at once."""
    one = desk(step("only", offer=an_offer), people=3)

    def use() -> None:
        code = own_code(engine, "only/person:2")
        with write(engine) as connection:
            facts = {"sales_channel": "web", "currency": "USD", "total_minor": 1, "occurred_at": NOW}
            connection.execute(insert(order).values(external_id="o1", discount_code=code, recorded_at=NOW, **facts))
        spend(engine, "redeemed", code)

    one.probe.hooks["composed"] = use
    one.drain()
    assert one.states() == {("accepted", None): 3}
    assert said(one)["only/person:2"] == ("-", "-")
    assert [str(m.key)[-1] for m in one.wire.received] == ["1", "3", "2"]


def test_a_shard_of_many_windows_mints_and_publishes_once(desk: Desks, engine: Engine) -> None:
    one = desk(step("only", offer=an_offer), people=35)
    calls: list[int] = []
    tell = one.offers.publish

    def counted(vouchers: Any) -> Any:
        calls.append(len(vouchers))
        return tell(vouchers)

    one.offers.publish = counted  # type: ignore[method-assign]
    writes: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: writes.append(call[2]))
    one.drain()
    assert calls == [35]
    assert sum(" voucher" in one and not one.startswith("SELECT") for one in writes) == 2
    assert one.states() == {("accepted", None): 35}


def test_a_broken_template_mints_nothing(desk: Desks, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code's life begins when she can be told of it."""
    one = desk(step("only", offer=an_offer), people=2)

    def broken(_name: str, **_options: Any) -> Any:
        raise TemplateError("letters/only", "broken")

    monkeypatch.setattr(one.library, "step", broken)
    one.drain()
    assert one.states() == {("held", "template"): 2}
    with read(engine) as connection:
        assert connection.scalars(select(voucher.c.id)).all() == []
