"""Sweaters, tees and shirts, laid flat with their sleeves a little out."""

from __future__ import annotations

from typing import Final

from segue.sample.drawing.cloth import Board, Rgb, darker, mixed, rgb
from segue.sample.drawing.paths import mirrored, outline, whole
from segue.sample.drawing.textures import (
    Texture,
    cable,
    fine_knit,
    fleece,
    linen,
    plain,
    rib,
    stockinette,
)

INK: Final = rgb("#27344a")
SHELL: Final = rgb("#efe6d6")

_BODY: Final = (
    "M300 140 C276 140 258 128 250 112 C232 118 208 126 192 138 C182 180 180 220 182 258 "
    "C186 330 184 400 182 462 C220 468 262 470 300 470"
)
_SLEEVE: Final = (
    "M198 134 C166 146 150 172 142 206 C126 272 108 350 96 428 C108 436 124 440 140 440 "
    "C152 388 168 330 190 276 C194 230 196 180 198 134 Z"
)
_CUFF: Final = (
    "M97 424 C95 436 92 448 90 460 C104 468 120 472 134 472 C137 460 139 450 141 437 C126 436 110 432 97 424 Z"
)
_HEM: Final = "M300 464 C262 464 220 462 184 456 C183 468 184 480 187 492 C222 500 262 502 300 502"
_NECK: Final = "M300 118 C276 118 262 114 252 108 C258 130 276 146 300 146"
_BAND: Final = (
    "M300 158 C268 157 246 138 238 112 C242 106 248 104 255 102 C261 126 278 142 300 143 "
    "C322 142 339 126 345 102 C352 104 358 106 362 112 C354 138 332 157 300 158 Z"
)
_BACK_NECK: Final = "M300 110 C284 110 268 107 256 102 C258 116 264 126 272 132 C282 139 292 142 300 142"


def _sleeves(board: Board, colour: Rgb, texture: Texture, *, stripes: tuple[Rgb, float, float] | None = None) -> None:
    left = outline(_SLEEVE)
    board.lay(left, colour, texture, turn=14, stripes=stripes)
    board.lay(mirrored(left), colour, texture, turn=-14, stripes=stripes)


def _cuffs(board: Board, colour: Rgb, path: str = _CUFF) -> None:
    left = outline(path)
    board.lay(left, colour, rib, turn=14, lift=0.15)
    board.lay(mirrored(left), colour, rib, turn=-14, lift=0.15)


def _collar(board: Board, colour: Rgb, texture: Texture = rib) -> None:
    board.lay(whole(_BACK_NECK), darker(colour, 0.42), plain, lift=0, roundness=0.6)
    board.lay(outline(_BAND), colour, texture, lift=0.25, roundness=0.8)


def _knitted(board: Board, colour: Rgb, texture: Texture, *, stripes: tuple[Rgb, float, float] | None = None) -> None:
    _sleeves(board, colour, fine_knit if texture is fine_knit else stockinette, stripes=stripes)
    board.lay(whole(_BODY), colour, texture, lift=0.7, stripes=stripes)
    _cuffs(board, colour)
    board.lay(whole(_HEM), colour, rib, lift=0.15)


def crew(board: Board, colour: Rgb) -> None:
    """A crew-neck sweater."""
    _knitted(board, colour, stockinette)
    _collar(board, colour)


def striped_crew(board: Board, colour: Rgb) -> None:
    """A crew-neck sweater with narrow stripes."""
    _knitted(board, colour, fine_knit, stripes=(INK, 9, 30))
    _collar(board, colour)


def cable_crew(board: Board, colour: Rgb) -> None:
    """A cable-knit sweater."""
    _knitted(board, colour, cable)
    _collar(board, colour)


def rollneck(board: Board, colour: Rgb) -> None:
    """A sweater with a folded, ribbed neck."""
    _knitted(board, colour, fine_knit)
    neck = "M300 74 C280 74 262 76 252 80 C246 98 244 120 246 140 C262 152 282 156 300 156"
    board.lay(whole("M300 84 C282 84 266 82 254 78 C258 88 276 94 300 94"), darker(colour, 0.4), plain, lift=0)
    board.lay(whole(neck), colour, rib, lift=0.35)
    fold = "M300 84 C280 84 262 84 250 78 C245 94 242 112 242 126 C258 138 280 142 300 142"
    board.lay(whole(fold), colour, rib, lift=0.25)


def cardigan(board: Board, colour: Rgb) -> None:
    """An open-necked cardigan with five buttons."""
    _sleeves(board, colour, stockinette)
    board.lay(
        whole(
            "M300 240 C286 200 268 150 252 110 C232 118 208 126 192 138 C182 180 180 220 182 258"
            " C186 330 184 400 182 462 C220 468 262 470 300 470"
        ),
        colour,
        stockinette,
        lift=0.7,
    )
    _cuffs(board, colour)
    board.lay(whole(_HEM), colour, rib, lift=0.15)
    opening = outline("M300 246 C282 204 266 152 256 106 C284 112 316 112 344 106 C334 152 318 204 300 246 Z")
    board.lay(opening, darker(colour, 0.42), fine_knit, lift=0, roundness=0.5)
    left = outline(
        "M300 262 C278 216 256 156 242 112 C246 106 252 103 258 101 C268 150 290 206 309 246"
        " L309 502 L291 502 L291 262 Z"
    )
    board.lay(
        mirrored(
            outline("M296 258 C278 216 256 156 242 112 C246 106 252 103 258 101 C268 150 288 204 304 240 L304 262 Z")
        ),
        colour,
        rib,
        turn=18,
        lift=0.2,
    )
    board.lay(left, colour, rib, lift=0.25, roundness=0.7)
    for step in range(5):
        board.dot(300, 276 + step * 50, 5.4, mixed(darker(colour, 0.35), rgb("#7a5a3c"), 0.6))


_TEE_SLEEVE: Final = (
    "M204 132 C172 142 148 164 130 196 C118 218 108 240 102 258 C120 272 144 282 166 286"
    " C176 268 184 252 192 238 C198 204 202 170 204 132 Z"
)

_TEE_BODY: Final = (
    "M300 142 C276 142 258 128 250 112 C232 118 212 126 196 136 C188 180 186 220 186 262 "
    "C188 340 188 420 184 490 C222 498 262 500 300 500"
)


def _tee(board: Board, colour: Rgb, *, stripes: tuple[Rgb, float, float] | None = None) -> None:
    left = outline(_TEE_SLEEVE)
    board.lay(left, colour, plain, turn=28, stripes=stripes)
    board.lay(mirrored(left), colour, plain, turn=-28, stripes=stripes)
    board.lay(whole(_TEE_BODY), colour, plain, lift=0.5, stripes=stripes)
    seam = darker(colour, 0.22)
    board.line(outline("M103 251 C122 264 146 274 169 279"), seam, 0.8, dash=2.4)
    board.line(mirrored(outline("M103 251 C122 264 146 274 169 279")), seam, 0.8, dash=2.4)
    board.line(outline("M186 480 C222 488 262 490 300 490 C338 490 378 488 414 480"), seam, 0.8, dash=2.4)
    _collar(board, colour)


def tee(board: Board, colour: Rgb) -> None:
    """A tee with a breast pocket."""
    _tee(board, colour)
    board.lay(outline("M330 214 L382 212 L382 262 Q357 276 332 264 Z"), colour, plain, lift=0.18, roundness=0.5)
    board.line(outline("M331 222 L382 220"), darker(colour, 0.22), 0.8, dash=2.4)


def striped_tee(board: Board, colour: Rgb) -> None:
    """A sailor's tee."""
    _tee(board, colour, stripes=(INK, 7, 21))


def long_tee(board: Board, colour: Rgb) -> None:
    """A tee with long sleeves."""
    _sleeves(board, colour, plain)
    board.lay(whole(_TEE_BODY), colour, plain, lift=0.5)
    seam = darker(colour, 0.22)
    board.line(outline("M99 420 C111 428 127 432 142 432"), seam, 0.8, dash=2.4)
    board.line(mirrored(outline("M99 420 C111 428 127 432 142 432")), seam, 0.8, dash=2.4)
    board.line(outline("M186 480 C222 488 262 490 300 490 C338 490 378 488 414 480"), seam, 0.8, dash=2.4)
    _collar(board, colour)


def sweatshirt(board: Board, colour: Rgb) -> None:
    """A sweatshirt with the label's wave on its breast."""
    _sleeves(board, colour, plain)
    board.lay(whole(_BODY), colour, plain, lift=0.6)
    _cuffs(board, colour)
    board.lay(whole(_HEM), colour, rib, lift=0.15)
    board.lay(outline("M286 156 L314 156 L300 182 Z"), colour, rib, lift=0.12, roundness=0.4)
    _collar(board, colour)
    ink = darker(colour, 0.5) if sum(colour) > 420 else SHELL
    for row in (0, 11):
        wave = "M264 {y} Q273 {u} 282 {y} Q291 {d} 300 {y} Q309 {u} 318 {y} Q327 {d} 336 {y}"
        board.line(outline(wave.format(y=232 + row, u=220 + row, d=244 + row)), ink, 2.2)


def vest(board: Board, colour: Rgb) -> None:
    """A sleeveless knit with a V-neck."""
    body = (
        "M300 226 C284 190 266 146 252 112 C238 116 226 120 216 126 C220 170 212 214 188 250"
        " C190 330 188 400 186 456 C222 464 262 466 300 466"
    )
    board.lay(
        whole("M300 226 C284 196 266 152 254 106 C272 110 286 112 300 112"), darker(colour, 0.42), fine_knit, lift=0
    )
    board.lay(whole(body), colour, stockinette)
    board.lay(whole(_HEM), colour, rib, lift=0.15)
    edge = outline("M300 244 C276 198 258 150 243 112 C248 107 253 104 259 103 C270 148 286 192 304 224 Z")
    board.lay(mirrored(edge), colour, rib, turn=20, lift=0.2)
    board.lay(edge, colour, rib, turn=-20, lift=0.2)
    hole = outline("M210 128 C214 172 206 214 182 250 L186 262 C216 226 226 172 224 122 Z")
    board.lay(hole, colour, rib, lift=0.2)
    board.lay(mirrored(hole), colour, rib, lift=0.2)


def fleece_half_zip(board: Board, colour: Rgb) -> None:
    """A fleece with a stand-up collar and a half-length zip."""
    trim = mixed(INK, rgb("#1f4d4a"), 0.5) if sum(colour) > 420 else rgb("#d0a13c")
    _sleeves(board, colour, fleece)
    board.lay(whole(_BODY), colour, fleece, lift=0.7)
    _cuffs(board, colour)
    board.lay(whole(_HEM), colour, rib, lift=0.15)
    board.lay(whole("M300 96 C284 96 268 92 256 86 C258 100 276 110 300 110"), darker(colour, 0.4), plain, lift=0)
    board.lay(
        whole("M300 106 C282 106 264 98 252 84 C245 100 242 116 242 130 C256 146 278 152 300 152"),
        colour,
        fleece,
        lift=0.3,
    )
    board.lay(outline("M295 106 L305 106 L305 262 L295 262 Z"), trim, plain, lift=0.12, roundness=0.4)
    board.line(outline("M300 108 L300 258"), SHELL, 1.0, dash=1.6)
    board.lay(outline("M297 254 L303 254 L304 276 L296 276 Z"), trim, plain, lift=0.2)
    board.lay(outline("M330 196 L384 194 L384 248 L332 250 Z"), trim, plain, lift=0.2, roundness=0.5)


def shirt(board: Board, colour: Rgb) -> None:
    """A buttoned shirt with collar, pocket and rounded tails."""
    _sleeves(board, colour, linen)
    tails = (
        "M300 144 C276 142 258 128 250 110 C232 118 208 126 192 138 C184 180 182 220 184 262"
        " C188 340 186 400 182 448 C184 474 214 500 244 506 C266 510 286 508 300 504"
    )
    board.lay(whole(tails), colour, linen, lift=0.6)
    _sleeve_bands(board, colour)
    board.lay(whole("M300 112 C282 112 268 108 256 100 C262 124 280 138 300 144"), darker(colour, 0.38), linen, lift=0)
    board.lay(outline("M290 150 L311 140 L311 505 L290 506 Z"), colour, linen, lift=0.15, roundness=0.45)
    seam = darker(colour, 0.22)
    board.line(outline("M292 152 L292 506"), seam, 0.7, dash=2.4)
    board.line(outline("M309 146 L309 505"), seam, 0.7, dash=2.4)
    board.lay(outline("M334 214 L384 212 L384 262 L359 274 L334 264 Z"), colour, linen, lift=0.18, roundness=0.5)
    left = outline(
        "M254 92 C244 98 238 108 236 118 C246 136 258 152 272 166 C284 158 294 150 301 142 C282 134 264 116 254 92 Z"
    )
    board.lay(mirrored(left), colour, linen, lift=0.3, roundness=0.7)
    board.lay(left, colour, linen, lift=0.3, roundness=0.7)
    for step in range(6):
        board.dot(300.5, 176 + step * 56, 3.4, SHELL if sum(colour) < 660 else rgb("#cfc4b1"))


def _sleeve_bands(board: Board, colour: Rgb) -> None:
    left = outline(
        "M97 420 C95 434 92 446 90 458 C104 466 120 470 134 470 C137 458 139 448 141 433 C126 432 110 428 97 420 Z"
    )
    board.lay(left, colour, linen, lift=0.18, roundness=0.6)
    board.lay(mirrored(left), colour, linen, lift=0.18, roundness=0.6)
    board.dot(124, 452, 2.8, SHELL)
    board.dot(476, 452, 2.8, SHELL)
