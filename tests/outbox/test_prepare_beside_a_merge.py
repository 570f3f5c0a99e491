"""A journey that locks people before it promises does not wait for a merge that waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, text

from segue.clock import VirtualClock
from segue.journeys.definition import Brief
from segue.offers import lock_people
from segue.outbox.merge import _keep_writers_out
from segue.service import open_segue
from segue.settings import Settings
from segue.store.engine import open_engine, write
from segue.store.tables import journey_state
from tests.outbox.shop import LONG_AGO, NOW, SECRET, add_people, journey


def test_a_run_and_a_merge_never_wait_for_each_other(new_database: Callable[..., str], tmp_path: Path) -> None:
    """The merge has locked messages, and asks for people once the run waits for it."""
    url = new_database("postgresql")
    engine = open_engine(url)
    add_people(engine, 3)
    with write(engine) as connection:
        connection.execute(insert(journey_state).values(journey="letters", live_from=LONG_AGO))
    prepared = []

    def prepare(connection: Connection, *_: object) -> None:
        lock_people(connection, [1])
        prepared.append(1)

    letters = replace(journey(), prepare=prepare)
    settings = Settings(
        _env_file=None, home=tmp_path / "home", outbox=tmp_path / "out", database_url=url, secret_key=SECRET.decode()
    )
    with open_segue(settings, VirtualClock(NOW)) as segue, ThreadPoolExecutor(1) as pool:
        segue.install()
        with write(engine) as merging:
            _keep_writers_out(merging)
            run = pool.submit(segue.start_run, letters, Brief())
            wait_for_a_waiter(engine)
            lock_people(merging, [1, 2])
        assert run.result(30).promised == 3
    assert prepared == [1]
    engine.dispose()


def wait_for_a_waiter(engine: Engine) -> None:
    """Until somebody waits for a lock on messages."""
    asked = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'message'::regclass")
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with engine.connect() as connection:
            if connection.scalar(asked):
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits for the merge")
