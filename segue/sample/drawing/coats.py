"""Raincoat, wool coat and quilted jacket."""

from __future__ import annotations

from segue.sample.drawing.cloth import Board, Rgb, darker, mixed, rgb
from segue.sample.drawing.paths import mirrored, outline, whole
from segue.sample.drawing.textures import Texture, linen, plain, quilt, rib, twill

_HORN = rgb("#5b4332")
_BODY = (
    "M300 128 C278 126 262 118 252 104 C230 112 208 122 194 134 C186 176 184 216 184 250 "
    "C182 340 174 440 168 528 C214 538 260 540 300 540"
)
_SLEEVE = (
    "M200 130 C168 144 154 172 146 208 C132 280 120 360 110 444 C122 452 140 456 156 456 "
    "C168 396 180 330 192 272 C196 226 198 176 200 130 Z"
)


def _arms(board: Board, colour: Rgb, texture: Texture) -> None:
    left = outline(_SLEEVE)
    board.lay(left, colour, texture, turn=10)
    board.lay(mirrored(left), colour, texture, turn=-10)


def raincoat(board: Board, colour: Rgb) -> None:
    """A fisherman's raincoat with a hood and a covered row of snaps."""
    seam = darker(colour, 0.25)
    lining = rgb("#ece2cf")
    board.lay(whole("M300 60 C256 60 232 84 236 124 C252 136 276 140 300 140"), colour, plain)
    board.lay(whole("M300 82 C272 82 254 96 254 120 C268 134 284 142 300 146"), lining, plain, lift=0, roundness=1.3)
    for row in range(3):
        y = 98 + row * 14
        board.line(
            outline(f"M{262 + row * 2} {y} Q300 {y + 8} {338 - row * 2} {y}"), mixed(lining, (31, 77, 74), 0.45), 1.4
        )
    _arms(board, colour, plain)
    board.lay(whole(_BODY), colour, plain, lift=0.7)
    left = outline("M252 102 C244 108 238 114 234 122 C248 146 270 166 296 176 L304 164 C280 152 262 132 252 102 Z")
    board.lay(mirrored(left), colour, plain, lift=0.3, roundness=0.7)
    board.lay(left, colour, plain, lift=0.3, roundness=0.7)
    board.lay(outline("M282 170 L318 166 L318 540 L282 540 Z"), colour, plain, lift=0.25, roundness=0.5)
    board.line(outline("M286 174 L286 538"), seam, 0.9, dash=2.6)
    for step in range(6):
        board.dot(302, 198 + step * 58, 4.2, rgb("#d8cfc0"))
    for side in (lambda o: o, mirrored):
        board.lay(side(outline("M206 372 L264 378 L264 398 L204 392 Z")), colour, plain, lift=0.3, roundness=0.5)
        board.line(side(outline("M204 398 L202 462 L264 468 L264 400")), seam, 0.9, dash=2.6)
        board.line(side(outline("M112 432 C124 440 142 444 158 444")), seam, 0.9, dash=2.6)
    board.line(outline("M170 520 C214 530 260 532 300 532 C340 532 386 530 430 520"), seam, 0.9, dash=2.6)


def wool_coat(board: Board, colour: Rgb) -> None:
    """A long wool coat with broad lapels and a double row of buttons."""
    seam = darker(colour, 0.25)
    board.lay(whole("M300 120 C280 118 264 110 254 98 C258 122 278 140 300 150"), darker(colour, 0.4), twill, lift=0)
    _arms(board, colour, linen)
    board.lay(whole(_BODY), colour, linen, lift=0.7)
    board.lay(
        outline("M256 130 C276 170 296 204 300 216 L344 130 C320 150 284 150 256 130 Z"),
        rgb("#ece2cf"),
        rib,
        lift=0,
        roundness=1.2,
    )
    board.line(outline("M322 262 L326 540"), seam, 1.3)
    right = outline(
        "M346 98 C356 104 362 110 366 120 L388 168 L362 178 L372 192 C352 222 332 246 312 264"
        " C304 240 300 222 298 210 C318 176 336 140 346 98 Z"
    )
    left = outline(
        "M254 98 C244 104 238 110 234 120 L212 168 L238 178 L228 192 C250 226 282 252 322 268 C306 232 272 170 254 98 Z"
    )
    board.lay(right, colour, linen, lift=0.3, roundness=0.8)
    board.lay(left, colour, linen, lift=0.35, roundness=0.8)
    board.line(outline("M238 178 L272 168"), seam, 1.0)
    board.line(mirrored(outline("M238 178 L272 168")), seam, 1.0)
    for step in range(3):
        for x in (278, 350):
            board.dot(x, 296 + step * 62, 6.2, _HORN)
    for side in (lambda o: o, mirrored):
        board.lay(side(outline("M200 396 L252 388 L254 404 L201 412 Z")), colour, linen, lift=0.25, roundness=0.5)


def quilted(board: Board, colour: Rgb) -> None:
    """A quilted jacket with a cord collar and snaps."""
    cord = darker(mixed(colour, _HORN, 0.7), 0.1)
    body = (
        "M300 128 C278 126 262 118 252 106 C230 114 208 124 194 136 C186 178 184 218 184 252 "
        "C182 320 180 400 178 470 C218 478 260 480 300 480"
    )
    board.lay(whole("M300 116 C282 114 266 106 256 96 C260 120 280 134 300 140"), darker(cord, 0.4), plain, lift=0)
    _arms(board, colour, quilt)
    board.lay(whole(body), colour, quilt, lift=0.7)
    hem = outline(
        "M178 462 C218 470 260 472 300 472 C340 472 382 470 422 462 L422 482"
        " C382 490 340 492 300 492 C260 492 218 490 178 482 Z"
    )
    board.lay(hem, cord, plain, lift=0.2, roundness=0.7)
    for side in (lambda o: o, mirrored):
        board.lay(
            side(outline("M110 436 C124 444 142 448 158 448 L155 464 C138 464 122 460 108 452 Z")),
            cord,
            plain,
            lift=0.2,
        )
        board.lay(side(outline("M202 356 L262 350 L264 424 L204 430 Z")), colour, quilt, lift=0.35, roundness=0.6)
        board.lay(side(outline("M202 352 L262 346 L263 358 L202 364 Z")), cord, plain, lift=0.15, roundness=0.5)
    board.lay(outline("M290 140 L310 134 L310 490 L290 490 Z"), cord, plain, lift=0.2, roundness=0.6)
    left = outline("M253 94 C243 100 237 108 235 118 C248 138 268 154 290 162 L302 142 C280 134 262 118 253 94 Z")
    board.lay(mirrored(left), cord, rib, turn=30, lift=0.3, roundness=0.7)
    board.lay(left, cord, rib, turn=-30, lift=0.3, roundness=0.7)
    for step in range(5):
        board.dot(300, 186 + step * 66, 4.4, rgb("#c9b48a"))
