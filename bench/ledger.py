"""The ledger tax: microseconds a message for promise, claim, judge, mark, journal and record.

    python -m bench.ledger [--people 10000] [--databases sqlite postgresql] [--windows 500 50]

A constant message to a connector that does nothing, so that nothing but the ledger is timed. All rules are on, SQLite
runs with `synchronous=FULL`, PostgreSQL with its settings as they come (`fsync` and `synchronous_commit` on).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from bench.databases import KINDS, database
from bench.figures import Figure, pin, run
from bench.shop import LEDGER, NOW, ConstantTemplate, NullConnector, fill
from segue.clock import VirtualClock
from segue.contract import Channel
from segue.journeys.definition import Moment
from segue.outbox.connectors import Connectors
from segue.outbox.promise import promise
from segue.outbox.rules import rules_of
from segue.outbox.scope import Scope
from segue.outbox.states import MARKETING_BUCKETS
from segue.outbox.worker import Worker
from segue.settings import Settings
from segue.store.engine import open_engine, write
from segue.store.tables import decision, message

_LIMITS = {("sqlite", 500): 60.0, ("postgresql", 500): 120.0}


def measure(options: argparse.Namespace) -> list[Figure]:
    """One figure a database and window; the windows take turns within a run."""
    pin(0)
    figures = []
    for kind in options.databases:
        with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as url:
            engine = open_engine(url)
            fill(engine, options.people)
            engine.dispose()
            rounds = [
                {window: send(url, Path(folder), people=options.people, window=window) for window in options.windows}
                for _ in range(options.rounds)
            ]
        for window in options.windows:
            promised, drained, busy = min((one[window] for one in rounds), key=lambda one: one[0] + one[1])
            figures.append(
                Figure(
                    name=f"ledger tax, {kind}, window {window}",
                    value=round((promised + drained) / options.people * 1e6, 1),
                    unit="us a message",
                    limit=_LIMITS.get((kind, window)),
                    more_is_better=False,
                    parts={
                        "people": options.people,
                        "promise us": round(promised / options.people * 1e6, 1),
                        "drain us": round(drained / options.people * 1e6, 1),
                        "of it this process's CPU us": round(busy / options.people * 1e6, 1),
                    },
                )
            )
    return figures


def send(url: str, home: Path, *, people: int, window: int) -> tuple[float, float, float]:
    """Send everybody a message; return the seconds of the promise, of the drain, and this process's CPU seconds."""
    engine = open_engine(url)
    with write(engine) as connection:
        connection.execute(decision.delete())
        connection.execute(message.delete())
    settings = Settings(home=home)
    null = NullConnector(window)
    worker = Worker(
        engine,
        settings=settings,
        secret=b"bench",
        journeys={LEDGER.name: LEDGER},
        library=ConstantTemplate(),  # type: ignore[arg-type]
        connectors=Connectors(by_channel={Channel.EMAIL: null}, offers=null),
        rules=rules_of(settings),
        clock=VirtualClock(NOW),
    )
    begun = time.process_time()
    start = time.perf_counter()
    with write(engine) as connection:
        promised = promise(
            connection, LEDGER, LEDGER.steps[0], LEDGER.brief(), Moment(now=NOW, live_from=NOW), run_id=0
        )
    middle = time.perf_counter()
    count = worker.drain(Scope(buckets=tuple(MARKETING_BUCKETS)))
    end = time.perf_counter()
    busy = time.process_time() - begun
    worker.close()
    engine.dispose()
    if promised != people or count.accepted + count.control != people:
        raise SystemExit(f"of {people} messages {promised} were promised, {count.accepted + count.control} settled")
    return middle - start, end - middle, busy


if __name__ == "__main__":
    run(
        __doc__,
        measure,
        {
            "--people": {"type": int, "default": 10_000, "help": "messages to send (default 10000)"},
            "--databases": {"nargs": "+", "choices": KINDS, "default": KINDS, "help": "which (default both)"},
            "--windows": {"nargs": "+", "type": int, "default": [500, 50], "help": "messages a window (500 50)"},
        },
    )
