"""The sendgrid connector passes the contract, with one person a request and with many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from connectors.sendgrid import SendgridConnector
from segue.contract.fake import Answer
from segue.contract.suite import MessageConnectorContract, Wire
from tests.connectors.sendgrid_wire import KEY, SendgridWire


class TestOneARequest(MessageConnectorContract):
    answers: ClassVar[frozenset[Answer]] = MessageConnectorContract.answers | {"cut"}
    people: ClassVar[int] = 1

    @pytest.fixture
    def wire(self) -> Iterator[SendgridWire]:
        with SendgridWire() as server:
            yield server

    @pytest.fixture
    def connector(self, wire: SendgridWire) -> Iterator[SendgridConnector]:
        connector = SendgridConnector(api_key=KEY, base_url=wire.url, timeout=1, people_per_request=self.people)
        yield connector
        connector.close()


class TestManyARequest(TestOneARequest):
    people = 1_000

    def play(self, wire: Wire, *answers: Answer) -> None:
        if answers[0] == "ok" and answers[-1] in {"throttled", "unauthorised"}:
            pytest.skip("SendGrid takes a request as a whole; the test of one a request plays this")
        super().play(wire, *answers)
