"""`send_each`: one call a message, and no answer lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from segue.contract import (
    ConfigurationError,
    ConnectorError,
    Key,
    Message,
    Outcome,
    RejectedError,
    Result,
    TransientError,
    UncertainError,
    UnsupportedError,
    accepted,
    reason_of,
    send_each,
)
from segue.contract.suite import message

_BATCH = [message(number) for number in range(4)]


def at(position: int, error: ConnectorError) -> Callable[[Message], Result]:
    """A provider that takes all but the message at `position`."""

    def send_one(one: Message) -> Result:
        if one.key == _BATCH[position].key:
            raise error
        return accepted(one.key)

    return send_one


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (RejectedError("no", reason="mailbox_unknown"), Outcome.REJECTED, "mailbox_unknown"),
        (UncertainError("no answer"), Outcome.UNCERTAIN, "no_answer"),
    ],
)
@pytest.mark.parametrize("position", [0, 2])
def test_a_messages_own_fate_stops_nobody(error: ConnectorError, outcome: Outcome, reason: str, position: int) -> None:
    """Rejected and uncertain are results, the first message's too."""
    results = list(send_each(_BATCH, lambda _key: None, at(position, error)))
    assert [r.key for r in results] == [m.key for m in _BATCH]
    assert (results[position].outcome, results[position].reason) == (outcome, reason)
    assert [r.outcome for r in results].count(Outcome.ACCEPTED) == 3


_STOPPING = [
    TransientError("busy", retry_after=timedelta(seconds=7)),
    ConfigurationError("wrong key"),
    UnsupportedError("no pictures"),
]


@pytest.mark.parametrize("error", _STOPPING)
def test_an_error_at_the_first_message_is_the_batchs(error: ConnectorError) -> None:
    """Nothing was accepted, so the outbox hears the error itself."""
    with pytest.raises(type(error)) as caught:
        list(send_each(_BATCH, lambda _key: None, at(0, error)))
    assert caught.value is error


@pytest.mark.parametrize("error", _STOPPING)
def test_an_error_later_on_defers_the_rest(error: ConnectorError) -> None:
    """The two answers before it stand; what comes after was not tried and did not leave."""
    left: list[Key] = []
    results = list(send_each(_BATCH, left.append, at(2, error)))
    assert [r.outcome.value for r in results] == ["accepted", "accepted", "deferred", "deferred"]
    assert {r.reason for r in results[2:]} == {reason_of(error)}
    assert results[3].retry_after == getattr(error, "retry_after", None)
    assert left == [m.key for m in _BATCH[:3]]


def test_each_message_is_marked_right_before_its_call() -> None:
    """Never two marked at once: the window of a one-by-one connector is 1."""
    seen: list[str] = []

    def send_one(one: Message) -> Result:
        seen.append("sent")
        return accepted(one.key)

    seen.extend("answered" for _ in send_each(_BATCH, lambda _key: seen.append("left"), send_one))
    assert seen == ["left", "sent", "answered"] * 4
