"""Fixtures of the intake tests: one engine on each database, and short ways to import text."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from segue.clock import VirtualClock
from segue.intake import Format, ImportReport, import_events, import_export, import_table, load_mapping
from segue.store.tables import metadata

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CLOCK = VirtualClock(NOW)
_schemas = count()


def hash_address(address: str) -> str:
    """A stand-in for the keyed hash, easy to read in assertions."""
    return f"hash of {len(address)}"


@pytest.fixture
def table_of(engine: Engine, tmp_path: Path) -> Callable[..., ImportReport]:
    """Import CSV text (or bytes) through mapping text: `table_of(csv, mapping)`."""
    files = count()

    def run(content: str | bytes, mapping: str, **options: Any) -> ImportReport:
        number = next(files)
        file, page = tmp_path / f"table{number}.csv", tmp_path / f"mapping{number}.toml"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        page.write_text(mapping)
        return import_table(engine, file, load_mapping(page), clock=CLOCK, hash_address=hash_address, **options)

    return run


@pytest.fixture
def events_of(engine: Engine, tmp_path: Path) -> Callable[..., ImportReport]:
    """Import calls given as JSON lines."""
    files = count()

    def run(lines: str, *, zipped: bool = False) -> ImportReport:
        file = tmp_path / f"events{next(files)}.jsonl{'.gz' if zipped else ''}"
        content = lines.encode()
        file.write_bytes(gzip.compress(content) if zipped else content)
        return import_events(engine, file, clock=CLOCK, hash_address=hash_address)

    return run


@pytest.fixture
def rows(engine: Engine) -> Callable[..., list[tuple[Any, ...]]]:
    """Ask the store in plain SQL: `rows("SELECT ...")`."""

    def ask(statement: str) -> list[tuple[Any, ...]]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    return ask


@pytest.fixture
def census(rows: Callable[..., list[tuple[Any, ...]]]) -> Callable[[], dict[str, int]]:
    """How many rows every table holds that imports may write (leases are there from the start)."""
    names = metadata.tables.keys() - {"lease"}

    def take() -> dict[str, int]:
        return {name: rows(f'SELECT count(*) FROM "{name}"')[0][0] for name in names}  # noqa: S608 - our own names

    return take


@pytest.fixture
def export_of(engine: Engine, tmp_path: Path) -> Callable[..., ImportReport]:
    """Import an export given as text (or bytes): `export_of(csv)`, `export_of(csv, FORMAT, time_zone="UTC")`."""
    files = count()

    def run(content: str | bytes, kind: Format | None = None, *, name: str = "", **options: Any) -> ImportReport:
        file = tmp_path / (name or f"export{next(files)}.csv")
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return import_export(engine, file, kind, clock=CLOCK, hash_address=hash_address, **options)

    return run
