"""A drain on a quiet day."""

from __future__ import annotations

import pytest

from tests.outbox.conftest import Desks
from tests.outbox.shop import NOW, step


def test_everybody_gets_one_message_and_its_story_is_stored(desk: Desks) -> None:
    one = desk(people=25, shard_size=8)
    count = one.drain()
    assert (count.judged, count.sent, count.accepted) == (25, 25, 25)
    assert one.states() == {("accepted", None): 25}
    assert set(one.sent().values()) == {1}
    for row in one.rows():
        assert (row.channel, row.connector, row.template_version, row.attempts) == ("email", "fake", "plain", 1)
        assert (row.handed_over_at, row.answered_at) == (NOW, NOW)
        assert row.provider_id
    assert sorted(one.decisions()) == [(row.id, "send", None) for row in one.rows()]


def test_promising_again_adds_nothing(desk: Desks) -> None:
    one = desk(people=3)
    assert one.promise() == 0
    one.drain()
    assert one.promise() == 0
    assert one.drain().judged == 0


def test_the_transactional_lane_has_buckets_of_its_own(desk: Desks) -> None:
    one = desk(step("news"), step("receipt", transactional=True), people=3)
    buckets = {(row.step, row.bucket) for row in one.rows()}
    assert buckets == {("news", n) for n in (1, 2, 3)} | {("receipt", 256 + n) for n in (1, 2, 3)}
    one.drain()
    order = [str(one.key).split("/")[1] for one in one.wire.received]
    assert order == ["receipt"] * 3 + ["news"] * 3


def test_higher_priority_goes_first_and_uses_the_budget(desk: Desks) -> None:
    one = desk(step("low", priority=10), step("high", priority=90), people=4)
    one.drain()
    assert {(row.step, row.state, row.reason) for row in one.rows()} == {
        ("high", "accepted", None),
        ("low", "held", "budget"),
    }


def test_a_worker_used_again_after_an_error_gets_its_buckets_back(desk: Desks) -> None:
    """What broke one drain is over; its own buckets are not counted as somebody else's."""
    one = desk(people=3)

    def broken() -> None:
        raise ConnectionError("the database went away")

    one.probe.hooks["composed"] = broken
    with pytest.raises(ConnectionError):
        one.drain()
    assert one.drain().sent == 3
    assert one.worker.missed == set()
