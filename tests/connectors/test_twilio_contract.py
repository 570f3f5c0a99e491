"""The twilio connector passes the contract, whatever it has in flight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from connectors.twilio import TwilioConnector
from segue.contract import Channel
from segue.contract.fake import Answer
from segue.contract.suite import MessageConnectorContract
from tests.connectors.twilio_wire import ACCOUNT, NUMBER, SERVICE, TOKEN, TwilioWire


class TestTwilio(MessageConnectorContract):
    channel = Channel.SMS
    answers: ClassVar[frozenset[Answer]] = MessageConnectorContract.answers | {"cut"}
    sender: ClassVar[dict[str, str]] = {"from_number": NUMBER}
    connections: ClassVar[int] = 8

    @pytest.fixture
    def wire(self) -> Iterator[TwilioWire]:
        with TwilioWire() as server:
            yield server

    @pytest.fixture
    def connector(self, wire: TwilioWire) -> Iterator[TwilioConnector]:
        connector = TwilioConnector(
            account_sid=ACCOUNT,
            auth_token=TOKEN,
            base_url=wire.url,
            connections=self.connections,
            timeout=1,
            price_per_segment="0.0083",
            **self.sender,
        )
        yield connector
        connector.close()


class TestTwoAtATime(TestTwilio):
    sender: ClassVar[dict[str, str]] = {"messaging_service": SERVICE}
    connections = 2
