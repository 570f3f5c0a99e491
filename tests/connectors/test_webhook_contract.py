"""The webhook connector passes the contract for each channel, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from connectors.webhook import WebhookConnector
from segue.contract import Channel
from segue.contract.fake import Answer
from segue.contract.suite import MessageConnectorContract
from segue.contract.suite_audience import AudienceConnectorContract
from tests.connectors.webhook_receiver import SECRET, Receiver


class TestMails(MessageConnectorContract):
    answers: ClassVar[frozenset[Answer]] = MessageConnectorContract.answers | {"cut"}

    @pytest.fixture
    def wire(self) -> Iterator[Receiver]:
        with Receiver() as receiver:
            yield receiver

    @pytest.fixture
    def connector(self, wire: Receiver) -> Iterator[WebhookConnector]:
        connector = WebhookConnector(
            url="https://hooks.example.com/segue", secret=SECRET, base_url=wire.url, timeout=1, idempotent=True
        )
        yield connector
        connector.close()


class TestAudiences(AudienceConnectorContract):
    @pytest.fixture
    def platform(self) -> Iterator[Receiver]:
        with Receiver() as receiver:
            yield receiver

    @pytest.fixture
    def connector(self, platform: Receiver) -> Iterator[WebhookConnector]:
        connector = WebhookConnector(url=platform.url, secret=SECRET, timeout=1)
        yield connector
        connector.close()


class TestTexts(TestMails):
    channel = Channel.SMS


class TestCards(TestMails):
    channel = Channel.PRINT
