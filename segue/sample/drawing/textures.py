"""Fabrics as brightness: each takes positions on the board and returns factors around 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.floating[Any]]
#: From x and y (board units, already turned to the cloth's own direction) to brightness.
Texture = Callable[[Grid, Grid], Grid]

_TURN: Final = np.float32(2 * np.pi)


def _saw(x: Grid, width: float) -> Grid:
    """Distance from the middle of a column, -0.5 to 0.5 columns."""
    return (x / np.float32(width)) % 1 - np.float32(0.5)


def _ripple(turns: Grid) -> Grid:
    """A wave of length 1 between -1 and 1."""
    wave: Grid = np.cos(_TURN * turns)
    return wave


def plain(x: Grid, _y: Grid) -> Grid:
    """Jersey so fine that one sees none of it."""
    return np.ones_like(x)


def stockinette(x: Grid, y: Grid) -> Grid:
    """Columns of little Vs: the face of a knitted sweater."""
    across = np.abs(_saw(x, 8.0))
    along = (y - across * 9.0) / 6.0
    return 1 + 0.055 * _ripple(along) - 0.08 * np.clip(across - 0.38, 0, 1) * 4 - 0.05 * np.clip(0.1 - across, 0, 1) * 4


def fine_knit(x: Grid, y: Grid) -> Grid:
    """The same, from thinner yarn."""
    return 1 + (stockinette(x * 1.35, y * 1.35) - 1) * 0.75


def rib(x: Grid, _y: Grid) -> Grid:
    """Ridges along the cloth: hems, cuffs, collars."""
    return 1 + 0.10 * _ripple(x / 6.5)


def wide_rib(x: Grid, y: Grid) -> Grid:
    """Broad ridges of knit, as on a fisherman's beanie."""
    ridge = _ripple(x / 15.0)
    return 1 + 0.10 * ridge + 0.035 * _ripple((y - np.abs(_saw(x, 7.5)) * 8) / 6.0) * (ridge > -0.4)


def garter(_x: Grid, y: Grid) -> Grid:
    """Ridges across the cloth."""
    return 1 + 0.075 * _ripple(y / 7.0)


def cable(x: Grid, y: Grid) -> Grid:
    """Twisted ropes between purled ditches."""
    column = _saw(x - 300 + 27, 54.0) * 54
    twist = np.sin(_TURN * y / 46.0) * 9
    strand_a = np.exp(-((column - twist) ** 2) / 50)
    strand_b = np.exp(-((column + twist) ** 2) / 50)
    over = _ripple(y / 46.0) > 0
    rope = np.maximum(np.where(over, strand_a, strand_a * 0.75), np.where(over, strand_b * 0.75, strand_b))
    edge = np.exp(-((np.abs(column) - 19) ** 2) / 8)
    light: Grid = 0.90 + 0.17 * rope - 0.10 * edge + 0.03 * _ripple(x / 5.0) * (np.abs(column) > 20)
    return light


def twill(x: Grid, y: Grid) -> Grid:
    """Fine diagonals: denim and trousers."""
    return 1 + 0.03 * _ripple((x + y) / 4.0)


def linen(x: Grid, y: Grid) -> Grid:
    """A weave one can see: threads across and along."""
    return 1 + 0.016 * _ripple(x / 4.0) + 0.016 * _ripple(y / 5.0)


def fleece(x: Grid, y: Grid) -> Grid:
    """Tufts: several waves that never meet."""
    bent = x + 3.4 * np.sin(y / 5.7) + 1.9 * np.sin(x / 3.3 + y / 8.9)
    fallen = y + 3.1 * np.sin(x / 6.9) + 2.2 * np.sin(y / 3.7 - x / 11.0)
    tufts: Grid = np.sin(bent / 2.3) * np.sin(fallen / 2.1)
    return 1 + 0.06 * tufts


def quilt(x: Grid, y: Grid) -> Grid:
    """Diamonds stitched down, puffed between."""
    side = 38.0
    a = np.abs(_saw((x - 300) + y, side)) * 2
    b = np.abs(_saw((x - 300) - y, side)) * 2
    puff = np.minimum(1 - a, 1 - b)
    light: Grid = 0.93 + 0.13 * np.clip(puff * 2.4, 0, 1) - 0.12 * np.clip(1 - puff * 14, 0, 1)
    return light
