"""Beanies, gloves, mittens, scarf and snood."""

from __future__ import annotations

from segue.sample.drawing.cloth import Board, Rgb, darker, mixed, rgb
from segue.sample.drawing.paths import Outline, outline, whole
from segue.sample.drawing.textures import fine_knit, garter, plain, rib, stockinette, wide_rib

_LABEL = rgb("#f3ece1")


def _tag(board: Board, x: float, y: float) -> None:
    """Sew the woven label on: sand with a coral wave."""
    board.lay(
        outline(f"M{x} {y} L{x + 46} {y} L{x + 46} {y + 24} L{x} {y + 24} Z"), _LABEL, plain, lift=0.12, roundness=0.3
    )
    wave = f"M{x + 9} {y + 12} Q{x + 16} {y + 3} {x + 23} {y + 12} Q{x + 30} {y + 21} {x + 37} {y + 12}"
    board.line(outline(wave), rgb("#d9634c"), 1.8)


def beanie(board: Board, colour: Rgb) -> None:
    """A beanie with ripples across and a deep brim."""
    crown = "M300 128 C222 126 160 190 150 300 C148 330 148 356 150 380 C200 390 250 394 300 394"
    board.lay(whole(crown), colour, stockinette, roundness=1.3)
    shade = darker(colour, 0.20)
    for x in (206, 254, 300, 346, 394):
        lean = (x - 300) * 0.55
        board.line(
            outline(f"M{300 + lean * 0.06} 134 C{300 + lean * 0.9} 170 {x + lean * 0.25} 240 {x + lean * 0.5} 372"),
            shade,
            1.1,
        )
    brim = "M300 352 C240 352 186 346 142 336 C136 370 136 410 142 446 C190 460 244 466 300 466"
    board.lay(whole(brim), colour, rib, lift=0.5, roundness=1.1)
    _tag(board, 277, 400)


def fisherman(board: Board, colour: Rgb) -> None:
    """A short, wide-ribbed fisherman's beanie."""
    crown = "M300 156 C230 154 172 204 162 300 C158 330 158 350 160 372 C204 382 252 386 300 386"
    board.lay(whole(crown), colour, wide_rib, roundness=1.3)
    brim = "M300 338 C242 338 192 332 152 322 C146 352 146 396 152 432 C198 444 248 450 300 450"
    board.lay(whole(brim), colour, wide_rib, lift=0.5, roundness=1.1)
    _tag(board, 277, 382)


def _moved(points: Outline, x: float, y: float, *, flip: bool = False) -> Outline:
    return tuple(((2 * 200 - px if flip else px) + x, py + y) for px, py in points)


_PALM = outline(
    "M150 430 C146 390 138 350 136 310 C134 290 134 270 136 250 C140 240 156 240 160 250 L164 286 "
    "C164 250 164 212 166 178 C170 166 186 166 190 178 L192 280 C194 240 194 196 197 158 C201 146 217 146 221 158 "
    "L221 280 C224 246 226 210 229 180 C233 168 248 170 251 182 C252 220 250 262 248 296 "
    "C258 292 268 280 280 268 C290 262 300 272 296 284 C284 312 264 340 250 366 C248 390 248 410 250 430 Z"
)
_GLOVE_CUFF = outline(
    "M148 424 C146 450 144 476 144 502 C180 512 220 512 256 502 C256 476 254 450 252 424 C218 432 182 432 148 424 Z"
)
_MITTEN = outline(
    "M150 430 C140 380 132 330 134 270 C136 200 160 150 200 150 C240 150 256 200 254 264 C254 280 252 292 250 304 "
    "C262 298 272 284 282 272 C294 266 304 278 300 292 C288 322 266 348 252 376 C250 396 250 412 251 430 Z"
)


def gloves(board: Board, colour: Rgb) -> None:
    """A pair of ribbed gloves, one over the other."""
    for x, y, flip in ((172, -22, True), (-2, 16, False)):
        board.lay(_moved(_PALM, x, y, flip=flip), colour, fine_knit, roundness=1.2)
        board.lay(_moved(_GLOVE_CUFF, x, y, flip=flip), colour, rib, lift=0.3)


def mittens(board: Board, colour: Rgb) -> None:
    """A pair of mittens with a band of coral at the cuff."""
    band = rgb("#d9634c") if sum(colour) > 400 else _LABEL
    for x, y, flip in ((172, -22, True), (-2, 16, False)):
        board.lay(_moved(_MITTEN, x, y, flip=flip), colour, stockinette, roundness=1.2)
        board.lay(_moved(_GLOVE_CUFF, x, y, flip=flip), colour, rib, lift=0.3)
        stripe = outline("M145 470 C180 480 220 480 256 470 L256 484 C220 494 180 494 144 484 Z")
        board.lay(_moved(stripe, x, y, flip=flip), band, rib, lift=0, roundness=0.8)


def scarf(board: Board, colour: Rgb) -> None:
    """A long scarf, folded once, its fringes down."""
    light = mixed(colour, (255, 255, 255), 0.55)
    for x in range(316, 424, 12):
        board.lay(
            outline(
                f"M{x} 448 C{x - 1} 470 {x + 1} 486 {x - 1} 502 L{x + 6} 502 C{x + 8} 486 {x + 6} 470 {x + 7} 448 Z"
            ),
            colour,
            plain,
            lift=0.25,
        )
    board.lay(
        outline(
            "M232 120 C280 96 372 92 424 132 C434 230 430 350 428 456 C392 462 350 462 312 458"
            " C314 370 318 280 306 214 C290 170 262 146 232 120 Z"
        ),
        colour,
        garter,
        roundness=1.2,
    )
    board.lay(
        outline("M313 402 C350 406 392 406 429 400 L429 420 C392 426 350 426 312 422 Z"),
        light,
        garter,
        lift=0,
        roundness=0.7,
    )
    for x in range(176, 284, 12):
        board.lay(
            outline(
                f"M{x} 482 C{x - 1} 504 {x + 1} 520 {x - 1} 538 L{x + 6} 538 C{x + 8} 520 {x + 6} 504 {x + 7} 482 Z"
            ),
            colour,
            plain,
            lift=0.25,
        )
    board.lay(
        outline(
            "M176 150 C196 104 300 84 366 108 C330 122 304 140 298 176 C290 260 288 380 290 488"
            " C252 496 210 496 172 490 C170 380 164 240 176 150 Z"
        ),
        colour,
        garter,
        lift=0.8,
        roundness=1.2,
    )
    board.lay(
        outline("M171 434 C210 440 252 440 289 432 L290 452 C252 460 210 460 171 454 Z"),
        light,
        garter,
        lift=0,
        roundness=0.7,
    )
    _tag(board, 206, 388)


def snood(board: Board, colour: Rgb) -> None:
    """A snood: a tube of ribs, twisted once."""
    board.lay(
        whole("M300 176 C218 176 166 194 160 222 C166 250 220 268 300 270"), darker(colour, 0.38), wide_rib, lift=1
    )
    board.lay(
        whole("M300 262 C226 260 172 244 158 218 C142 262 136 360 152 416 C190 440 244 450 300 450"),
        colour,
        wide_rib,
        roundness=1.2,
    )
    fold = outline(
        "M154 240 C236 276 340 300 446 284 C452 318 452 352 450 384 C350 388 236 352 146 314 C146 288 148 262 154 240 Z"
    )
    board.lay(fold, colour, wide_rib, turn=16, lift=0.5, roundness=1.1)
    _tag(board, 360, 402)
