"""Renders every step's samples to HTML and PNG: look before you send.

    .venv/bin/python tools/look.py [--only STEP] [--pictures FOLDER] [--out out/look] [--chromium /usr/bin/chromium]

Mails are photographed by day and by night, wide and narrow; cards are drawn front and back, as they are printed.
STEP is a step or a journey, e.g. `welcome_insert`. Pictures come from FOLDER by file name; what is not there is a plain
placeholder, on a card the thing's first letter. Nothing is fetched from anywhere else. Mails need the extra `browser`
and an installed Chromium.
"""  # noqa: INP001  a script, not a package

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image, ImageDraw

from segue.contract import Channel
from segue.render.brand import Brand, load_brand
from segue.render.links import Links
from segue.render.templates import Library, StepTemplate

if TYPE_CHECKING:
    from playwright.sync_api import Route

_ROOT = Path(__file__).resolve().parent.parent
_WIDTHS = (600, 375)
#: About twice the size of paper, on most screens.
_CARD_PPI = 200
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def wanted(library: Library, only: str) -> list[tuple[str, StepTemplate]]:
    """Each step by its name; where `only` is given, that step or that journey's steps."""
    names = [name for name in library.names() if not only or f"{name}/".startswith(f"{only.strip('/')}/")]
    if not names:
        sys.exit(f"there is no step {only}; there are {', '.join(library.names())}")
    return [(name, library.step(name)) for name in names]


def write_pages(steps: list[tuple[str, StepTemplate]], out: Path) -> Iterator[Path]:
    """Write each sample as HTML and its other parts as text beside it; yield the HTML files."""
    for name, step in steps:
        for sample, words in step.samples().items():
            stem = out / f"{name.replace('/', '-')}-{sample}"
            parts = []
            if Channel.EMAIL in step.channels:
                mail = step.email(words, message_id=1)
                page = stem.with_suffix(".html")
                page.write_text(mail.html, "utf-8")
                parts.append(f"Subject: {mail.subject}\n\n{mail.text}")
                yield page
            if Channel.SMS in step.channels:
                text = step.sms(words, message_id=1)
                parts.append(f"SMS ({text.segments} x): {text.text}")
            if parts:
                stem.with_suffix(".txt").write_text("\n\n".join(parts) + "\n", "utf-8")


def draw_cards(steps: list[tuple[str, StepTemplate]], out: Path) -> Iterator[Path]:
    """Draw each sample of the steps that are printed, a PNG a side; yield them, fronts first."""
    for name, step in steps:
        if Channel.PRINT not in step.channels:
            continue
        for sample, words in step.samples().items():
            card = step.page(words, message_id=1)
            sides = card.frame.pictures(card.data, ppi=_CARD_PPI)
            for number, side in enumerate(sides):
                place = ("front", "back")[number] if len(sides) == 2 else f"page-{number + 1}"
                png = out / f"{name.replace('/', '-')}-{sample}-{place}.png"
                png.write_bytes(side)
                yield png


def placeholder(brand: Brand, path: str) -> bytes:
    """Draw something of the right shape for a picture that is not there."""
    is_logo = Path(path).name in {Path(brand.logo.path).name, Path(brand.logo.on_dark).name}
    size = (brand.logo.width * 2, brand.logo.height * 2) if is_logo else (600, 600)
    picture = Image.new("RGB", size, brand.colours.light.line)
    ImageDraw.Draw(picture).text((16, 16), Path(path).stem, fill=brand.colours.light.ink)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def shoot(pages: list[Path], brand: Brand, pictures: Path, chromium: str) -> Iterator[Path]:
    """Photograph each page at each width in each scheme; yield the PNG files."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  cards are drawn without a browser

    def answer(route: Route) -> None:
        url = route.request.url
        if url.startswith("file:"):
            route.continue_()
        elif url.startswith(f"{brand.asset_url}/"):
            file = pictures / Path(url).name
            route.fulfill(
                body=file.read_bytes() if file.is_file() else placeholder(brand, url), content_type="image/png"
            )
        else:
            route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        for width in _WIDTHS:
            for scheme in _SCHEMES:
                context = browser.new_context(
                    viewport={"width": width, "height": 900}, color_scheme=scheme, device_scale_factor=1
                )
                tab = context.new_page()
                tab.route("**/*", answer)
                for page in pages:
                    tab.goto(page.absolute().as_uri())
                    png = page.with_name(f"{page.stem}-{width}-{scheme}.png")
                    tab.screenshot(path=png, full_page=True)
                    yield png
                context.close()
        browser.close()


def main() -> None:
    """Read the arguments, render, photograph, and name what was written."""
    parser = argparse.ArgumentParser(description="Render every template's samples and photograph them.")
    parser.add_argument("--only", default="", metavar="STEP", help="a step or a journey; default: all")
    parser.add_argument("--templates", type=Path, default=_ROOT / "templates")
    parser.add_argument("--pictures", type=Path, default=_ROOT / "out" / "pictures")
    parser.add_argument("--out", type=Path, default=_ROOT / "out" / "look")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    brand = load_brand(options.templates / "brand.toml")
    links = Links("https://go.saltmere.example.com", b"only for looking at mails")
    pictures = options.pictures.resolve() if options.pictures.is_dir() else None
    steps = wanted(Library(options.templates, brand, links, pictures=pictures), options.only)
    for png in draw_cards(steps, options.out):
        sys.stdout.write(f"{png}\n")
    pages = list(write_pages(steps, options.out))
    for png in shoot(pages, brand, options.pictures, options.chromium) if pages else ():
        sys.stdout.write(f"{png}\n")


if __name__ == "__main__":
    main()
