"""A Prefect server for the whole session, and a store with a few people in it on each database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from segue.clock import VirtualClock
from segue.service import Segue, open_segue
from segue.settings import load_settings
from tests.flows.shop import Shop, fill

#: Noon in New York: nobody's quiet hours.
NOW = datetime(2026, 5, 12, 16, tzinfo=UTC)


@pytest.fixture
def installed(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Segue]:
    """An empty installation that flows find through the environment, at noon of a working day."""
    monkeypatch.setenv("SEGUE_DATABASE_URL", database_url)
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
