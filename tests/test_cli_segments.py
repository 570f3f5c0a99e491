"""`segue segments`: the how-to's file is kept as a segment, and the help says how such a file looks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from segue.cli.main import app
from segue.settings import load_settings

GUIDE = (Path(__file__).resolve().parents[1] / "docs" / "how-to" / "send-a-campaign.md").read_text("utf-8")


def test_the_file_of_the_how_to_is_a_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    load_settings.cache_clear()
    (file,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "autumn.toml").write_text(file, "utf-8")
    done = CliRunner().invoke(app, ["segments", "--define", str(tmp_path / "autumn.toml")])
    load_settings.cache_clear()
    assert done.exit_code == 0, done.output
    assert "bought in the last 90 days and fits size 8" in done.stdout


def test_the_help_names_the_tables_of_such_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal's markup takes brackets for its own."""
    monkeypatch.setenv("COLUMNS", "200")
    assert "[[conditions]]" in CliRunner().invoke(app, ["segments", "--help"]).stdout
