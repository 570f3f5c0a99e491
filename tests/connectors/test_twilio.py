"""The twilio connector: what it asks of Twilio, what it makes of the answers, and what it never does."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.twilio import TwilioConnector
from segue.contract import (
    Channel,
    ConfigurationError,
    Cost,
    Key,
    Message,
    Outcome,
    SmsContent,
    TransientError,
    UnsupportedError,
)
from segue.contract.suite import message, send, texts_of
from tests.connectors.twilio_judge import HAS_SPECIFICATION, MISSING, complaints
from tests.connectors.twilio_wire import ACCOUNT, NUMBER, SERVICE, TOKEN, TwilioWire, basic

pytestmark = pytest.mark.timeout(60)
OPTIONS: dict[str, Any] = {"account_sid": ACCOUNT, "auth_token": TOKEN, "from_number": NUMBER, "timeout": 10.0}
PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


@pytest.fixture
def wire() -> Iterator[TwilioWire]:
    with TwilioWire() as server:
        yield server


@pytest.fixture
def connector(wire: TwilioWire) -> Iterator[TwilioConnector]:
    made = TwilioConnector(**OPTIONS, base_url=wire.url)
    yield made
    made.close()


def texts(count: int) -> list[Message]:
    return [message(number, Channel.SMS) for number in range(count)]


def saying(words: str, **changes: Any) -> Message:
    return replace(message(1, Channel.SMS), content=SmsContent(text=words, segments=1), **changes)


def test_asks_for_one_message(wire: TwilioWire, connector: TwilioConnector) -> None:
    seen = send(connector, [saying("Schöne Grüße & 10 % off = €5", address="+447700900123")])
    assert seen.count() == {Outcome.ACCEPTED: 1}
    assert seen.results[0].provider_id == f"SM{1:032x}"
    assert wire.forms == [
        {
            "": PATH,
            "To": "+447700900123",
            "From": NUMBER,
            "Body": "Schöne Grüße & 10 % off = €5",
            "ValidityPeriod": str(6 * 3600 - 5 if wire.forms[0]["ValidityPeriod"] == "21595" else 6 * 3600 - 6),
        }
    ]
    assert wire.users == [basic(ACCOUNT, TOKEN)]


def test_a_service_sends_and_news_go_where_they_are_wanted(wire: TwilioWire) -> None:
    options = OPTIONS | {"from_number": "", "auth_token": "", "api_key": "SK" + "ab" * 16, "api_secret": "s3cret"}
    connector = TwilioConnector(
        **options,
        messaging_service=SERVICE,
        base_url=wire.url + "/proxy/",
        status_callback="https://shop.example.com/t?a=1",
    )
    try:
        send(connector, [saying("hello", valid_until=None)])
    finally:
        connector.close()
    assert wire.forms == [
        {
            "": "/proxy" + PATH,
            "To": "+12025550101",
            "MessagingServiceSid": SERVICE,
            "Body": "hello",
            "StatusCallback": "https://shop.example.com/t?a=1",
        }
    ]
    assert wire.users == [basic(options["api_key"], "s3cret")]
    wire.complaints.remove("this is not where messages are created")


@pytest.mark.parametrize(
    ("left", "asked"), [(36_100, 36_000), (3_600, 3_595), (6, 1), (1.5, 1), (0.9, None), (0, None), (-5, None)]
)
def test_the_validity_ends_with_her_window(
    wire: TwilioWire, connector: TwilioConnector, left: float, asked: int | None
) -> None:
    one = message(1, Channel.SMS)
    seen = send(connector, [replace(one, valid_until=one.at + timedelta(seconds=left))])
    if asked is None:
        assert (seen.results[0].outcome, seen.results[0].reason, seen.left, wire.forms) == (
            Outcome.REJECTED,
            "too_late",
            [],
            [],
        )
    else:
        assert asked - int(wire.forms[0]["ValidityPeriod"]) in {0, 1}, "what passed since send was called counts, too"


def test_what_passes_while_it_waits_for_a_connection_shortens_the_validity(wire: TwilioWire) -> None:
    connector = TwilioConnector(**OPTIONS | {"timeout": 1.3}, base_url=wire.url, connections=1)
    wire.answer("silence", "ok")
    soon = [replace(one, valid_until=one.at + timedelta(seconds=2)) for one in texts(2)]
    try:
        seen = send(connector, soon)
    finally:
        connector.close()
    assert [(one.outcome, one.reason) for one in seen.results] == [
        (Outcome.UNCERTAIN, "no_answer"),
        (Outcome.REJECTED, "too_late"),
    ]
    assert wire.arrived() == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"address": "12025550123"}, "number_malformed"),
        ({"address": "+0123456789"}, "number_malformed"),
        ({"address": "+1202555012٣"}, "number_malformed"),
        ({"address": "+12025550123\n"}, "number_malformed"),
        ({"address": ""}, "number_malformed"),
        ({"content": SmsContent(text=" \n", segments=1)}, "content_malformed"),
        ({"content": SmsContent(text="half a pair \ud83d", segments=1)}, "content_malformed"),
        ({"content": SmsContent(text="x" * 1_601, segments=11)}, "content_too_long"),
        ({"content": SmsContent(text="👟" * 801, segments=24)}, "content_too_long"),
    ],
)
def test_what_twilio_would_refuse_never_leaves(
    wire: TwilioWire, connector: TwilioConnector, changes: dict[str, Any], reason: str
) -> None:
    batch = [replace(message(1, Channel.SMS), **changes), message(2, Channel.SMS)]
    seen = send(connector, batch)
    fates = {one.key: one for one in seen.results}
    assert (fates[batch[0].key].outcome, fates[batch[0].key].reason) == (Outcome.REJECTED, reason)
    assert not fates[batch[0].key].suppress
    assert fates[batch[1].key].outcome is Outcome.ACCEPTED
    assert wire.arrived() == 1


def test_the_longest_text_leaves(wire: TwilioWire, connector: TwilioConnector) -> None:
    assert send(connector, [saying("x" * 1_600), saying("👟" * 800)]).count() == {Outcome.ACCEPTED: 2}


def test_carries_no_mail(wire: TwilioWire, connector: TwilioConnector) -> None:
    with pytest.raises(UnsupportedError):
        list(connector.send([message(1, Channel.EMAIL)], lambda _key: None))


@pytest.mark.parametrize(
    ("answer", "outcome", "reason", "suppress"),
    [
        (21610, Outcome.REJECTED, "opted_out", True),
        ("failed at once", Outcome.REJECTED, "opted_out", True),
        (21211, Outcome.REJECTED, "number_invalid", True),
        (21614, Outcome.REJECTED, "number_not_mobile", True),
        (21635, Outcome.REJECTED, "number_is_a_landline", True),
        (21612, Outcome.REJECTED, "unreachable", False),
        (21617, Outcome.REJECTED, "content_too_long", False),
        (29999, Outcome.REJECTED, "twilio_29999", False),
        (21408, Outcome.DEFERRED, "region_not_enabled", False),
        (21611, Outcome.DEFERRED, "queue_full", False),
        ("throttled", Outcome.DEFERRED, "throttled", False),
        ("throttled without a word", Outcome.DEFERRED, "throttled", False),
        ("broken", Outcome.UNCERTAIN, "status_500", False),
        ("away", Outcome.UNCERTAIN, "status_503", False),
        ("not json", Outcome.UNCERTAIN, "unreadable_answer", False),
        ("cut", Outcome.UNCERTAIN, "connection_lost", False),
    ],
)
def test_each_answer_is_that_messages_fate(
    wire: TwilioWire, connector: TwilioConnector, answer: str | int, outcome: Outcome, reason: str, *, suppress: bool
) -> None:
    wire.answer(answer)
    (result,) = send(connector, texts(1)).results
    assert (result.outcome, result.reason, result.suppress) == (outcome, reason, suppress)


def test_silence_is_uncertain(wire: TwilioWire) -> None:
    connector = TwilioConnector(**OPTIONS | {"timeout": 0.5}, base_url=wire.url)
    wire.answer("silence")
    try:
        (result,) = send(connector, texts(1)).results
    finally:
        connector.close()
    assert (result.outcome, result.reason, result.suppress) == (Outcome.UNCERTAIN, "no_answer", False)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        ("throttled", timedelta(seconds=7)),
        ("throttled without a word", None),
        (21611, timedelta(minutes=15)),
        (21408, timedelta(hours=1)),
    ],
)
def test_says_when_to_come_back(
    wire: TwilioWire, connector: TwilioConnector, answer: str | int, wait: timedelta | None
) -> None:
    wire.answer(answer)
    assert [one.retry_after for one in send(connector, texts(2)).results] == [wait, wait]


@pytest.mark.parametrize(
    ("answer", "cure"),
    [
        ("unauthorised", "auth_token"),
        (20404, "account_sid"),
        (21212, "from_number"),
        (21606, "from_number"),
        (21659, "from_number"),
        (21608, "trial"),
        (21703, "messaging service"),
        ("somebody else", "base_url"),
    ],
)
def test_what_is_wrong_with_us_stops_the_channel(
    wire: TwilioWire, connector: TwilioConnector, answer: str | int, cure: str
) -> None:
    wire.answer(answer)
    seen = send(connector, texts(3))
    assert isinstance(seen.error, ConfigurationError)
    assert cure in str(seen.error)
    assert "+1202555" not in texts_of(seen.error)
    wire.answer("ok", answer)
    half = send(connector, texts(3))
    assert half.error is None
    assert [(one.outcome, one.reason) for one in half.results] == [
        (Outcome.ACCEPTED, None),
        (Outcome.DEFERRED, "configuration"),
        (Outcome.DEFERRED, "configuration"),
    ]


def test_nobody_there_is_transient_and_nothing_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    connector = TwilioConnector(**OPTIONS, base_url=f"http://127.0.0.1:{port}")
    seen = send(connector, texts(3))
    connector.close()
    assert isinstance(seen.error, TransientError)
    assert seen.left == []


def test_a_time_out_while_connecting_is_transient_and_nothing_left() -> None:
    """A server that listens and whose queue is full answers no greeting."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        connector = TwilioConnector(**OPTIONS | {"timeout": 0.2}, base_url=f"http://127.0.0.1:{port}")
        seen = send(connector, texts(1))
        connector.close()
        for filler in fillers:
            filler.close()
    assert isinstance(seen.error, TransientError)
    assert seen.left == []


def test_several_are_in_flight_and_words_are_said_in_the_callers_thread(wire: TwilioWire) -> None:
    connector = TwilioConnector(**OPTIONS | {"timeout": 5}, base_url=wire.url, connections=6)
    wire.together = threading.Barrier(6)
    heard = set()
    try:
        results = list(connector.send(texts(6), lambda _key: heard.add(threading.get_ident())))
        wire.together = None
        results += connector.send(texts(6), lambda _key: heard.add(threading.get_ident()))
    finally:
        connector.close()
    assert {one.outcome for one in results} == {Outcome.ACCEPTED}
    assert wire.most_at_once == 6, "or the barrier would have broken"
    assert wire.connections <= 6, "connections are kept"
    assert heard == {threading.get_ident()}


def test_who_stops_listening_holds_back_what_has_not_left(wire: TwilioWire) -> None:
    connector = TwilioConnector(**OPTIONS, base_url=wire.url, connections=2)
    left: list[Key] = []
    results = connector.send(texts(8), left.append)
    next(results)
    results.close()  # type: ignore[attr-defined]
    connector.close()
    time.sleep(0.05)
    assert wire.arrived() == len(left) <= 4


def test_what_goes_wrong_with_the_journal_is_raised_and_nothing_leaves(
    wire: TwilioWire, connector: TwilioConnector
) -> None:
    def full(_key: Key) -> None:
        raise OSError("no space left on the device")

    with pytest.raises(OSError, match="no space"):
        list(connector.send(texts(3), full))
    assert wire.arrived() == 0
    assert send(connector, texts(2)).count() == {Outcome.ACCEPTED: 2}, "it is as good as before"


def test_a_connection_the_other_side_closed_is_not_used_again(wire: TwilioWire, connector: TwilioConnector) -> None:
    send(connector, texts(1))
    connector._flight._lines[0]._http._connection.sock.shutdown(socket.SHUT_WR)  # type: ignore[union-attr]
    time.sleep(0.05)  # the server sees the end and hangs up
    for _ in range(8):  # each of its lines has its turn
        assert send(connector, texts(1)).count() == {Outcome.ACCEPTED: 1}


def test_reads_no_environment_and_logs_nobody(
    wire: TwilioWire, connector: TwilioConnector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_EDGE", "TWILIO_REGION", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://elsewhere.example.com")
    fresh = TwilioConnector(**OPTIONS, base_url=wire.url)
    with caplog.at_level(logging.DEBUG):
        wire.answer("ok", 21610, 21211, "cut")
        send(fresh, texts(4))
    fresh.close()
    assert wire.arrived() == 4
    assert set(wire.users) == {basic(ACCOUNT, TOKEN)}
    for secret in ("+1202555", "leggings", TOKEN, basic(ACCOUNT, TOKEN)):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"from_number": ""}, "messaging_service and from_number"),
        ({"messaging_service": SERVICE}, "messaging_service and from_number"),
        ({"from_number": "", "messaging_service": "MG12"}, "messaging_service"),
        ({"from_number": "012345678901"}, "from_number"),
        ({"account_sid": "AC12"}, "account_sid"),
        ({"auth_token": ""}, "auth_token"),
        ({"api_key": "SK" + "ab" * 16}, "api_secret"),
        ({"api_key": "AB" + "ab" * 16, "auth_token": "", "api_secret": "x"}, "api_key"),
        ({"api_key": "SK" + "ab" * 16, "api_secret": "x"}, "auth_token, or"),
        ({"status_callback": "shop.example.com"}, "status_callback"),
        ({"status_callback": "https://my_shop.example.com/"}, "status_callback"),
        ({"base_url": "ftp://example.com"}, "base_url"),
        ({"connections": 0}, "connections"),
        ({"timeout": 0}, "timeout"),
        ({"pace_per_second": -1}, "pace_per_second"),
        ({"price_per_segment": "cheap"}, "price_per_segment"),
        ({"price_per_segment": "NaN"}, "price_per_segment"),
        ({"price_per_segment": -0.1}, "price_per_segment"),
        ({"prices": "+1=0.01,+1=0.02"}, "prices"),
        ({"prices": "1=0.01"}, "prices"),
        ({"prices": "+1=Infinity"}, "prices"),
        ({"currency": "dollars"}, "currency"),
    ],
)
def test_settings_that_cannot_work_are_named(changes: dict[str, Any], option: str) -> None:
    with pytest.raises(ConfigurationError, match=option) as told:
        TwilioConnector(**OPTIONS | changes)
    assert TOKEN not in str(told.value)


@pytest.mark.parametrize("number", ["+12025550100", "72473", "BRAND", "Brand 24"])
def test_numbers_short_codes_and_words_send(number: str) -> None:
    TwilioConnector(**OPTIONS | {"from_number": number}).close()


def test_a_long_code_takes_a_segment_a_second_unless_told_otherwise() -> None:
    assert TwilioConnector(**OPTIONS).capabilities.pace_per_second == 1.0
    assert TwilioConnector(**OPTIONS, pace_per_second=0).capabilities.pace_per_second is None
    assert TwilioConnector(**OPTIONS, pace_per_second=100).capabilities.pace_per_second == 100


@pytest.mark.parametrize(
    ("number", "segments", "cost"),
    [
        ("+12025550123", 1, Cost(micros=8_300, currency="USD")),
        ("+12025550123", 3, Cost(micros=24_900, currency="USD")),
        ("+447700900123", 2, Cost(micros=92_600, currency="USD")),
        ("+441534000000", 1, Cost(micros=200_000, currency="USD")),
        ("+4917600000000", 1, Cost(micros=50_000, currency="USD")),
    ],
)
def test_the_longest_prefix_has_the_price(number: str, segments: int, cost: Cost) -> None:
    connector = TwilioConnector(
        **OPTIONS, price_per_segment=0.05, prices="+44 = 0.0463, +1=0.0083, +441534=0.2,", currency="USD"
    )
    one = replace(message(1, Channel.SMS), address=number, content=SmsContent(text="t", segments=segments))
    assert connector.cost(one) == cost
    assert connector.cost(message(1, Channel.EMAIL)) is None


def test_without_a_price_nothing_is_known() -> None:
    assert TwilioConnector(**OPTIONS).cost(message(1, Channel.SMS)) is None
    assert TwilioConnector(**OPTIONS, prices="+44=0.04").cost(message(1, Channel.SMS)) is None


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"From": None}, "one sender"),
        ({"MessagingServiceSid": SERVICE}, "one sender"),
        ({"MessagingServiceSid": "MG12", "From": None}, "MG"),
        ({"To": "hello"}, "E.164"),
        ({"Body": "x" * 1_601}, "1,600"),
        ({"ValidityPeriod": "36001"}, "36,000"),
        ({"StatusCallback": "not a url"}, "uri"),
        ({"Colour": "red"}, "Colour"),
    ],
)
@pytest.mark.skipif(not HAS_SPECIFICATION, reason=MISSING)
def test_the_judge_has_teeth(changes: dict[str, str | None], complaint: str) -> None:
    good: dict[str, str | None] = {"To": "+12025550123", "From": NUMBER, "Body": "hello", "ValidityPeriod": "60"}
    assert complaints(PATH, {name: [text] for name, text in good.items() if text}) == []
    if complaint == "uri":
        pytest.importorskip("rfc3986_validator", reason="jsonschema checks addresses only with this package")
    said = complaints(PATH, {name: [text] for name, text in (good | changes).items() if text})
    assert any(complaint in one for one in said)
    assert complaints(PATH.replace(ACCOUNT, "AC12"), {}) != []
