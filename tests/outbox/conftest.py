"""Fixtures of the outbox's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from segue.journeys.definition import Step
from tests.outbox.desk import Desk
from tests.outbox.shop import add_people, journey

Desks = Callable[..., Desk]


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Iterator[Desks]:
    """Make a desk: `desk(step(), people=3)` has promised each of three people a message of each step."""
    made: list[Desk] = []

    def make(*steps: Step, people: int = 3, promised: bool = True, **changes: Any) -> Desk:
        add_people(engine, people)
        one = Desk(engine, tmp_path / "home", [journey(*steps)], **changes)
        made.append(one)
        if promised:
            assert one.promise() == people * max(len(steps), 1)
        return one

    yield make
    for one in made:
        one.worker.close()
