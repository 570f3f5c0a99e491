"""A page frame: data stays data, whatever it looks like, and what cannot be printed does not stop the rest."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from segue.contract import PageError, PageFrame, qr_svg, read_page
from segue.contract.page import MAX_LINK
from tests.search import examples

PLAIN = """#set document(date: none)
#set page(width: 105mm, height: 148mm)
#set text(font: ("Libertinus Serif", "Noto Sans", "Noto Sans CJK SC"))
#for card in json(bytes(sys.inputs.pages)) { page(text(card.words)) }"""
SHOWING = """#set document(date: none)
#set page(width: 60mm, height: 60mm, margin: 5mm)
#for card in json(bytes(sys.inputs.pages)) { page({
  if card.at("qr", default: none) != none { image(bytes(card.qr), format: "svg", width: 30mm) }
  if card.at("picture", default: none) != none { image("/" + card.picture, width: 10mm) } else [nothing to see]
}) }"""
CODE = (
    '#import "x"',
    "[a] $5",
    "*b* _i_ `c` @d <e>",
    "// f",
    "/* g */",
    "\\ h",
    "#panic()",
    "= i",
    "{{ j }}",
    "--- ...",
)


@pytest.fixture
def plain(tmp_path: Path) -> PageFrame:
    return PageFrame(name="shop/plain", source=PLAIN, root=tmp_path)


@pytest.fixture
def showing(tmp_path: Path) -> PageFrame:
    return PageFrame(name="shop/showing", source=SHOWING, root=tmp_path)


def texts(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def card(**data: object) -> str:
    return json.dumps(data)


def test_words_that_look_like_code_print_as_themselves(plain: PageFrame) -> None:
    assert texts(plain.pdf([card(words=words) for words in CODE])) == list(CODE)


@settings(max_examples=examples(25), deadline=None)
@given(
    st.lists(st.text(st.characters(codec="utf-8", max_codepoint=0x24F, categories=("L", "N", "P", "S")), min_size=1))
)
def test_any_latin_word_prints_as_itself(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    """Letters, figures, marks and signs, in any order; the pages in theirs."""
    frame = PageFrame(name="shop/plain", source=PLAIN, root=tmp_path_factory.getbasetemp())
    pages = [card(words=word[:30]) for word in words] or [card(words="none")]
    printed = texts(frame.pdf(pages))
    assert [text.replace("\n", "") for text in printed] == [json.loads(page)["words"] for page in pages]


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=20))
def test_any_text_at_all_is_one_page(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    """Half characters, control characters and direction marks among them: nothing stops the compiler."""
    frame = PageFrame(name="shop/plain", source=PLAIN, root=tmp_path_factory.getbasetemp())
    broken = [word + "\ud800\x00\x1b\u202e\n" for word in words]
    assert len(texts(frame.pdf([card(words=word) for word in (*words, *broken)]))) == 2 * len(words)


@pytest.mark.parametrize(
    ("name", "font"),
    [
        ("שרה", "Libertinus"),
        ("Θεοδώρα", "Libertinus"),
        ("Ольга", "Libertinus"),
        ("Łódź", "Libertinus"),
        ("سارة", "NotoSansArabic"),
        ("美咲", "NotoSansCJK"),
        ("지우", "NotoSansCJK"),
        ("สมชาย", "NotoSansThai"),
        ("आशा", "NotoSansDevanagari"),
        ("Նարե", "NotoSansArmenian"),
        ("😀", "NotoEmoji"),
    ],
)
def test_a_name_is_set_in_a_font_that_has_its_script(plain: PageFrame, name: str, font: str) -> None:
    """A font without it would print empty boxes; and no font is the machine's own."""
    reader = PdfReader(io.BytesIO(plain.pdf([card(words=name)])))
    (page,) = reader.pages
    fonts = [str(one.get_object()["/BaseFont"]) for one in page["/Resources"]["/Font"].values()]
    assert len(fonts) == 1
    assert font in fonts[0]
    # One sign may be drawn as several: compare which characters there are, not how often.
    assert {c for c in page.extract_text() if c.isprintable()} == set(name)


def test_the_same_cards_are_the_same_bytes(plain: PageFrame) -> None:
    """So a page printed again can be compared with the first."""
    pages = [card(words=words) for words in CODE]
    assert plain.pdf(pages) == plain.pdf(pages)
    assert plain.pdf(pages) != plain.pdf(pages[::-1])


def test_a_card_is_shown_as_pictures_and_as_svg(plain: PageFrame) -> None:
    """One for each side, as large as asked."""
    (png,) = plain.pictures(card(words="Sarah"), ppi=254)
    assert Image.open(io.BytesIO(png)).size == (1050, 1480)
    (svg,) = plain.svg(card(words="Sarah"))
    assert svg.startswith(b"<svg")


@pytest.mark.parametrize(
    "link", ["https://go.example.com/v/K7QM-2XHD-9F", "https://x.example.com/" + "ü" * 100, "A", "1" * 300]
)
def test_a_link_becomes_a_code_that_reads_as_the_link(showing: PageFrame, link: str) -> None:
    """Read from the picture, by a decoder nobody here wrote."""
    (png,) = showing.pictures(card(link=link), ppi=200)
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)))
    assert found.text == link


def test_codes_for_different_links_differ() -> None:
    assert qr_svg("https://a.example.com") != qr_svg("https://b.example.com")


@pytest.mark.parametrize(
    "page", ["", "{", "[]", '"x"', "null", "[" * 100_000, card(card={"link": "x" * (MAX_LINK + 1)})]
)
def test_what_is_no_page_is_refused_without_being_shown(plain: PageFrame, page: str) -> None:
    with pytest.raises(PageError) as told:
        read_page(page)
    assert "xxx" not in str(told.value)
    with pytest.raises(PageError):
        plain.pdf([page])


def test_an_error_quotes_no_card(plain: PageFrame) -> None:
    """Whatever the template trips over; the template is named."""
    for source in (
        "#panic(json(bytes(sys.inputs.pages)))",
        "#let a = json(bytes(sys.inputs.pages)).first().at(json(bytes(sys.inputs.pages)).first().words)",
        "#assert(false, message: sys.inputs.pages)",
    ):
        with pytest.raises(PageError, match="shop/plain") as told:
            replace(plain, source=source).pdf([card(words="Sarah Miller")])
        assert "Sarah" not in str(told.value)


@pytest.mark.parametrize(
    "path", ["gone.png", "../outside.png", "/etc/passwd", "", ".", "folder", "a\0b", 7, None, ["x"], {}]
)
def test_a_picture_that_is_not_there_is_left_out(showing: PageFrame, tmp_path: Path, path: object) -> None:
    """Neither is a file outside the pictures' folder read."""
    root = tmp_path / "pictures"
    (root / "folder").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(tmp_path / "outside.png")
    assert texts(replace(showing, root=root).pdf([card(picture=path)])) == ["nothing to see"]


def test_a_picture_that_cannot_be_read_is_left_out_and_the_others_stay(showing: PageFrame, tmp_path: Path) -> None:
    """One upload cut short must not keep a warehouse waiting."""
    Image.new("RGB", (9, 9)).save(tmp_path / "whole.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "whole.png").read_bytes()[:40])
    (tmp_path / "words.jpg").write_text("not a picture")
    pdf = showing.pdf([card(picture=name) for name in ("torn.png", "whole.png", "words.jpg")])
    assert texts(pdf) == ["nothing to see", "", "nothing to see"]


def test_art_that_is_the_same_on_every_card_is_kept_once(tmp_path: Path) -> None:
    """A run of many cards is not many times as large."""
    art = "".join(f"#place(dx: {n % 97}mm, dy: {n % 89}mm, circle(radius: {1 + n % 7}mm))" for n in range(600))
    source = f"""#set document(date: none)
#set page(width: 105mm, height: 148mm, margin: 0mm)
#if sys.inputs.part == "ground" [{art}] else {{
  let art = image(bytes(json(bytes(sys.inputs.ground))), format: "pdf")
  for card in json(bytes(sys.inputs.pages)) {{ page({{ place(art); card.words }}) }}
}}"""
    frame = PageFrame(name="shop/art", source=source, root=tmp_path)
    one = frame.pdf([card(words="one")])
    many = frame.pdf([card(words=f"card {n}") for n in range(40)])
    assert texts(many) == [f"card {n}" for n in range(40)]
    assert len(many) < len(one) + 40 * 2_000


def test_frames_are_told_apart_by_all_they_are(plain: PageFrame, tmp_path: Path) -> None:
    others = [replace(plain, name="x"), replace(plain, source=PLAIN + " "), replace(plain, root=tmp_path / "x")]
    assert len({frame.digest for frame in (plain, replace(plain), *others)}) == 4
