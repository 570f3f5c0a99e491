"""The twilio connector against Twilio's own specification, served by Prism: a judge nobody here wrote.

Prism is an npm package; where it or the specification is not at hand these tests skip and say how to get it. Prism
answers with the specification's example, whatever it was asked, so nothing is read from its answers but their status.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.twilio import TwilioConnector
from connectors.twilio_line import Account, Line
from segue.contract import Channel, ConfigurationError, Key, Outcome, Result, SmsContent
from segue.contract.suite import message, send
from tests.connectors.prism import needs_prism, serving
from tests.connectors.twilio_judge import HAS_SPECIFICATION, MISSING, SPECIFICATION
from tests.connectors.twilio_wire import ACCOUNT, NUMBER, SERVICE, TOKEN

pytestmark = [
    pytest.mark.skipif(not HAS_SPECIFICATION, reason=MISSING),
    needs_prism,
    pytest.mark.xdist_group("prism"),
]


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Prism's address; it refuses what the specification does not allow."""
    with serving(SPECIFICATION) as address:
        yield address


@pytest.mark.parametrize(
    "options",
    [
        {"from_number": NUMBER},
        {"messaging_service": SERVICE, "status_callback": "https://shop.example.com/twilio?a=1"},
    ],
    ids=["a number", "a service"],
)
def test_the_specification_takes_what_we_send(prism: str, options: dict[str, str]) -> None:
    connector = TwilioConnector(account_sid=ACCOUNT, auth_token=TOKEN, base_url=prism, timeout=30, **options)
    texts = [message(number, Channel.SMS) for number in range(6)]
    texts[0] = replace(texts[0], content=SmsContent(text="Größe 38 👟 & more = €5 " * 60, segments=22))
    texts[1] = replace(texts[1], valid_until=None, address="+447700900123")
    try:
        seen = send(connector, texts)
    finally:
        connector.close()
    assert seen.error is None
    assert seen.count() == {Outcome.ACCEPTED: 6}
    assert all((one.provider_id or "").startswith("SM") for one in seen.results)


@pytest.mark.parametrize(
    ("fields", "account"),
    [
        ({"messaging_service_sid": "MG12"}, ACCOUNT),
        ({"from_": NUMBER, "status_callback": "no address"}, ACCOUNT),
        ({"from_": NUMBER, "validity_period": "soon"}, ACCOUNT),
        ({"from_": NUMBER}, "AC12"),
    ],
    ids=["no service", "no address", "no number", "no account"],
)
def test_what_the_specification_refuses_is_refused(prism: str, fields: dict[str, Any], account: str) -> None:
    """So Prism judges; and an answer that is not Twilio's own sort of refusal stops the channel."""
    line = Line(Account(base_url=prism, account_sid=account, username=account, password=TOKEN, timeout=30))
    fate = line.send(Key("one"), {"to": "+12025550123", "body": "hello", **fields}, lambda: None)
    line.close()
    assert not isinstance(fate, Result)
    assert isinstance(fate, ConfigurationError)
    assert "422" in str(fate)
