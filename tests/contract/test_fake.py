"""The fakes pass the suite that real connectors pass, so what is tested with them holds for those."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from segue.contract import Channel
from segue.contract.fake import Answer, FakeConnector, FakeOffers, FakeWire
from segue.contract.fake_print import FakePrint
from segue.contract.suite import MessageConnectorContract, OfferConnectorContract, message, send
from segue.contract.suite_print import PrintConnectorContract

_ALL: frozenset[Answer] = MessageConnectorContract.answers | {"cut"}


class TestFakeEmail(MessageConnectorContract):
    answers: ClassVar[frozenset[Answer]] = _ALL
    window: ClassVar[int] = 500
    idempotent: ClassVar[bool] = False

    @pytest.fixture
    def wire(self) -> FakeWire:
        return FakeWire()

    @pytest.fixture
    def connector(self, wire: FakeWire) -> FakeConnector:
        return FakeConnector(wire=wire, window=self.window, idempotent=self.idempotent)


class TestFakeSms(TestFakeEmail):
    channel = Channel.SMS


class TestFakePrint(TestFakeEmail):
    channel = Channel.PRINT


class TestFakePrinter(PrintConnectorContract):
    answers: ClassVar[frozenset[Answer]] = _ALL

    @pytest.fixture
    def wire(self) -> FakeWire:
        return FakeWire()

    @pytest.fixture
    def connector(self, wire: FakeWire, tmp_path: Path) -> FakePrint:
        return FakePrint(folder=tmp_path, wire=wire)

    def cards_in(self, path: Path) -> list[int]:
        return [int(card["order"].removeprefix("#")) for card in json.loads(path.read_text("utf-8"))]


class TestOneAtATime(TestFakeEmail):
    window = 1


class TestTwoAtATime(TestFakeEmail):
    window = 2
    idempotent = True


class TestFakeOffers(OfferConnectorContract):
    @pytest.fixture
    def till(self) -> FakeOffers:
        return FakeOffers()

    @pytest.fixture
    def connector(self, till: FakeOffers) -> FakeOffers:
        return till


def test_the_wire_refuses_a_word_it_does_not_know() -> None:
    """A typing error in a script would otherwise pass for `ok`."""
    with pytest.raises(ValueError, match="maybe"):
        FakeWire().answer("ok", "maybe")  # type: ignore[arg-type]


def test_a_wire_may_act_at_the_moment_of_the_call() -> None:
    """A test that wants to stall or die during the provider's call overrides `take`."""
    moments: list[str] = []

    class Stalling(FakeWire):
        def take(self, message):
            moments.append(message.key)
            return super().take(message)

    send(FakeConnector(wire=Stalling()), [message(1), message(2)])
    assert moments == [message(1).key, message(2).key]


def test_a_code_is_not_redeemed_after_its_day() -> None:
    """The fake shop is as strict as a real one."""
    with pytest.raises(ValueError, match="does not take"):
        FakeOffers().redeem("K7QM-0001", "order-1", datetime(2026, 5, 14, tzinfo=UTC))


def test_the_contract_needs_no_pytest() -> None:
    """The suite is imported by tests only; in production pytest is not installed."""
    code = "import segue.contract, segue.contract.fake, sys; assert 'pytest' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
