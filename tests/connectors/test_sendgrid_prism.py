"""The sendgrid connector against SendGrid's own specification, served by Prism: a judge nobody here wrote.

Prism is an npm package; where it or the specification is not at hand these tests skip and say how to get it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sendgrid import SendGridAPIClient

from connectors.sendgrid import SendgridConnector
from connectors.sendgrid_line import KeptClient, Line
from segue.contract import Attachment, ConfigurationError, EmailContent, Key, Message, Outcome
from segue.contract.suite import send
from tests.connectors.mails import mail
from tests.connectors.prism import needs_prism, serving
from tests.connectors.sendgrid_judge import HAS_SPECIFICATION, MISSING, specification
from tests.connectors.sendgrid_wire import KEY

pytestmark = [
    pytest.mark.skipif(not HAS_SPECIFICATION, reason=MISSING),
    needs_prism,
    pytest.mark.xdist_group("prism"),
]


@pytest.fixture(scope="module")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Prism's address; it refuses what the specification does not allow."""
    file = tmp_path_factory.mktemp("prism") / "mail.json"
    file.write_text(json.dumps(specification()), "utf-8")
    with serving(file) as address:
        yield address


@pytest.fixture
def connector(prism: str) -> Iterator[SendgridConnector]:
    made = SendgridConnector(api_key=KEY, base_url=prism, timeout=30)
    yield made
    made.close()


def kitchen_sink(number: int) -> Message:
    """A mail with everything that a mail can have."""
    message = mail(number, subject=f"For reader {number}")
    assert isinstance(message.content, EmailContent)
    frame = replace(message.content.frame, reply_to="care@example.com", headers=(("Feedback-ID", "a:b::c"),))
    invite = Attachment(name="invite.ics", media_type="text/calendar; charset=utf-8", data=b"BEGIN:VCALENDAR")
    return replace(
        message,
        content=replace(
            message.content, frame=frame, attachments=(invite,), unsubscribe_url="https://shop.example.com/u/t0ken"
        ),
    )


def test_a_thousand_a_request_are_taken(connector: SendgridConnector) -> None:
    batch = [kitchen_sink(number) for number in range(1_000)]
    assert send(connector, batch).count() == {Outcome.ACCEPTED: 1_000}


def test_one_a_request_is_taken_and_the_line_is_kept(connector: SendgridConnector) -> None:
    for number in range(3):
        message = replace(mail(number, text=f"Words {number}"), key=Key("order_confirmation/mail/order:1"))
        assert send(connector, [message]).count() == {Outcome.ACCEPTED: 1}


def test_an_address_it_does_not_take_is_refused_alone(connector: SendgridConnector) -> None:
    """Two dots in a row pass as an address here, but not there; Prism names nobody we know, so the batch is halved."""
    bad = replace(mail(3), address="reader..3@example.com")
    seen = send(connector, [mail(1), mail(2), bad, mail(4), mail(5)])
    assert seen.error is None
    assert {r.key for r in seen.results if r.outcome is Outcome.REJECTED} == {bad.key}
    assert seen.count() == {Outcome.ACCEPTED: 4, Outcome.REJECTED: 1}


@pytest.mark.parametrize(("status", "error"), [(401, ConfigurationError), (403, ConfigurationError)])
def test_its_own_refusals_are_understood(prism: str, status: int, error: type[Exception]) -> None:
    """Prism answers with the specification's own example of a status where it is asked to."""
    connector = SendgridConnector(api_key=KEY, base_url=prism, timeout=30)
    connector._mail_send.request_headers["Prefer"] = f"code={status}"
    assert isinstance(send(connector, [mail(0)]).error, error)
    connector.close()


@pytest.mark.parametrize(("status", "outcome"), [(400, "rejected"), (413, "rejected"), (500, "uncertain")])
def test_its_own_answers_are_understood(prism: str, status: int, outcome: str) -> None:
    connector = SendgridConnector(api_key=KEY, base_url=prism, timeout=30)
    connector._mail_send.request_headers["Prefer"] = f"code={status}"
    assert [r.outcome.value for r in send(connector, [mail(0)]).results] == [outcome]
    connector.close()


def test_throttling_as_the_corrected_specification_has_it(prism: str) -> None:
    connector = SendgridConnector(api_key=KEY, base_url=prism, timeout=30)
    connector._mail_send.request_headers["Prefer"] = "code=429"
    assert type(send(connector, [mail(0)]).error).__name__ == "TransientError"
    connector.close()


def test_the_judge_can_say_no(prism: str) -> None:
    """And without a key nothing is taken."""
    line = Line(prism, 30)
    sdk = SendGridAPIClient(KEY, host=prism)
    sdk.client = KeptClient(line, host=prism, version=3, request_headers=sdk.client.request_headers)
    person = {"to": [{"email": "reader.1@example.com"}]}
    good = {"personalizations": [person], "from": {"email": "hello@example.com"}}
    for body, status in ((good, 202), ({"personalizations": [person]}, 400), ({**good, "personalizations": []}, 400)):
        line.open()
        assert sdk.client.mail.send.post(request_body=json.dumps(body).encode()).status == status
    sdk.client.request_headers.pop("Authorization")
    line.open()
    assert sdk.client.mail.send.post(request_body=json.dumps(good).encode()).status == 401
    line.close()
