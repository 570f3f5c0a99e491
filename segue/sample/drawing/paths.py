"""Outlines: SVG-like path text on a 600 x 600 board, flattened to points."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

Point = tuple[float, float]
Outline = tuple[Point, ...]

#: The board's side, and the line that left and right mirror at.
BOARD: Final = 600
_STEPS: Final = 18
_TOKEN: Final = re.compile(r"[MLQCZ]|-?\d+(?:\.\d+)?")


def outline(path: str) -> Outline:
    """Return the points of a path of M, L, Q, C and Z commands with absolute coordinates."""
    return tuple(_points(path))


def mirrored(points: Outline) -> Outline:
    """Return the outline on the other side of the board's middle."""
    return tuple((BOARD - x, y) for x, y in reversed(points))


def whole(left_half: str) -> Outline:
    """Return the closed outline of which the path is the left half, from top middle to bottom middle."""
    half = outline(left_half)
    return half + mirrored(half)


def _points(path: str) -> Iterator[Point]:
    tokens = _TOKEN.findall(path)
    at: Point = (0.0, 0.0)
    starts = [i for i, token in enumerate(tokens) if token.isalpha()] + [len(tokens)]
    for start, end in pairwise(starts):
        numbers = [float(token) for token in tokens[start + 1 : end]]
        corners = list(zip(numbers[::2], numbers[1::2], strict=True))
        order = {"M": 1, "L": 1, "Q": 2, "C": 3, "Z": 1}[tokens[start]]
        for i in range(0, len(corners), order):
            yield from _curve((at, *corners[i : i + order]))
            at = corners[i + order - 1]


def _curve(corners: tuple[Point, ...]) -> Iterator[Point]:
    """De Casteljau's way, for any degree; a straight piece is only its end."""
    if len(corners) == 2:
        yield corners[1]
        return
    for step in range(1, _STEPS + 1):
        t = step / _STEPS
        level = list(corners)
        while len(level) > 1:
            level = [(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for a, b in pairwise(level)]
        yield level[0]
