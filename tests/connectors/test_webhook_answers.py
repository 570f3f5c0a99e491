"""What the webhook connector makes of receivers that refuse, half accept or talk nonsense."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.webhook import WebhookConnector
from connectors.webhook_body import results
from connectors.webhook_line import Answer
from segue.contract import (
    ConfigurationError,
    ConnectorError,
    Key,
    Outcome,
    RejectedError,
    TransientError,
    UncertainError,
)
from segue.contract.suite import send, texts_of
from tests.connectors.mails import mail
from tests.connectors.webhook_receiver import SECRET, Receiver, connect


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def connector(receiver: Receiver) -> Iterator[WebhookConnector]:
    connector = connect(receiver.url)
    yield connector
    connector.close()


@pytest.mark.parametrize(
    ("status", "headers", "wanted", "wish"),
    [
        (429, {"Retry-After": "30"}, TransientError, 30),
        (429, {}, TransientError, None),
        (429, {"Retry-After": "soon"}, TransientError, None),
        (429, {"Retry-After": "-5"}, TransientError, None),
        (429, {"Retry-After": "1e999"}, TransientError, None),
        (
            503,
            {"Date": "Thu, 14 May 2026 15:00:00 GMT", "Retry-After": "Thu, 14 May 2026 15:02:00 GMT"},
            TransientError,
            120,
        ),
        (503, {}, TransientError, None),
        (408, {}, TransientError, None),
        (500, {}, UncertainError, None),
        (502, {}, UncertainError, None),
        (504, {"Retry-After": "30"}, UncertainError, None),
        (401, {}, ConfigurationError, None),
        (403, {}, ConfigurationError, None),
        (404, {}, ConfigurationError, None),
        (410, {}, ConfigurationError, None),
        (415, {}, ConfigurationError, None),
        (301, {"Location": "https://elsewhere.example.com/"}, ConfigurationError, None),
        (307, {"Location": "/elsewhere"}, ConfigurationError, None),
        (400, {}, RejectedError, None),
        (413, {}, RejectedError, None),
        (422, {}, RejectedError, None),
    ],
)
def test_each_status_has_its_state(
    receiver: Receiver,
    connector: WebhookConnector,
    status: int,
    headers: dict[str, str],
    wanted: type[ConnectorError],
    wish: int | None,
) -> None:
    """It concerns the whole request; the line is good for the next one; nothing personal or secret is told."""
    receiver.whole.append((status, headers, b"sarah@example.com and +12025550123"))
    seen = send(connector, [mail(1), mail(2)])
    assert type(seen.error) is wanted
    assert not seen.results
    assert len(seen.left) == 2
    assert getattr(seen.error, "retry_after", None) == (timedelta(seconds=wish) if wish is not None else None)
    told = texts_of(seen.error)
    assert not [word for word in ("sarah", "+1202", "reader", "shop=7", SECRET) if word in told]
    assert send(connector, [mail(3)]).count() == {Outcome.ACCEPTED: 1}
    assert [len(request["messages"]) for request in receiver.requests] == [2, 1]


def test_a_half_accepted_batch_is_told_apart(receiver: Receiver, connector: WebhookConnector) -> None:
    receiver.answer("ok", "rejected", "throttled", "silence", "ok")
    seen = send(connector, [mail(n) for n in range(5)])
    assert [(r.outcome, r.reason) for r in seen.results] == [
        (Outcome.ACCEPTED, None),
        (Outcome.REJECTED, "mailbox_unknown"),
        (Outcome.DEFERRED, "busy"),
        (Outcome.UNCERTAIN, "line_lost"),
        (Outcome.ACCEPTED, None),
    ]
    assert [r.provider_id for r in seen.results] == ["shop-1", None, None, None, "shop-1"]
    assert [r.suppress for r in seen.results] == [False, True, False, False, False]
    assert seen.results[2].retry_after == timedelta(seconds=30)


A, B = mail(1).key, mail(2).key
YES = {"key": A, "outcome": "accepted"}


@pytest.mark.parametrize(
    ("said", "fates"),
    [
        (b"", "aa"),
        (b"ok", "aa"),
        (b'{"status": "success"}', "aa"),
        (b'{"results": null}', "aa"),
        (b"7", "aa"),
        (json.dumps({"results": [YES]}).encode(), "au"),
        (json.dumps([YES]).encode(), "au"),
        (json.dumps({"results": [YES, YES, {**YES, "key": B}]}).encode(), "aa"),
        (json.dumps({"results": [YES, {**YES, "outcome": "rejected"}, {**YES, "key": B}]}).encode(), "ua"),
        (json.dumps({"results": [{**YES, "key": "x"}, {**YES, "key": B}]}).encode(), "ua"),
        (json.dumps({"results": [{**YES, "outcome": "sent"}, "no", None, {"key": B}]}).encode(), "uu"),
        (b'{"results": {}}', "uu"),
        (b'{"results": [{"key": "', "uu"),
        (b'{"results": \xff}', "uu"),
        (b"[" * 100_000, "uu"),
    ],
)
def test_what_a_yes_may_say(receiver: Receiver, connector: WebhookConnector, said: bytes, fates: str) -> None:
    """Nothing is taken as accepted that a garbled answer may have meant otherwise."""
    receiver.whole.append((200, {}, said))
    seen = send(connector, [mail(1), mail(2)])
    assert seen.error is None
    assert [r.outcome.value[0] for r in seen.results] == list(fates)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.just(A), st.lists))
def test_no_field_of_an_answer_breaks_it(junk: object) -> None:
    """A reason is a word; whatever else stands there is dropped, an address or a number for one."""
    for outcome in ("accepted", "rejected", "deferred", "uncertain", junk):
        told = {"key": A, "outcome": outcome, "reason": junk, "id": junk, "suppress": junk, "retry_after": junk}
        (result,) = results([A], Answer(body={"results": [told]}, is_broken=False))
        assert result.key == A
        assert result.reason is None or result.reason.isascii()
        assert result.suppress is (outcome == "rejected" and junk is True)


@pytest.mark.parametrize(
    "reason", ["sarah@example.com", "+12025550123", "12025550123", "a12025550123", "No such user", "x" * 41, "", 7]
)
def test_a_reason_that_could_name_somebody_is_dropped(reason: object) -> None:
    told = {"results": [{"key": A, "outcome": "rejected", "reason": reason}]}
    (result,) = results([Key(A)], Answer(body=told, is_broken=False))
    assert result.reason == "refused"


def test_one_messages_fate_does_not_stop_the_connector() -> None:
    """`configuration` is what the outbox pauses a connector for."""
    told = {"results": [{"key": A, "outcome": "deferred", "reason": "configuration"}]}
    (result,) = results([Key(A)], Answer(body=told, is_broken=False))
    assert result.reason == "later"
