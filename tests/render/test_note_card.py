"""A campaign's note on a card: whatever the form lets through is there to its last letter; its code reads back."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from segue.journeys.campaign_brief import CARD_BREAK, CARD_HEADLINE, CARD_TEXT
from segue.render.brand import Brand
from segue.render.links import Links, Slot
from segue.render.samples import abroad
from segue.render.templates import Library, StepTemplate
from tests.render.conftest import TEMPLATES
from tests.render.test_insert import assert_clear_edges, flat, words_with_places

PLAIN = "Our New York pop-up outgrew its first room, and from Thursday on you find us at 112 Mercer Street. " * 9


@pytest.fixture(scope="module")
def note(brand: Brand, links: Links) -> StepTemplate:
    return Library(TEMPLATES, brand, links).step("campaign/note")


def written(note: StepTemplate, **changes: Any) -> dict[str, Any]:
    words = note.samples()["sample"]
    return {**words, "note": {**words["note"], **changes}}


@pytest.mark.parametrize(
    ("paragraphs", "headline"),
    [
        ([PLAIN[:CARD_TEXT]], PLAIN[:CARD_HEADLINE]),
        (["M" * CARD_TEXT], "M" * CARD_HEADLINE),
        (["寿限無" * (CARD_TEXT // 6)], "寿限無" * (CARD_HEADLINE // 6)),
        (["x"] * (CARD_TEXT // CARD_BREAK), "x"),
    ],
    ids=("words", "one wide word", "wide signs", "many paragraphs"),
)
def test_the_longest_text_is_there_to_its_last_letter(note: StepTemplate, paragraphs: list[str], headline: str) -> None:
    """Two sides, clear edges, every letter, and all of it above the panel with the code."""
    content = note.page(written(note, paragraphs=paragraphs, headline=headline), message_id=7)
    front, back = PdfReader(io.BytesIO(content.frame.pdf([content.data]))).pages
    places = [(text, up) for text, _, up in words_with_places(back)]
    panel = next(up for text, up in places if text.startswith("15%"))
    said = "".join(text for text, up in places if panel + 8 < up)
    whole = "".join(paragraphs)
    assert "".join(said.split()).replace("\u200b", "").endswith("".join(whole.split()))
    assert headline.replace(" ", "") in flat(front).replace(" ", "").replace("\u200b", "")
    picture = Image.open(io.BytesIO(content.frame.pictures(content.data, ppi=127)[1])).convert("RGB")
    assert_clear_edges(picture)


@pytest.mark.parametrize("sample", ["sample", "sample_no_code", "sample_bare", "sample_odd"])
def test_its_code_reads_back_and_leads_to_the_code_or_the_page(note: StepTemplate, links: Links, sample: str) -> None:
    words = note.samples()[sample]
    content = note.page(words, message_id=7)
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(content.frame.pictures(content.data, ppi=200)[1])))
    assert found.text == json.loads(content.data)["card"]["link"]
    if words["voucher"] is not None:
        assert found.text == links.landing(words["voucher"]["code"])
    else:
        assert links.read_short(found.text.rpartition("/")[2]) == (7, Slot.PAGE)


@pytest.mark.parametrize(("language", "said"), [("de", "Hallo Sarah,"), ("es", "Hola, Sarah:"), ("fi", "Hei Sarah")])
def test_what_stands_around_the_words_is_in_the_readers_language(note: StepTemplate, language: str, said: str) -> None:
    content = note.page(abroad(note.samples()["sample_no_code"], language), message_id=7)
    _, back = PdfReader(io.BytesIO(content.frame.pdf([content.data]))).pages
    assert said in flat(back)
    assert "Scan" not in flat(back).split()
