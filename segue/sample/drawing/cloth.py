"""The drawing board: cloth is cut from an outline, shaded towards its edges, and throws a soft shadow."""

from __future__ import annotations

from itertools import pairwise
from math import cos, radians, sin
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from segue.sample.drawing.paths import BOARD, Outline
from segue.sample.drawing.textures import Grid, Texture, plain

#: Drawn so many times larger than shown.
SCALE: Final = 2
_SIDE: Final = BOARD * SCALE
_SHADOW: Final = (92, 74, 54)
_MARGIN: Final = 44 * SCALE

Rgb = tuple[int, int, int]


def rgb(colour: str) -> Rgb:
    """Return `#rrggbb` as three numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mixed(one: Rgb, other: Rgb, share: float) -> Rgb:
    """Return the colour that lies `share` of the way from one to the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def darker(colour: Rgb, share: float = 0.35) -> Rgb:
    """Return the colour in shade."""
    return mixed(colour, (30, 26, 30), share)


class Board:
    """A sheet of cream paper to lay cloth on."""

    def __init__(self, paper: str) -> None:
        self._sheet = Image.new("RGB", (_SIDE, _SIDE), rgb(paper))

    def lay(
        self,
        shape: Outline,
        colour: Rgb,
        texture: Texture = plain,
        *,
        turn: float = 0.0,
        lift: float = 1.0,
        roundness: float = 1.0,
        stripes: tuple[Rgb, float, float] | None = None,
    ) -> None:
        """Lay a piece of cloth.

        `turn` is the cloth's direction in degrees, `lift` how far it lies above what is below (0 throws no shadow),
        `roundness` how much it darkens to its edges, `stripes` a second colour with width and distance in board units.
        """
        box = _box(shape)
        mask = _mask(shape, box)
        if lift:
            self._shade(mask, box, lift)
        x, y = _positions(box, turn)
        light = texture(x, y) * _relief(mask, roundness)
        paint = np.empty((*light.shape, 3), np.float32)
        paint[:] = colour
        if stripes:
            other, width, distance = stripes
            soft = np.clip((width / 2 - np.abs(y % distance - distance / 2)) * 1.2 + 0.5, 0, 1)
            paint += soft[..., None] * (np.array(other, np.float32) - paint)
        paint *= light[..., None]
        cut = Image.fromarray(np.clip(paint, 0, 255).astype(np.uint8))
        self._sheet.paste(cut, box[:2], mask)

    def line(self, points: Outline, colour: Rgb, width: float = 1.2, dash: float = 0) -> None:
        """Draw a seam; with `dash` a stitched one of that stitch length."""
        draw = ImageDraw.Draw(self._sheet)
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        if not dash:
            draw.line(scaled, fill=colour, width=max(1, round(width * SCALE)), joint="curve")
            return
        for (ax, ay), (bx, by) in pairwise(scaled):
            length = max(1e-6, ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5)
            for k in range(int(length / (dash * 2 * SCALE)) + 1):
                start = min(1.0, k * dash * 2 * SCALE / length)
                end = min(1.0, start + dash * SCALE / length)
                draw.line(
                    [(ax + (bx - ax) * start, ay + (by - ay) * start), (ax + (bx - ax) * end, ay + (by - ay) * end)],
                    fill=colour,
                    width=max(1, round(width * SCALE)),
                )

    def dot(self, x: float, y: float, radius: float, colour: Rgb) -> None:
        """Sew on a button: a disc with a rim of light and two holes."""
        draw = ImageDraw.Draw(self._sheet)

        def disc(cx: float, cy: float, r: float, fill: Rgb) -> None:
            draw.ellipse([(cx - r) * SCALE, (cy - r) * SCALE, (cx + r) * SCALE, (cy + r) * SCALE], fill=fill)

        disc(x + 0.8, y + 1.2, radius + 0.6, darker(colour, 0.55))
        disc(x, y, radius, colour)
        disc(x, y, radius * 0.72, mixed(colour, (255, 255, 255), 0.18))
        for side in (-1, 1):
            disc(x + side * radius * 0.28, y, max(0.6, radius * 0.14), darker(colour, 0.6))

    def finished(self) -> Image.Image:
        """Return the picture at the size it is shown."""
        return self._sheet.resize((BOARD, BOARD), Image.Resampling.BOX)

    def _shade(self, mask: Image.Image, box: tuple[int, int, int, int], lift: float) -> None:
        for offset, blur, strength in ((9, 13, 0.20), (2.5, 3, 0.22)):
            soft = _blurred(mask, blur * lift)
            soft = soft.point([round(v * strength) for v in range(256)])
            at = (box[0] + round(offset * 0.55 * SCALE * lift), box[1] + round(offset * SCALE * lift))
            self._sheet.paste(Image.new("RGB", soft.size, _SHADOW), at, soft)


def _box(shape: Outline) -> tuple[int, int, int, int]:
    """Pixels around an outline, with room for shade."""
    xs = [x * SCALE for x, _ in shape]
    ys = [y * SCALE for _, y in shape]
    return (
        int(min(xs)) - _MARGIN,
        int(min(ys)) - _MARGIN,
        int(max(xs)) + _MARGIN,
        int(max(ys)) + _MARGIN,
    )


def _mask(shape: Outline, box: tuple[int, int, int, int]) -> Image.Image:
    mask = Image.new("L", (box[2] - box[0], box[3] - box[1]), 0)
    draw = ImageDraw.Draw(mask)
    draw.polygon([(x * SCALE - box[0], y * SCALE - box[1]) for x, y in shape], fill=255)
    return mask.filter(ImageFilter.GaussianBlur(0.8))  # takes the stairs off slanting edges


def _positions(box: tuple[int, int, int, int], turn: float) -> tuple[Grid, Grid]:
    """Board positions of the box's pixels, turned around the board's middle."""
    x = np.arange(box[0], box[2], dtype=np.float32)[None, :] / SCALE
    y = np.arange(box[1], box[3], dtype=np.float32)[:, None] / SCALE
    x, y = np.broadcast_arrays(x, y)
    if not turn:
        return x, y
    middle = np.float32(BOARD / 2)
    across, down = x - middle, y - middle
    c, s = np.float32(cos(radians(turn))), np.float32(sin(radians(turn)))
    return across * c + down * s + middle, down * c - across * s + middle


def _relief(mask: Image.Image, roundness: float) -> Grid:
    """Light from the upper left on cloth that curves away at its edges."""
    near = _soft(mask, 4)
    wide = _soft(mask, 17)
    edge = 1 - 0.30 * roundness * (1 - near) - 0.24 * roundness * (1 - wide)
    shift = 10 * SCALE
    lit = np.roll(wide, (shift, shift), (0, 1)) - np.roll(wide, (-shift, -shift), (0, 1))
    light: Grid = edge + 0.13 * roundness * lit
    return light


def _soft(mask: Image.Image, radius: float) -> Grid:
    soft: Grid = np.asarray(_blurred(mask, radius), np.float32) / np.float32(255)
    return soft


def _blurred(mask: Image.Image, radius: float) -> Image.Image:
    """Blur by a radius in board units; wide blurs are made small first, since nobody sees the difference."""
    smaller = 8 if radius >= 12 else 4 if radius >= 6 else 2
    small = mask.reduce(smaller).filter(ImageFilter.GaussianBlur(radius * SCALE / smaller))
    return small.resize(mask.size, Image.Resampling.BILINEAR)
