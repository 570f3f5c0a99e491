"""A preview's mail shows the shop's own pictures, small, and asks nobody for the others."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from flows.album import brought_along
from flows.pictures import mail_picture

SHOP = "https://shop.example.com/pictures"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A wide photo, a see-through logo, and something that is no picture."""
    Image.new("RGB", (1200, 600), "#1f7a54").save(tmp_path / "coat.png")
    Image.new("RGBA", (300, 100), (0, 0, 0, 0)).save(tmp_path / "logo.png")
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n")
    return tmp_path


def shown(html: str, folder: Path) -> str:
    def find(address: str) -> Path | None:
        path = folder / address.partition("?")[0].rpartition("/")[2]
        return path if path.is_file() else None

    return brought_along(html, find)


def test_a_picture_that_is_there_is_brought_along_small(folder: Path) -> None:
    html = shown(f'<img alt="Coat" src="{SHOP}/coat.png" width="280">', folder)
    kind, _, data = html.partition('src="data:image/')[2].partition('"')[0].partition(";base64,")
    made = Image.open(BytesIO(base64.b64decode(data)))
    assert (kind, made.size) == ("jpeg", (420, 210))
    assert 'alt="Coat"' in html
    assert 'width="280"' in html


def test_a_see_through_one_stays_so(folder: Path) -> None:
    assert "data:image/png" in shown(f"<img src='{SHOP}/logo.png'>", folder)


@pytest.mark.parametrize("name", ["missing.png", "torn.png"])
def test_what_cannot_be_had_stays_an_address_and_becomes_a_grey_field(folder: Path, name: str) -> None:
    html = shown(f'<p>Hello</p><img src="{SHOP}/{name}?v=1&amp;w=2" alt="A coat">', folder)
    assert f"{SHOP}/{name}?v=1&amp;w=2" in html
    drawn = base64.b64decode(mail_picture("S", html).partition("base64,")[2]).decode()
    assert "data:image/svg+xml" in drawn
    assert "shop.example.com" not in drawn


def test_in_the_mail_it_stands_instead_of_the_grey_field(folder: Path) -> None:
    html = shown(f'<img src="{SHOP}/coat.png"/><img src="{SHOP}/coat.png"/>', folder)
    drawn = base64.b64decode(mail_picture("S", html).partition("base64,")[2]).decode()
    assert drawn.count("data:image/jpeg") == 2
    assert "data:image/svg+xml" not in drawn
