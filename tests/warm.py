"""Imported by the server that forks tests' worker processes: everything that a worker asks has been asked once.

So a worker begins with all statements compiled, and the tests that kill hundreds of them take half as long.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from connectors.audiences_csv import AudiencesCsvConnector  # noqa: F401 - imported here, not in each worker
from segue.outbox.states import ALL_BUCKETS
from segue.store.engine import open_engine
from segue.store.migrate import migrate
from tests.audiences import child as audiences
from tests.engines import WARM, share_what_engines_learn
from tests.outbox.desk import Desk
from tests.outbox.shop import add_people, an_offer, journey, step


def _work_once(url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(url)
        migrate(engine, buckets=ALL_BUCKETS)
        add_people(engine, 3)
        with Desk(engine, Path(folder), [journey(step("step0", offer=an_offer))], caps={"email": ["1/24h"]}) as desk:
            desk.promise()
            desk.drain()
            desk.drain()
        engine.dispose()
        audiences.sync(audiences.Orders(url=url, folder=Path(folder)))


def _warm_up() -> None:
    share_what_engines_learn()
    with tempfile.TemporaryDirectory() as folder:
        _work_once(f"sqlite:///{folder}/warm.db")
    if WARM in os.environ:
        _work_once(os.environ[WARM])


_warm_up()
