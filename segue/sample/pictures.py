"""Draws the sample shop's pictures: its logo, its pop-up, and each product in each colour."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from segue.sample.brand import BRAND
from segue.sample.catalogue import COLOURS, PRODUCTS, picture_name
from segue.sample.drawing import accessories, bottoms, coats, tops
from segue.sample.drawing.cloth import Board, Rgb, rgb
from segue.sample.drawing.logo import draw_logo
from segue.sample.drawing.popup import draw_popup

#: The logo in deep sea green for light grounds, and in sand for dark ones; both see-through.
LOGO: Final = picture_name("logo")
LOGO_LIGHT: Final = picture_name("logo-light")
#: The pop-up's shopfront.
POPUP_PICTURE: Final = picture_name("popup")

_PAPER: Final = "#f4eee4"
#: Colours a picture may have: the most with which it stays light enough for a mail.
_TONES: Final = (192, 112, 72, 48)
_HEAVIEST: Final = 54_000

Drawing = Callable[[Board, Rgb], None]
_DRAWINGS: Final[dict[str, Drawing]] = {
    "crew": tops.crew,
    "cable": tops.cable_crew,
    "rollneck": tops.rollneck,
    "striped_crew": tops.striped_crew,
    "cardigan": tops.cardigan,
    "tee": tops.tee,
    "striped_tee": tops.striped_tee,
    "long_tee": tops.long_tee,
    "shirt": tops.shirt,
    "fleece": tops.fleece_half_zip,
    "sweatshirt": tops.sweatshirt,
    "vest": tops.vest,
    "leggings": bottoms.leggings,
    "rib_leggings": bottoms.rib_leggings,
    "jeans": bottoms.jeans,
    "wide": bottoms.wide,
    "joggers": bottoms.joggers,
    "raincoat": coats.raincoat,
    "wool_coat": coats.wool_coat,
    "quilted": coats.quilted,
    "gloves": accessories.gloves,
    "mittens": accessories.mittens,
    "scarf": accessories.scarf,
    "snood": accessories.snood,
    "beanie": accessories.beanie,
    "fisherman": accessories.fisherman,
}


def draw_pictures(folder: Path, *, progress: Callable[[str, float], None] | None = None) -> tuple[Path, ...]:
    """Draw everything into `folder` under the names that `products.csv` gives; return the files.

    Products are 600 x 600 PNG, the pop-up is 600 x 360, the logos are 480 x 132 with a see-through ground, to be shown
    at half that.
    """
    tell = progress or (lambda _what, _share: None)
    files = list(draw_brand(folder))
    with ThreadPoolExecutor(max_workers=2) as pool:  # Pillow and numpy let go of the interpreter while they work
        drawn = pool.map(lambda product: _png(_draw(product.style.garment, product.colour)), PRODUCTS)
        for done, (product, png) in enumerate(zip(PRODUCTS, drawn, strict=True), start=1):
            path = folder / picture_name(product.slug)
            path.write_bytes(png)
            files.append(path)
            tell("pictures", done / len(PRODUCTS))
    return tuple(files)


def draw_brand(folder: Path) -> tuple[Path, Path, Path]:
    """Draw what every mail or its pop-up shows into `folder`: the logo, the logo for dark grounds, the shopfront."""
    folder.mkdir(parents=True, exist_ok=True)
    sea, sand, coral = rgb(BRAND.sea), rgb(BRAND.sand), rgb(BRAND.coral)
    logo, light, popup = folder / LOGO, folder / LOGO_LIGHT, folder / POPUP_PICTURE
    draw_logo(sea, coral).save(logo, optimize=True)
    draw_logo(sand, coral).save(light, optimize=True)
    popup.write_bytes(_png(draw_popup(sea, sand, coral, _PAPER)))
    return logo, light, popup


def _draw(garment: str, colour: str) -> Image.Image:
    board = Board(_PAPER)
    _DRAWINGS[garment](board, rgb(COLOURS[colour]))
    return board.finished()


def _png(picture: Image.Image) -> bytes:
    """Return the picture with as many tones as its weight allows."""
    tones = next((t for t in _TONES if len(_packed(picture, t)) <= _HEAVIEST), _TONES[-1])
    # One round of k-means, or rare colours drown: the coral thread of a label on green wool.
    return _packed(picture, tones, rounds=1)


def _packed(picture: Image.Image, tones: int, *, rounds: int = 0) -> bytes:
    few = picture.quantize(tones, Image.Quantize.MEDIANCUT, kmeans=rounds, dither=Image.Dither.NONE)
    file = BytesIO()
    few.save(file, "PNG", optimize=True)
    return file.getvalue()
