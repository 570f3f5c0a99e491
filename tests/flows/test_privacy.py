"""The search that proves that Prefect holds no personal data must itself find what is hidden."""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path

import pytest

from tests.flows.privacy import leaks

NEEDLE = "quillon001@mailbox.example.com"


@pytest.mark.parametrize("hiding", ["table", "log", "picture", "blob"])
def test_it_finds_a_needle_wherever_it_hides(tmp_path: Path, hiding: str) -> None:
    """In a column, a log line, inside a picture's base64, in bytes; in any case of letters."""
    with sqlite3.connect(tmp_path / "prefect.db") as database:
        database.execute("CREATE TABLE artifact (id INTEGER, data)")
        picture = "data:image/svg+xml;base64," + base64.b64encode(f"<svg>{NEEDLE}</svg>".encode()).decode()
        inside = {"table": NEEDLE.upper(), "picture": f"# x ![y]({picture})", "blob": NEEDLE.encode(), "log": "clean"}
        database.execute("INSERT INTO artifact VALUES (1, ?)", (inside[hiding],))
    (tmp_path / "worker.log").write_text(f"sent to {NEEDLE}" if hiding == "log" else "clean")
    (found,) = leaks(tmp_path, ["nobody@example.com", NEEDLE])
    assert found.endswith("needle 1")
    assert leaks(tmp_path, ["nobody@example.com"]) == []


def test_an_empty_home_proves_nothing(tmp_path: Path) -> None:
    """Searching the wrong folder must not look like success."""
    with pytest.raises(ValueError, match="nothing to search"):
        leaks(tmp_path, [NEEDLE])
