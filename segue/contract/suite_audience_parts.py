"""What the contract of audience connectors is played with: the platform's end, its people, and how a sync is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import pytest

from segue.contract.errors import ConnectorError
from segue.contract.fake_audience import AudienceAnswer
from segue.contract.protocols import AudienceConnector
from segue.contract.types import AudienceChange, Key, Outcome, Result

#: What the tests call their audience.
NAME = "segue contract cart"


class Platform(Protocol):
    """The platform's end of a test."""

    def answer(self, *answers: AudienceAnswer) -> None:
        """Say these to the next requests that add or remove somebody, one each; the last goes on."""

    def arrived(self) -> int:
        """How many requests that add or remove somebody reached it."""

    def held(self, external_id: str) -> frozenset[str]:
        """Who is in an audience, each in the platform's own spelling (hashes, usually)."""


def person(number: int) -> dict[str, str]:
    """Everything a member may be known by, the same for the same number."""
    return {
        "email": f"reader.{number}@example.com",
        "phone": f"+1202555{number % 10000:04}",
        "first_name": "Renée",
        "last_name": f"O'Reader{'abcdefghij'[number % 10]}",
        "country": "US",
        "region": "NY",
        "birth_year": "1984",
        "external_id": f"{number:064x}",
    }


@dataclass
class Syncing:
    """What one `sync` did."""

    results: list[Result] = field(default_factory=list)
    error: ConnectorError | None = None

    def count(self) -> dict[Outcome, int]:
        """How many results of which outcome."""
        return dict(Counter(result.outcome for result in self.results))


class AudiencePlay:
    """The fixtures of the contract's tests, and what they do most."""

    #: What the platform's end can play.
    answers: ClassVar[frozenset[AudienceAnswer]] = frozenset({"ok", "throttled", "unauthorised", "silence", "lost"})

    @pytest.fixture
    def platform(self) -> Platform:
        """The platform's end; give your own."""
        raise LookupError("override the fixture `platform` in your subclass")

    @pytest.fixture
    def connector(self, platform: Platform) -> AudienceConnector:  # noqa: ARG002 - yours needs it
        """The connector under test, pointed at `platform`; give your own."""
        raise LookupError("override the fixture `connector` in your subclass")

    @pytest.fixture
    def reborn(self, connector: AudienceConnector) -> AudienceConnector:
        """A second connector to the same platform, as after a crash; give your own if it remembers anything."""
        return connector

    def play(self, platform: Platform, *answers: AudienceAnswer) -> None:
        """Script the platform, or skip where its end cannot play this."""
        missing = sorted(set(answers) - self.answers)
        if missing:
            pytest.skip(f"this platform cannot play {', '.join(missing)}")
        platform.answer(*answers)

    def members(self, connector: AudienceConnector, *numbers: int) -> tuple[tuple[Key, dict[str, str]], ...]:
        """Members like the sync's: only identifiers that the connector sends."""
        return tuple(
            (Key(f"cart/profile:{number}"), {kind: person(number)[kind] for kind in connector.fields})
            for number in numbers
        )

    def sync(
        self,
        connector: AudienceConnector,
        external_id: str,
        *,
        add: tuple[tuple[Key, Mapping[str, str]], ...] = (),
        remove: tuple[tuple[Key, Mapping[str, str]], ...] = (),
        fields: tuple[str, ...] | None = None,
    ) -> Syncing:
        """Apply a change and write down what happens."""
        seen = Syncing()
        change = AudienceChange(
            audience="cart", external_id=external_id, fields=fields or connector.fields, add=add, remove=remove
        )
        try:
            seen.results.extend(connector.sync(change))
        except ConnectorError as error:
            seen.error = error
        return seen
