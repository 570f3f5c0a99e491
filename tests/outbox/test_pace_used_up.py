"""A pace is used up also where nobody looks at the very instant: what it allows a minute leaves in a minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from sqlalchemy import insert

from segue.clock import VirtualClock
from segue.contract import Channel
from segue.outbox.count import DrainCount
from segue.outbox.pace import set_pace
from segue.service import Segue, open_segue, running
from segue.settings import Settings
from segue.store.engine import write
from segue.store.tables import message, profile
from tests.outbox.conftest import Desks
from tests.outbox.shop import NOW, step

DAY = timedelta(days=1)


@pytest.mark.parametrize("late", [0.0, 0.03])
def test_whoever_comes_a_moment_late_loses_no_second(desk: Desks, late: float) -> None:
    """60 at 3 a second are through in little more than 20 seconds, however late each look is."""
    one = desk(step(channels=(Channel.SMS,)), people=60)
    with write(one.engine) as connection:
        set_pace(connection, one.connector.name, per_second=3, now=NOW)
    chance = Random(7)
    left: list[float] = []
    while len(left) < 60:
        left += [(one.clock.now() - NOW).total_seconds()] * one.drain().sent
        if ahead := [row.not_before for row in one.rows() if row.state == "held"]:
            one.clock.set(max(min(ahead), one.clock.now()) + timedelta(seconds=chance.uniform(late / 30, late)))
    assert left[-1] <= 21.5
    for start in left:
        assert sum(start <= at < start + 1 for at in left) <= 3


def test_what_leaves_is_dated_when_it_leaves(desk: Desks) -> None:
    """Not when its shard was judged: the second in which it left is what the pace counts."""
    one = desk(people=25)
    moved = iter(range(1, 100))

    def compose_slowly() -> None:
        one.clock.set(NOW + timedelta(seconds=next(moved)))
        one.probe.hooks["composed"] = compose_slowly

    one.probe.hooks["composed"] = compose_slowly
    one.drain()
    assert sorted({(row.handed_over_at - NOW).total_seconds() for row in one.rows()}) == [1, 2, 3]


@pytest.fixture
def segue(database_url: str, tmp_path: Path) -> Iterator[Segue]:
    settings = Settings(home=tmp_path / "home", database_url=database_url, secret_key="a secret for tests only")
    with open_segue(settings, VirtualClock(NOW)) as one:
        one.install()
        yield one


@pytest.mark.parametrize(("turn", "waits"), [(0.5, [0.5, 0.02, 2.0]), (5.0, [2.0, 2.0, 1.0, 0.02, 2.0])])
def test_a_dispatcher_looks_when_a_turn_comes(
    segue: Segue, monkeypatch: pytest.MonkeyPatch, turn: float, waits: list[float]
) -> None:
    """And not at its next poll, a second and a half later; a turn that is far away changes nothing."""
    clock, slept = segue.clock, []
    assert isinstance(clock, VirtualClock)
    with write(segue.engine) as connection:
        connection.execute(insert(profile).values(id=1, created_at=NOW))
        for number, at in enumerate((turn, turn + 0.001), start=1):
            connection.execute(
                insert(message).values(
                    key=f"letters/only/{number}", profile_id=1, bucket=1, journey="letters", step="only", priority=1,
                    state="held", reason="pace", not_before=NOW + timedelta(seconds=at), deadline_at=NOW + DAY,
                    promised_at=NOW,
                )
            )  # fmt: skip
    monkeypatch.setattr(segue, "drain_ready", lambda **_options: DrainCount())

    def monotonic() -> float:
        return (clock.now() - NOW).total_seconds()

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))
        clock.advance(timedelta(seconds=seconds))

    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=monotonic, sleep=sleep))
    segue.dispatch(seconds=sum(waits), poll=2.0)
    assert slept == waits
