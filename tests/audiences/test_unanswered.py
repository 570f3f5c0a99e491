"""A removal that a platform never answers keeps nobody else in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from segue.contract import AudienceChange, Result, TransientError, UncertainError, uncertain
from segue.contract.fake_audience import FakeAudiences, FakePlatform
from tests.audiences.people import Town, held, line
from tests.audiences.test_sync import in_carts

BROKE = UncertainError("the platform broke while it had the request (status 500)")
THROTTLED = TransientError("the platform is throttling", retry_after=timedelta(minutes=5))


class Breaking(FakeAudiences):
    """Says `trouble` to every removal that one of these is in; with `late`, about her alone and after the others."""

    def __init__(self, trouble: Exception, *bad: int, max_batch: int = 4, late: bool = False) -> None:
        super().__init__(platform=FakePlatform(), max_batch=max_batch)
        self.trouble, self.late = trouble, late
        self.bad = {f"p{one}@example.com" for one in bad}
        self.asked: list[int] = []

    def sync(self, change: AudienceChange) -> Iterator[Result]:
        if change.remove:
            self.asked.append(len(change.remove))
        hit = {key for key, one in change.remove if one["email"] in self.bad}
        if hit and self.late:
            answers = list(super().sync(change))
            return iter([uncertain(one.key, "no_answer") if one.key in hit else one for one in answers])
        if hit:
            raise self.trouble
        return super().sync(change)


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine)


@pytest.mark.parametrize("place", [0, 5, 9])
@pytest.mark.parametrize(
    ("trouble", "late", "said"),
    [
        (BROKE, False, "status 500"),
        (BROKE, True, "no_answer"),
        (TransientError("status 503"), False, "status 503"),
        (ValueError("p1@example.com"), False, "failed with ValueError"),
    ],
    ids=["uncertain", "uncertain alone", "busy", "a fault of the connector"],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_that_is_never_answered_starves_no_other_no(
    town: Town, trouble: Exception, late: bool, said: str, place: int
) -> None:
    people = in_carts(town, 10)
    connector = Breaking(trouble, late=late)
    town.sync(connector)
    connector.bad = {f"p{people[place]}@example.com"}
    for who in people:
        town.consent(who, "denied")
    in_carts(town, 1)
    report = town.sync(connector)
    cart = line(report, "cart")
    assert (cart.removed, cart.added, cart.members, cart.waiting_noes) == (9, 1, 1, 1)
    (told,) = report.problems
    assert told.startswith("cart at fake: the platform left 1 removals open (")
    assert said in told
    assert "example.com" not in told
    assert len(held(connector.platform, connector, "cart")) == (1 if late else 2)
    connector.bad.clear()
    healed = line(town.sync(connector), "cart")
    assert (healed.removed, healed.waiting_noes, healed.problem) == (1, 0, None)
    assert len(held(connector.platform, connector, "cart")) == 1


@pytest.mark.parametrize(("trouble", "most"), [(BROKE, 12), (TransientError("busy"), 4), (THROTTLED, 1)])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_ill_platform_is_left_alone_after_a_few_requests(town: Town, trouble: Exception, most: int) -> None:
    people = in_carts(town, 60)
    connector = Breaking(trouble)
    town.sync(connector)
    connector.bad = {f"p{who}@example.com" for who in people}
    for who in people:
        town.consent(who, "denied")
    report = line(town.sync(connector), "cart")
    assert (len(connector.asked), report.removed, report.waiting_noes) == (most, 0, 60)
    assert str(trouble) in report.problem
