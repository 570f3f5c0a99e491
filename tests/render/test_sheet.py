"""The contact sheet shows the templates as they are: a template that changed asks for a new one."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from segue.render.brand import Brand
from segue.render.digest import sample_digests
from segue.render.links import Links
from segue.render.templates import Library
from tests.render.conftest import TEMPLATES

SHEET = TEMPLATES.parent / "docs" / "templates"


@pytest.fixture(scope="module")
def now(library: Library) -> dict[str, str]:
    journeys = [point.load() for point in entry_points(group="segue.journeys")]
    sent = {f"{journey.name}/{step.name}" for journey in journeys for step in journey.steps if step.transactional}
    return sample_digests(library, transactional=sent)


def test_the_sheet_is_of_these_templates(now: dict[str, str]) -> None:
    then = json.loads((SHEET / "digests.json").read_text("utf-8"))
    changed = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    assert not changed, (
        "a template changed: run .venv/bin/python tools/sheet.py to renew docs/templates, and look at it"
    )


def test_every_step_is_on_the_sheet_and_every_picture_is_there(now: dict[str, str]) -> None:
    page = (SHEET / "README.md").read_text("utf-8")
    pictures = {file.name for file in SHEET.glob("*.webp")}
    for name in {key.partition(" ")[0] for key in now}:
        assert f"## {name}\n" in page
        assert any(picture.startswith(name.replace("/", "-")) for picture in pictures)
    assert all(f"({picture})" in page for picture in pictures)
    assert sum(file.stat().st_size for file in SHEET.iterdir()) < 6_000_000


def test_a_changed_word_is_a_changed_digest(tmp_path: Path, brand: Brand, links: Links) -> None:
    """Of the step and language it is in, and of no other."""
    for step in ("one", "two"):
        folder = tmp_path / "journey" / step
        folder.mkdir(parents=True)
        (folder / "sample.json").write_text('{"profile": {"locale": null}}', "utf-8")
        (folder / "sms.txt.j2").write_text("Hello STOP", "utf-8")
    before = sample_digests(Library(tmp_path, brand, links))
    assert sample_digests(Library(tmp_path, brand, links)) == before
    (tmp_path / "journey" / "one" / "sms.txt.j2").write_text("Hallo STOP", "utf-8")
    after = sample_digests(Library(tmp_path, brand, links))
    assert {name for name in before if before[name] != after[name]} == {"journey/one en"}
