"""Leggings, jeans and trousers, legs straight down."""

from __future__ import annotations

from segue.sample.drawing.cloth import Board, Rgb, darker, mixed, rgb
from segue.sample.drawing.paths import mirrored, outline, whole
from segue.sample.drawing.textures import Texture, plain, rib, twill


def _legs(board: Board, colour: Rgb, texture: Texture, leg: str, *, lift: float = 0.8) -> None:
    left = outline(leg)
    board.lay(mirrored(left), colour, texture, lift=lift)
    board.lay(left, colour, texture, lift=lift)


_SLIM = (
    "M302 96 L226 96 C208 150 202 200 206 246 C210 320 226 370 230 420 C234 460 240 500 244 536 "
    "C256 541 268 541 278 537 C284 480 288 430 290 400 C294 340 300 280 302 226 Z"
)


def leggings(board: Board, colour: Rgb) -> None:
    """Leggings with a broad, smooth waistband."""
    _slim(board, colour, plain)
    shine = mixed(colour, (255, 255, 255), 0.10)
    board.line(outline("M224 226 C226 300 240 380 250 500"), shine, 1.4)
    board.line(mirrored(outline("M224 226 C226 300 240 380 250 500")), shine, 1.4)


def rib_leggings(board: Board, colour: Rgb) -> None:
    """Leggings of ribbed knit."""
    _slim(board, colour, rib)


def _slim(board: Board, colour: Rgb, texture: Texture) -> None:
    _legs(board, colour, texture, _SLIM)
    band = whole("M300 70 C274 70 248 68 228 66 C223 88 218 110 213 134 C240 142 270 146 300 146")
    board.lay(band, colour, texture, lift=0.15, roundness=0.8)
    seam = darker(colour, 0.3)
    board.line(outline("M214 134 C240 142 270 146 300 146 C330 146 360 142 386 134"), seam, 0.9, dash=2.2)
    board.line(outline("M300 148 L300 236"), seam, 1.0)
    hem = outline("M243 526 C256 531 268 531 278 527")
    board.line(hem, seam, 0.9, dash=2.2)
    board.line(mirrored(hem), seam, 0.9, dash=2.2)


def jeans(board: Board, colour: Rgb) -> None:
    """Straight jeans with turned-up hems and orange thread."""
    thread = rgb("#c98a4b")
    leg = "M302 96 L216 96 C206 150 200 200 200 250 C202 340 206 430 208 506 L284 508 C290 410 296 320 302 236 Z"
    _legs(board, colour, twill, leg)
    turn_up = outline("M204 494 L287 496 L286 522 L205 520 Z")
    for cuff in (mirrored(turn_up), turn_up):
        board.lay(cuff, mixed(colour, (255, 255, 255), 0.28), twill, lift=0.2, roundness=0.6)
    board.lay(
        whole("M300 84 C272 84 242 83 219 81 C217 90 215 100 214 110 C242 114 272 115 300 115"),
        colour,
        twill,
        lift=0.18,
        roundness=0.7,
    )
    for side in (lambda o: o, mirrored):
        board.line(side(outline("M211 132 C226 162 246 164 262 150 L262 116")), thread, 0.9, dash=2.6)
        board.lay(side(outline("M238 80 L246 80 L246 118 L238 118 Z")), colour, twill, lift=0.12, roundness=0.4)
        board.line(side(outline("M207 250 C209 340 212 430 214 490")), darker(colour, 0.25), 0.8)
    board.line(outline("M300 116 L300 236"), darker(colour, 0.35), 1.2)
    board.line(outline("M312 116 C314 160 314 190 302 212"), thread, 0.9, dash=2.6)
    board.dot(300, 99, 5, rgb("#b98a54"))


def wide(board: Board, colour: Rgb) -> None:
    """Wide trousers with a pressed crease."""
    leg = (
        "M302 94 L222 94 C210 150 196 220 188 300 C180 380 172 450 168 520"
        " C200 530 250 532 288 528 C294 430 298 330 302 236 Z"
    )
    _legs(board, colour, twill, leg)
    board.lay(
        whole("M300 84 C274 84 248 83 226 81 C223 92 221 104 219 116 C248 120 274 121 300 121"),
        colour,
        twill,
        lift=0.15,
        roundness=0.7,
    )
    seam = darker(colour, 0.22)
    for side in (lambda o: o, mirrored):
        board.line(side(outline("M254 122 C246 260 236 400 230 528")), seam, 1.0)
        board.line(side(outline("M262 122 C261 136 258 150 252 164")), seam, 1.4)
        board.line(side(outline("M217 134 C212 156 206 180 202 204")), seam, 1.4)
    board.line(outline("M300 122 L300 236"), seam, 1.2)


def joggers(board: Board, colour: Rgb) -> None:
    """Soft joggers with a drawstring."""
    leg = (
        "M302 100 L218 100 C204 150 196 210 198 262 C204 350 218 430 228 486"
        " C242 492 262 492 276 488 C288 410 296 320 302 240 Z"
    )
    _legs(board, colour, plain, leg)
    cuff = outline(
        "M229 482 C230 498 231 512 232 526 C246 531 260 531 271 528 C273 514 275 500 276 485 C262 489 244 488 229 482 Z"
    )
    for shape in (mirrored(cuff), cuff):
        board.lay(shape, colour, rib, lift=0.15)
    board.lay(
        whole("M300 84 C274 84 244 82 221 80 C218 92 215 104 213 118 C242 124 272 126 300 126"),
        colour,
        rib,
        lift=0.15,
        roundness=0.8,
    )
    cord = rgb("#efe6d6")
    board.line(outline("M292 108 C288 140 284 160 288 186"), cord, 2.4)
    board.line(outline("M308 108 C312 136 318 156 313 178"), cord, 2.4)
    seam = darker(colour, 0.25)
    for side in (lambda o: o, mirrored):
        board.line(side(outline("M212 140 C214 170 208 196 203 216")), seam, 1.4)
    board.line(outline("M300 128 L300 240"), seam, 1.0)
