"""The contract as tests: subclass, give the fixtures, and pytest tells whether the outbox can trust a connector.

    from segue.contract.suite import MessageConnectorContract

    class TestKlaviyo(MessageConnectorContract):
        @pytest.fixture
        def wire(self): ...            # your provider's end, see `Wire`

        @pytest.fixture
        def connector(self, wire): ... # yours, pointed at the wire, with a timeout of a second or less

Not imported by `segue.contract` itself, since it needs pytest. Class attributes say which channel the messages
are for and what your wire can play; what it cannot is skipped, visibly.
"""

# ruff: noqa: S101 - these are tests, though they live in the package

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import pytest

from segue.contract.errors import ConfigurationError, TransientError, UncertainError
from segue.contract.fake import Answer
from segue.contract.protocols import MessageConnector, PricedConnector
from segue.contract.suite_offers import OfferConnectorContract, SlowTill, Till, voucher
from segue.contract.suite_parts import WORDS_OF_ONE, Sending, Wire, message, send, texts_of
from segue.contract.types import Channel, Message, Outcome


class MessageConnectorContract:
    """What the outbox relies on in a message connector."""

    #: The channel that the test messages are for.
    channel: ClassVar[Channel] = Channel.EMAIL
    #: What the wire can play.
    answers: ClassVar[frozenset[Answer]] = frozenset({"ok", "rejected", "throttled", "unauthorised", "silence"})

    @pytest.fixture
    def wire(self) -> Wire:
        """The provider's end; give your own."""
        raise LookupError("override the fixture `wire` in your subclass")

    @pytest.fixture
    def connector(self, wire: Wire) -> MessageConnector:  # noqa: ARG002 - yours needs it
        """The connector under test, pointed at `wire`; give your own."""
        raise LookupError("override the fixture `connector` in your subclass")

    def play(self, wire: Wire, *answers: Answer) -> None:
        """Script the wire, or skip where it cannot play this."""
        missing = sorted(set(answers) - self.answers)
        if missing:
            pytest.skip(f"this wire cannot play {', '.join(missing)}")
        wire.answer(*answers)

    def batch(self, connector: MessageConnector, size: int) -> list[Message]:
        """A batch of `size` messages, or fewer if the connector takes fewer at a time."""
        return [message(number, self.channel) for number in range(min(size, connector.capabilities.max_batch))]

    def test_has_the_shape_of_a_message_connector(self, connector: MessageConnector) -> None:
        """Name, channels, capabilities, send and close are there and make sense."""
        assert isinstance(connector, MessageConnector)
        assert connector.name
        assert self.channel in connector.channels
        assert connector.capabilities.max_batch >= 1
        assert connector.capabilities.window >= 1
        assert connector.capabilities.pace_per_second is None or connector.capabilities.pace_per_second > 0

    def test_knows_its_prices_without_asking_if_it_has_any(self, connector: MessageConnector, wire: Wire) -> None:
        """Previews ask about messages that never leave."""
        if not isinstance(connector, PricedConnector):
            pytest.skip("it has no prices")
        for one in self.batch(connector, 3):
            cost = connector.cost(one)
            assert cost == connector.cost(one)
            assert cost is None or (cost.micros >= 0 and len(cost.currency) == 3 and cost.currency.isupper())
        assert wire.arrived() == 0

    def test_an_empty_batch_is_no_work(self, connector: MessageConnector, wire: Wire) -> None:
        """Nothing in, nothing out, nothing on the wire."""
        seen = send(connector, [])
        assert (seen.results, seen.left, seen.error, wire.arrived()) == ([], [], None, 0)

    def test_gives_one_result_per_message_under_its_key(self, connector: MessageConnector, wire: Wire) -> None:
        """Every message gets one answer, under its own key, and leaves once."""
        self.play(wire, "ok")
        batch = self.batch(connector, 20)
        seen = send(connector, batch)
        assert seen.error is None
        assert Counter(r.key for r in seen.results) == Counter(m.key for m in batch)
        assert seen.count() == {Outcome.ACCEPTED: len(batch)}
        assert Counter(seen.left) == Counter(m.key for m in batch)

    def test_sends_batch_after_batch(self, connector: MessageConnector, wire: Wire) -> None:
        """What is kept from one batch, a connection say, serves the next."""
        self.play(wire, "ok")
        for number in range(3):
            assert send(connector, [message(number, self.channel)]).count() == {Outcome.ACCEPTED: 1}
        assert wire.arrived() == 3

    def test_says_that_bytes_leave_before_it_answers(self, connector: MessageConnector, wire: Wire) -> None:
        """The outbox's journal must know of a message before its fate."""
        self.play(wire, "ok")
        assert send(connector, self.batch(connector, 20)).unannounced == []

    @pytest.mark.parametrize("answer", ["ok", "throttled", "unauthorised", "silence"])
    def test_never_says_that_bytes_leave_which_stay(
        self, connector: MessageConnector, wire: Wire, answer: Answer
    ) -> None:
        """A key the journal calls gone, and that never went, would be a message lost."""
        self.play(wire, answer)
        seen = send(connector, self.batch(connector, 5))
        assert len(seen.left) == len(set(seen.left)) == wire.arrived()

    def test_keeps_to_its_window(self, connector: MessageConnector, wire: Wire) -> None:
        """Never more handed over and unanswered than it declares."""
        self.play(wire, "ok")
        capabilities = connector.capabilities
        batch = self.batch(connector, min(capabilities.max_batch, 2 * capabilities.window + 1))
        seen = send(connector, batch)
        assert len(seen.results) == len(batch)
        assert 1 <= seen.most_unanswered <= capabilities.window

    def test_a_refused_recipient_is_that_messages_fate_only(self, connector: MessageConnector, wire: Wire) -> None:
        """One dead mailbox costs the others nothing, and the refusal has a reason."""
        self.play(wire, "ok", "rejected", "ok")
        batch = self.batch(connector, 3)
        seen = send(connector, batch)
        assert seen.error is None
        assert seen.count() == {Outcome.ACCEPTED: len(batch) - 1, Outcome.REJECTED: 1}
        assert all(r.reason for r in seen.results if r.outcome is Outcome.REJECTED)

    def test_throttling_sends_nothing_and_loses_nothing(self, connector: MessageConnector, wire: Wire) -> None:
        """Too fast: TransientError, or each message deferred with a reason."""
        self.play(wire, "throttled")
        batch = self.batch(connector, 3)
        seen = send(connector, batch)
        if seen.error is None:
            assert seen.count() == {Outcome.DEFERRED: len(batch)}
            assert all(r.reason for r in seen.results)
        else:
            assert isinstance(seen.error, TransientError)
            assert not seen.results

    def test_a_wrong_key_is_a_configuration_error(self, connector: MessageConnector, wire: Wire) -> None:
        """The channel must be paused, not the messages' attempts burnt."""
        self.play(wire, "unauthorised")
        seen = send(connector, self.batch(connector, 3))
        assert isinstance(seen.error, ConfigurationError)
        assert not seen.results

    @pytest.mark.parametrize("trouble", ["throttled", "unauthorised"])
    def test_never_raises_once_a_message_was_accepted(
        self, connector: MessageConnector, wire: Wire, trouble: Answer
    ) -> None:
        """What was accepted stays known, whatever happens to the rest."""
        self.play(wire, "ok", trouble)
        batch = self.batch(connector, 3)
        if len(batch) < 3:
            pytest.skip("it takes one message at a time")
        seen = send(connector, batch)
        assert seen.error is None
        assert seen.count() == {Outcome.ACCEPTED: 1, Outcome.DEFERRED: 2}

    @pytest.mark.parametrize("trouble", ["silence", "cut"])
    def test_no_answer_after_the_bytes_is_uncertain(
        self, connector: MessageConnector, wire: Wire, trouble: Answer
    ) -> None:
        """It may have been sent: neither accepted, nor deferred and sent again."""
        self.play(wire, trouble)
        seen = send(connector, self.batch(connector, 3))
        fates = {r.key: r for r in seen.results}
        assert wire.arrived() >= 1
        assert seen.left
        for key in seen.left:
            if isinstance(seen.error, UncertainError) and key not in fates:
                continue
            assert fates[key].outcome is Outcome.UNCERTAIN
            assert fates[key].reason
        assert seen.error is None or isinstance(seen.error, UncertainError)
        assert Outcome.ACCEPTED not in seen.count()

    @pytest.mark.parametrize("answer", ["rejected", "throttled", "unauthorised", "silence", "cut"])
    def test_names_nobody_in_errors_and_reasons(self, connector: MessageConnector, wire: Wire, answer: Answer) -> None:
        """Errors and reasons are logged; addresses and words must not be."""
        self.play(wire, answer)
        batch = self.batch(connector, 2)
        seen = send(connector, batch)
        shown = texts_of(seen.error) + "\n".join(r.reason or "" for r in seen.results)
        for personal in (*(m.address for m in batch if m.address), WORDS_OF_ONE):
            assert personal not in shown

    def test_a_key_sent_twice_is_sent_once_if_it_says_so(self, connector: MessageConnector, wire: Wire) -> None:
        """Idempotent connectors may be called again after an uncertain answer."""
        if not connector.capabilities.idempotent:
            pytest.skip("it does not call itself idempotent")
        self.play(wire, "ok")
        batch = self.batch(connector, 3)
        for _ in range(2):
            assert send(connector, batch).count() == {Outcome.ACCEPTED: len(batch)}
        assert wire.kept() == len(batch)

    def test_closes_twice(self, connector: MessageConnector, wire: Wire) -> None:
        """Closing is safe, used or not, as often as one likes."""
        self.play(wire, "ok")
        send(connector, self.batch(connector, 2))
        connector.close()
        connector.close()


__all__ = [
    "MessageConnectorContract",
    "OfferConnectorContract",
    "Sending",
    "SlowTill",
    "Till",
    "Wire",
    "message",
    "send",
    "texts_of",
    "voucher",
]
