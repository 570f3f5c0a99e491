"""What Saltmere sells. Each colour-way is a product of its own, so that a picture always shows the right colour."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Final

from segue.sample.rows import ListingRow, ProductRow, money
from segue.sample.year import YEAR_START, iso

#: Part of every picture's name; raise it when the drawing changes, so that no cache shows the old one.
PICTURE_EDITION: Final = 1

NUMBERS: Final = ("2", "4", "6", "8", "10", "12", "14", "16")
ALPHAS: Final = ("XS", "S", "M", "L", "XL")
HANDS: Final = ("S", "M", "L")
ONE: Final = ("One size",)

#: Size system and sizes by the word in `styles.csv`.
_RUNS: Final = {
    "numbers": ("us_women", NUMBERS),
    "alphas": ("alpha", ALPHAS),
    "hands": ("alpha", HANDS),
    "one": ("one_size", ONE),
}

#: Fabric colours as they are drawn.
COLOURS: Final = {
    "Oatmeal": "#d8c7ab",
    "Deep sea": "#1f4d4a",
    "Coral": "#d9634c",
    "Ecru": "#ece2cf",
    "Ink": "#27344a",
    "Charcoal": "#4a4b4d",
    "Rust": "#a8532f",
    "Dune": "#c3a57c",
    "Moss": "#6d7350",
    "White": "#f6f3ec",
    "Sage": "#9dab93",
    "Sky": "#a9c0cf",
    "Chambray": "#6d88a3",
    "Heather": "#b3aeaa",
    "Indigo": "#34496b",
    "Mustard": "#d0a13c",
    "Camel": "#b78a57",
}


@dataclass(frozen=True, slots=True)
class Style:
    """A design, before it has a colour."""

    slug: str
    title: str
    #: What the illustrator draws.
    garment: str
    category: str
    system: str
    sizes: tuple[str, ...]
    cents: int
    colours: tuple[str, ...]
    #: How much more than the average it sells.
    appeal: float


def _styles() -> Iterator[Style]:
    table = files("segue.sample").joinpath("styles.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(table.splitlines()):
        system, sizes = _RUNS[row["size_run"]]
        yield Style(
            row["slug"],
            row["title"],
            row["garment"],
            row["category"],
            system,
            sizes,
            round(Decimal(row["price"]) * 100),
            tuple(row["colours"].split("|")),
            float(row["appeal"]),
        )


STYLES: Final = tuple(_styles())


@dataclass(frozen=True, slots=True)
class Variant:
    """One size of one colour-way: what a person puts in her cart."""

    sku: str
    product_id: str
    size: str
    colour: str
    style: Style
    slug: str

    @property
    def cents(self) -> int:
        """Price in US cents."""
        return self.style.cents

    @property
    def url(self) -> str:
        """Path of the product's page."""
        return f"/products/{self.slug}"

    @property
    def image_url(self) -> str:
        """Path of the product's picture."""
        return f"/pictures/{picture_name(self.slug)}"


@dataclass(frozen=True, slots=True)
class Product:
    """A style in one colour, with its sizes."""

    product_id: str
    slug: str
    colour: str
    style: Style
    variants: tuple[Variant, ...]


def picture_name(slug: str) -> str:
    """Return the file name of a colour-way's picture; it changes when the drawing does."""
    mark = hashlib.sha256(f"{slug}/{PICTURE_EDITION}".encode()).hexdigest()[:8]
    return f"{slug}-{mark}.png"


def _products() -> Iterator[Product]:
    number = 100
    for style in STYLES:
        for colour in style.colours:
            number += 1
            product_id = f"P-{number}"
            slug = f"{style.slug}-{colour.lower().replace(' ', '-')}"
            stem = f"{style.slug.split('-')[0][:4]}-{colour.replace(' ', '')[:4]}".upper()
            variants = tuple(
                Variant(f"{stem}-{_size_code(size)}", product_id, size, colour, style, slug) for size in style.sizes
            )
            yield Product(product_id, slug, colour, style, variants)


def _size_code(size: str) -> str:
    return size.zfill(2) if size.isdigit() else "OS" if size in ONE else size


PRODUCTS: Final = tuple(_products())
VARIANTS: Final = {variant.sku: variant for product in PRODUCTS for variant in product.variants}

#: Categories a sales channel leaves out; what is not listed here sells everything.
_NOT_LISTED: Final = {
    "facebook_shop": frozenset({"gloves", "scarves", "coats"}),
    "instagram_shop": frozenset({"coats"}),
    "popup": frozenset({"coats"}),
}
SALES_CHANNELS: Final = ("web", "facebook_shop", "instagram_shop", "store", "popup")


def sells(channel: str, product: Product) -> bool:
    """Return whether a sales channel lists the product."""
    return product.style.category not in _NOT_LISTED.get(channel, frozenset())


def product_rows() -> Iterator[ProductRow]:
    """Yield one row a variant."""
    for product in PRODUCTS:
        style = product.style
        for variant in product.variants:
            yield ProductRow(
                product.product_id, style.title, style.category, style.system, variant.sku, variant.size,
                variant.colour, money(variant.cents), "USD", variant.url, variant.image_url,
            )  # fmt: skip


def listing_rows(popup_opens: datetime, popup_closes: datetime) -> Iterator[ListingRow]:
    """Yield where each product is on offer; the pop-up only while it stands."""
    for product in PRODUCTS:
        for channel in SALES_CHANNELS:
            if not sells(channel, product):
                continue
            listed_from = popup_opens if channel == "popup" else YEAR_START - timedelta(days=30)
            listed_until = popup_closes if channel == "popup" else None
            yield ListingRow(product.product_id, channel, iso(listed_from), iso(listed_until) if listed_until else "")
