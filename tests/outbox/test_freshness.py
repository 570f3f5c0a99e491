"""Facts that come in between the judgement and the mark are honoured."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Connection, Engine, Table, insert
from sqlalchemy import event as sqlalchemy_event

from segue.intake import import_events
from segue.journeys.definition import Facts, Journey, Moment
from segue.journeys.segments import (
    Bought,
    CameFrom,
    CartedNotBought,
    ClickedNotBought,
    Definition,
    Fits,
    Follows,
    Lives,
    LivesWithin,
    PointsAtLeast,
    Speaks,
    segment_select,
)
from segue.offers import revoke
from segue.outbox.freshness import _FACTS, _was_visible, touched, watermark
from segue.outbox.hashes import hash_address
from segue.settings.house import House, Loyalty
from segue.store.engine import read, write
from segue.store.tables import (
    cart,
    cart_event,
    change,
    consent_event,
    delivery_event,
    event,
    fulfilment,
    identifier,
    loyalty_entry,
    metadata,
    order,
    order_return,
    product,
    redemption,
    referral,
    stock_event,
    suppression,
    touchpoint,
    variant,
    voucher,
)
from tests.outbox.conftest import Desks
from tests.outbox.shop import NOW, SECRET, an_offer, consent, nothing_happened, step

A_SECOND_AGO = NOW - timedelta(seconds=1)
_AT = {"occurred_at": A_SECOND_AGO, "recorded_at": NOW}
#: What changes in its place, or is a thing of the shop's: seen with the next judgement, seconds later. And our own.
_SEEN_SOON = frozenset({
    "profile", "identifier", "profile_size", "order_line", "cart", "product", "variant", "product_relation", "listing",
    "location", "voucher", "referral_code", "message", "print_page",
})  # fmt: skip


def withdraw(connection: Connection, profile_id: int, at: object = A_SECOND_AGO) -> None:
    connection.execute(insert(consent_event).values(consent(profile_id, "email", "denied", "opt_in", at=at)))  # type: ignore[arg-type]


def buy(connection: Connection, profile_id: int) -> None:
    connection.execute(
        insert(order).values(
            external_id=f"o{profile_id}",
            profile_id=profile_id,
            sales_channel="web",
            currency="USD",
            total_minor=1,
            occurred_at=A_SECOND_AGO,
            recorded_at=NOW,
        )
    )


def silence(connection: Connection, profile_id: int) -> None:
    digest = hash_address(f"p{profile_id}@example.com", SECRET)
    connection.execute(
        insert(suppression).values(address_hash=digest, reason="unsubscribe", occurred_at=A_SECOND_AGO, recorded_at=NOW)
    )


def see(connection: Connection, profile_id: int) -> None:
    about = {"dedupe": f"seen-{profile_id}", "profile_id": profile_id, "name": "Size Told", "properties": {}}
    connection.execute(insert(event).values(about | _AT))


def told(connection, rows, now, brief):  # type: ignore[no-untyped-def]
    people = {row.profile_id for row in connection.execute(event.select())}
    return nothing_happened(connection, rows, now, brief).assign(converted=rows["profile_id"].isin(people))


def bought(connection, rows, now, brief):  # type: ignore[no-untyped-def]
    buyers = {row.profile_id for row in connection.execute(order.select())}
    return nothing_happened(connection, rows, now, brief).assign(converted=rows["profile_id"].isin(buyers))


@pytest.mark.parametrize("when", ["judged", "composed"])
@pytest.mark.parametrize(
    ("fact", "facts", "reason"),
    [
        (withdraw, bought, "denied"),
        (buy, bought, "converted"),
        (silence, bought, "suppressed"),
        (see, told, "converted"),
    ],
)
def test_a_fact_recorded_after_the_judgement_is_honoured(
    desk: Desks, when: str, fact: object, facts: Facts, reason: str
) -> None:
    one = desk(step(facts=facts), people=25)

    def record() -> None:
        with write(one.engine) as connection:
            fact(connection, 7)  # type: ignore[operator]

    one.probe.hooks[when] = record
    one.drain()
    assert one.states() == {("accepted", None): 24, ("skipped", reason): 1}
    assert one.rows()[6].state == "skipped"
    assert "letters/only/person:7" not in one.sent()


#: One row about somebody in each table of facts about people.
ABOUT: dict[Table, dict[str, Any]] = {
    consent_event: {k: v for k, v in consent(7, "sms", "denied", "opt_in", at=A_SECOND_AGO).items() if k != "dedupe"},
    change: {"profile_id": 7, "what": "order"},
    order: {"external_id": "o", "profile_id": 7, "sales_channel": "web", "currency": "USD", "total_minor": 1},
    fulfilment: {"order_id": 1, "kind": "packed"},
    order_return: {
        "document": "C1",
        "order_id": 1,
        "variant_id": 1,
        "quantity": 1,
        "total_minor": 1,
        "currency": "USD",
    },
    cart_event: {"cart_id": 1, "kind": "viewed"},
    redemption: {"voucher_id": 1, "order_ref": "o", "source": "till", "counts": True, "redeemed_at": A_SECOND_AGO},
    loyalty_entry: {"profile_id": 7, "kind": "spent", "reason": "reward", "points": -1, "counts_from": A_SECOND_AGO},
    referral: {"profile_id": 7, "friend_id": 6, "order_id": 1, "code": "C", "score": 0, "signals": []},
    event: {"profile_id": 7, "name": "Points Redeemed", "properties": {}},
    touchpoint: {"profile_id": 7, "kind": "follow"},
    delivery_event: {"message_id": 7, "provider": "x", "kind": "clicked"},
    suppression: {"address_hash": hash_address("her.other@example.com", SECRET), "reason": "unsubscribe"},
}


CONDITIONS = (
    Bought(days=9, category="tops", channel="web", location="pop"),
    Fits(size="8"),
    LivesWithin(km=1, location="pop"),
    ClickedNotBought(days=9),
    CartedNotBought(days=9),
    PointsAtLeast(points=5),
    Lives(country="US"),
    Speaks(locale="en"),
    CameFrom(channel="web"),
    Follows(network="pinterest"),
)


def a_shop(engine: Engine) -> None:
    """Somebody's order, cart, voucher and message, and another address of hers, for facts to be about."""
    of_hers = {"profile_id": 7, "external_id": "c", "sales_channel": "web"}
    with write(engine) as connection:
        for table, row in (
            (identifier, {"kind": "email", "value": "her.other@example.com", "profile_id": 7, "identifies": True}),
            (product, {"external_id": "p", "title": "Scarf"}),
            (variant, {"product_id": 1, "sku": "p", "price_minor": 1, "currency": "USD"}),
            (cart, of_hers),
            (order, {**of_hers, "currency": "USD", "total_minor": 1}),
            (
                voucher,
                {"key": "k", "code": "C", "profile_id": 7, "offer": "cart", "valid_from": NOW, "valid_until": NOW},
            ),
        ):
            connection.execute(insert(table).values(row | {name: at for name, at in _AT.items() if name in table.c}))


def test_whoever_a_fact_is_about_is_judged_again_and_nobody_else(desk: Desks) -> None:
    one = desk(people=9)
    a_shop(one.engine)
    for table, row in ABOUT.items():
        dated = {name: at for name, at in ({"dedupe": "d"} | _AT).items() if name in table.c}
        with read(one.engine) as connection:
            before = watermark(connection)
        with write(one.engine) as connection:
            connection.execute(insert(table).values(dated | row))
        with read(one.engine) as connection:
            later = watermark(connection)
            found = touched(connection, before, later, range(1, 10), lambda address: hash_address(address, SECRET))
        assert (table.name, before.is_current(later), found) == (table.name, False, {7})


def test_every_fact_a_judgement_reads_moves_the_watermark(engine: Engine) -> None:
    """By the statements of every step's facts, and of every condition a segment may have."""
    asked: set[str] = set()

    def note(*told: Any) -> None:
        asked.update(re.findall(r"[a-z_]+", told[2]))

    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    rows = pd.DataFrame({"key": ["a/b/c:1"], "profile_id": [1], "subject_id": [1]})
    moment = Moment(now=NOW, live_from=NOW, house=House(loyalty=Loyalty(starts_on=NOW.date())))
    with write(engine) as connection:
        for point in entry_points(group="segue.journeys"):
            journey: Journey = point.load()
            for one in journey.steps:
                one.facts(connection, rows, moment, journey.brief())
            if journey.refresh is not None:
                journey.refresh(connection, moment)
        for condition in CONDITIONS:
            connection.execute(segment_select(Definition(conditions=(condition,)), NOW))
    sqlalchemy_event.remove(engine, "before_cursor_execute", note)
    read_of = {name for name in metadata.tables if name in asked}
    assert {"order", "event", "touchpoint", "loyalty_entry", "delivery_event"} <= read_of
    assert read_of - _SEEN_SOON - {table.name for table in _FACTS} == set()
    assert ABOUT.keys() | {stock_event} == set(_FACTS)


def cancelled(connection, rows, now, brief):  # type: ignore[no-untyped-def]
    gone = {row.profile_id for row in connection.execute(order.select().where(order.c.cancelled_at.is_not(None)))}
    return nothing_happened(connection, rows, now, brief).assign(gone=rows["profile_id"].isin(gone))


@pytest.mark.parametrize("when", ["judged", "composed"])
def test_an_order_that_is_cancelled_after_the_judgement_is_not_written_about(
    desk: Desks, tmp_path: Path, when: str
) -> None:
    """It changes in its place: whoever told of it, nothing is added to the orders."""
    one = desk(step(facts=cancelled), people=3)
    with write(one.engine) as connection:
        for number in (1, 2):
            buy(connection, number)
    call = {"type": "track", "event": "Order Cancelled", "messageId": "m", "timestamp": NOW.isoformat()}
    file = tmp_path / "calls.jsonl"
    file.write_text(json.dumps({**call, "userId": "u", "properties": {"order_id": "o2"}}))
    for hook in (when, "recorded"):  # told again, it is no news
        one.probe.hooks[hook] = lambda: import_events(one.engine, file, clock=one.clock, hash_address=str)
    one.drain()
    assert [row.reason for row in one.rows()] == [None, "occasion_gone", None]
    with read(one.engine) as connection:
        assert connection.scalars(change.select().with_only_columns(change.c.profile_id)).all() == [2]


def test_a_code_that_is_revoked_after_composing_is_named_by_no_message(desk: Desks) -> None:
    one = desk(step(offer=an_offer), people=3)
    revoked: list[str] = []

    def take_back() -> None:
        with write(one.engine) as connection:
            revoked.extend(
                connection.scalars(voucher.select().with_only_columns(voucher.c.code).where(voucher.c.profile_id == 2))
            )
            assert revoke(connection, revoked, NOW) == 1
            assert revoke(connection, revoked, NOW) == 0

    one.probe.hooks["composed"] = take_back
    one.drain()
    assert len(revoked) == 1
    assert not any(revoked[0] in str(message.content) for message in one.wire.received)


def test_a_fact_between_two_windows_is_honoured(desk: Desks) -> None:
    one = desk(people=25)

    def record() -> None:
        with write(one.engine) as connection:
            withdraw(connection, 20)

    one.probe.hooks["recorded"] = record
    one.drain()
    assert one.states() == {("accepted", None): 24, ("skipped", "denied"): 1}


def test_a_fact_whose_id_is_older_than_one_we_saw_is_honoured(desk: Desks) -> None:
    """PostgreSQL gives out ids before it commits: hers is the lower one, and becomes visible last."""
    one = desk(people=3)
    if one.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time, so ids become visible in their order")
    with one.engine.connect() as slow:
        transaction = slow.begin()
        withdraw(slow, 2)
        with write(one.engine) as quick:
            withdraw(quick, 3)
        one.probe.hooks["composed"] = transaction.commit
        one.drain()
    assert [row.reason for row in one.rows()] == [None, "denied", "denied"]
    assert one.sent() == {"letters/only/person:1": 1}


def test_someone_who_keeps_writing_holds_nobody_up(desk: Desks) -> None:
    """An import that takes minutes is only a reason to judge again once it has ended."""
    one = desk(people=3)
    if one.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    with one.engine.connect() as slow, slow.begin():
        withdraw(slow, 2)
        one.drain()
        assert one.states() == {("accepted", None): 3}


def test_our_own_bookkeeping_is_no_fact(engine: Engine, desk: Desks) -> None:
    """Other workers' marks must not send everybody back to the judge."""
    one = desk(people=3)
    with read(engine) as connection:
        before = watermark(connection)
    one.drain()
    with read(engine) as connection:
        assert before.is_current(watermark(connection))


def test_a_busy_shop_still_sends(desk: Desks) -> None:
    """A fact about somebody else before every window: only the people concerned are judged again."""
    one = desk(people=60)
    newcomers = iter(range(1, 60, 2))

    def record() -> None:
        with write(one.engine) as connection:
            withdraw(connection, next(newcomers))
        one.probe.hooks["composed"] = record

    one.probe.hooks["composed"] = record
    count = one.drain()
    states = one.states()
    assert sum(states.values()) == 60
    assert states["accepted", None] >= 45
    assert states["accepted", None] + states[("skipped", "denied")] == 60
    assert count.judged < 60 * 3


def test_a_snapshot_tells_who_had_committed() -> None:
    """PostgreSQL's rows carry 32 bits of a transaction id; the snapshot has all 64."""
    far = 2**32 * 3
    snapshot = f"{far + 100}:{far + 110}:{far + 100},{far + 105}"
    visible = {at: _was_visible(at, snapshot) for at in (99, 100, 101, 105, 109, 110, 111)}
    assert visible == {99: True, 100: False, 101: True, 105: False, 109: True, 110: False, 111: False}
    assert _was_visible(2**32 - 5, f"{far + 3}:{far + 3}:")
