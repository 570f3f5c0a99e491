"""One gallery of the small shop for all tests that only read it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from segue.gallery.book import write_gallery
from segue.journeys.abandoned_cart import JOURNEY
from segue.render import Brand, load_brand
from segue.store.engine import open_engine
from tests.gallery import shop
from tests.gallery.pages import Page

CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
BRAND_FILE = Path(__file__).resolve().parents[2] / "templates" / "brand.toml"


@pytest.fixture(scope="session")
def brand() -> Brand:
    return load_brand(BRAND_FILE)


@pytest.fixture(scope="session")
def store(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The small shop, in a file of its own."""
    file = tmp_path_factory.mktemp("shop") / "shop.db"
    shutil.copyfile(migrated_sqlite, file)
    engine = open_engine(f"sqlite:///{file}")
    shop.fill(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def write(store: Engine, brand: Brand, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Writes the shop's gallery into a folder."""
    outbox = tmp_path_factory.mktemp("outbox")
    shop.keep_copies(outbox)

    def write_into(folder: Path) -> Path:
        pictures = folder / "pictures"
        pictures.mkdir(parents=True, exist_ok=True)
        (pictures / "leggings.png").write_bytes(b"not really a picture")
        return write_gallery(
            folder,
            engine=store,
            messages=outbox,
            brand=brand,
            journeys={"abandoned_cart": JOURNEY},
            story=(shop.email_of(shop.SARAH), shop.email_of(shop.CLARA)),
            now=shop.NOW,
            pictures=pictures,
            hash_address=shop.hash_address,
        )

    return write_into


@pytest.fixture(scope="session")
def gallery(write: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a written gallery."""
    return write(tmp_path_factory.mktemp("out")).parent


@pytest.fixture(scope="session")
def pages(gallery: Path) -> dict[str, Page]:
    """Every page but the mails in frames, by address."""
    found = (path for path in gallery.rglob("*.html") if path.parent.name != "mails")
    return {path.relative_to(gallery).as_posix(): Page(path) for path in found}


@pytest.fixture(scope="session")
def frames(gallery: Path) -> dict[str, Page]:
    """The mails in frames, by file name."""
    return {path.name: Page(path) for path in (gallery / "gallery" / "mails").glob("*.html")}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium, for the tests of a file: while it is there, nothing else may run a loop."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra `browser`")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=str(CHROMIUM), args=list(_FLAGS))
        yield opened
        opened.close()
