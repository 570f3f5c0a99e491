"""Whatever SendGrid or the line to it does: each message's state is the true one, and nobody gets a mail twice."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import sendgrid as connector_module
from connectors.sendgrid import SendgridConnector
from segue.contract import ConfigurationError, Message, Outcome, Result, TransientError
from segue.contract.suite import Sending, send, texts_of
from segue.outbox.journal import Journal
from segue.outbox.send import send as send_window
from tests.connectors.mails import mail
from tests.connectors.sendgrid_wire import DATE, KEY, Reply, SendgridWire, errors

#: The wire's clock, `DATE`, in seconds.
_NOW = 1_778_770_800


@pytest.fixture
def wire() -> Iterator[SendgridWire]:
    with SendgridWire() as server:
        yield server


@pytest.fixture
def connector(wire: SendgridWire) -> Iterator[SendgridConnector]:
    made = SendgridConnector(api_key=KEY, base_url=wire.url, timeout=10)
    yield made
    made.close()


def fates(seen: Sending) -> dict[str, tuple[Outcome, str | None]]:
    assert len({r.key for r in seen.results}) == len(seen.results)
    return {r.key: (r.outcome, r.reason) for r in seen.results}


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"X-RateLimit-Reset": str(_NOW + 42)}, 42),
        ({"X-RateLimit-Reset": str(_NOW - 5)}, 0),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({"X-RateLimit-Reset": str(_NOW + 1_000_000)}, None),
        ({"Retry-After": "7", "X-RateLimit-Reset": str(_NOW + 42)}, 7),
        ({"Retry-After": DATE.replace("15:00", "15:02")}, 120),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_throttled_or_unavailable_is_tried_again_when_it_wishes(
    connector: SendgridConnector, wire: SendgridWire, status: int, headers: dict[str, str], wait: int | None
) -> None:
    wire.reply(Reply(status, headers, errors(None)))
    seen = send(connector, [mail(0), mail(1)])
    assert isinstance(seen.error, TransientError)
    assert seen.error.retry_after == (None if wait is None else timedelta(seconds=wait))
    assert not seen.results
    assert send(connector, [mail(0)]).count() == {Outcome.ACCEPTED: 1}


@pytest.mark.parametrize("status", [401, 403, 404, 405, 415, 302])
def test_what_only_the_installation_can_cure_is_a_configuration_error(
    connector: SendgridConnector, wire: SendgridWire, status: int
) -> None:
    wire.reply(Reply(status, body=errors(None)))
    seen = send(connector, [mail(0), mail(1)])
    assert isinstance(seen.error, ConfigurationError)
    assert not seen.results
    assert KEY not in texts_of(seen.error)


@pytest.mark.parametrize("field", ["from", "from.email", "reply_to.email", "mail_settings.sandbox_mode"])
def test_a_refused_sender_is_a_configuration_error(
    connector: SendgridConnector, wire: SendgridWire, field: str
) -> None:
    wire.reply(Reply(400, body=errors(field)))
    assert isinstance(send(connector, [mail(0), mail(1)]).error, ConfigurationError)


@pytest.mark.parametrize("status", [500, 502, 504, 408, 200, 204])
def test_an_answer_that_does_not_say_is_uncertain_and_asks_nobody_else(
    connector: SendgridConnector, wire: SendgridWire, status: int
) -> None:
    """200 is the sandbox's word, so outside of it nobody knows what it means."""
    wire.reply(Reply(), Reply(status))
    seen = send(connector, [mail(0), mail(1, text="b"), mail(2, text="b"), mail(3, text="c")])
    assert list(fates(seen).values()) == [
        (Outcome.ACCEPTED, None),
        *[(Outcome.UNCERTAIN, "no_answer")] * 2,
        (Outcome.DEFERRED, "unreachable"),
    ]
    assert wire.arrived() == len(seen.left) == 3


def test_trouble_after_the_first_request_defers_the_rest(connector: SendgridConnector, wire: SendgridWire) -> None:
    for trouble, reason in ((Reply(429, {"Retry-After": "9"}), "unreachable"), (Reply(401), "configuration")):
        wire.reply(Reply(), trouble)
        seen = send(connector, [mail(0), mail(1, text="b"), mail(2, text="c")])
        assert seen.error is None
        assert [r.outcome for r in seen.results] == [Outcome.ACCEPTED, Outcome.DEFERRED, Outcome.DEFERRED]
        assert {r.reason for r in seen.results[1:]} == {reason}
        assert seen.results[2].retry_after == (timedelta(seconds=9) if reason == "unreachable" else None)


def test_the_sandbox_checks_and_delivers_nothing(wire: SendgridWire) -> None:
    connector = SendgridConnector(api_key=KEY, base_url=wire.url, timeout=10, sandbox=True)
    wire.reply(Reply(200))
    assert send(connector, [mail(0), mail(1)]).count() == {Outcome.ACCEPTED: 2}
    assert wire.requests[0]["mail_settings"] == {"sandbox_mode": {"enable": True}}
    assert wire.delivered == []
    connector.close()


def test_out_of_reach_says_that_nothing_left() -> None:
    with socket.socket() as taken:  # bound but not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        connector = SendgridConnector(api_key=KEY, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}", timeout=0.3)
        seen = send(connector, [mail(0)])
    assert isinstance(seen.error, TransientError)
    assert seen.left == []


def test_a_server_that_stops_reading_has_not_got_the_request() -> None:
    """A time-out while the body goes out: what arrived is no whole request, so nothing was sent."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.bind(("127.0.0.1", 0))
        server.listen()
        connector = SendgridConnector(api_key=KEY, base_url=f"http://127.0.0.1:{server.getsockname()[1]}", timeout=0.3)
        seen = send(connector, [mail(0, text="x" * 8_000_000)])
    assert isinstance(seen.error, TransientError)
    assert seen.left == [mail(0).key]


def test_silence_after_the_body_is_uncertain(wire: SendgridWire) -> None:
    connector = SendgridConnector(api_key=KEY, base_url=wire.url, timeout=0.5)
    wire.answer("silence")
    seen = send(connector, [mail(0), mail(1)])
    connector.close()
    assert fates(seen) == {mail(n).key: (Outcome.UNCERTAIN, "no_answer") for n in range(2)}


def test_a_status_counts_even_where_its_body_breaks_off(connector: SendgridConnector, wire: SendgridWire) -> None:
    wire.reply(Reply(202, body=b"{", length=100))
    assert send(connector, [mail(0)]).count() == {Outcome.ACCEPTED: 1}
    assert send(connector, [mail(1)]).count() == {Outcome.ACCEPTED: 1}


def test_an_answer_before_the_body_was_read_is_heard(connector: SendgridConnector, wire: SendgridWire) -> None:
    """The server refuses by the head alone and hangs up, while megabytes are still on their way."""
    wire.reply(Reply(401, early=True))
    seen = send(connector, [mail(0, text="x" * 8_000_000)])
    # The reset may overtake the answer; then all that is known is that nothing was sent.
    assert isinstance(seen.error, ConfigurationError | TransientError)
    assert not seen.results


def test_a_line_that_ended_while_it_was_idle_is_replaced(connector: SendgridConnector, wire: SendgridWire) -> None:
    assert send(connector, [mail(0)]).count() == {Outcome.ACCEPTED: 1}
    wire.hang_up()
    assert send(connector, [mail(1)]).count() == {Outcome.ACCEPTED: 1}
    wire.reply(Reply(closes=True, headers={"Connection": "close"}))
    assert send(connector, [mail(2)]).count() == {Outcome.ACCEPTED: 1}
    assert send(connector, [mail(3)]).count() == {Outcome.ACCEPTED: 1}
    assert (wire.kept(), wire.arrived(), wire.connections) == (4, 4, 3)


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("personalizations.{}.to.0.email", "address_refused"),
        ("personalizations.{}.headers", "content_refused"),
        ("content.0.value", "content_refused"),
        (None, "refused"),
        ("personalizations.9999.to", "address_refused"),
    ],
)
def test_a_refusal_costs_only_whom_it_is_about(
    connector: SendgridConnector, wire: SendgridWire, field: str | None, reason: str
) -> None:
    """A server that dislikes three of forty, and says so more or less clearly; nobody else waits, or gets it twice."""
    batch = [mail(number) for number in range(40)]
    disliked = {batch[n].address for n in (0, 17, 39)}

    def choosy(body: dict[str, Any]) -> Reply | None:
        places = [n for n, one in enumerate(body["personalizations"]) if one["to"][0]["email"] in disliked]
        said = [field.format(place) if field else None for place in places]
        return Reply(400, body=errors(*said)) if places else None

    wire.refuse = choosy
    seen = send(connector, batch)
    assert seen.error is None
    assert {m.address for m in batch if fates(seen)[m.key] == (Outcome.REJECTED, reason)} == disliked
    assert seen.count() == {Outcome.ACCEPTED: 37, Outcome.REJECTED: 3}
    assert len(seen.left) == 40  # told once each, however often it was asked
    assert {one.to for one in wire.delivered} == {m.address for m in batch} - disliked
    assert len(wire.delivered) == 37
    assert len(wire.requests) <= 2 * 3 * 7


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"errors": null}', b'{"errors": [1, {}]}', b"\xff"])
def test_a_refusal_nobody_can_read_is_a_refusal(connector: SendgridConnector, wire: SendgridWire, body: bytes) -> None:
    wire.reply(Reply(400, body=body))
    assert fates(send(connector, [mail(0)])) == {mail(0).key: (Outcome.REJECTED, "refused")}


def test_too_large_is_sent_in_halves(connector: SendgridConnector, wire: SendgridWire) -> None:
    wire.reply(Reply(413, body=errors(None)), Reply(413), Reply())
    assert send(connector, [mail(n) for n in range(8)]).count() == {Outcome.ACCEPTED: 8}
    assert wire.sizes() == [8, 4, 2, 2, 4]
    wire.reply(Reply(413))
    assert fates(send(connector, [mail(9)])) == {mail(9).key: (Outcome.REJECTED, "message_too_big")}


def test_what_is_too_large_to_send_is_halved_before_a_byte(
    connector: SendgridConnector, wire: SendgridWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector_module, "_MOST_BYTES", 1_200)
    batch = [mail(n) for n in range(6)] + [mail(6, text="x" * 2_000)]
    seen = send(connector, batch)
    assert seen.count() == {Outcome.ACCEPTED: 6, Outcome.REJECTED: 1}
    assert len(wire.requests) > 1
    assert fates(seen)[batch[6].key] == (Outcome.REJECTED, "message_too_big")
    assert batch[6].key not in seen.left


def test_trouble_in_the_middle_of_taking_apart_keeps_what_is_known(
    connector: SendgridConnector, wire: SendgridWire
) -> None:
    """The first half is taken, the second throttled: nobody is told the wrong thing."""
    wire.reply(Reply(400, body=errors(None)), Reply(), Reply(429))
    seen = send(connector, [mail(n) for n in range(4)])
    assert [r.outcome for r in seen.results] == [Outcome.ACCEPTED] * 2 + [Outcome.DEFERRED] * 2


def test_through_the_outbox_every_message_has_its_state(wire: SendgridWire, tmp_path: Path) -> None:
    connector = SendgridConnector(api_key=KEY, base_url=wire.url, timeout=10)
    journal = Journal(tmp_path)
    batch: list[Message] = [mail(n) for n in range(3)] + [replace(mail(3), address="not one"), mail(4, text="b")]
    wire.reply(Reply(400, body=errors("personalizations.1.to.0.email")), Reply(), Reply(504))
    results: dict[str, Result] = dict(send_window(batch, connector, journal).results)
    assert [(results[m.key].outcome, results[m.key].reason) for m in batch] == [
        (Outcome.ACCEPTED, None),
        (Outcome.REJECTED, "address_refused"),
        (Outcome.ACCEPTED, None),
        (Outcome.REJECTED, "address_malformed"),
        (Outcome.UNCERTAIN, "no_answer"),
    ]
    journal.close(keep=False)
    connector.close()


def test_nobody_is_named_in_errors_or_in_the_log(
    connector: SendgridConnector, wire: SendgridWire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = ""
    for status in (202, 400, 401, 403, 413, 429, 500, 503):
        wire.reply(Reply(status, body=errors("personalizations.0.to", "reader.0@example.com")))
        seen = send(connector, [mail(0)])
        said += texts_of(seen.error) + "".join(str(r.reason) for r in seen.results)
    assert "example.com" not in said + caplog.text
    assert KEY not in said + caplog.text


def test_trouble_after_a_refusal_defers_the_rest(connector: SendgridConnector, wire: SendgridWire) -> None:
    """One was refused for good and is told so; that the others met a busy server must not undo it."""
    wire.reply(Reply(400, body=errors("personalizations.0.to.0.email")), Reply(429))
    seen = send(connector, [mail(n) for n in range(3)])
    assert seen.error is None
    assert [r.outcome for r in seen.results] == [Outcome.REJECTED, Outcome.DEFERRED, Outcome.DEFERRED]
