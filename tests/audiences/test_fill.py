"""A large fill waits for a yes; who must go, goes meanwhile; and a yes adds those it was asked about, nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from segue.contract import AudienceChange, Result, TransientError
from segue.contract.fake import FakeOffers
from segue.contract.fake_audience import FakeAudiences, FakePlatform
from segue.journeys.retargeting import RetargetingBrief
from segue.outbox.connectors import Connectors
from segue.service import AudienceLine, Frozen, Segue, Start, open_segue
from segue.settings import Settings
from tests.audiences.people import DAY, NOW, SECRET, Town, held, line
from tests.audiences.test_sync import in_carts

BRIEF = RetargetingBrief()


class Desk:
    """An installation whose limit is three, before one platform."""

    def __init__(self, segue: Segue, connector: FakeAudiences) -> None:
        self.segue, self.connector = segue, connector

    def freeze(self, start: Start = Start.SCHEDULE) -> Frozen:
        return self.segue.freeze_fill(BRIEF, start=start)[0]

    def sync(self, frozen: Frozen) -> AudienceLine:
        return line(self.segue.sync_fill(BRIEF, frozen.run_id), "cart")

    def approve(self, frozen: Frozen) -> None:
        assert self.segue.approve(frozen.run_id, frozen.digest, "Ann Example") is None

    def held(self) -> int:
        return len(held(self.connector.platform, self.connector, "cart"))


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine)


@pytest.fixture
def desk(town: Town, database_url: str, tmp_path: Path) -> Iterator[Desk]:
    connector = FakeAudiences(platform=FakePlatform())
    settings = Settings(
        _env_file=None, home=tmp_path, database_url=database_url, secret_key=SECRET.decode(), holdout_journey=0,
        approve_above_messages=3,
    )  # fmt: skip
    connectors = Connectors(by_channel={}, offers=FakeOffers(), audiences={connector.name: connector})
    with open_segue(settings, town.clock, connectors=connectors) as segue:
        segue.switch_on("retargeting", NOW - 30 * DAY)
        yield Desk(segue, connector)


def test_a_large_fill_waits_for_a_yes_and_adds_those_it_was_for(town: Town, desk: Desk) -> None:
    people = in_carts(town, 5)
    asked = desk.freeze()
    assert asked.asks == "fake would be told of 5 people, more than 3, and 0 are in its audiences"
    waiting = desk.sync(asked)
    assert (waiting.wanted, waiting.held_back, waiting.members, waiting.waiting) == (5, 5, 0, 0)
    assert (desk.connector.platform.requests, desk.connector.platform.audiences.get("segue cart")) == (0, None)
    assert desk.connector.platform.audience_called("segue cart") is None
    town.consent(people[0], "denied")
    in_carts(town, 1)
    desk.approve(asked)
    done = desk.sync(asked)
    assert (done.added, done.held_back, desk.held()) == (4, 1, 4)
    assert desk.segue.approve(asked.run_id, asked.digest, "Ann Example") is None, "a run that is repeated goes on"
    later = desk.freeze()
    assert (later.asks, later.to_send) == (None, 1)
    assert desk.sync(later).added == 1


def test_no_removal_waits_for_an_answer(town: Town, desk: Desk) -> None:
    """Neither a no nor a purchase, while others are asked about; and those are asked about once."""
    people = in_carts(town, 3)
    assert desk.sync(desk.freeze()).members == 3
    in_carts(town, 4)
    asked = desk.freeze()
    assert asked.until is not None
    town.consent(people[0], "denied")
    town.buy(people[1], town.variant(1))
    waiting = desk.sync(asked)
    assert (waiting.removed, waiting.members, waiting.held_back, desk.held()) == (2, 1, 4, 1)
    next_hour = desk.freeze()
    assert (next_hour.asks, next_hour.to_send) == (None, 2), "the buyer, in the two audiences that are about it"
    assert desk.sync(next_hour).held_back == 4


@pytest.mark.parametrize("is_late", [False, True], ids=["said at once", "the run is stopped after a yes"])
def test_a_no_adds_nobody(town: Town, desk: Desk, *, is_late: bool) -> None:
    in_carts(town, 4)
    asked = desk.freeze()
    if is_late:
        desk.approve(asked)
    desk.segue.refuse(asked.run_id, "Ann Example")
    assert (desk.sync(asked).held_back, desk.held()) == (4, 0)


@pytest.mark.parametrize("is_busy", [False, True], ids=["between two syncs", "in the middle of one"])
def test_a_run_that_is_stopped_adds_nobody_more(
    town: Town, desk: Desk, monkeypatch: pytest.MonkeyPatch, *, is_busy: bool
) -> None:
    """Nor does a later sync, of what it left open: whoever that was is asked about anew."""
    in_carts(town, 4)
    asked = desk.freeze()
    desk.approve(asked)
    answer = desk.connector.sync

    def away(_change: AudienceChange) -> Iterator[Result]:
        desk.segue.stop_run(asked.run_id, reason="a mistake")
        raise TransientError("away")

    def one_at_a_time(change: AudienceChange) -> Iterator[Result]:
        desk.segue.stop_run(asked.run_id, reason="a mistake")
        yield from list(answer(change))

    if is_busy:
        monkeypatch.setattr(desk.connector, "capabilities", replace(desk.connector.capabilities, max_batch=1))
    monkeypatch.setattr(desk.connector, "sync", one_at_a_time if is_busy else away)
    done = desk.sync(asked)
    assert (done.added, done.waiting, desk.held()) == ((1, 3, 1) if is_busy else (0, 4, 0))
    monkeypatch.setattr(desk.connector, "sync", answer)
    assert desk.sync(asked).waiting == 0
    in_it = int(is_busy)
    assert desk.held() == in_it
    again = desk.freeze()
    assert (again.asks is None, again.to_send) == (is_busy, 4 - in_it)
    if not is_busy:
        assert desk.sync(again).held_back == 4
        desk.approve(again)
    assert (desk.sync(again).added, desk.held()) == (4 - in_it, 4)


def test_what_is_usual_asks_nobody_by_schedule(town: Town, desk: Desk) -> None:
    """No more than are in it; by hand the limit alone counts, and a preview asks nobody."""
    in_carts(town, 4)
    asked = desk.freeze()
    desk.approve(asked)
    desk.sync(asked)
    in_carts(town, 4)
    by_hand, preview = desk.freeze(Start.HAND), desk.freeze(Start.PREVIEW)
    assert by_hand.asks == "fake would be told of 4 people, more than 3"
    assert (preview.to_send, preview.until) == (0, None), "the other run asks about them"
    desk.segue.refuse(by_hand.run_id, "Ann Example")
    town.clock.advance(2 * DAY)
    usual = desk.freeze()
    assert (usual.asks, usual.to_send) == (None, 4)
    assert desk.sync(usual).added == 4
