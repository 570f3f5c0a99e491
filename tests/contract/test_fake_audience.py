"""The fake ad platform keeps the contract that every real one must keep."""

from __future__ import annotations

import pytest

from segue.contract.fake_audience import FakeAudiences, FakePlatform
from segue.contract.suite_audience import AudienceConnectorContract


class TestFakeAudiences(AudienceConnectorContract):
    answers = frozenset({"ok", "throttled", "unauthorised", "silence", "lost", "gone"})

    @pytest.fixture
    def platform(self):
        return FakePlatform()

    @pytest.fixture(params=["all at once", "one by one"])
    def connector(self, request, platform):
        size = {"all at once": 5000, "one by one": 1}[request.param]
        kinds = ("email", "phone", "first_name", "last_name", "country", "external_id")
        return FakeAudiences(platform=platform, fields=kinds, request_size=size)


def test_refuses_an_answer_nobody_gives():
    with pytest.raises(ValueError, match="got maybe"):
        FakePlatform().answer("maybe")
