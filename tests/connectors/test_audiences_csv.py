"""Audiences and the feed as files."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest

from connectors.audiences_csv import AudiencesCsvConnector
from segue.contract import AudienceChange, AudienceConnector, CatalogueConnector, CatalogueItem, ConfigurationError, Key
from segue.contract.suite_audience import AudienceConnectorContract
from segue.outbox.connectors import load_connectors
from segue.settings import Settings


class Folder:
    """The platform's end: the files themselves."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "audiences"

    def answer(self, *answers):
        if answers[0] == "gone":
            for path in self._folder.glob("*.csv"):
                if not path.name.endswith(".changes.csv"):
                    path.unlink()

    def arrived(self):
        return sum(len(path.read_text().splitlines()) - 1 for path in self._folder.glob("*.changes.csv"))

    def held(self, external_id):
        return frozenset((self._folder / f"{external_id}.csv").read_text().splitlines()[1:])


class TestAudiencesCsv(AudienceConnectorContract):
    answers = frozenset({"ok", "gone"})

    @pytest.fixture
    def platform(self, tmp_path):
        return Folder(tmp_path)

    @pytest.fixture
    def connector(self, tmp_path, platform):
        return AudiencesCsvConnector(folder=tmp_path)

    @pytest.fixture
    def reborn(self, tmp_path):
        return AudiencesCsvConnector(folder=tmp_path)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_writes_what_an_upload_page_reads(tmp_path: Path) -> None:
    """Spelled as Meta wants it: plus and blanks off the phone, names without marks, dots of an address kept."""
    connector = AudiencesCsvConnector(folder=tmp_path)
    made = connector.ensure("segue cart", "")
    member = {
        "email": " Ada.B+x@Example.COM ", "phone": "+1 202-555-0123", "first_name": "Zoë-Ann", "last_name": "O'Hara",
        "country": "US", "birth_year": "1990", "external_id": "abc",
    }  # fmt: skip
    list(
        connector.sync(
            AudienceChange(audience="cart", external_id=made, fields=connector.fields, add=((Key("k"), member),))
        )
    )
    (row,) = csv.DictReader((tmp_path / "audiences" / "segue-cart.csv").read_text().splitlines())
    assert row == {
        "email": sha("ada.b+x@example.com"), "phone": sha("12025550123"), "fn": sha("zoëann"), "ln": sha("ohara"),
        "country": sha("us"), "st": "", "doby": sha("1990"), "extern_id": "abc",
    }  # fmt: skip


def test_the_feed_has_a_row_a_variant(tmp_path: Path) -> None:
    connector = AudiencesCsvConnector(folder=tmp_path)
    items = [
        CatalogueItem(
            id=f"tide-{size}", group="tide", title='Leggings, "Tide"', category="bottoms", size=size, colour="ink",
            available=size == "8", price_minor=4905, currency="USD", url="https://shop.example.com/p/tide",
            image_url="https://shop.example.com/i/tide.png", brand="Saltmere",
        )
        for size in ("8", "10")
    ]  # fmt: skip
    assert connector.publish_feed(items) == 2
    rows = list(csv.DictReader((tmp_path / "feed.csv").read_text().splitlines()))
    assert [(row["id"], row["availability"], row["price"]) for row in rows] == [
        ("tide-8", "in stock", "49.05 USD"),
        ("tide-10", "out of stock", "49.05 USD"),
    ]
    assert {row["item_group_id"] for row in rows} == {"tide"}
    assert connector.publish_feed(iter(items[:1])) == 1
    assert len((tmp_path / "feed.csv").read_text().splitlines()) == 2


def test_a_feed_that_breaks_off_leaves_the_old_one(tmp_path: Path) -> None:
    connector = AudiencesCsvConnector(folder=tmp_path)
    connector.publish_feed([])

    def broken():
        raise RuntimeError("the store went away")
        yield

    with pytest.raises(RuntimeError):
        connector.publish_feed(broken())
    assert [path.name for path in tmp_path.iterdir()] == ["feed.csv"]


def test_a_folder_that_is_a_file_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "audiences").write_text("")
    connector = AudiencesCsvConnector(folder=tmp_path)
    with pytest.raises(ConfigurationError, match="folder"):
        connector.ensure("segue cart", "")


def test_settings_name_several_platforms(tmp_path: Path) -> None:
    """The default is files; a list names more; what keeps no audiences is refused by name."""
    settings = Settings(_env_file=None, outbox=tmp_path)
    loaded = load_connectors(settings)
    assert list(loaded.audiences) == ["audiences_csv"]
    assert isinstance(loaded.audiences["audiences_csv"], AudienceConnector)
    assert isinstance(loaded.audiences["audiences_csv"], CatalogueConnector)
    named = {"email": "files", "audience": "audiences_csv, offers_csv"}
    with pytest.raises(ConfigurationError, match="offers_csv keeps no audiences"):
        load_connectors(settings.model_copy(update={"connectors": named}))
    none = load_connectors(settings.model_copy(update={"connectors": {"email": "files"}}))
    assert dict(none.audiences) == {}
