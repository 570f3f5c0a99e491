"""The sample brand's templates, compiled once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from segue.render.brand import Brand, load_brand
from segue.render.links import Links
from segue.render.templates import Library

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


@pytest.fixture(scope="session")
def brand() -> Brand:
    return load_brand(TEMPLATES / "brand.toml")


@pytest.fixture(scope="session")
def links() -> Links:
    """Those of the contact sheet, so that its test needs no library of its own."""
    return Links("https://go.saltmere.example.com", b"only for looking at mails")


@pytest.fixture(scope="session")
def library(brand: Brand, links: Links) -> Library:
    return Library(TEMPLATES, brand, links)


@pytest.fixture
def made(tmp_path: Path, brand: Brand, links: Links) -> Callable[..., Library]:
    """Makes a library of one step, `journey/step`, from the texts of its files."""

    def make(**files: str) -> Library:
        step = tmp_path / "journey" / "step"
        step.mkdir(parents=True, exist_ok=True)
        (step / "sample.json").write_text(files.pop("sample", "{}"), "utf-8")
        for name, text in files.items():
            (step / f"{name.replace('_', '.')}.j2").write_text(text, "utf-8")
        return Library(tmp_path, brand, links)

    return make
