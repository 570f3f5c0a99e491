"""Facts that come in between the judgement and the mark are honoured."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, insert

from segue.outbox.freshness import _was_visible, watermark
from segue.outbox.suppressed import hash_address
from segue.store.engine import read, write
from segue.store.tables import consent_event, order, suppression
from tests.outbox.conftest import Desks
from tests.outbox.shop import NOW, SECRET, consent, nothing_happened, step

A_SECOND_AGO = NOW - timedelta(seconds=1)


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


def bought(connection, rows, now, brief):  # type: ignore[no-untyped-def]
    buyers = {row.profile_id for row in connection.execute(order.select())}
    return nothing_happened(connection, rows, now, brief).assign(converted=rows["profile_id"].isin(buyers))


@pytest.mark.parametrize("when", ["judged", "composed"])
@pytest.mark.parametrize(("fact", "reason"), [(withdraw, "denied"), (buy, "converted"), (silence, "suppressed")])
def test_a_fact_recorded_after_the_judgement_is_honoured(desk: Desks, when: str, fact: object, reason: str) -> None:
    one = desk(step(facts=bought), people=25)

    def record() -> None:
        with write(one.engine) as connection:
            fact(connection, 7)  # type: ignore[operator]

    one.probe.hooks[when] = record
    one.drain()
    assert one.states() == {("accepted", None): 24, ("skipped", reason): 1}
    assert one.rows()[6].state == "skipped"
    assert "letters/only/person:7" not in one.sent()


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
