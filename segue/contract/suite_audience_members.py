"""The contract of audience connectors: who is in an audience once a change was applied."""

# ruff: noqa: S101 - these are tests, though they live in the package

from __future__ import annotations

from collections import Counter

import pytest

from segue.contract.protocols import AudienceConnector
from segue.contract.suite_audience_parts import NAME, AudiencePlay, Platform, person
from segue.contract.types import NAMING_KINDS, Key, Outcome


class AudienceMembers(AudiencePlay):
    """Who was added is in, who was removed is out, and nobody leaves in clear."""

    def test_gives_one_result_per_member_under_its_key(self, connector: AudienceConnector, platform: Platform) -> None:
        """Added and removed ones alike."""
        made = connector.ensure(NAME, "contract test")
        self.sync(connector, made, add=self.members(connector, 1, 2))
        add, remove = self.members(connector, 3, 4, 5), self.members(connector, 1, 2)
        seen = self.sync(connector, made, add=add, remove=remove)
        assert seen.error is None
        assert Counter(r.key for r in seen.results) == Counter(key for key, _ in (*add, *remove))
        assert seen.count() == {Outcome.ACCEPTED: 5}
        assert len(platform.held(made)) == 3

    def test_takes_as_many_as_it_says(self, connector: AudienceConnector, platform: Platform) -> None:
        """A full batch in one call, however many requests that is."""
        made = connector.ensure(NAME, "contract test")
        size = min(connector.capabilities.max_batch, 1200)
        crowd = self.members(connector, *range(size))
        assert self.sync(connector, made, add=crowd).count() == {Outcome.ACCEPTED: size}
        assert len(platform.held(made)) == size
        assert self.sync(connector, made, remove=crowd).count() == {Outcome.ACCEPTED: size}
        assert platform.held(made) == frozenset()

    def test_removes_whom_it_added(self, connector: AudienceConnector, platform: Platform) -> None:
        """By the very identifiers; the others stay, and who comes back is who she was."""
        made = connector.ensure(NAME, "contract test")
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
        made = connector.ensure(NAME, "contract test")
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
        made = connector.ensure(NAME, "contract test")
        self.sync(connector, made, add=self.members(connector, 1))
        for one in (connector, connector, reborn):
            seen = self.sync(one, made, add=self.members(one, 2, 3), remove=self.members(one, 1, 4))
            assert seen.count() == {Outcome.ACCEPTED: 4}
            assert len(platform.held(made)) == 2

    def test_audiences_are_apart(self, connector: AudienceConnector, platform: Platform) -> None:
        """Who is put in one is in no other."""
        first, second = (connector.ensure(f"{NAME}{number}", "contract test") for number in (1, 2))
        self.sync(connector, first, add=self.members(connector, 1, 2))
        self.sync(connector, second, add=self.members(connector, 2))
        self.sync(connector, first, remove=self.members(connector, 2))
        assert (len(platform.held(first)), len(platform.held(second))) == (1, 1)

    def test_sends_only_the_fields_of_the_audience(self, connector: AudienceConnector, platform: Platform) -> None:
        """An audience made with fewer kinds of identifiers is filled and emptied with those."""
        made = connector.ensure(NAME, "contract test")
        kind = next(kind for kind in connector.fields if kind in NAMING_KINDS)
        ((key, identifiers),) = self.members(connector, 1)
        only = ((key, {kind: identifiers[kind]}),)
        assert self.sync(connector, made, add=only, fields=(kind,)).count() == {Outcome.ACCEPTED: 1}
        assert len(platform.held(made)) == 1
        self.sync(connector, made, remove=only, fields=(kind,))
        assert platform.held(made) == frozenset()

    def test_spelling_makes_no_second_person(self, connector: AudienceConnector, platform: Platform) -> None:
        """Blanks around it and capitals in it are the same address."""
        if "email" not in connector.fields:
            pytest.skip("it sends no e-mail address")
        made = connector.ensure(NAME, "contract test")
        ((key, identifiers),) = self.members(connector, 1)
        self.sync(connector, made, add=((key, identifiers),))
        loud = identifiers | {"email": f" {identifiers['email'].upper()} "}
        self.sync(connector, made, add=((key, loud),))
        assert len(platform.held(made)) == 1

    def test_a_member_without_an_address_costs_the_others_nothing(
        self, connector: AudienceConnector, platform: Platform
    ) -> None:
        """She is rejected, with a reason; removing her is fine, since she cannot be there."""
        made = connector.ensure(NAME, "contract test")
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
        made = connector.ensure(NAME, "contract test")
        members = self.members(connector, 1, 2)
        self.sync(connector, made, add=members)
        held = "\n".join(platform.held(made)).lower()
        for _, identifiers in members:
            for kind in ("email", "phone", "first_name", "last_name"):
                if value := identifiers.get(kind):
                    assert value.lower().lstrip("+") not in held
