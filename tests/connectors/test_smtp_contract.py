"""The smtp connector passes the contract, with pipelining and without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from connectors.smtp import SmtpConnector
from segue.contract.fake import Answer
from segue.contract.suite import MessageConnectorContract
from tests.connectors.scripted_smtp import ScriptedSmtp


class TestPipelined(MessageConnectorContract):
    answers: ClassVar[frozenset[Answer]] = MessageConnectorContract.answers | {"cut"}
    pipelining: ClassVar[bool] = True
    connections: ClassVar[int] = 4

    @pytest.fixture
    def wire(self) -> Iterator[ScriptedSmtp]:
        with ScriptedSmtp(pipelining=self.pipelining) as server:
            yield server

    @pytest.fixture
    def connector(self, wire: ScriptedSmtp) -> Iterator[SmtpConnector]:
        connector = SmtpConnector(
            host="127.0.0.1",
            port=wire.port,
            starttls=False,
            connections=self.connections,
            hello="shop.example.test",
            timeout=1,
        )
        yield connector
        connector.close()


class TestOneCommandAtATime(TestPipelined):
    pipelining = False


class TestWithLogin(TestPipelined):
    @pytest.fixture
    def wire(self) -> Iterator[ScriptedSmtp]:
        with ScriptedSmtp(login=("shop", "s3cret")) as server:
            yield server

    @pytest.fixture
    def connector(self, wire: ScriptedSmtp) -> Iterator[SmtpConnector]:
        connector = SmtpConnector(
            host="127.0.0.1",
            port=wire.port,
            starttls=False,
            username="shop",
            password="s3cret",
            hello="shop.example.test",
            timeout=1,
        )
        yield connector
        connector.close()
