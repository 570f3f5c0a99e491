"""The contract of audience connectors: what a platform that refuses, stalls or forgets is taken for."""

# ruff: noqa: S101 - these are tests, though they live in the package

from __future__ import annotations

import pytest

from segue.contract.errors import ConfigurationError, RejectedError, TransientError, UncertainError
from segue.contract.fake_audience import AudienceAnswer
from segue.contract.protocols import AudienceConnector
from segue.contract.suite_audience_parts import NAME, AudiencePlay, Platform
from segue.contract.suite_parts import texts_of
from segue.contract.types import AUDIENCE_GONE, Outcome


class AudienceTroubles(AudiencePlay):
    """Nothing is lost, nothing claimed that nobody knows, and nobody named."""

    def test_throttling_changes_nothing_and_loses_nothing(
        self, connector: AudienceConnector, platform: Platform
    ) -> None:
        """Too fast: TransientError, or each member deferred with a reason; later it works."""
        made = connector.ensure(NAME, "contract test")
        self.play(platform, "throttled")
        seen = self.sync(connector, made, add=self.members(connector, 1, 2))
        if seen.error is None:
            assert seen.count() == {Outcome.DEFERRED: 2}
            assert all(result.reason for result in seen.results)
        else:
            assert isinstance(seen.error, TransientError)
            assert not seen.results
        assert platform.held(made) == frozenset()
        self.play(platform, "ok")
        assert self.sync(connector, made, add=self.members(connector, 1, 2)).count() == {Outcome.ACCEPTED: 2}

    def test_a_wrong_key_is_a_configuration_error(self, connector: AudienceConnector, platform: Platform) -> None:
        """Nobody was added, and nobody needs to try again before somebody looked."""
        made = connector.ensure(NAME, "contract test")
        self.play(platform, "unauthorised")
        seen = self.sync(connector, made, add=self.members(connector, 1))
        assert isinstance(seen.error, ConfigurationError)
        assert not seen.results

    @pytest.mark.parametrize("trouble", ["throttled", "unauthorised"])
    def test_never_raises_once_a_member_was_accepted(
        self, connector: AudienceConnector, platform: Platform, trouble: AudienceAnswer
    ) -> None:
        """Removals are a request of their own; what they achieved stays known."""
        made = connector.ensure(NAME, "contract test")
        self.sync(connector, made, add=self.members(connector, 1))
        self.play(platform, "ok", trouble)
        seen = self.sync(connector, made, add=self.members(connector, 2), remove=self.members(connector, 1))
        fates = {result.key: result.outcome for result in seen.results}
        assert seen.error is None
        assert fates == {"cart/profile:1": Outcome.ACCEPTED, "cart/profile:2": Outcome.DEFERRED}

    @pytest.mark.parametrize("trouble", ["silence", "lost"])
    def test_no_answer_is_uncertain_and_asked_again(
        self, connector: AudienceConnector, platform: Platform, trouble: AudienceAnswer
    ) -> None:
        """Nobody claims to know; the same once more settles it."""
        made = connector.ensure(NAME, "contract test")
        self.play(platform, trouble)
        seen = self.sync(connector, made, add=self.members(connector, 1, 2))
        if seen.error is None:
            assert seen.count() == {Outcome.UNCERTAIN: 2}
            assert all(result.reason for result in seen.results)
        else:
            assert isinstance(seen.error, UncertainError)
            assert not seen.results
        self.play(platform, "ok")
        assert self.sync(connector, made, add=self.members(connector, 1, 2)).count() == {Outcome.ACCEPTED: 2}
        assert len(platform.held(made)) == 2

    def test_says_that_an_audience_is_gone(self, connector: AudienceConnector, platform: Platform) -> None:
        """Somebody deleted it at the platform: it can be made anew, and is another one."""
        made = connector.ensure(NAME, "contract test")
        self.play(platform, "gone", "ok")
        seen = self.sync(connector, made, add=self.members(connector, 1))
        assert isinstance(seen.error, RejectedError)
        assert seen.error.reason == AUDIENCE_GONE
        again = connector.ensure(NAME, "contract test")
        assert again != made
        assert self.sync(connector, again, add=self.members(connector, 1)).count() == {Outcome.ACCEPTED: 1}

    @pytest.mark.parametrize("answer", ["throttled", "unauthorised", "silence", "lost"])
    def test_names_nobody_in_errors_and_reasons(
        self, connector: AudienceConnector, platform: Platform, answer: AudienceAnswer
    ) -> None:
        """Errors and reasons are logged; addresses and names must not be."""
        made = connector.ensure(NAME, "contract test")
        self.play(platform, answer)
        members = self.members(connector, 1, 2)
        seen = self.sync(connector, made, add=members)
        shown = texts_of(seen.error) + "\n".join(result.reason or "" for result in seen.results)
        for _, identifiers in members:
            for kind in ("email", "phone", "first_name", "last_name", "external_id"):
                assert identifiers.get(kind, "no such value") not in shown
