"""Messages of people who become one: never two for one occasion, and never on a judgement from before."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Row, String, cast, literal, select, update

from segue.outbox.frame import history
from segue.outbox.record import Answer, record
from segue.outbox.states import COUNTED
from segue.store.engine import read, write
from segue.store.tables import consent_event, decision, lease, message, profile, voucher
from segue.store.types import UtcTime
from tests.outbox.conftest import Desks
from tests.outbox.desk import Desk
from tests.outbox.merges import code, found, letter, merge, put, redirects
from tests.outbox.shop import NOW, add_people, consent, journey, step

MONTH = "month:2026-05:profile:"


def messages(engine: Engine) -> list[Row[Any]]:
    with read(engine) as connection:
        return list(connection.execute(select(message).order_by(message.c.id)).all())


def monthly(_moment: Any, _brief: Any) -> Any:
    """Everybody is due once a month."""
    return select(
        literal(MONTH).concat(cast(profile.c.id, String)).label("occasion"),
        profile.c.id.label("profile_id"),
        profile.c.id.label("subject_id"),
        literal(NOW + timedelta(days=2), UtcTime).label("deadline_at"),
    ).where(profile.c.merged_into.is_(None))


FURTHEST = ("accepted", "uncertain", "rejected", "control", "skipped", "deferred", "held", "queued")


@pytest.mark.parametrize("other", FURTHEST)
@pytest.mark.parametrize("state", FURTHEST)
def test_of_two_messages_for_one_occasion_the_furthest_has_the_key(engine: Engine, state: str, other: str) -> None:
    """The other one never leaves, its code goes along with its key, and what was sent stays told."""
    add_people(engine, 2)
    put(engine, message, letter(1, f"{MONTH}1", state), letter(2, f"{MONTH}2", other))
    put(engine, voucher, *(code(n, f"letters/only/{MONTH}{n}", code=f"CODE-{n}") for n in (1, 2)))
    found(engine, (1, 2))
    assert merge(engine) == 1
    rows = messages(engine)
    winner = 0 if FURTHEST.index(state) <= FURTHEST.index(other) else 1
    loser = 1 - winner
    assert rows[winner].key == f"letters/only/{MONTH}1"
    assert rows[loser].key == f"letters/only/{MONTH}2"
    assert rows[winner].state == (state, other)[winner]
    pending = (state, other)[loser] in {"queued", "held", "deferred"}
    assert (rows[loser].state, rows[loser].reason) == (
        ("skipped", "merged") if pending else ((state, other)[loser], None)
    )
    assert [row.profile_id for row in rows] == [1, 1]
    assert [row.bucket for row in rows] == [1, 1]
    with read(engine) as connection:
        keys = dict(connection.execute(select(voucher.c.message_key, voucher.c.code)).tuples().all())
        told_to_the_shop = set(connection.execute(select(voucher.c.key, voucher.c.code)).tuples())
        told = connection.execute(select(decision.c.message_id, decision.c.verdict, decision.c.reason)).all()
    assert keys == {rows[0].key: "CODE-1", rows[1].key: "CODE-2"}
    assert told_to_the_shop == {(f"letters/only/{MONTH}{n}", f"CODE-{n}") for n in (1, 2)}
    assert [tuple(row) for row in told] == [(rows[loser].id, "skip", "merged")] * pending


def test_a_key_about_her_reads_as_if_there_had_been_one_profile(engine: Engine) -> None:
    add_people(engine, 24)
    rows = [
        letter(2, f"{MONTH}2", subject_id=2),
        letter(2, "profile:2:birthday:1990", subject_id=2),
        letter(2, "popup:2:profile:2", subject_id=2),
        letter(2, "referral:profile:2:profile:24"),
        letter(2, "cart:2", subject_id=2),
        letter(24, f"{MONTH}24"),
        letter(2, "subprofile:2"),
    ]
    put(engine, message, *({"reason": None} | row for row in rows))
    found(engine, (1, 2))
    merge(engine)
    after = messages(engine)
    assert [row.key.removeprefix("letters/only/") for row in after] == [
        f"{MONTH}1",
        "profile:1:birthday:1990",
        "popup:2:profile:1",
        "referral:profile:1:profile:24",
        "cart:2",
        f"{MONTH}24",
        "subprofile:2",
    ]
    assert [row.subject_id for row in after] == [1, 1, 2, None, 2, None, None]


def test_who_got_hers_under_the_other_name_gets_no_second_one(desk: Desks) -> None:
    """The younger profile got the mail of the month; the elder had none yet and is not due any more."""
    one = desk(step(due=monthly), people=3, promised=False)
    one.promise()
    one.change([1], not_before=NOW + timedelta(hours=1))
    one.drain()
    assert one.states() == {("accepted", None): 2, ("queued", None): 1}
    found(one.engine, (1, 2))
    merge(one.engine)
    one.clock.advance(timedelta(hours=2))
    assert one.promise() == 0
    one.drain()
    assert one.states() == {("accepted", None): 2, ("skipped", "merged"): 1}
    assert one.sent() == {f"letters/only/{MONTH}2": 1, f"letters/only/{MONTH}3": 1}


def test_lanes_stay_apart(engine: Engine) -> None:
    add_people(engine, 2)
    put(engine, message, letter(2, "order:2", transactional=True), letter(2, "cart:2"))
    found(engine, (1, 2))
    merge(engine)
    assert [row.bucket for row in messages(engine)] == [257, 1]


def test_the_cap_counts_what_either_of_them_got(desk: Desks) -> None:
    """Both got one lately, so the next one waits; and of two that wait only one leaves."""
    one = desk(people=4, caps={"email": ["1/24h"]})
    got = NOW - timedelta(hours=1)
    put(one.engine, message, letter(2, "order:1", "accepted", handed_over_at=got))
    found(one.engine, (1, 2), (3, 4))
    assert merge(one.engine) == 2
    with read(one.engine) as connection:
        assert len(history(connection, [1], now=NOW, outside=[])) == 1
    one.drain()
    assert one.states() == {("accepted", None): 2, ("held", "budget"): 3}
    assert sorted(one.sent().values()) == [1]


def test_a_message_that_is_out_keeps_the_merge_waiting_until_its_answer(engine: Engine) -> None:
    """Its worker may be dead: whoever takes its bucket settles it first."""
    add_people(engine, 4)
    put(engine, message, letter(2, "cart:2", "handed_over"), letter(1, "cart:1", "uncertain"))
    found(engine, (1, 2), (3, 4))
    assert merge(engine) == 1
    assert redirects(engine) == {1: None, 2: None, 3: None, 4: 3}
    with write(engine) as connection:
        connection.execute(update(message).where(message.c.profile_id == 2).values(state="uncertain"))
    assert merge(engine) == 1


def test_a_late_answer_lands_after_the_merge(engine: Engine) -> None:
    """The row has another owner and another bucket; who sent it and under which epoch stays written on it."""
    add_people(engine, 2)
    put(engine, message, letter(2, f"{MONTH}2", "uncertain"), letter(2, "cart:2", "deferred", worker="w", epoch=7))
    found(engine, (1, 2))
    merge(engine)
    with write(engine) as connection:
        answers = [Answer(row.id, 7, "accepted", None, "p", NOW) for row in messages(engine)]
        record(connection, answers, worker="somebody else", now=NOW)
        record(connection, answers, worker="w", now=NOW)
    assert [(row.state, row.provider_id, row.profile_id) for row in messages(engine)] == [("accepted", "p", 1)] * 2


@pytest.mark.parametrize("point", ["judged", "composed"])
@pytest.mark.parametrize("sleeper", [1, 2])
def test_nothing_leaves_on_a_judgement_from_before_the_merge(desk: Desks, point: str, sleeper: int) -> None:
    """A worker sleeps past its lease with a yes in its hands; meanwhile she becomes one with somebody who said no."""
    one = desk(people=2, promised=False)
    other = 3 - sleeper
    with write(one.engine) as connection:
        connection.execute(consent_event.insert().values(consent(other, "email", "denied", "opt_in", at=NOW)))
    put(one.engine, message, letter(sleeper, f"cart:{sleeper}"))

    def sleep() -> None:
        found(one.engine, (1, 2))
        assert merge(one.engine) == 0, "its lease still holds"
        with write(one.engine) as connection:
            connection.execute(update(lease).values(expires_at=0))
        assert merge(one.engine) == 1

    one.probe.hooks[point] = sleep
    one.drain()
    assert not one.sent()
    one.drain()
    assert one.states() == {("skipped", "denied"): 1}


def test_a_worker_beside_the_merge_never_breaks_the_cap(engine: Engine, tmp_path: Any) -> None:
    """Judged for the younger one alone there was room; for the two together there is none."""
    add_people(engine, 2)
    put(engine, message, letter(1, "order:1", "accepted", handed_over_at=NOW), letter(2, "cart:2"))
    with Desk(engine, tmp_path / "home", [journey()], caps={"email": ["1/24h"]}) as one:

        def sleep() -> None:
            found(engine, (1, 2))
            with write(engine) as connection:
                connection.execute(update(lease).values(expires_at=0))
            assert merge(engine) == 1

        one.probe.hooks["composed"] = sleep
        one.drain()
        one.drain()
        assert Counter(row.state for row in messages(engine) if row.state in COUNTED) == {"accepted": 1}
        assert not one.sent()
