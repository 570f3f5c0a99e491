"""Saltmere's wordmark: spaced small letters under a swell of three lines."""

from __future__ import annotations

from math import pi, sin
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from segue.sample.drawing.cloth import Rgb

_WORD: Final = "saltmere"
_SCALE: Final = 4
_TRACKING: Final = 9.5
_SIZE: Final = 46
#: Pixels of the finished logo; shown at half of it, so that dense screens have enough.
WIDTH: Final = 480
HEIGHT: Final = 132


def draw_logo(letters: Rgb, swell: Rgb) -> Image.Image:
    """Return the logo on nothing, twice as large as it is shown."""
    sheet = Image.new("RGBA", (WIDTH * _SCALE, HEIGHT * _SCALE), (*letters, 0))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=_SIZE * _SCALE)
    widths = [draw.textlength(letter, font=font) for letter in _WORD]
    x = (WIDTH * _SCALE - sum(widths) - _TRACKING * _SCALE * (len(_WORD) - 1)) / 2
    for letter, width in zip(_WORD, widths, strict=True):
        draw.text((x, 112 * _SCALE), letter, font=font, fill=(*letters, 255), anchor="ls")
        x += width + _TRACKING * _SCALE
    for row, (half, thickness) in enumerate(((34, 4.2), (23, 3.4), (12, 2.8))):
        _wave(draw, WIDTH / 2, 22 + row * 13, half, thickness, (*swell, 255))
    return sheet.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _wave(
    draw: ImageDraw.ImageDraw,
    middle: float,
    y: float,
    half: float,
    thickness: float,
    fill: tuple[int, int, int, int],
) -> None:
    """One swell, as round beads so close that they are a line."""
    steps = int(half * 2 * _SCALE)
    radius = thickness / 2 * _SCALE
    for step in range(steps + 1):
        along = step / steps * 2 - 1
        cx = (middle + along * half) * _SCALE
        cy = (y + sin(along * half / 34 * 2 * pi) * 4.6) * _SCALE
        draw.ellipse([cx - radius, cy - radius, cx + radius, cy + radius], fill=fill)
