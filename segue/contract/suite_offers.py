"""The contract of offer connectors as tests; import it from `segue.contract.suite`."""

# ruff: noqa: S101 - these are tests, though they live in the package

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from segue.contract.protocols import OfferConnector
from segue.contract.suite_parts import AT
from segue.contract.types import Key, Outcome, Redemption, Voucher


class Till(Protocol):
    """The shop's end of a test."""

    def known(self) -> frozenset[str]:
        """The codes a customer could use, were it the right day."""

    def redeem(self, code: str, order_id: str, at: datetime) -> None:
        """Use a code at the shop."""


def voucher(number: int) -> Voucher:
    """A voucher like the outbox's, the same for the same number; every second one is worth an amount."""
    percent = None if number % 2 else 10
    return Voucher(
        code=f"K7QM-{number:04}",
        key=Key(f"contract/step/occasion:{number}"),
        percent=percent,
        amount_minor=None if percent else 1500,
        currency=None if percent else "USD",
        valid_from=AT,
        valid_until=AT + timedelta(hours=48),
    )


class OfferConnectorContract:
    """What composing and the loyalty side rely on in an offer connector."""

    @pytest.fixture
    def till(self) -> Till:
        """The shop's end; give your own."""
        raise LookupError("override the fixture `till` in your subclass")

    @pytest.fixture
    def connector(self, till: Till) -> OfferConnector:  # noqa: ARG002 - yours needs it
        """The connector under test, pointed at `till`; give your own."""
        raise LookupError("override the fixture `connector` in your subclass")

    def test_has_the_shape_of_an_offer_connector(self, connector: OfferConnector) -> None:
        """Name, publish, withdraw and redemptions are there."""
        assert isinstance(connector, OfferConnector)
        assert connector.name

    def test_publishes_each_code_under_its_messages_key(self, connector: OfferConnector, till: Till) -> None:
        """One result a voucher, and the shop knows the code once it is accepted."""
        vouchers = [voucher(number) for number in range(4)]
        results = list(connector.publish(vouchers))
        assert Counter(r.key for r in results) == Counter(v.key for v in vouchers)
        assert {r.outcome for r in results} == {Outcome.ACCEPTED}
        assert till.known() == {v.code for v in vouchers}

    def test_publishing_twice_is_publishing_once(self, connector: OfferConnector, till: Till) -> None:
        """A retry is accepted again and changes nothing."""
        for _ in range(2):
            assert [r.outcome for r in connector.publish([voucher(1)])] == [Outcome.ACCEPTED]
        assert till.known() == {voucher(1).code}

    def test_a_withdrawn_code_is_worthless(self, connector: OfferConnector, till: Till) -> None:
        """Each withdrawn code is named, again if asked again; the others stay."""
        list(connector.publish([voucher(1), voucher(2)]))
        for _ in range(2):
            assert list(connector.withdraw([voucher(1).code])) == [voucher(1).code]
        assert till.known() == {voucher(2).code}

    def test_tells_what_was_redeemed(self, connector: OfferConnector, till: Till) -> None:
        """Code, order and instant, as the shop knows them."""
        list(connector.publish([voucher(1)]))
        assert list(connector.redemptions()) == []
        at = AT + timedelta(hours=1)
        till.redeem(voucher(1).code, "order-17", at)
        assert list(connector.redemptions()) == [Redemption(code=voucher(1).code, order_id="order-17", redeemed_at=at)]
