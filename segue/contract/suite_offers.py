"""The contract of offer connectors as tests; import it from `segue.contract.suite`."""

# ruff: noqa: S101 - these are tests, though they live in the package

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, runtime_checkable

import pytest

from segue.contract.protocols import OfferConnector
from segue.contract.suite_parts import AT
from segue.contract.types import Key, Outcome, Redemption, Result, Voucher


class Till(Protocol):
    """The shop's end of a test."""

    def known(self) -> frozenset[str]:
        """The codes a customer could use, were it the right day."""

    def redeem(self, code: str, order_id: str, at: datetime) -> None:
        """Use a code at the shop."""


@runtime_checkable
class SlowTill(Till, Protocol):
    """A shop that does what it is asked in the background, later."""

    def hold(self) -> None:
        """Finish nothing that is asked from now on."""

    def release(self) -> None:
        """Finish what was held, and everything at once from now on."""


def voucher(number: int, *, percent: int = 10) -> Voucher:
    """A voucher like the outbox's, the same for the same number; every second one is worth an amount."""
    worth = None if number % 2 else percent
    return Voucher(
        code=f"K7QM-{number:04}",
        key=Key(f"contract/step/occasion:{number}"),
        percent=worth,
        amount_minor=None if worth else 1500,
        currency=None if worth else "USD",
        valid_from=AT,
        valid_until=AT + timedelta(hours=48),
    )


class OfferConnectorContract:
    """What composing and the loyalty side rely on in an offer connector."""

    #: How often at most one has to ask until a shop that is not held has done it.
    patience: ClassVar[int] = 5

    @pytest.fixture
    def till(self) -> Till:
        """The shop's end; give your own."""
        raise LookupError("override the fixture `till` in your subclass")

    @pytest.fixture
    def connector(self, till: Till) -> OfferConnector:  # noqa: ARG002 - yours needs it
        """The connector under test, pointed at `till`; give your own."""
        raise LookupError("override the fixture `connector` in your subclass")

    @pytest.fixture
    def reborn(self, connector: OfferConnector) -> OfferConnector:
        """A second connector pointed at the same `till`, as after a crash; give your own if it remembers anything."""
        return connector

    @pytest.fixture
    def slow(self, till: Till) -> SlowTill:
        """The shop's end if it can be slow; else the test is skipped."""
        if not isinstance(till, SlowTill):
            pytest.skip("this shop does everything at once")
        return till

    def outcomes(self, results: Iterable[Result]) -> dict[Outcome, int]:
        """How many results of which outcome."""
        return dict(Counter(result.outcome for result in results))

    def until_withdrawn(self, connector: OfferConnector, codes: list[str]) -> set[str]:
        """Withdraw until all are named, or patience ends; returns the named."""
        named: set[str] = set()
        for _ in range(self.patience):
            named |= set(connector.withdraw(codes))
            if named >= set(codes):
                break
        return named

    def test_has_the_shape_of_an_offer_connector(self, connector: OfferConnector) -> None:
        """Name, publish, withdraw and redemptions are there."""
        assert isinstance(connector, OfferConnector)
        assert connector.name

    def test_nothing_is_no_work(self, connector: OfferConnector, till: Till) -> None:
        """Nothing in, nothing out, nothing known."""
        assert (list(connector.publish([])), list(connector.withdraw([])), till.known()) == ([], [], frozenset())

    def test_publishes_each_code_under_its_messages_key(self, connector: OfferConnector, till: Till) -> None:
        """One result a voucher, and the shop knows the code once it is accepted."""
        vouchers = [voucher(number) for number in range(4)]
        results = list(connector.publish(vouchers))
        assert Counter(r.key for r in results) == Counter(v.key for v in vouchers)
        assert {r.outcome for r in results} == {Outcome.ACCEPTED}
        assert till.known() == {v.code for v in vouchers}

    def test_publishes_many_in_one_call(self, connector: OfferConnector, till: Till) -> None:
        """More than any provider takes at a time."""
        vouchers = [voucher(number) for number in range(620)]
        assert self.outcomes(connector.publish(vouchers)) == {Outcome.ACCEPTED: 620}
        assert till.known() == {v.code for v in vouchers}

    def test_publishing_twice_is_publishing_once(self, connector: OfferConnector, till: Till) -> None:
        """A retry is accepted again and changes nothing."""
        for _ in range(2):
            assert [r.outcome for r in connector.publish([voucher(1)])] == [Outcome.ACCEPTED]
        assert till.known() == {voucher(1).code}

    def test_a_code_stands_for_one_thing(self, connector: OfferConnector, reborn: OfferConnector, till: Till) -> None:
        """The same code for another worth is rejected, with a reason, and the first stands."""
        assert self.outcomes(connector.publish([voucher(2)])) == {Outcome.ACCEPTED: 1}
        for again in (connector, reborn):
            (result,) = again.publish([voucher(2, percent=90)])
            assert (result.outcome, result.reason) == (Outcome.REJECTED, "code_taken")
        assert self.outcomes(connector.publish([voucher(2)])) == {Outcome.ACCEPTED: 1}
        assert till.known() == {voucher(2).code}

    def test_publishing_goes_on_after_a_crash(
        self, connector: OfferConnector, reborn: OfferConnector, till: Till
    ) -> None:
        """Who died after the first answer publishes all of them again, in a new process."""
        vouchers = [voucher(number) for number in range(6)]
        dying = connector.publish(vouchers)
        assert next(iter(dying)).outcome is Outcome.ACCEPTED
        del dying
        assert self.outcomes(reborn.publish(vouchers)) == {Outcome.ACCEPTED: 6}
        assert till.known() == {v.code for v in vouchers}

    def test_pending_becomes_accepted(self, connector: OfferConnector, slow: SlowTill) -> None:
        """Deferred while the shop works on it, by name; accepted only when a customer could use it."""
        vouchers = [voucher(number) for number in range(0, 8, 2)]
        first, *others = vouchers
        list(connector.publish([first]))
        slow.hold()
        for _ in range(2):
            results = list(connector.publish(others))
            assert {(r.outcome, r.reason) for r in results} == {(Outcome.DEFERRED, "pending")}
            assert all(r.retry_after for r in results)
            assert slow.known() == {first.code}
        slow.release()
        assert self.outcomes(connector.publish(vouchers)) == {Outcome.ACCEPTED: 4}
        assert slow.known() == {v.code for v in vouchers}

    def test_pending_is_found_again_after_a_crash(
        self, connector: OfferConnector, reborn: OfferConnector, slow: SlowTill
    ) -> None:
        """Whoever published it is gone; another one gets it accepted, and nothing is known twice."""
        vouchers = [voucher(number) for number in range(0, 8, 2)]
        list(connector.publish(vouchers[:1]))
        slow.hold()
        list(connector.publish(vouchers))
        list(reborn.publish(vouchers))
        slow.release()
        for _ in range(self.patience):
            results = list(reborn.publish(vouchers))
            if self.outcomes(results) == {Outcome.ACCEPTED: 4}:
                break
        assert self.outcomes(results) == {Outcome.ACCEPTED: 4}
        assert slow.known() == {v.code for v in vouchers}

    def test_a_withdrawn_code_is_worthless(self, connector: OfferConnector, till: Till) -> None:
        """Each withdrawn code is named, again if asked again; the others stay."""
        list(connector.publish([voucher(1), voucher(2)]))
        for _ in range(2):
            assert list(connector.withdraw([voucher(1).code])) == [voucher(1).code]
        assert till.known() == {voucher(2).code}

    def test_a_withdrawn_code_stays_withdrawn(
        self, connector: OfferConnector, reborn: OfferConnector, till: Till
    ) -> None:
        """Somebody who still means to publish it comes too late."""
        list(connector.publish([voucher(1), voucher(2)]))
        assert self.until_withdrawn(connector, [voucher(1).code]) == {voucher(1).code}
        for late in (connector, reborn):
            (result,) = late.publish([voucher(1)])
            assert (result.outcome, result.reason) == (Outcome.REJECTED, "code_withdrawn")
        assert till.known() == {voucher(2).code}

    def test_a_code_never_published_can_be_withdrawn(
        self, connector: OfferConnector, reborn: OfferConnector, till: Till
    ) -> None:
        """Its publisher may be on the way: once it is named, it is too late for it; known ones are not held up."""
        list(connector.publish([voucher(2)]))
        codes = [voucher(4).code, voucher(2).code]
        assert self.until_withdrawn(connector, codes) == set(codes)
        (result,) = reborn.publish([voucher(4)])
        assert (result.outcome, result.reason) == (Outcome.REJECTED, "code_withdrawn")
        assert till.known() == frozenset()

    def test_a_pending_code_can_be_withdrawn(self, connector: OfferConnector, slow: SlowTill) -> None:
        """It is not named while it may still come to life."""
        list(connector.publish([voucher(2)]))
        slow.hold()
        list(connector.publish([voucher(4)]))
        named = set(connector.withdraw([voucher(4).code]))
        assert not named & slow.known()
        slow.release()
        assert self.until_withdrawn(connector, [voucher(4).code]) == {voucher(4).code}
        assert slow.known() == {voucher(2).code}

    def test_tells_what_was_redeemed(self, connector: OfferConnector, till: Till) -> None:
        """Code, order and instant, as the shop knows them."""
        list(connector.publish([voucher(1)]))
        assert list(connector.redemptions()) == []
        at = AT + timedelta(hours=1)
        till.redeem(voucher(1).code, "order-17", at)
        assert list(connector.redemptions()) == [Redemption(code=voucher(1).code, order_id="order-17", redeemed_at=at)]

    def test_tells_it_again(self, connector: OfferConnector, reborn: OfferConnector, till: Till) -> None:
        """Each use once a call, in every call, also to somebody who comes later and after the code was withdrawn."""
        list(connector.publish([voucher(1), voucher(2)]))
        at = AT + timedelta(hours=1)
        till.redeem(voucher(1).code, "order-17", at)
        told = [Redemption(code=voucher(1).code, order_id="order-17", redeemed_at=at)]
        assert [list(one.redemptions()) for one in (connector, connector, reborn)] == [told, told, told]
        assert self.until_withdrawn(connector, [voucher(1).code]) == {voucher(1).code}
        assert list(reborn.redemptions()) == told
