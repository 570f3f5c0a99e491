"""What the webhook connector makes of receivers that refuse, stall, hang up, half accept or talk nonsense."""

from __future__ import annotations

import json
import socket
import threading
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.webhook import WebhookConnector
from connectors.webhook_body import results
from connectors.webhook_line import Answer
from segue.contract import (
    Attachment,
    ConfigurationError,
    ConnectorError,
    EmailContent,
    Key,
    MessageConnector,
    Outcome,
    RejectedError,
    TransientError,
    UncertainError,
)
from segue.contract.signing import SIGNATURE_HEADER, verify
from segue.contract.suite import send, texts_of
from tests.connectors.mails import mail, sms
from tests.connectors.webhook_receiver import PAGE, SCHEMA, SECRET, Receiver, blocks, receiving

URL = "https://hooks.example.com/segue?shop=7"


@pytest.fixture(scope="module")
def building() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def receiver(building: Receiver) -> Receiver:
    building.requests.clear()
    building.headers.clear()
    building.whole.clear()
    building.answer("ok")
    building.secret, building.connections = SECRET, 0
    return building


def connect(base_url: str, **options: Any) -> WebhookConnector:
    return WebhookConnector(**({"url": URL, "secret": SECRET, "base_url": base_url, "timeout": 2.0} | options))


@pytest.fixture
def connector(receiver: Receiver) -> Iterator[WebhookConnector]:
    connector = connect(receiver.url)
    yield connector
    connector.close()


def test_a_batch_is_one_request_on_a_kept_connection(receiver: Receiver, connector: WebhookConnector) -> None:
    for first in (0, 100):
        seen = send(connector, [mail(n) for n in range(first, first + 100)])
        assert seen.count() == {Outcome.ACCEPTED: 100}
    assert [len(request["messages"]) for request in receiver.requests] == [100, 100]
    assert receiver.connections == 1
    assert isinstance(connector, MessageConnector)


def test_the_words_arrive_as_they_were(receiver: Receiver, connector: WebhookConnector) -> None:
    """Quotes, right-to-left, emoji, and half a character that no JSON may hold."""
    words = '{"a": 1} \\ שלום 🧤\n\ud800'
    assert send(connector, [mail(1, subject=words, text=words), sms(2, text=words)]).count() == {Outcome.ACCEPTED: 2}
    (request,) = receiver.requests
    told, text = request["messages"]
    wanted = words.replace("\ud800", "?")
    parts = [told["email"][name] for name in ("subject", "text", "html")]
    assert parts == [wanted, wanted, f"<p>{wanted}</p>"]
    assert told["email"]["from"] == {"name": "Brand", "address": "hello@example.com"}
    assert (told["to"], told["at"], told["valid_until"]) == ("reader.1@example.com", "2026-05-14T15:00:00Z", None)
    assert (text["to"], text["sms"]) == ("+12025550102", {"text": wanted, "segments": 1})


def test_files_come_with_it(receiver: Receiver, connector: WebhookConnector) -> None:
    file = Attachment(name="invite.ics", media_type="text/calendar; charset=utf-8", data=b"BEGIN:VCALENDAR\xff")
    plain = mail(1)
    assert isinstance(plain.content, EmailContent)
    send(connector, [replace(plain, content=replace(plain.content, attachments=(file,)))])
    (told,) = receiver.requests[0]["messages"][0]["email"]["attachments"]
    assert (told["name"], told["media_type"]) == (file.name, file.media_type)
    assert b64decode(told["base64"]) == file.data


def test_the_idempotency_key_is_the_key_and_of_a_batch_its_own(receiver: Receiver, connector: WebhookConnector) -> None:
    for batch in ([mail(1)], [mail(1), mail(2)], [mail(1), mail(2)], [mail(2)]):
        send(connector, batch)
    one, two, again, other = (headers["Idempotency-Key"] for headers in receiver.headers)
    assert (one, other) == (mail(1).key, mail(2).key)
    assert two == again
    assert len({one, two, other}) == 3


def test_while_secrets_change_either_side_may_go_first(receiver: Receiver) -> None:
    new = "another-secret-of-the-tests"
    ours = connect(receiver.url, secret=f"{new} {SECRET}")
    for receiver.secret in (SECRET, new):
        assert send(ours, [mail(1)]).count() == {Outcome.ACCEPTED: 1}
    ours.close()
    alone = connect(receiver.url, secret=SECRET)
    assert isinstance(send(alone, [mail(1)]).error, ConfigurationError)
    alone.close()


def test_it_signs_with_the_seconds_it_is_given(receiver: Receiver) -> None:
    ours = connect(receiver.url, seconds=lambda: 1_780_000_000.9)
    seen = send(ours, [mail(1)])
    ours.close()
    assert isinstance(seen.error, ConfigurationError), "the receiver takes no request of another day"
    assert "secret" in str(seen.error)


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


class Script:
    """A raw socket that plays each connection with a function of its own, for troubles no web server makes."""

    def __init__(self, *plays: Any) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(plays,), daemon=True)
        self._thread.start()

    def _run(self, plays: Any) -> None:
        for play in plays:
            connection, _ = self._socket.accept()
            with connection:
                play(self, connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._thread.join(5)
        self._socket.close()


def read_request(connection: socket.socket) -> bytes:
    """One whole request."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65_536)
    head, _, body = text.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < length:
        body += connection.recv(65_536)
    return body


def say(text: bytes) -> Any:
    """Read a request, say this, and hang up."""

    def play(script: Script, connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(text)

    return play


def stall(script: Script, connection: socket.socket) -> None:
    script.over.wait(5)


def reset(script: Script, connection: socket.socket) -> None:
    """Hang up in the middle of a body too long for the buffers between."""
    connection.recv(1_000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def refuse_early(script: Script, connection: socket.socket) -> None:
    """Say no to a long body without reading it, and close for reading as web servers do."""
    connection.recv(1_000)
    connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    script.over.wait(1)


LONG = "x" * 8_000_000


@pytest.mark.parametrize(
    ("play", "text", "wanted"),
    [
        (stall, "Words", UncertainError),
        (stall, LONG, TransientError),
        (reset, LONG, TransientError),
        (say(b""), "Words", UncertainError),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{"), "Words", UncertainError),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"), "Words", UncertainError),
        (say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "Words", UncertainError),
        (say(b"good morning\r\n\r\n"), "Words", UncertainError),
        (say(b"HTTP/1.1 200"), "Words", None),
    ],
    ids=[
        "stalls",
        "stalls-early",
        "resets-early",
        "hangs-up",
        "half-a-body",
        "no-body",
        "bad-chunk",
        "no-http",
        "bare-yes",
    ],
)
def test_before_and_after_the_body_left(play: Any, text: str, wanted: type[ConnectorError] | None) -> None:
    """A request that was not written to its end is not taken by anybody; one that was may have been."""
    with Script(play) as script:
        ours = connect(script.url, timeout=0.5)
        seen = send(ours, [mail(1, text=text)])
        ours.close()
    assert type(seen.error) is (wanted or type(None))
    assert [r.outcome for r in seen.results] == ([] if wanted else [Outcome.ACCEPTED])


def test_a_refusal_spoken_before_the_body_was_read_is_heard() -> None:
    """Else a batch that is too long would come again and again."""
    with Script(refuse_early) as script:
        ours = connect(script.url, timeout=0.5)
        seen = send(ours, [mail(1, text=LONG)])
        script.over.set()
        ours.close()
    assert isinstance(seen.error, RejectedError)
    assert seen.error.reason == "too_big"


def test_nobody_there_is_transient_and_nothing_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seen = send(connect(f"http://127.0.0.1:{port}"), [mail(1)])
    assert isinstance(seen.error, TransientError)
    assert seen.left == []


def test_a_kept_line_that_was_hung_up_is_opened_again() -> None:
    """Not one message is uncertain because a server closed a connection that idled."""
    good = say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")  # and hangs up, without a word about it
    with Script(good, good, good) as script:
        ours = connect(script.url)
        for number in range(3):
            assert send(ours, [mail(number)]).count() == {Outcome.ACCEPTED: 1}
            assert ours._line._connection.sock is None or _hung_up(ours)
        ours.close()


def _hung_up(ours: WebhookConnector) -> bool:
    """Wait until the other side's goodbye has come."""
    sock = ours._line._connection.sock
    assert sock is not None
    sock.settimeout(2)
    return sock.recv(1, socket.MSG_PEEK) == b""


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://hooks.example.com/"},
        {"url": "ftp://hooks.example.com/"},
        {"url": "hooks.example.com"},
        {"url": "https://"},
        {"url": "https://hooks.example.com:x/"},
        {"url": "https://name:swordfish@hooks.example.com/"},
        {"url": "https://hooks.example.com/a b"},
        {"url": "https://hooks.example.com/a\r\nX: y"},
        {"url": "http://localhost.example.com/"},
        {"base_url": "http://10.0.0.1/"},
        {"secret": ""},
        {"secret": "short"},
        {"secret": f"{SECRET} short"},
        {"batch": 0},
        {"batch": 501},
        {"timeout": 0},
        {"ca_file": "/nowhere/ca.pem", "base_url": ""},
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    """And never shown: an address may hold a key of its own."""
    with pytest.raises(ConfigurationError) as told:
        WebhookConnector(**({"url": URL, "secret": SECRET} | options))
    assert SECRET not in texts_of(told.value)
    assert "swordfish" not in texts_of(told.value)


def test_https_checks_who_is_there(receiver: Receiver) -> None:
    """A server that speaks no TLS is out of reach, not trusted."""
    ours = connect(receiver.url.replace("http:", "https:"))
    seen = send(ours, [mail(1)])
    assert isinstance(seen.error, TransientError | ConfigurationError)
    assert receiver.requests == []


def test_the_pages_receiver_works(receiver: Receiver, connector: WebhookConnector) -> None:
    """The Python on the page, run as it stands against what the connector sends."""
    (code,) = [block for block in blocks("python") if "def receive" in block]
    page: dict[str, Any] = {}
    exec(code.replace("what openssl said", SECRET), page)  # noqa: S102 - our own page
    raw: list[tuple[dict[str, str], bytes]] = []

    def keep(script: Script, connection: socket.socket) -> None:
        text = connection.recv(65_536)
        while not text.rstrip().endswith(b"}"):
            text += connection.recv(65_536)
        head, _, body = text.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
        raw.append((dict(lines), body))
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    with Script(keep) as script:
        ours = connect(script.url)
        assert send(ours, [sms(1)]).count() == {Outcome.ACCEPTED: 1}
        ours.close()
    ((headers, body),) = raw
    assert page["receive"](headers, body) == 202
    assert page["receive"](headers, body + b" ") == 401
    assert page["receive"]({}, body) == 401
    with pytest.raises(ValueError, match="no signature fits"):
        verify(body, headers[SIGNATURE_HEADER], secrets=["another-secret-of-the-tests"], now=0)


def test_the_pages_examples_are_what_the_schema_says() -> None:
    """And the answer on it gives each message its own fate."""
    told = [json.loads(text) for text in blocks("json")]
    examples = [one for one in told if "type" in one and "$schema" not in one]
    assert len(examples) == 2
    assert [error.message for one in examples for error in SCHEMA.iter_errors(one)] == []
    (answer,) = [one for one in told if "results" in one]
    keys = [Key(one["key"]) for one in answer["results"]]
    fates = [result.outcome.value for result in results(keys, Answer(body=answer, is_broken=False))]
    assert fates == [one["outcome"] for one in answer["results"]]


def test_the_page_names_every_setting() -> None:
    import inspect

    options = set(inspect.signature(WebhookConnector).parameters) - {"seconds"}
    rows = {line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `") and line.count("|") == 4}
    assert options <= rows
