"""A preview tells what the run would find: what the brake holds and the journey prepares, with nothing written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from flows import report as pages
from segue.clock import VirtualClock
from segue.contract import Channel
from segue.contract.fake import FakeConnector, FakeOffers
from segue.journeys.loyalty_notice import JOURNEY as LOYALTY
from segue.outbox.brake import set_paused
from segue.outbox.connectors import Connectors
from segue.service import Segue, Start, open_segue
from segue.settings import Settings
from segue.store.engine import read, write
from segue.store.tables import metadata
from tests.journeys import test_loyalty_notice as loyal
from tests.journeys.orders import shop
from tests.journeys.test_referral_followup import RIPE, befriend, look
from tests.outbox.conftest import Desks
from tests.outbox.desk import Desk
from tests.outbox.prices import CENT, TEXTING, ByCountry, previewed
from tests.outbox.shop import NOW
from tests.outbox.test_cost import Wordy


def pause(one: Desk, name: str) -> None:
    with write(one.engine) as connection:
        set_paused(connection, name, paused=True, reason="test", now=NOW)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("all", "everything is paused"),
        ("journey:letters", "the journey Letters is paused"),
        ("channel:sms", "the channel text message is paused"),
        ("connector:fake", "the connector fake is paused"),
    ],
)
def test_what_the_brake_would_hold_is_held_and_says_by_what(desk: Desks, name: str, said: str) -> None:
    one = desk(TEXTING, people=3, promised=False)
    pause(one, name)
    seen = previewed(one, Wordy(), {Channel.SMS: ByCountry()})
    assert (seen.count("accepted"), seen.count("pending", reason="paused")) == (0, 3)
    ((held),) = seen.holdings
    assert (held.count, held.reason, held.brake) == (3, "paused", name)
    assert f"| 3 | Only | held: {said} |" in "\n".join(pages.holds(seen))
    one.promise()
    one.drain()
    assert one.states() == {("held", "paused"): 3}, "as the run does"


def test_the_brake_on_another_way_holds_nothing_and_a_dear_message_stays_dear(desk: Desks) -> None:
    """What waits for the brake leaves once it is let go of: a yes is for its price, too."""
    one = desk(TEXTING, people=3, promised=False)
    for name in ("channel:email", "connector:smtp", "journey:other", "run:7"):
        pause(one, name)
    free = previewed(one, Wordy(), {Channel.SMS: ByCountry()})
    assert (free.count("accepted"), free.holdings) == (3, ())
    pause(one, "channel:sms")
    assert previewed(one, Wordy(), {Channel.SMS: ByCountry()}).spendings == free.spendings


def contents(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Everything in every table."""
    with read(engine) as connection:
        return {
            table.name: sorted((tuple(map(str, row)) for row in connection.execute(select(table))), key=str)
            for table in metadata.sorted_tables
        }


@pytest.mark.parametrize("switched_on", [(), ("referral_followup",)])
def test_a_first_preview_finds_what_a_run_would_prepare_and_leaves_nothing(
    tmp_path: Path, database_url: str, switched_on: tuple[str, ...]
) -> None:
    with shop(tmp_path, database_url, *switched_on) as (segue, _):
        befriend(segue)
        before = contents(segue.engine)
        for _ in range(2):
            seen = look(segue, RIPE)
            assert {(line.step, line.group, line.count) for line in seen.lines} == {("reward", "accepted", 2)}
        assert contents(segue.engine) == before


@pytest.fixture
def points(tmp_path: Path, database_url: str) -> Iterator[Segue]:
    """Three holders of points that nobody has booked yet, on the first of a month; two messages are many here."""
    connectors = Connectors(by_channel={Channel.EMAIL: FakeConnector(price=CENT)}, offers=FakeOffers())
    settings = Settings(
        home=tmp_path, database_url=database_url, holdout_journey=0, house=loyal.HOUSE, approve_above_messages=1
    )
    with open_segue(settings, VirtualClock(loyal.PAID), connectors=connectors) as segue:
        segue.install()
        segue.switch_on(LOYALTY.name)
        with write(segue.engine) as connection:
            for number in range(1, 4):
                loyal.person(connection, number, "America/New_York", 60)
                loyal.allow(connection, number, agreed=True)
        segue.clock.set(datetime(2026, 11, 1, 16, tzinfo=UTC))  # type: ignore[attr-defined]
        yield segue


def test_a_large_first_run_asks_for_a_yes_and_sends_what_was_shown(points: Segue) -> None:
    """What is due only once it is prepared is counted before anybody is asked, and is not gone after the yes."""
    assert not points.is_small(LOYALTY, loyal.BRIEF)
    before = contents(points.engine)
    shown = points.preview(LOYALTY, loyal.BRIEF)
    assert contents(points.engine) == before
    frozen = points.freeze(LOYALTY, loyal.BRIEF, "a-flow-run", start=Start.HAND)
    assert (shown.count("accepted"), frozen.to_send) == (3, 3)
    assert frozen.asks is not None
    assert points.approve(frozen.run_id, frozen.digest, "Ada") is None
    plan = points.start_run(LOYALTY, loyal.BRIEF, "a-flow-run", only_frozen=True)
    assert (plan.run_id, plan.promised) == (frozen.run_id, 3)
    assert points.drain_run(plan).sent == 3
    assert points.preview(LOYALTY, loyal.BRIEF).considered == 0


def test_nobody_is_held_up_while_a_preview_judges(points: Segue) -> None:
    """What was prepared is undone as soon as all is read: others write, and merge, from then on."""
    real, met = points.library, []

    class Watched:
        def step(self, name: str, *, transactional: bool = False) -> object:
            if not met:
                met.append(name)
                if points.engine.dialect.name == "sqlite":
                    with closing(sqlite3.connect(str(points.engine.url.database), timeout=0.1)) as other:
                        other.execute("BEGIN IMMEDIATE")
                else:
                    with points.engine.begin() as connection:
                        connection.execute(text("SET LOCAL lock_timeout = '100ms'"))
                        connection.execute(text("LOCK TABLE message IN SHARE ROW EXCLUSIVE MODE"))
            return real.step(name, transactional=transactional)

    points.__dict__["library"] = Watched()
    assert points.preview(LOYALTY, loyal.BRIEF).count("accepted") == 3
    assert met == ["loyalty_notice/month"]
