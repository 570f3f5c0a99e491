"""The pictures exist under the names the catalogue gives, right in size, light enough for a mail."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from segue.sample import LOGO, LOGO_LIGHT
from segue.sample.pictures import POPUP_PICTURE

pytestmark = pytest.mark.xdist_group("pictures")  # drawn once


def products(pictures):
    return [path for path in pictures if path.name not in (LOGO, LOGO_LIGHT, POPUP_PICTURE)]


def test_the_popup_is_drawn_wide_and_light(pictures):
    (path,) = (path for path in pictures if path.name == POPUP_PICTURE)
    assert path.stat().st_size < 60_000
    with Image.open(path) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("PNG", (600, 360))
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 40


def test_every_product_has_its_picture(shop, pictures):
    wanted = {row["image_url"].removeprefix("/pictures/") for row in shop.rows("products")}
    assert {path.name for path in products(pictures)} == wanted


def test_pictures_open_are_600_square_and_under_60_kb(pictures):
    for path in products(pictures):
        assert path.stat().st_size < 60_000, path.name
        with Image.open(path) as picture:
            picture.load()
            assert (picture.format, picture.size) == ("PNG", (600, 600))


def test_no_two_pictures_are_alike_and_each_shows_something_on_paper(pictures):
    seen = set()
    for path in products(pictures):
        with Image.open(path) as picture:
            plain = picture.convert("RGB")
        seen.add(plain.tobytes())
        board = np.asarray(plain)
        share = (board != board[4, 4]).any(axis=2).mean()
        assert 0.12 < share < 0.8, path.name
    assert len(seen) == len(products(pictures)) == 50


def test_logos_are_see_through_for_light_and_dark_grounds(pictures):
    brightness = {}
    for path in pictures[:2]:
        with Image.open(path) as logo:
            assert (logo.mode, logo.size) == ("RGBA", (480, 132))
            assert logo.getpixel((2, 2))[3] == 0
            dots = np.asarray(logo)
        brightness[path.name] = dots[dots[:, :, 3] == 255][:, :3].mean()
    assert brightness[LOGO] < 110
    assert brightness[LOGO_LIGHT] > 150


def test_drawing_again_in_another_process_gives_the_same_bytes(pictures, tmp_path):
    """Every seventh of them, with the brand's own."""
    script = (
        "import pathlib, sys; from segue.sample import pictures as p; p.PRODUCTS = p.PRODUCTS[::7]; "
        "p.draw_pictures(pathlib.Path(sys.argv[1]))"
    )
    env = {**os.environ, "PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=env, check=True)
    again = {path.name: hashlib.sha256(path.read_bytes()).digest() for path in tmp_path.iterdir()}
    assert len(again) == 11
    assert again.items() <= {path.name: hashlib.sha256(path.read_bytes()).digest() for path in pictures}.items()
