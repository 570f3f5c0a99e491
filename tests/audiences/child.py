"""A sync in a process of its own that dies at a named point; its platform is a folder of files."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from connectors.audiences_csv import AudiencesCsvConnector
from segue.audiences.rule import Judge
from segue.audiences.sync import AudienceSync
from segue.clock import VirtualClock
from segue.contract import Capabilities
from segue.journeys.definition import Moment
from segue.journeys.retargeting import RetargetingBrief
from segue.outbox.rules import rules_of
from segue.settings import Settings
from segue.store.engine import open_engine
from tests.audiences.people import DAY, NOW, SECRET


class Platform(AudiencesCsvConnector):
    """Takes few at a time, so that there is something between two batches."""

    capabilities = Capabilities(max_batch=3, window=3, idempotent=True)


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a child is to do."""

    url: str
    folder: Path
    #: A probe's name, and at which passing of it to die; empty: nowhere.
    at: str = ""
    nth: int = 1


def sync(orders: Orders) -> None:
    """Sync once; die on the way where told to."""
    passed: Counter[str] = Counter()

    def probe(name: str) -> None:
        passed[name] += 1
        if name == orders.at and passed[name] == orders.nth:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = open_engine(orders.url)
    syncer(engine, orders.folder, probe=probe).sync(Moment(now=NOW, live_from=NOW - 365 * DAY), RetargetingBrief())
    engine.dispose()


def syncer(engine, folder: Path, probe=lambda _name: None) -> AudienceSync:
    """A sync whose lease runs out soon after its process died."""
    return AudienceSync(
        engine,
        connectors={"audiences_csv": Platform(folder=folder)},
        judge=Judge.of(rules_of(Settings(_env_file=None, holdout_journey=0)), SECRET),
        clock=VirtualClock(NOW),
        probe=probe,
        lease_ttl=timedelta(seconds=2),
    )
