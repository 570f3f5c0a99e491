"""When merges happen: after each import, and, where somebody was busy then, with the next tick or dispatch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from segue.clock import VirtualClock
from segue.outbox.lease import Leases
from segue.service import Segue, open_segue
from segue.settings import Settings
from tests.outbox.merges import redirects
from tests.outbox.shop import NOW


@pytest.fixture
def segue(database_url: str, tmp_path: Path) -> Iterator[Segue]:
    """An open installation at `NOW`."""
    with open_segue(Settings(home=tmp_path, database_url=database_url), VirtualClock(NOW)) as opened:
        yield opened


def call(number: int, user: str | None, **traits: str) -> str:
    """An `identify` as one line."""
    at = (NOW - timedelta(days=1)).isoformat()
    return json.dumps(
        {"type": "identify", "userId": user, "messageId": f"m{number}", "timestamp": at, "traits": traits}
    )


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A file that tells of two people, and then that they are one."""
    file = tmp_path / "calls.jsonl"
    lines = [call(1, "u1"), call(2, None, email="a@example.com"), call(3, "u1", email="a@example.com")]
    file.write_text("\n".join(lines))
    return file


def test_an_import_merges_whom_it_found_to_be_one(segue: Segue, engine: Engine, calls: Path) -> None:
    assert dict(segue.import_file(calls).warnings) == {"needs_merge": 1}
    assert redirects(engine) == {1: None, 2: 1}
    again = segue.import_file(calls)
    assert (dict(again.warnings), dict(again.taken), dict(again.updated)) == ({}, {}, {})


@pytest.mark.parametrize("verb", ["tick", "dispatch"])
def test_who_was_busy_is_merged_with_the_next_round(segue: Segue, engine: Engine, calls: Path, verb: str) -> None:
    worker = Leases(engine, "worker", timedelta(seconds=60))
    worker.claim([2])
    segue.import_file(calls)
    assert redirects(engine) == {1: None, 2: None}
    worker.release()
    if verb == "tick":
        segue.tick()
    else:
        segue.dispatch(seconds=0)
    assert redirects(engine) == {1: None, 2: 1}
