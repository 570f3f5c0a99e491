"""The card in a first parcel: always two sides, whatever it is given; its code reads back, no word runs off it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops
from pypdf import PageObject, PdfReader

from segue.contract import PageFrame, PrintContent
from segue.render.brand import Brand
from segue.render.links import Links
from segue.render.page import SAID
from segue.render.templates import Library, StepTemplate
from tests.render.conftest import TEMPLATES
from tests.search import examples

STEP = "welcome_insert/insert"
SAMPLES = sorted(path.stem for path in (TEMPLATES / STEP).glob("sample*.json"))
MM = 72 / 25.4
CODE = ('#import "x"', "[a] $5", "*b* `c` @d <e>", "// f", "#panic()", "\\u{41}", "= {{ g }}")
#: One word that cannot be broken, many short ones, wide letters, wide signs, none.
TEXTS = ("W" * 500, "ab " * 300, "寿限無" * 100, "😀" * 120, "﷽" * 40, "שלום عليكم " * 30, "", "i", "a\u00a0b" * 90)

Card = dict[str, Any]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, brand: Brand) -> Path:
    """Plain squares where the samples and the brand say that pictures are."""
    folder = tmp_path_factory.mktemp("pictures")
    named = {brand.logo.path, brand.logo.on_dark}
    for sample in SAMPLES:
        words = json.loads((TEMPLATES / STEP / f"{sample}.json").read_text("utf-8"))
        named |= {item["image_url"] for item in words["items"] if item["image_url"]}
    for number, name in enumerate(sorted(named)):
        path = folder / name.lstrip("/")
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (60, 60), (40 * number % 256, 120, 160)).save(path)
    return folder


@pytest.fixture(scope="module")
def step(brand: Brand, links: Links, pictures: Path) -> StepTemplate:
    return Library(TEMPLATES, brand, links, pictures=pictures).step(STEP)


@pytest.fixture(scope="module")
def cards(step: StepTemplate) -> Callable[[str], PrintContent]:
    made = {name: step.page(words, message_id=7) for name, words in step.samples().items()}
    return made.__getitem__


@pytest.fixture(scope="module")
def frame(cards: Callable[[str], PrintContent]) -> PageFrame:
    return cards("sample").frame


@pytest.fixture
def sample(cards: Callable[[str], PrintContent]) -> Card:
    data: Card = json.loads(cards("sample").data)
    return data


def sides(frame: PageFrame, *data: Card, **options: Any) -> list[PageObject]:
    return list(PdfReader(io.BytesIO(frame.pdf([json.dumps(one) for one in data], **options))).pages)


def picture(frame: PageFrame, data: Card, side: int, ppi: float = 127) -> Image.Image:
    return Image.open(io.BytesIO(frame.pictures(json.dumps(data), ppi=ppi)[side])).convert("RGB")


def words_with_places(page: PageObject) -> Iterator[tuple[str, float, float]]:
    """Each piece of text with its place in mm from the left and from the bottom."""
    found: list[tuple[str, float, float]] = []

    def visit(text: str, cm: list[float], tm: list[float], *_: object) -> None:
        if text.strip():
            x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
            y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
            found.append((text.strip(), x / MM, y / MM))

    page.extract_text(visitor_text=visit)
    yield from found


def flat(page: PageObject, *, ground: bool = False) -> str:
    """The page's words; those on the ground, and the ground's thousands of stitches, only if asked for."""
    if not ground:
        page["/Resources"].get("/XObject", {}).clear()
    return " ".join(page.extract_text().split())


def assert_clear_edges(back: Image.Image, mm: float = 4) -> None:
    """No ink near the cut: whatever the words are, they stay inside the margins."""
    wide = round(mm / 25.4 * 127)
    paper = Image.new("RGB", back.size, back.getpixel((1, 1)))
    box = ImageChops.difference(back, paper).getbbox()
    assert box is not None
    left, top, right, bottom = box
    assert left >= wide
    assert top >= wide
    assert right <= back.width - wide
    assert bottom <= back.height - wide


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_a_card_of_two_sides(cards: Callable[[str], PrintContent], name: str) -> None:
    """A6, clear at its edges, with the way to object and the order it belongs to."""
    content = cards(name)
    data = json.loads(content.data)
    front, back = sides(content.frame, data)
    for side in (front, back):
        assert (round(float(side.mediabox.width) / MM), round(float(side.mediabox.height) / MM)) == (105, 148)
    assert "Thank you" in flat(front)
    assert data["card"]["objection"] in flat(back)
    assert content.order in flat(back)
    assert_clear_edges(picture(content.frame, data, 1))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_code_on_the_picture_is_the_cards_link(cards: Callable[[str], PrintContent], name: str) -> None:
    """At least 20 mm, a quiet zone around it, and read by a decoder nobody here wrote."""
    content = cards(name)
    data = json.loads(content.data)
    shown = picture(content.frame, data, 1, ppi=254)
    (found,) = zxingcpp.read_barcodes(shown)
    assert found.text == data["card"]["link"]
    place = found.position
    assert (place.top_right.x - place.top_left.x) / 10 >= 20
    assert (place.bottom_left.y - place.top_left.y) / 10 >= 20
    modules = 17 + 4 * int(found.symbol_version if hasattr(found, "symbol_version") else 4)
    quiet = 4 * (place.top_right.x - place.top_left.x) / modules
    room = shown.crop(
        (
            round(place.top_left.x - quiet + 2),
            round(place.top_left.y - quiet + 2),
            round(place.top_left.x - 2),
            round(place.bottom_left.y + quiet - 2),
        )
    )
    assert room.getextrema() == ((255, 255), (255, 255), (255, 255))


def test_each_card_has_its_own_code_and_words_in_the_order_given(frame: PageFrame, sample: Card) -> None:
    """Nobody's card holds another's name, code or link."""
    batch = []
    for number in range(12):
        one = deepcopy(sample)
        one["card"] |= {
            "first_name": f"Reader {number}",
            "link": f"https://go.example.com/v/{number}",
            "order": f"#{number}",
        }
        one["card"]["voucher"]["code"] = f"K7QM-{number:04}"
        batch.append(one)
    pages = sides(frame, *batch)
    for number, (front, back) in enumerate(zip(pages[::2], pages[1::2], strict=True)):
        assert f"Thank you, Reader {number}." in flat(front)
        assert f"K7QM-{number:04}" in flat(back)
        assert flat(back).endswith(f"#{number}")


@pytest.mark.parametrize("words", CODE)
def test_words_that_look_like_code_print_as_themselves(frame: PageFrame, sample: Card, words: str) -> None:
    """In every place that a stranger's words can reach."""
    item = {"title": words, "size": words, "colour": None, "price": "$1.00", "picture": None}
    sample["card"] |= {"first_name": words, "items": [item], "objection": words, "order": words}
    sample["card"]["voucher"] = {"code": words, "worth": "15% off", "until": words}
    sample["card"]["loyalty"] = {"title": words, "text": words}
    front, back = sides(frame, sample)
    assert f"Thank you, {words}." in flat(front)
    assert flat(back).count(words) == 8


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_words_of_any_length_stay_on_the_card(frame: PageFrame, sample: Card, text: str) -> None:
    """Everything as long as it can be, at once: two sides, clear edges, and the small print where it was."""
    item = {"title": text, "size": text, "colour": text, "price": text, "picture": None}
    sample["card"] |= {"first_name": text, "objection": text}
    sample["card"]["voucher"] = {"code": text, "worth": text, "until": text}
    sample["card"]["loyalty"] = {"title": text, "text": text}
    full = [{"brand": sample["brand"], "card": sample["card"] | {"items": [item] * count}} for count in range(5)]
    pages = sides(frame, *full)
    assert len(pages) == 10
    for back in pages[1::2]:
        (order,) = [place for place in words_with_places(back) if place[0] == "#1001"]
        assert 5 <= order[2] <= 15
    drawn = frame.all_pictures([json.dumps(full[count]) for count in (0, 2, 4)], ppi=127)
    for _, png in drawn:
        assert_clear_edges(Image.open(io.BytesIO(png)).convert("RGB"))


anything = st.text(max_size=80) | st.sampled_from(TEXTS + CODE)


@st.composite
def drawn_cards(draw: st.DrawFn) -> Card:
    item = st.fixed_dictionaries(
        {
            "title": anything,
            "size": st.none() | anything,
            "colour": st.none() | anything,
            "price": anything,
            "picture": st.none() | st.sampled_from(["gone.png", "../x.png", ""]),
        }
    )
    voucher = st.fixed_dictionaries({"code": anything, "worth": anything, "until": anything})
    return draw(
        st.fixed_dictionaries(
            {
                "first_name": st.none() | anything,
                "items": st.lists(item, max_size=5),
                "voucher": st.none() | voucher,
                "link": st.none() | st.text(max_size=60, min_size=1),
                "loyalty": st.none() | st.fixed_dictionaries({"title": anything, "text": anything}),
                "objection": anything,
                "order": anything,
                "said": st.just({"lang": "en", **SAID}),
            }
        )
    )


@settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(drawn_cards(), min_size=1, max_size=8))
def test_any_card_has_two_sides(frame: PageFrame, cards: Callable[[str], PrintContent], drawn: list[Card]) -> None:
    """Whatever the shop's data holds: no card takes a third side, or another's."""
    brand = json.loads(cards("sample").data)["brand"]
    assert len(sides(frame, *({"brand": brand, "card": card} for card in drawn))) == 2 * len(drawn)


@settings(max_examples=examples(6), deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn_cards())
def test_any_card_is_clear_at_its_edges(frame: PageFrame, cards: Callable[[str], PrintContent], drawn: Card) -> None:
    brand = json.loads(cards("sample").data)["brand"]
    assert_clear_edges(picture(frame, {"brand": brand, "card": drawn}, 1))


def test_no_name_is_no_gap(frame: PageFrame, sample: Card) -> None:
    sample["card"]["first_name"] = None
    front = flat(sides(frame, sample)[0])
    assert "Thank you." in front
    assert "Thank you," not in front


def test_without_things_the_block_is_gone(frame: PageFrame, sample: Card) -> None:
    """Nothing speaks of what was picked, and the code is larger instead."""
    sample["card"]["items"] = []
    _, back = sides(frame, sample)
    assert "Picked" not in flat(back)
    (found,) = zxingcpp.read_barcodes(picture(frame, sample, 1, ppi=254))
    assert (found.position.top_right.x - found.position.top_left.x) / 10 >= 30


def test_only_things_with_a_size_are_said_to_be_in_hers(frame: PageFrame, sample: Card) -> None:
    """A card must not promise what nobody checked."""
    assert "Picked for you, in your size" in flat(sides(frame, sample)[1])
    for item in sample["card"]["items"]:
        item["size"] = None
    assert "Picked for you Tide" in flat(sides(frame, sample)[1])


def test_without_a_voucher_no_discount_is_spoken_of(frame: PageFrame, sample: Card) -> None:
    sample["card"]["voucher"] = None
    back = flat(sides(frame, sample)[1])
    assert "off" not in back.split()
    assert "your own code" not in back
    assert "Scan to see" in back


def test_pictures_are_kept_once_however_many_cards_show_them(frame: PageFrame, sample: Card) -> None:
    few, many = (len(frame.pdf([json.dumps(sample)] * count)) for count in (2, 42))
    assert many - few < 40 * 12_000


def test_crop_marks_stand_outside_the_cut(frame: PageFrame, sample: Card) -> None:
    """8 mm more on each side: 3 mm of bleed, then the marks; what is on the card does not move."""
    marked, plain = sides(frame, sample, marks="crop"), sides(frame, sample)
    for side in marked:
        assert (round(float(side.mediabox.width) / MM), round(float(side.mediabox.height) / MM)) == (121, 164)
    before, after = (
        next(place for place in words_with_places(pages[1]) if place[0] == "#1001") for pages in (plain, marked)
    )
    assert (after[1] - before[1], after[2] - before[2]) == pytest.approx((8, 8), abs=0.05)


def test_another_brand_has_its_own_colours_and_name(frame: PageFrame, sample: Card) -> None:
    """Without a logo its name stands in the label; the cloth is in its colours."""
    sample["brand"] |= {"name": "Northwold & Daughters", "logo": None}
    sample["brand"]["colours"]["band"] = "#7a1f1f"
    assert "NORTHWOLD&DAUGHTERS" in flat(sides(frame, sample)[0], ground=True).replace(" ", "")
    red, green, _ = picture(frame, sample, 0).resize((1, 1)).getpixel((0, 0))
    assert red > green + 20
