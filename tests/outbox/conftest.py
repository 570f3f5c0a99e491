"""Fixtures of the outbox's tests."""

from __future__ import annotations

import subprocess
import sys
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


@pytest.fixture(scope="session")
def recorder() -> Iterator[int]:
    """The port of a provider in a process of its own that writes down whatever reaches it."""
    program = Path(__file__).with_name("recorder.py")
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.terminate()
