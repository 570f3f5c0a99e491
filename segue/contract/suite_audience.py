"""The contract of audience connectors as tests; import it from `segue.contract.suite_audience`.

class TestMeta(AudienceConnectorContract):
@pytest.fixture
def platform(self): ...              # the platform's end, see `Platform`

@pytest.fixture
def connector(self, platform): ...   # yours, pointed at it, with a timeout of a second or less
"""

# ruff: noqa: S101 - these are tests, though they live in the package

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import pytest

from segue.contract.errors import (
    ConfigurationError,
    ConnectorError,
    RejectedError,
    TransientError,
    UncertainError,
    UnsupportedError,
)
from segue.contract.fake_audience import AudienceAnswer
from segue.contract.protocols import AudienceConnector
from segue.contract.suite_parts import texts_of
from segue.contract.types import (
    AUDIENCE_GONE,
    IDENTIFIER_KINDS,
    NAMING_KINDS,
    AudienceChange,
    Key,
    Outcome,
    Result,
)

_NAME = "segue contract cart"


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


class AudienceConnectorContract:
    """What the audience sync relies on in an audience connector."""

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
        made = connector.ensure(_NAME, "contract test")
        assert made
        assert [one.ensure(_NAME, "contract test") for one in (connector, reborn)] == [made, made]
        assert connector.ensure(f"{_NAME} 2", "contract test") != made

    def test_no_change_is_no_work(self, connector: AudienceConnector, platform: Platform) -> None:
        """Nothing in, nothing out, no request."""
        made = connector.ensure(_NAME, "contract test")
        seen = self.sync(connector, made)
        assert (seen.results, seen.error, platform.arrived(), platform.held(made)) == ([], None, 0, frozenset())

    def test_gives_one_result_per_member_under_its_key(self, connector: AudienceConnector, platform: Platform) -> None:
        """Added and removed ones alike."""
        made = connector.ensure(_NAME, "contract test")
        self.sync(connector, made, add=self.members(connector, 1, 2))
        add, remove = self.members(connector, 3, 4, 5), self.members(connector, 1, 2)
        seen = self.sync(connector, made, add=add, remove=remove)
        assert seen.error is None
        assert Counter(r.key for r in seen.results) == Counter(key for key, _ in (*add, *remove))
        assert seen.count() == {Outcome.ACCEPTED: 5}
        assert len(platform.held(made)) == 3

    def test_takes_as_many_as_it_says(self, connector: AudienceConnector, platform: Platform) -> None:
        """A full batch in one call, however many requests that is."""
        made = connector.ensure(_NAME, "contract test")
        size = min(connector.capabilities.max_batch, 1200)
        crowd = self.members(connector, *range(size))
        assert self.sync(connector, made, add=crowd).count() == {Outcome.ACCEPTED: size}
        assert len(platform.held(made)) == size
        assert self.sync(connector, made, remove=crowd).count() == {Outcome.ACCEPTED: size}
        assert platform.held(made) == frozenset()

    def test_removes_whom_it_added(self, connector: AudienceConnector, platform: Platform) -> None:
        """By the very identifiers; the others stay, and who comes back is who she was."""
        made = connector.ensure(_NAME, "contract test")
        self.sync(connector, made, add=self.members(connector, 1, 2, 3))
        everybody = platform.held(made)
        self.sync(connector, made, remove=self.members(connector, 2))
        assert len(everybody) == 3
        assert len(platform.held(made)) == 2
        assert platform.held(made) < everybody
        self.sync(connector, made, add=self.members(connector, 2))
        assert platform.held(made) == everybody

    def test_removes_before_it_adds(self, connector: AudienceConnector, platform: Platform) -> None:
        """The same person under another key, as after a merge, is in afterwards."""
        made = connector.ensure(_NAME, "contract test")
        ((_, identifiers),) = self.members(connector, 1)
        self.sync(connector, made, add=((Key("cart/profile:1"), identifiers),))
        again = self.sync(
            connector,
            made,
            add=((Key("cart/profile:9"), identifiers),),
            remove=((Key("cart/profile:1"), identifiers),),
        )
        assert again.count() == {Outcome.ACCEPTED: 2}
        assert len(platform.held(made)) == 1

    def test_applying_twice_is_applying_once(
        self, connector: AudienceConnector, reborn: AudienceConnector, platform: Platform
    ) -> None:
        """Also after a crash; and removing somebody who is not there is fine."""
        made = connector.ensure(_NAME, "contract test")
        self.sync(connector, made, add=self.members(connector, 1))
        for one in (connector, connector, reborn):
            seen = self.sync(one, made, add=self.members(one, 2, 3), remove=self.members(one, 1, 4))
            assert seen.count() == {Outcome.ACCEPTED: 4}
            assert len(platform.held(made)) == 2

    def test_audiences_are_apart(self, connector: AudienceConnector, platform: Platform) -> None:
        """Who is put in one is in no other."""
        first, second = (connector.ensure(f"{_NAME}{number}", "contract test") for number in (1, 2))
        self.sync(connector, first, add=self.members(connector, 1, 2))
        self.sync(connector, second, add=self.members(connector, 2))
        self.sync(connector, first, remove=self.members(connector, 2))
        assert (len(platform.held(first)), len(platform.held(second))) == (1, 1)

    def test_sends_only_the_fields_of_the_audience(self, connector: AudienceConnector, platform: Platform) -> None:
        """An audience made with fewer kinds of identifiers is filled and emptied with those."""
        made = connector.ensure(_NAME, "contract test")
        kind = next(kind for kind in connector.fields if kind in NAMING_KINDS)
        ((key, identifiers),) = self.members(connector, 1)
        only = ((key, {kind: identifiers[kind]}),)
        assert self.sync(connector, made, add=only, fields=(kind,)).count() == {Outcome.ACCEPTED: 1}
        assert len(platform.held(made)) == 1
        self.sync(connector, made, remove=only, fields=(kind,))
        assert platform.held(made) == frozenset()

    def test_refuses_fields_it_does_not_send(self, connector: AudienceConnector, platform: Platform) -> None:
        """Before anything leaves."""
        made = connector.ensure(_NAME, "contract test")
        seen = self.sync(connector, made, add=self.members(connector, 1), fields=("shoe_size",))
        assert isinstance(seen.error, UnsupportedError)
        assert (platform.arrived(), platform.held(made)) == (0, frozenset())

    def test_spelling_makes_no_second_person(self, connector: AudienceConnector, platform: Platform) -> None:
        """Blanks around it and capitals in it are the same address."""
        if "email" not in connector.fields:
            pytest.skip("it sends no e-mail address")
        made = connector.ensure(_NAME, "contract test")
        ((key, identifiers),) = self.members(connector, 1)
        self.sync(connector, made, add=((key, identifiers),))
        loud = identifiers | {"email": f" {identifiers['email'].upper()} "}
        self.sync(connector, made, add=((key, loud),))
        assert len(platform.held(made)) == 1

    def test_a_member_without_an_address_costs_the_others_nothing(
        self, connector: AudienceConnector, platform: Platform
    ) -> None:
        """She is rejected, with a reason; removing her is fine, since she cannot be there."""
        made = connector.ensure(_NAME, "contract test")
        nobody = {kind: value for kind, value in person(9).items() if kind in connector.fields}
        nobody = {kind: value for kind, value in nobody.items() if kind not in NAMING_KINDS}
        invalid = (Key("cart/profile:9"), nobody)
        first, *others = self.members(connector, 1, 2)
        seen = self.sync(connector, made, add=(first, invalid, *others))
        assert seen.error is None
        assert seen.count() == {Outcome.ACCEPTED: 2, Outcome.REJECTED: 1}
        assert [(r.key, bool(r.reason)) for r in seen.results if r.outcome is Outcome.REJECTED] == [(invalid[0], True)]
        assert len(platform.held(made)) == 2
        assert self.sync(connector, made, remove=(invalid,)).count() == {Outcome.ACCEPTED: 1}

    def test_nothing_leaves_in_clear(self, connector: AudienceConnector, platform: Platform) -> None:
        """The platform holds hashes of addresses, not addresses."""
        made = connector.ensure(_NAME, "contract test")
        members = self.members(connector, 1, 2)
        self.sync(connector, made, add=members)
        held = "\n".join(platform.held(made)).lower()
        for _, identifiers in members:
            for kind in ("email", "phone", "first_name", "last_name"):
                if value := identifiers.get(kind):
                    assert value.lower().lstrip("+") not in held

    def test_throttling_changes_nothing_and_loses_nothing(
        self, connector: AudienceConnector, platform: Platform
    ) -> None:
        """Too fast: TransientError, or each member deferred with a reason; later it works."""
        made = connector.ensure(_NAME, "contract test")
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
        made = connector.ensure(_NAME, "contract test")
        self.play(platform, "unauthorised")
        seen = self.sync(connector, made, add=self.members(connector, 1))
        assert isinstance(seen.error, ConfigurationError)
        assert not seen.results

    @pytest.mark.parametrize("trouble", ["throttled", "unauthorised"])
    def test_never_raises_once_a_member_was_accepted(
        self, connector: AudienceConnector, platform: Platform, trouble: AudienceAnswer
    ) -> None:
        """Removals are a request of their own; what they achieved stays known."""
        made = connector.ensure(_NAME, "contract test")
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
        made = connector.ensure(_NAME, "contract test")
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
        made = connector.ensure(_NAME, "contract test")
        self.play(platform, "gone", "ok")
        seen = self.sync(connector, made, add=self.members(connector, 1))
        assert isinstance(seen.error, RejectedError)
        assert seen.error.reason == AUDIENCE_GONE
        again = connector.ensure(_NAME, "contract test")
        assert again != made
        assert self.sync(connector, again, add=self.members(connector, 1)).count() == {Outcome.ACCEPTED: 1}

    @pytest.mark.parametrize("answer", ["throttled", "unauthorised", "silence", "lost"])
    def test_names_nobody_in_errors_and_reasons(
        self, connector: AudienceConnector, platform: Platform, answer: AudienceAnswer
    ) -> None:
        """Errors and reasons are logged; addresses and names must not be."""
        made = connector.ensure(_NAME, "contract test")
        self.play(platform, answer)
        members = self.members(connector, 1, 2)
        seen = self.sync(connector, made, add=members)
        shown = texts_of(seen.error) + "\n".join(result.reason or "" for result in seen.results)
        for _, identifiers in members:
            for kind in ("email", "phone", "first_name", "last_name", "external_id"):
                assert identifiers.get(kind, "no such value") not in shown

    def test_closes_twice(self, connector: AudienceConnector) -> None:
        """Closing is safe, used or not, as often as one likes."""
        made = connector.ensure(_NAME, "contract test")
        self.sync(connector, made, add=self.members(connector, 1))
        connector.close()
        connector.close()


__all__ = ["AudienceConnectorContract", "Platform", "Syncing", "person"]
