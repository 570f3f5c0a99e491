"""What a connector says, or does instead of saying it, and what becomes of the message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from segue.contract import (
    Capabilities,
    Channel,
    ConfigurationError,
    Key,
    Leaving,
    Message,
    RejectedError,
    Result,
    TransientError,
    UncertainError,
    UnsupportedError,
    accepted,
    deferred,
    rejected,
)
from segue.outbox.settle import Settlement
from segue.store.engine import read
from segue.store.tables import channel_state, suppression
from tests.outbox.conftest import Desks
from tests.outbox.desk import Desk
from tests.outbox.shop import NOW, journey, step


class Scripted:
    """A connector that does for each batch what a test wrote: a function of (batch, leaving)."""

    name = "scripted"
    channels = frozenset({Channel.EMAIL})

    def __init__(self, play: Any, *, max_batch: int = 10) -> None:
        self.capabilities = Capabilities(max_batch=max_batch, window=10)
        self.batches: list[list[str]] = []
        self._play = play

    def send(self, batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        self.batches.append([one.key.rpartition(":")[2] for one in batch])
        return self._play(batch, leaving)

    def close(self) -> None:
        """Nothing to close."""


def number(message: Message) -> int:
    return int(message.key.rpartition(":")[2])


def all_accepted(batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
    for one in batch:
        leaving(one.key)
        yield accepted(one.key)


def fates(one: Desk) -> dict[int, tuple[str, str | None]]:
    return {row.profile_id: (row.state, row.reason) for row in one.rows()}


OK = ("accepted", None)


def test_a_configuration_error_pauses_the_connector_and_burns_no_attempt(desk: Desks) -> None:
    def play(_batch: Sequence[Message], _leaving: Leaving) -> Iterator[Result]:
        raise ConfigurationError("the provider refused the key; check SCRIPTED_KEY")

    connector = Scripted(play, max_batch=2)
    one = desk(people=5, connector=connector)
    assert one.drain().kept_for_repair == 5
    assert connector.batches == [["1", "2"]], "it was asked again though it cannot send"
    assert fates(one) == dict.fromkeys(range(1, 6), ("held", "paused"))
    assert {row.attempts for row in one.rows()} == {0}
    with read(one.engine) as connection:
        row = connection.execute(select(channel_state).where(channel_state.c.name == "connector:scripted")).one()
    assert row.paused
    assert "SCRIPTED_KEY" in row.reason
    one.clock.advance(timedelta(hours=1))
    one.drain()
    assert len(connector.batches) == 1


def test_a_configuration_answer_to_one_message_pauses_the_connector_too(desk: Desks) -> None:
    """Once one message was accepted, a connector says so by results."""

    def play(batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        leaving(batch[0].key)
        yield accepted(batch[0].key)
        yield from (deferred(one.key, "configuration") for one in batch[1:])

    connector = Scripted(play)
    one = desk(people=3, connector=connector)
    one.drain()
    assert fates(one) == {1: OK, 2: ("held", "paused"), 3: ("held", "paused")}
    assert [row.attempts for row in one.rows()] == [1, 0, 0]
    one.clock.advance(timedelta(hours=1))
    one.drain()
    assert len(connector.batches) == 1


def test_a_transient_error_honours_retry_after_and_spares_what_was_not_tried(desk: Desks) -> None:
    def play(_batch: Sequence[Message], _leaving: Leaving) -> Iterator[Result]:
        raise TransientError("busy", retry_after=timedelta(minutes=17))

    connector = Scripted(play, max_batch=2)
    one = desk(people=4, connector=connector)
    one.drain()
    assert len(connector.batches) == 1
    assert fates(one) == dict.fromkeys(range(1, 5), ("deferred", "unreachable"))
    assert [row.attempts for row in one.rows()] == [1, 1, 0, 0]
    assert {row.not_before for row in one.rows()} == {NOW + timedelta(minutes=17)}


def test_back_off_doubles_up_to_an_hour_and_the_deadline_decides(desk: Desks) -> None:
    """Two days of a busy provider: tried to the last hour, then too late; no count of attempts gives it up."""

    def play(_batch: Sequence[Message], _leaving: Leaving) -> Iterator[Result]:
        raise TransientError("busy")

    one = desk(step(transactional=True), people=1, connector=Scripted(play), max_attempts=1)  # no quiet hours
    deadline = one.rows()[0].deadline_at
    waits = []
    while one.drain().sent:
        row = one.rows()[0]
        assert (row.state, row.reason) == ("deferred", "unreachable")
        waits.append((row.not_before - one.clock.now()) // timedelta(minutes=1))
        one.clock.set(row.not_before)
    assert waits[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert set(waits[8:]) == {60}
    assert fates(one) == {1: ("skipped", "too_late")}
    assert timedelta(0) <= one.clock.now() - deadline < timedelta(hours=1)


def test_an_hour_of_throttling_costs_nobody_a_message_that_is_good_until_tomorrow(desk: Desks) -> None:
    back = NOW + timedelta(hours=1)

    def play(batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        if one.clock.now() < back:
            raise TransientError("too many requests")
        yield from all_accepted(batch, leaving)

    one = desk(people=2, connector=Scripted(play))
    while one.clock.now() < back + timedelta(hours=1):
        one.drain()
        one.clock.advance(timedelta(minutes=1))
    assert fates(one) == {1: OK, 2: OK}


def test_the_longest_patience_is_no_sum_too_large() -> None:
    """A deadline weeks away allows hundreds of attempts."""
    settlement = Settlement({}, max_attempts=6, retry_base=timedelta(minutes=1))
    row = SimpleNamespace(id=1, epoch=1, journey="letters", step="only", attempts=5_000)
    answer = settlement.settle(row, deferred(Key("letters/only/1"), "busy"), NOW)
    assert (answer.state, answer.not_before) == ("deferred", NOW + timedelta(hours=1))


def test_a_refusal_of_a_batch_is_believed_only_for_a_batch_of_one(desk: Desks) -> None:
    """The provider refuses any request that holds number 4: only number 4 pays for it."""

    def play(batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        if any(number(one) == 4 for one in batch):
            raise RejectedError("bad request", reason="malformed")
        yield from all_accepted(batch, leaving)

    one = desk(people=6, connector=Scripted(play))
    one.drain()
    assert fates(one) == {1: OK, 2: OK, 3: OK, 4: ("rejected", "malformed"), 5: OK, 6: OK}


def test_what_a_connector_cannot_express_is_bisected_too(desk: Desks) -> None:
    def play(batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        if any(number(one) == 1 for one in batch):
            raise UnsupportedError("no such thing")
        yield from all_accepted(batch, leaving)

    one = desk(people=3, connector=Scripted(play))
    one.drain()
    assert fates(one) == {1: ("rejected", "unsupported"), 2: OK, 3: OK}


def test_bisecting_ends_where_the_provider_goes_away(desk: Desks) -> None:
    def play(batch: Sequence[Message], _leaving: Leaving) -> Iterator[Result]:
        if len(batch) > 1:
            raise RejectedError("bad request", reason="malformed")
        raise ConfigurationError("the account is closed")

    one = desk(people=4, connector=Scripted(play))
    one.drain()
    assert set(fates(one).values()) == {("held", "paused")}


def test_silence_is_uncertain_only_for_what_left(desk: Desks) -> None:
    def play(batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        leaving(batch[0].key)
        yield accepted(batch[0].key)
        leaving(batch[1].key)

    one = desk(people=3, connector=Scripted(play))
    one.drain()
    assert fates(one) == {1: OK, 2: ("uncertain", "no_answer"), 3: ("deferred", "unsent")}


@pytest.mark.parametrize("error", [UncertainError("lost"), RejectedError("no", reason="x"), TransientError("busy")])
def test_an_error_after_an_acceptance_leaves_what_left_uncertain(desk: Desks, error: Exception) -> None:
    """The contract forbids it for all but silence; a connector that does it anyway must cost nobody a second mail."""

    def play(batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        leaving(batch[0].key)
        yield accepted(batch[0].key)
        leaving(batch[1].key)
        raise error

    one = desk(people=3, connector=Scripted(play))
    one.drain()
    assert fates(one)[1] == OK
    assert fates(one)[2] == ("uncertain", "no_answer")
    assert fates(one)[3][0] == "deferred"


@pytest.mark.parametrize("announced", [True, False])
def test_an_uncertain_batch_is_never_repeated_blindly(desk: Desks, *, announced: bool) -> None:
    def play(batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        for one in batch if announced else ():
            leaving(one.key)
        raise UncertainError("no answer after the body went out")

    connector = Scripted(play)
    one = desk(people=2, connector=connector)
    one.drain()
    one.clock.advance(timedelta(hours=5))
    one.drain()
    assert set(fates(one).values()) == {("uncertain", "no_answer")}
    assert len(connector.batches) == 1


def test_uncertain_messages_of_a_step_that_repeats_stay_uncertain_when_patience_ends(desk: Desks) -> None:
    """They may have arrived, so they are not called rejected."""

    def play(batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        leaving(batch[0].key)
        raise UncertainError("lost")

    connector = Scripted(play)
    one = desk(step(on_uncertain="repeat"), people=1, connector=connector, max_attempts=2)
    for _ in range(4):
        one.drain()
        one.clock.advance(timedelta(hours=1))
    assert fates(one) == {1: ("uncertain", "no_answer")}
    assert len(connector.batches) == 2


def test_a_bug_in_a_connector_costs_only_the_message_it_stumbles_over(desk: Desks) -> None:
    """It breaks while it builds number 3: before and after that everybody gets her mail."""

    def play(batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        for one in batch:
            if number(one) == 3:
                raise ValueError("a header with a line break")
            leaving(one.key)
            yield accepted(one.key)

    one = desk(people=6, connector=Scripted(play))
    one.drain()
    assert fates(one) == {1: OK, 2: OK, 3: ("deferred", "unsent"), 4: OK, 5: OK, 6: OK}
    one.clock.set(one.rows()[2].deadline_at)
    one.drain()
    assert fates(one)[3] == ("skipped", "too_late")


def test_a_bug_after_the_bytes_left_is_uncertain_for_what_left(desk: Desks) -> None:
    def play(batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        for one in batch:
            leaving(one.key)
        yield accepted(batch[0].key)
        raise ZeroDivisionError

    connector = Scripted(play)
    one = desk(people=3, connector=connector)
    one.drain()
    assert fates(one) == {1: OK, 2: ("uncertain", "no_answer"), 3: ("uncertain", "no_answer")}
    assert len(connector.batches) == 1


def test_a_dead_address_is_never_written_to_again(desk: Desks) -> None:
    def play(batch: Sequence[Message], leaving: Leaving) -> Iterator[Result]:
        for one in batch:
            leaving(one.key)
            yield rejected(one.key, "mailbox_unknown", suppress=number(one) == 1)

    one = desk(step("a"), people=2, connector=Scripted(play))
    one.drain()
    with read(one.engine) as connection:
        assert connection.scalars(select(suppression.c.reason)).all() == ["hard_bounce"]
    with one.sibling([journey(step("b"))]) as other:
        other.promise()
        other.drain()
        states = {(row.profile_id, row.state, row.reason) for row in other.rows() if row.step == "b"}
    assert states == {(1, "skipped", "suppressed"), (2, "rejected", "mailbox_unknown")}
