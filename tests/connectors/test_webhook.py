"""What the webhook connector posts, how it signs, and which settings it takes."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.webhook import WebhookConnector
from segue.contract import Attachment, ConfigurationError, EmailContent, MessageConnector, Outcome, TransientError
from segue.contract.suite import send, texts_of
from tests.connectors.mails import mail, sms
from tests.connectors.webhook_receiver import SECRET, URL, Receiver, connect


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


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
