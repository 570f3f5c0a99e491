"""The pop-up's shopfront, cut from paper and cloth: an awning, a window with wool in it, pennants over the street."""

from __future__ import annotations

from math import pi, sin
from typing import Final

from PIL import Image

from segue.sample.drawing.cloth import Board, Rgb, darker, mixed
from segue.sample.drawing.paths import Outline, outline
from segue.sample.drawing.textures import fine_knit, plain

#: What of the board is shown: its full width, and this much of its height.
TOP: Final = 118
BOTTOM: Final = 478
_FRONT: Final = (78, 522)
_AWNING: Final = (60, 540)
_STRIPES: Final = 12
_STRAW: Final = (214, 176, 104)
_WHITE: Final = (255, 252, 246)


def draw_popup(sea: Rgb, sand: Rgb, coral: Rgb, paper: str) -> Image.Image:
    """Return the picture, 600 x 360."""
    board = Board(paper)
    _street(board, sand)
    _front(board, sea)
    _window(board, sea, sand, coral)
    _door(board, sea, sand)
    _awning(board, sand, coral)
    _fascia(board, sea, coral)
    _pennants(board, (coral, _STRAW, sea))
    return board.finished().crop((0, TOP, 600, BOTTOM))


def _box(left: float, top: float, right: float, bottom: float) -> Outline:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def _street(board: Board, sand: Rgb) -> None:
    board.lay(_box(-60, 440, 660, 620), mixed(sand, (150, 128, 100), 0.30), lift=0, roundness=0)
    board.lay(_box(-60, 440, 660, 447), mixed(sand, (120, 100, 80), 0.45), lift=0, roundness=0)


def _front(board: Board, sea: Rgb) -> None:
    left, right = _FRONT
    board.lay(_box(left, 196, right, 442), sea, lift=1.0, roundness=0.25)
    for x in (left + 14, 386, right - 14):
        board.line(((x, 290), (x, 438)), darker(sea, 0.35), 1.2)


def _fascia(board: Board, sea: Rgb, coral: Rgb) -> None:
    left, right = _FRONT
    board.lay(_box(left - 10, 176, right + 10, 216), darker(sea, 0.22), lift=0.5, roundness=0.3)
    for row, half in enumerate((44, 30, 16)):
        wave = tuple((300 + x, 186 + row * 9.5 + sin(x / 30 * 2 * pi) * 3.0) for x in range(-half, half + 1, 2))
        board.line(wave, coral, 2.6)


def _window(board: Board, sea: Rgb, sand: Rgb, coral: Rgb) -> None:
    board.lay(_box(104, 276, 374, 416), mixed(sand, _WHITE, 0.65), lift=0.35, roundness=0.15)
    board.lay(_box(96, 414, 382, 424), darker(sea, 0.3), lift=0.3, roundness=0.2)
    board.line(((104, 292), (374, 292)), mixed(sand, (120, 100, 80), 0.5), 2)
    _sweater(board, 172, coral)
    _scarf(board, 248, mixed(sand, (205, 160, 80), 0.7))
    _sweater(board, 322, mixed(sea, _WHITE, 0.30))


def _sweater(board: Board, x: float, colour: Rgb) -> None:
    hanger = ((x, 292), (x, 302), (x - 20, 312), (x + 20, 312), (x, 302))
    board.line(hanger, (120, 96, 70), 1.6)
    body = outline(
        f"M {x - 12} 308 Q {x} 318 {x + 12} 308 L {x + 30} 316 L {x + 46} 372 L {x + 33} 377 L {x + 25} 344 "
        f"L {x + 26} 392 L {x - 26} 392 L {x - 25} 344 L {x - 33} 377 L {x - 46} 372 L {x - 30} 316 Z"
    )
    board.lay(body, colour, fine_knit, lift=0.4, roundness=0.8)
    board.line(((x - 26, 385), (x + 26, 385)), darker(colour, 0.3), 1)


def _scarf(board: Board, x: float, colour: Rgb) -> None:
    board.lay(outline(f"M {x - 11} 291 L {x - 1} 291 L {x - 3} 398 L {x - 15} 398 Z"), colour, fine_knit, lift=0.3)
    board.lay(
        outline(f"M {x + 1} 291 L {x + 11} 291 L {x + 14} 380 L {x + 3} 380 Z"),
        darker(colour, 0.1),
        fine_knit,
        lift=0.3,
    )
    for k in range(5):
        board.line(((x - 14 + k * 2.6, 398), (x - 14 + k * 2.6, 405)), darker(colour, 0.2), 1.2)
        board.line(((x + 4 + k * 2.3, 380), (x + 4 + k * 2.3, 387)), darker(colour, 0.2), 1.2)


def _door(board: Board, sea: Rgb, sand: Rgb) -> None:
    board.lay(_box(402, 272, 494, 442), darker(sea, 0.28), lift=0.35, roundness=0.3)
    board.lay(_box(414, 284, 482, 372), mixed(sand, _WHITE, 0.5), lift=0.2, roundness=0.15)
    board.lay(_box(414, 386, 482, 430), darker(sea, 0.16), lift=0.15, roundness=0.4)
    board.lay(_box(426, 312, 470, 334), _WHITE, lift=0.3, roundness=0.1)
    board.line(((448, 300), (430, 312)), (120, 96, 70), 1)
    board.line(((448, 300), (466, 312)), (120, 96, 70), 1)
    board.line(((434, 323), (462, 323)), darker(sea, 0.1), 3)
    board.dot(408, 380, 3.4, _STRAW)


def _awning(board: Board, sand: Rgb, coral: Rgb) -> None:
    left, right = _AWNING
    width = (right - left) / _STRIPES
    top_left, top_width = _FRONT[0] + 4, (_FRONT[1] - _FRONT[0] - 8) / _STRIPES
    for k in range(_STRIPES):
        a, b = left + k * width, left + (k + 1) * width
        c, d = top_left + k * top_width, top_left + (k + 1) * top_width
        strip = outline(f"M {c} 212 L {d} 212 L {b} 262 C {b} 280 {a} 280 {a} 262 Z")
        board.lay(strip, coral if k % 2 == 0 else mixed(sand, _WHITE, 0.4), plain, lift=0.55, roundness=0.35)


def _pennants(board: Board, colours: tuple[Rgb, Rgb, Rgb]) -> None:
    rope = tuple((x, 122 + 12 * (1 - ((x - 300) / 320) ** 2)) for x in range(-20, 621, 4))
    board.line(rope, (140, 118, 92), 1.4)
    for number, at in enumerate(range(6, len(rope) - 8, 10)):
        (ax, ay), (bx, by) = rope[at], rope[at + 6]
        tip = ((ax + bx) / 2, (ay + by) / 2 + 26)
        board.lay(((ax, ay), (bx, by), tip), colours[number % 3], plain, lift=0.35, roundness=0.5)
