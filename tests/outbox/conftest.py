"""Fixtures of the outbox's tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.files import FilesConnector
from connectors.print_insert import PrintInsertConnector
from segue.clock import VirtualClock
from segue.contract import Channel
from segue.journeys.definition import Step
from segue.outbox.connectors import Connectors
from segue.service import Segue, open_segue
from segue.settings import Settings
from tests.outbox.desk import Desk
from tests.outbox.printshop import NOON, Open
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


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Iterator[Open]:
    """Open Segue on the test's database at an instant; closed at the end."""
    made: list[Segue] = []

    def make(at: datetime = NOON, printer: Any = None) -> Segue:
        settings = Settings(
            home=tmp_path / "home",
            database_url=database_url,
            outbox=tmp_path / "outbox",
            print_folder=tmp_path / "print",
            holdout_journey=0,
            pick_wave="14:00",
            secret_key="a secret for tests only",
        )
        printer = printer or PrintInsertConnector(folder=tmp_path / "print")
        connectors = Connectors(by_channel={Channel.PRINT: printer}, offers=FilesConnector(folder=tmp_path / "outbox"))
        segue = open_segue(settings, VirtualClock(at), connectors=connectors)
        made.append(segue.__enter__())
        made[-1].install()
        made[-1].switch_on("welcome_insert", NOON - timedelta(days=1))
        return made[-1]

    yield make
    for segue in made:
        segue.close()
