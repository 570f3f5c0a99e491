"""The contract of audience connectors as tests: subclass, and give your connector and the platform's end.

    class TestPinboard(AudienceConnectorContract):
        @pytest.fixture
        def platform(self): ...              # the platform's end, see `Platform`

        @pytest.fixture
        def connector(self, platform): ...   # yours, pointed at it, with a timeout of a second or less

What the platform's end cannot play is skipped, visibly.
"""

# ruff: noqa: S101 - these are tests, though they live in the package

from __future__ import annotations

from segue.contract.errors import UnsupportedError
from segue.contract.protocols import AudienceConnector
from segue.contract.suite_audience_members import AudienceMembers
from segue.contract.suite_audience_parts import NAME, Platform, Syncing, person
from segue.contract.suite_audience_troubles import AudienceTroubles
from segue.contract.types import IDENTIFIER_KINDS, NAMING_KINDS


class AudienceConnectorContract(AudienceMembers, AudienceTroubles):
    """What the audience sync relies on in an audience connector."""

    def test_has_the_shape_of_an_audience_connector(self, connector: AudienceConnector) -> None:
        """Name, limits, fields, ensure, sync and close are there and make sense."""
        assert isinstance(connector, AudienceConnector)
        assert connector.name
        assert connector.capabilities.max_batch >= 1
        assert set(connector.fields) <= set(IDENTIFIER_KINDS)
        assert len(set(connector.fields)) == len(connector.fields)
        assert set(connector.fields) & set(NAMING_KINDS)

    def test_makes_an_audience_once(self, connector: AudienceConnector, reborn: AudienceConnector) -> None:
        """By its name, also for somebody who comes after a crash; another name is another audience."""
        made = connector.ensure(NAME, "contract test")
        assert made
        assert [one.ensure(NAME, "contract test") for one in (connector, reborn)] == [made, made]
        assert connector.ensure(f"{NAME} 2", "contract test") != made

    def test_no_change_is_no_work(self, connector: AudienceConnector, platform: Platform) -> None:
        """Nothing in, nothing out, no request."""
        made = connector.ensure(NAME, "contract test")
        seen = self.sync(connector, made)
        assert (seen.results, seen.error, platform.arrived(), platform.held(made)) == ([], None, 0, frozenset())

    def test_refuses_fields_it_does_not_send(self, connector: AudienceConnector, platform: Platform) -> None:
        """Before anything leaves."""
        made = connector.ensure(NAME, "contract test")
        seen = self.sync(connector, made, add=self.members(connector, 1), fields=("shoe_size",))
        assert isinstance(seen.error, UnsupportedError)
        assert (platform.arrived(), platform.held(made)) == (0, frozenset())

    def test_closes_twice(self, connector: AudienceConnector) -> None:
        """Closing is safe, used or not, as often as one likes."""
        made = connector.ensure(NAME, "contract test")
        self.sync(connector, made, add=self.members(connector, 1))
        connector.close()
        connector.close()


__all__ = ["AudienceConnectorContract", "Platform", "Syncing", "person"]
