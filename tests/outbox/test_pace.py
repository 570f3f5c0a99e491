"""The pace: no second sees more leave than it allows, over all workers; what leaves fits into its reader's window."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from segue.contract import Channel, Key, Message, SmsContent
from segue.contract.fake import FakeConnector
from segue.outbox.pace import PACE_WAIT, Turns, reserve, set_pace
from segue.store.engine import write
from segue.store.tables import channel_state
from tests.outbox.conftest import Desks
from tests.outbox.desk import Desk
from tests.outbox.shop import NOW, PlainLibrary, step
from tests.search import examples

SECOND = timedelta(seconds=1)
#: In New York, Tuesday, the last hours of the text window: policy closes it at 18:00.
LATE = NOW + timedelta(hours=7)


def pace(one: Desk, per_second: float | None) -> None:
    with write(one.engine) as connection:
        set_pace(connection, one.connector.name, per_second=per_second, now=one.clock.now())


def text(number: int, segments: int, until: datetime | None = None) -> Message:
    return Message(
        key=Key(f"letters/only/{number}"),
        channel=Channel.SMS,
        address="+12025550123",
        content=SmsContent(text="t", segments=segments),
        at=NOW,
        valid_until=until,
    )


class Wordy(PlainLibrary):
    """Everybody's text has as many segments as `lengths` says in turn."""

    lengths = (3, 1, 2)

    def sms(self, words: Mapping[str, Any], *, message_id: int) -> SmsContent:
        return SmsContent(text="t", segments=self.lengths[message_id % len(self.lengths)])


def texting(desk: Desks, people: int, **changes: Any) -> Desk:
    one = desk(step(channels=(Channel.SMS,)), people=people, **changes)
    one.worker._library = Wordy()  # type: ignore[assignment]
    return one


def test_two_workers_share_one_pace(desk: Desks) -> None:
    """Five a second for both together, with at most one second's worth at once."""
    one = desk(people=40)
    pace(one, 5)
    with one.sibling() as other:
        sent = []
        for second in range(4):
            sent.append(one.drain().sent + other.drain().sent)
            one.clock.set(NOW + timedelta(seconds=second + 1))
    assert sent == [5, 5, 5, 5]
    assert {reason for (state, reason) in one.states() if state == "held"} == {"pace"}


@pytest.mark.parametrize("per_second", [0.1, 0.5, 3.0, 7.0])
def test_the_pace_is_kept_and_used_up(desk: Desks, per_second: float) -> None:
    """Looked at whenever something may leave, a minute sees what the pace allows, and no less."""
    one = desk(people=200)
    pace(one, per_second)
    sent, end = 0, NOW + timedelta(seconds=20)
    while one.clock.now() <= end:
        sent += one.drain().sent
        ahead = [row.not_before for row in one.rows() if row.state == "held"]
        one.clock.set(max(min(ahead), one.clock.now() + timedelta(milliseconds=1)))
    allowed = 20 * per_second + max(per_second, 1)
    assert allowed - 2 <= sent <= allowed


def test_a_lifted_pace_lets_everything_go(desk: Desks) -> None:
    one = desk(people=40)
    pace(one, 2)
    one.drain()
    pace(one, None)
    one.clock.advance(timedelta(minutes=1))
    one.drain()
    assert one.states() == {("accepted", None): 40}


def test_a_slow_pace_does_not_judge_everybody_every_time(desk: Desks) -> None:
    """What is held for the pace waits for its turn, not for the next free slot of all."""
    one = desk(step(), people=200)
    pace(one, 10)
    judged = 0
    for second in range(5):
        one.clock.set(NOW + timedelta(seconds=second))
        judged += one.drain().judged
    assert judged < 200 + 5 * 40


def test_a_connector_declares_its_pace_and_the_shop_may_set_another(desk: Desks) -> None:
    one = desk(people=12, connector=FakeConnector(max_batch=10, window=10, pace_per_second=2))
    assert one.drain().sent == 2
    pace(one, 4)
    one.clock.advance(timedelta(minutes=1))
    assert one.drain().sent == 4
    pace(one, None)
    one.clock.advance(timedelta(minutes=1))
    assert one.drain().sent == 2, "without a word of the shop it is the connector's own again"


def test_texts_count_by_their_segments(desk: Desks) -> None:
    """At three segments a second: message 3 has three, 1 one, 2 two."""
    one = texting(desk, 6, connector=FakeConnector(max_batch=10, window=10, pace_per_second=3))
    for second in range(4):
        one.clock.set(NOW + timedelta(seconds=second))
        one.drain()
    left: dict[datetime, int] = {}
    for row in one.rows():
        left[row.handed_over_at] = left.get(row.handed_over_at, 0) + row.segments
    assert left == {NOW + timedelta(seconds=second): 3 for second in range(4)}


def test_nothing_leaves_that_her_window_does_not_let_through(desk: Desks) -> None:
    """One segment a second, and ten seconds before the window closes forty texts are due."""
    one = texting(desk, 40, connector=FakeConnector(max_batch=10, window=10, pace_per_second=1))
    one.clock.set(LATE - timedelta(seconds=10))
    for _ in range(20):
        one.drain()
        one.clock.advance(SECOND)
    left = sorted((row.handed_over_at, row.segments) for row in one.rows() if row.state == "accepted")
    assert 8 <= sum(segments for _, segments in left) <= 10
    assert all(at + segments * SECOND <= LATE for at, segments in left)
    waiting = one.states()
    assert waiting["held", "quiet_hours"] + waiting["held", "pace"] == 40 - len(left)
    one.clock.set(LATE + timedelta(minutes=6))
    one.drain()
    assert one.states() == {("accepted", None): len(left), ("held", "quiet_hours"): 40 - len(left)}


asked = st.lists(
    st.tuples(
        st.floats(0, 1.5),  # seconds after the one before
        st.lists(st.tuples(st.integers(1, 5), st.none() | st.floats(0, 6)), min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rate=st.sampled_from([0.3, 1.0, 2.5, 4.0, 30.0]), asked=asked)
def test_no_second_sees_more_than_the_pace(
    engine: Engine, rate: float, asked: list[tuple[float, list[tuple[int, float | None]]]]
) -> None:
    """Whenever the second begins; one that is larger than a second's room leaves alone, and is waited out."""
    connector = FakeConnector(pace_per_second=rate)
    left: list[tuple[datetime, int]] = []
    now = NOW
    with write(engine) as connection:
        connection.execute(delete(channel_state))
    for gap, wishes in asked:
        now += timedelta(seconds=gap)
        batch = [
            text(number, size, None if ends is None else now + timedelta(seconds=ends))
            for number, (size, ends) in enumerate(wishes)
        ]
        with write(engine) as connection:
            grant = reserve(connection, connector, batch, now=now)
        assert grant is not None
        assert sorted((*grant.leaves, *grant.waits, *grant.ends)) == list(range(len(batch)))
        assert not grant.waits or not grant.leaves or min(grant.waits) > max(grant.leaves), "first come, first served"
        for place in grant.leaves:
            size = wishes[place][0]
            left.append((now, size))
            backlog = sum(size for at, size in left if at > now - SECOND)
            closes = batch[place].valid_until
            assert closes is None or now + timedelta(seconds=backlog / rate) <= closes + timedelta(milliseconds=1)
        if grant.waits:
            turns = Turns().give(grant, [batch[place] for place in grant.waits], now=now)
            assert now < turns[0]
            assert turns == sorted(turns)
            assert turns[-1] <= now + PACE_WAIT
    room = max(rate, 1.0)
    for start, _ in left:
        inside = [size for at, size in left if start <= at < start + SECOND]
        assert sum(inside) <= room or len(inside) == 1
    total = sum(size for _, size in left[:-1])
    if left:
        took = (left[-1][0] - left[0][0]).total_seconds()
        assert total <= rate * took + room + 5, "in the long run, too"


def test_a_pace_of_nothing_is_no_pace(engine: Engine) -> None:
    with write(engine) as connection, pytest.raises(ValueError, match="pause"):
        set_pace(connection, "fake", per_second=0, now=NOW)
