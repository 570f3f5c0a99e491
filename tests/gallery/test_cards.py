"""Printed cards in the gallery: read back from the spool, shown wherever a message is, and opened in a browser."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import insert, select, update

from connectors.files import FilesConnector
from connectors.print_insert import PrintInsertConnector
from segue.clock import VirtualClock
from segue.contract import Channel, Key, PageFrame
from segue.contract.suite import message as any_message
from segue.contract.suite import send
from segue.contract.suite_parts import PAGE
from segue.contract.types import PrintContent
from segue.gallery.book import write_gallery
from segue.gallery.cards import draw_cards
from segue.gallery.site import Site
from segue.journeys.welcome_insert import JOURNEY
from segue.outbox.connectors import Connectors
from segue.render import Brand
from segue.service import Segue, open_segue
from segue.settings import Settings
from segue.store.engine import read, write
from segue.store.tables import location, message, order, profile
from tests.gallery.pages import Page

NOON = datetime(2026, 5, 12, 16, tzinfo=UTC)  # two hours before the pick wave in New York
SARAH, HOSTILE, UNSET, LOST, CANCELLED, LAST = range(1, 7)
HOSTILE_NAME = '<img src=x onerror="alert(1)">'
NAMES = {SARAH: "Sarah", HOSTILE: HOSTILE_NAME, UNSET: "Uma", LOST: "Luz", CANCELLED: "Cleo", LAST: "Lale"}
#: Red in front, blue behind; a card without `words` cannot be set.
COLOURED = PageFrame(
    name="shop/coloured",
    source="""#set page(width: 40mm, height: 60mm, margin: 2mm)
#for card in json(bytes(sys.inputs.pages)) [#page(fill: rgb("#ff0000"))[#card.words]#page(fill: rgb("#0000ff"))[]]""",
    root=PAGE.root,
)


def key_of(person: int) -> Key:
    return Key(f"welcome_insert/insert/order:{100 + person}")


def shop(segue: Segue) -> None:
    """Six people with a first order each, on its way to be packed in L-NJ."""
    with write(segue.engine) as connection:
        connection.execute(insert(location).values(id=1, external_id="L-NJ", kind="warehouse", name="Newark"))
        for person, name in NAMES.items():
            number, at = 100 + person, NOON - timedelta(minutes=30)
            connection.execute(
                insert(profile).values(id=person, first_name=name, last_name="Doe", country="US", created_at=at)
            )
            connection.execute(
                insert(order).values(
                    id=number,
                    external_id=str(number),
                    number=f"#{number}",
                    profile_id=person,
                    sales_channel="web",
                    location_id=1,
                    delivery="ship",
                    currency="USD",
                    total_minor=100,
                    occurred_at=at,
                    paid_at=at,
                    recorded_at=at,
                )
            )


def spoil(spool: Path) -> None:
    """One page's template cannot be set any more; another page is not in the spool."""
    with closing(sqlite3.connect(spool)) as database, database:
        root = str(PAGE.root)
        database.execute("insert into frame values ('broken', 'shop/broken', '#panic(\"no\")', ?)", (root,))
        database.execute("update page set frame = 'broken' where key = ?", (json.dumps(key_of(UNSET)),))
        database.execute("delete from page where key = ?", (json.dumps(key_of(LOST)),))


@pytest.fixture(scope="module")
def shown(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, brand: Brand) -> Path:
    """The gallery of a shop that printed four cards out of six, two of which are lost; its folder."""
    home = tmp_path_factory.mktemp("cards")
    shutil.copyfile(migrated_sqlite, home / "shop.db")
    settings = Settings(
        home=home / "home",
        database_url=f"sqlite:///{home / 'shop.db'}",
        print_folder=home / "print",
        holdout_journey=0,
        pick_wave="14:00",
        secret_key="a secret for tests only",
    )
    printer = PrintInsertConnector(folder=home / "print")
    connectors = Connectors(by_channel={Channel.PRINT: printer}, offers=FilesConnector(folder=home / "outbox"))
    with open_segue(settings, VirtualClock(NOON), connectors=connectors) as segue:
        segue.install()
        segue.switch_on("welcome_insert", NOON - timedelta(days=1))
        shop(segue)
        segue.tick()
        with write(segue.engine) as connection:
            cancelled = update(order).where(order.c.id == 100 + CANCELLED)
            connection.execute(cancelled.values(cancelled_at=NOON + timedelta(hours=1)))
        segue.clock.set(NOON + timedelta(hours=2))
        (report,) = segue.print_run("L-NJ")
        assert (report.location, report.pages, report.taken_out) == ("L-NJ", 5, {"occasion_gone": 1})
        spoil(home / "print" / "spool.db")
        with read(segue.engine) as connection:
            found = connection.execute(select(message.c.profile_id, message.c.id)).all()
            assert all(person == number for person, number in found)
        write_gallery(
            home / "out",
            engine=segue.engine,
            messages=home / "outbox",
            prints=home / "print",
            brand=brand,
            journeys={"welcome_insert": JOURNEY},
            story=(),
            now=NOON + timedelta(days=1),
        )
    return home / "out"


def page_of(shown: Path, address: str) -> Page:
    return Page(shown / address)


def pictures(page: Page) -> list[str]:
    """Where the cards on a page come from, in reading order."""
    return [one.attributes["src"] for one in page.all("img") if "/cards/" in one.attributes["src"]]


def test_a_card_is_shown_front_first_on_its_own_page(shown: Path) -> None:
    """Both sides with words for those who see no picture, the code, and the parcel it lay in."""
    page = page_of(shown, f"gallery/messages/{SARAH}.html")
    assert pictures(page) == [f"../../gallery/cards/{SARAH}-{side}.jpg" for side in ("front", "back")]
    said = [one.attributes["alt"] for one in page.all("img") if "/cards/" in one.attributes["src"]]
    assert said == ["The front of the card", "The back of the card"]
    for words in (
        "A card in the parcel of Sarah Doe",
        "Got the code",
        "Card printed",
        "page 1 of the print run in L-NJ",
        str(key_of(SARAH)),
    ):
        assert words in page.text


def test_the_sides_are_the_paper_that_left(shown: Path) -> None:
    """A6, and two different sides."""
    front, back = (Image.open(shown / f"gallery/cards/{SARAH}-{side}.jpg") for side in ("front", "back"))
    assert front.size == back.size
    assert front.size[0] / front.size[1] == pytest.approx(105 / 148, abs=0.01)
    assert front.tobytes() != back.tobytes()
    (declared,) = {
        (one.attributes["width"], one.attributes["height"])
        for one in page_of(shown, f"gallery/messages/{SARAH}.html").all("img")
        if "/cards/" in one.attributes["src"]
    }
    assert declared == tuple(map(str, front.size))


def test_lists_show_the_side_that_says_most(shown: Path) -> None:
    """The back of each card, and of those that are lost a word instead; the one taken out left no message."""
    page = page_of(shown, "gallery/messages/index.html")
    assert pictures(page) == [f"../../gallery/cards/{one}-back.jpg" for one in (SARAH, HOSTILE, LAST)]
    assert page.text.count("no copy was kept") == 2
    assert "Cleo" not in page.text
    assert not (shown / f"gallery/messages/{CANCELLED}.html").exists()


def test_the_front_page_shows_the_latest_and_counts_parcels(shown: Path) -> None:
    page = page_of(shown, "index.html")
    assert pictures(page) == [f"gallery/cards/{one}-back.jpg" for one in (LAST, HOSTILE)]
    assert "6 first parcels were to be packed. Segue put a card into 5 ," in page.text


@pytest.mark.parametrize("person", [UNSET, LOST])
def test_a_card_that_cannot_be_drawn_is_said_to_have_no_copy(shown: Path, person: int) -> None:
    """Its template cannot be set any more, or it is not in the spool: the page is there and says so."""
    page = page_of(shown, f"gallery/messages/{person}.html")
    assert pictures(page) == []
    assert "Sent through print_insert; no copy was kept here." in page.text
    assert not list((shown / "gallery/cards").glob(f"{person}-*"))


def test_a_hostile_name_is_a_name(shown: Path) -> None:
    """Escaped wherever it stands; nothing on any page runs or loads by it."""
    seen = 0
    for file in shown.rglob("*.html"):
        page = Page(file)
        seen += HOSTILE_NAME in page.text
        assert not [one for one in page.elements if any(name.startswith("on") for name in one.attributes)]
        assert "x" not in page.loaded()
    assert seen >= 4


def test_every_picture_a_page_names_is_a_file_of_the_gallery(shown: Path) -> None:
    for file in shown.rglob("*.html"):
        page = Page(file)
        for source in pictures(page):
            assert page.target(source).is_file()
            assert page.target(source).is_relative_to((shown / "gallery").resolve())


def spooled(folder: Path, *data: str, frame: PageFrame = COLOURED) -> dict[int, str]:
    """Spool cards of this data; message id to key."""
    plain = [any_message(number, Channel.PRINT) for number in range(len(data))]
    batch = []
    for one, text in zip(plain, data, strict=True):
        assert isinstance(one.content, PrintContent)
        batch.append(replace(one, content=replace(one.content, frame=frame, data=text)))
    send(PrintInsertConnector(folder=folder), batch)
    return {number: str(one.key) for number, one in enumerate(batch)}


@pytest.fixture
def site(tmp_path: Path, brand: Brand) -> Site:
    return Site(tmp_path / "out", brand, "Cards", has_story=False)


def test_the_first_side_is_the_front(site: Site, tmp_path: Path) -> None:
    """By its colour: a page shown back first would greet people with the small print."""
    wanted = spooled(tmp_path / "print", json.dumps({"words": "hello"}))
    drawn = draw_cards(site, tmp_path / "print", wanted)
    colours = [
        Image.open(io.BytesIO((site.folder / side).read_bytes())).convert("RGB").getpixel((2, 2))
        for side in drawn[0].sides
    ]
    assert [max(range(3), key=lambda channel: colour[channel]) for colour in colours] == [0, 2]
    assert drawn[0].order == "#0"


def test_one_card_that_cannot_be_set_costs_no_other_its_picture(site: Site, tmp_path: Path) -> None:
    """Cards are set a hundred at once; only the faulty one is missing."""
    data = [json.dumps({"words": str(number)}) for number in range(7)]
    data[4] = json.dumps({"no": "words"})
    told: list[tuple[int, int]] = []
    wanted = spooled(tmp_path / "print", *data)
    drawn = draw_cards(site, tmp_path / "print", wanted, progress=lambda done, of: told.append((done, of)))
    assert sorted(drawn) == [0, 1, 2, 3, 5, 6]
    assert all(len(card.sides) == 2 for card in drawn.values())
    assert told == [(7, 7)]


def test_cards_of_two_templates_keep_their_own(site: Site, tmp_path: Path) -> None:
    """After a change of the design the old cards are still drawn in the old one."""
    other = replace(COLOURED, source=COLOURED.source.replace("#ff0000", "#00ff00"))
    wanted = spooled(tmp_path / "print", json.dumps({"words": "old"}))
    new = any_message(9, Channel.PRINT)
    assert isinstance(new.content, PrintContent)
    content = replace(new.content, frame=other, data=json.dumps({"words": "new"}))
    send(PrintInsertConnector(folder=tmp_path / "print"), [replace(new, content=content)])
    drawn = draw_cards(site, tmp_path / "print", wanted | {9: str(new.key)})
    fronts = [Image.open(site.folder / drawn[one].sides[0]).convert("RGB").getpixel((2, 2)) for one in (0, 9)]
    assert [max(range(3), key=lambda channel: colour[channel]) for colour in fronts] == [0, 1]


def test_without_a_spool_there_is_nothing_to_draw(site: Site, tmp_path: Path) -> None:
    """Nothing is made in its place either: looking must not leave a spool behind."""
    assert draw_cards(site, tmp_path / "print", {1: "welcome_insert/insert/order:1"}) == {}
    assert not (tmp_path / "print").exists()


@pytest.mark.browser
@pytest.mark.parametrize("address", ["index.html", "gallery/messages/index.html", f"gallery/messages/{HOSTILE}.html"])
@pytest.mark.parametrize("width", [1280, 375])
def test_a_browser_shows_the_cards_from_the_disk(browser: Any, shown: Path, address: str, width: int) -> None:
    """Every picture is there and has a size, nothing is asked of the network, and nobody scrolls sideways."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda line: said.append(line.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto((shown / address).as_uri())
    cards = page.locator("img[src*='/cards/']")
    assert cards.count() >= 2
    for place in range(cards.count()):
        card = cards.nth(place)
        card.scroll_into_view_if_needed()
        card.evaluate("one => one.decode()")
        assert card.evaluate("one => one.naturalWidth") > 400
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
