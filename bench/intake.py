"""Intake: importing a plain table, against a bare bulk insert of the rows that come of it.

    python -m bench.intake [--rows 20000]

A CSV of people with an address and a consent goes through a mapping file into an empty SQLite database: read, checked,
matched to who is known, and told about. The bare insert writes the very rows that the import made into the same tables
with the same indexes, by the driver's `executemany` in one transaction; it reads no file and asks nothing.
"""

from __future__ import annotations

import argparse
import csv
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.databases import copied
from bench.figures import Figure, best, pin, run
from bench.shop import NOW
from segue.clock import VirtualClock
from segue.outbox.states import ALL_BUCKETS
from segue.service import open_segue
from segue.settings import Settings
from segue.store.engine import open_engine
from segue.store.migrate import migrate

_MAPPING = Path(__file__).with_name("people.toml")
_TABLES = ("profile", "identifier", "consent_event")
Rows = dict[str, list[tuple[object, ...]]]


def measure(options: argparse.Namespace) -> list[Figure]:
    """One ratio of speeds."""
    pin(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, empty, home = folder / "people.csv", folder / "empty.db", folder / "home"
        _write(file, options.rows)
        engine = open_engine(f"sqlite:///{empty}")
        migrate(engine, buckets=ALL_BUCKETS)
        engine.dispose()
        _import(file, empty, home, options.rows)
        made = _rows(home / "segue.db")
        racers: dict[str, Callable[[], float]] = {
            "bare": lambda: _insert(made, copied(empty, home)),
            "import": lambda: _import(file, empty, home, options.rows),
        }
        seconds = best(options.rounds, racers)
    return [
        Figure(
            name="intake",
            value=round(seconds["bare"] / seconds["import"], 3),
            unit="of a bare bulk insert",
            parts={
                "rows": options.rows,
                "records written": sum(len(rows) for rows in made.values()),
                "import rows/s": round(options.rows / seconds["import"]),
                "bare rows/s": round(options.rows / seconds["bare"]),
            },
        )
    ]


def _write(file: Path, rows: int) -> None:
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(("customer_id", "email", "first_name", "country", "zone", "created_at"))
        for n in range(rows):
            writer.writerow(
                (f"C{n:07}", f"p{n}@example.com", "Sam", "US", "America/New_York", f"2025-03-{n % 28 + 1:02} 10:21:14")
            )


def _import(file: Path, empty: Path, home: Path, rows: int) -> float:
    copied(empty, home)
    with open_segue(Settings(home=home), VirtualClock(NOW)) as segue:
        start = time.perf_counter()
        segue.import_file(file, _MAPPING)
        seconds = time.perf_counter() - start
    found = len(_rows(home / "segue.db")["profile"])
    if found != rows:
        raise SystemExit(f"of {rows} people {found} were imported")
    return seconds


def _rows(file: Path) -> Rows:
    connection = sqlite3.connect(file)
    rows = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in _TABLES}  # noqa: S608
    connection.close()
    return rows


def _insert(made: Rows, file: Path) -> float:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    start = time.perf_counter()
    for table, rows in made.items():
        places = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608
    connection.commit()
    seconds = time.perf_counter() - start
    connection.close()
    return seconds


if __name__ == "__main__":
    run(__doc__, measure, {"--rows": {"type": int, "default": 20_000, "help": "people to import (default 20000)"}})
