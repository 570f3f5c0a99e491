"""`segue rehearse`: a table, a digest and a page; and the page that the flow leaves in Prefect."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import rehearse as desk
from flows.rehearse import RehearseForm, page
from flows.typed import described
from segue.cli.main import app
from segue.service import open_segue
from segue.service.rehearsal import Rehearsal, rehearse
from segue.settings import load_settings
from tests.service import rehearsed


@pytest.fixture
def home(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The shop, opened through the environment, where nobody may open a socket."""
    monkeypatch.setenv("SEGUE_DATABASE_URL", database_url)
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEGUE_VIRTUAL_NOW", rehearsed.AFTER.isoformat())
    monkeypatch.setenv("COLUMNS", "140")
    load_settings.cache_clear()
    with open_segue() as segue:
        segue.install()
        rehearsed.fill(segue.engine)

    def refuse(*_: object) -> None:
        raise AssertionError("a rehearsal opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield tmp_path
    load_settings.cache_clear()


def test_the_command_tells_what_the_verb_finds(home: Path) -> None:
    """The sums, the digest, and where the page lies; in Markdown, too, and nowhere anybody's address."""
    with open_segue() as segue:
        calendar = rehearse(segue, Rehearsal(since=date(2026, 3, 6), days=3))
    pages = home / "pages"
    done = CliRunner().invoke(app, ["rehearse", "--from", "2026-03-06", "--days", "3", "--folder", str(pages)])
    assert done.exit_code == 0, done.output
    assert f"Digest {calendar.digest}" in done.output
    assert f"{calendar.considered:,} considered" in done.output
    file = pages / "2026-03-06-3-days.html"
    assert file.as_uri() in done.output
    told = page(calendar, str(file))
    assert f"**{calendar.considered:,} considered** = {calendar.ended('sent'):,} sent" in told
    assert "- **2026-03-02: " in told
    assert calendar.digest in told
    for text in (done.output, told, file.read_text("utf-8")):
        assert "wren" not in text.lower()


def test_the_form_offers_the_journeys_and_takes_nothing_else() -> None:
    """What is chosen here stays in Prefect; and a day that may be left out is a day, not a choice of types."""
    fields = described(desk.rehearse)["definitions"]["RehearseForm"]["properties"]
    assert "Pop-up invite" in fields["journeys"]["items"]["enum"]
    assert fields["facts_from"]["type"] == "string"
    assert not {"anyOf", "default"} & set(fields["facts_from"])
    assert RehearseForm(first_day=date(2026, 3, 6), journeys=("Pop-up invite",)).facts_from is None
    with pytest.raises(ValueError, match="journeys"):
        RehearseForm(first_day=date(2026, 3, 6), journeys=("sarah@example.com",))
