"""The written pages: their numbers, their links, and what they must never do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from segue.gallery.book import write_gallery
from segue.journeys.abandoned_cart import JOURNEY
from segue.outbox.report import summary_of
from segue.outbox.summary import ORDER
from segue.render import Brand
from segue.store.engine import open_engine, read
from tests.gallery import shop
from tests.gallery.pages import Page

_COUNTED_LINK = re.compile(r'<a class="number" href="([^"]+)">([\d,]+)</a>')
_CHART_LINK = re.compile(r'<a href="([^"]+)" aria-label="([\d,]+): [^"]+">')
_DAY_LINK = re.compile(r'<a href="([^"]+)" aria-label="\d+ \w+: (\d+) (?:came up|sent)">')


def _people_on(page: Page) -> int:
    return page.source.count('<th scope="row">')


def test_the_front_page_says_the_same_as_the_summary(pages: dict[str, Page], store: Engine) -> None:
    """Every group of every step stands there with its number, and they add up."""
    with read(store) as connection:
        summary = summary_of(connection, journey="abandoned_cart", run_id=None)
    shown = re.findall(r'class="number[^"]*"[^>]*>([\d,]+)<', pages["index.html"].source)
    expected = []
    for step in (None, "reminder", "last_call"):
        groups = [summary.count(group, step=step) for group in ORDER]
        assert sum(groups) == summary.count(step=step)
        expected += [summary.count(step=step), *groups]
    assert [int(number) for number in shown] == expected


@pytest.mark.parametrize(
    ("pattern", "fewest"),
    [(_COUNTED_LINK, 12), (_CHART_LINK, 2 * 15), (_DAY_LINK, 2 * 3)],
    ids=["sum", "chart", "days"],
)
def test_every_number_leads_to_exactly_that_many(pages: dict[str, Page], pattern: re.Pattern[str], fewest: int) -> None:
    """A number is a link, and the page behind it lists as many as the number says."""
    links = pattern.findall(pages["index.html"].source)
    assert len(links) >= fewest
    for address, number in links:
        behind = pages[address]
        assert _people_on(behind) == int(number), address
        assert f'data-count="{number}"' in behind.source


def test_a_day_counts_what_was_taken_not_what_was_tried(pages: dict[str, Page]) -> None:
    """Refused and unanswered messages are not among the sent; a text counts as a text."""
    table = pages["index.html"].source.partition("Came up</th>")[2].partition("</tbody>")[0]
    rows = re.findall(r'<th scope="row">([^<]+)</th>' + r'<td class="count">(\d+)</td>' * 3, table)
    assert [row for row in rows if row[1:] != ("0", "0", "0")] == [
        ("Tue 12 May", "8", "2", "0"),
        ("Wed 13 May", "0", "0", "1"),
    ]


def test_the_headline_leads_to_the_carts_and_the_answers(pages: dict[str, Page]) -> None:
    """The first sentence counts the first step."""
    assert "In 10 days 8 carts were left behind. Segue answered 2 ," in pages["index.html"].text


def test_every_link_and_resource_is_a_file_of_the_gallery(pages: dict[str, Page], gallery: Path) -> None:
    """Nothing leads nowhere, and nothing leads out."""
    for page in pages.values():
        addresses = [a.attributes["href"] for a in page.all("a") if "href" in a.attributes]
        addresses += [address for address in page.loaded() if not address.startswith("data:")]
        assert addresses
        for address in addresses:
            if not address.startswith("#"):
                assert page.target(address).is_file(), (page.path.name, address)
                assert page.target(address).is_relative_to(gallery.resolve())


def test_every_frame_is_sandboxed_and_may_not_run_scripts(pages: dict[str, Page]) -> None:
    """A mail is other people's words: it is looked at, never run."""
    seen = 0
    for page in pages.values():
        for frame in page.all("iframe"):
            seen += 1
            assert "sandbox" in frame.attributes
            assert frame.attributes["sandbox"] in {"", "allow-same-origin"}
            assert frame.attributes["title"]
    assert seen >= 2 * 2 + 2  # two mails by day and night, and small ones in lists


def test_a_hostile_name_is_shown_and_never_run(pages: dict[str, Page], frames: dict[str, Page]) -> None:
    """The only script anywhere is the filter's own file."""
    shown = [page for page in pages.values() if shop.HOSTILE_NAME in page.text]
    assert len(shown) >= 6
    for page in (*pages.values(), *frames.values()):
        for script in page.all("script"):
            assert script.attributes["src"].endswith("gallery/gallery.js")
    assert "alert(" not in (pages["index.html"].path.parent / "gallery" / "gallery.js").read_text("utf-8")


def test_pages_forbid_themselves_the_network(pages: dict[str, Page]) -> None:
    """Each page names its language and carries a policy without any host."""
    for page in pages.values():
        assert page.all("html")[0].attributes["lang"] == "en"
        policy = next(
            meta.attributes["content"]
            for meta in page.all("meta")
            if meta.attributes.get("http-equiv") == "Content-Security-Policy"
        )
        assert policy.startswith("default-src 'none'")
        assert "http" not in policy


def test_a_message_page_tells_what_left_and_why(pages: dict[str, Page]) -> None:
    """Subject, preheader, headers, the text part, the key, the consent it rests on and the code it brings."""
    text = pages["gallery/messages/1.html"].text
    for said in (
        "Sarah, your cart",
        "10% off for you",
        "List-Unsubscribe-Post",
        "List-Unsubscribe=One-Click",
        "Hello Sarah",
        "abandoned_cart/reminder/cart:1",
        "Agreed to marketing e-mail",
        "Got the code K7QM-2XHD",
        "Tue 12 May 2026, 19:35 EDT",
    ):
        assert said in text


def test_a_text_is_shown_with_its_parts(pages: dict[str, Page]) -> None:
    """What a text costs stands beside it."""
    assert "1 part, GSM-7" in pages["gallery/messages/9.html"].text


def test_a_message_without_a_copy_says_so(pages: dict[str, Page]) -> None:
    """Another connector keeps no copies here; and a provider's id never leads out of the folder."""
    assert "no copy was kept" in pages["gallery/messages/7.html"].text


def test_people_are_listed_with_the_fact_behind_the_reason(pages: dict[str, Page]) -> None:
    """Not only that she was left out: since when, and by what."""
    gone = pages["gallery/people/abandoned_cart--reminder--skipped--suppressed.html"].text
    assert "Unsubscribed" in gone
    bought = pages["gallery/people/abandoned_cart--last_call--skipped--converted.html"].text
    assert "Bought for $74.00" in bought
    assert "Bought for $50.00" not in bought  # that came after the verdict


def test_verdicts_are_told_in_the_order_they_were_made(pages: dict[str, Page]) -> None:
    """First she waits, then she is written to."""
    text = pages["gallery/people/abandoned_cart--reminder--accepted.html"].text
    assert text.index("Reminder waits: had enough messages lately") < text.index(
        "Reminder by e-mail: sent", 1 + text.index("waits")
    )


def test_the_twin_sees_what_she_did_not_get_and_why(pages: dict[str, Page]) -> None:
    """Side by side: where one was written to, the other has the reason."""
    text = pages["gallery/story.html"].text
    assert "No reminder never agreed to marketing e-mail" in text
    assert "Nothing was sent No reminder on Tue 12 May 2026: never agreed to marketing e-mail" in text


def test_written_again_it_leaves_no_page_of_before(write: Callable[[Path], Path], tmp_path: Path) -> None:
    """A gallery shows one state of the store, not a mixture of two."""
    write(tmp_path)
    stale = tmp_path / "gallery" / "person" / "999.html"
    stale.write_text("before")
    write(tmp_path)
    assert not stale.exists()
    assert (tmp_path / "gallery" / "person" / "1.html").exists()


def test_a_folder_that_is_not_a_gallery_is_left_alone(write: Callable[[Path], Path], tmp_path: Path) -> None:
    """Somebody's own folder of that name is refused, not emptied."""
    own = tmp_path / "gallery" / "holiday.txt"
    own.parent.mkdir()
    own.write_text("mine")
    with pytest.raises(FileExistsError, match="is not a gallery"):
        write(tmp_path)
    assert own.read_text() == "mine"


def test_an_empty_store_gives_a_page_that_says_so(
    new_database: Callable[..., str], brand: Brand, tmp_path: Path
) -> None:
    """Before the first run there is a page, with no dead links and no story."""
    engine = open_engine(new_database("sqlite"))
    front = write_gallery(
        tmp_path, engine=engine, messages=tmp_path / "none", brand=brand, journeys={"abandoned_cart": JOURNEY},
        story=("nobody@example.com",), now=shop.NOW,
    )  # fmt: skip
    engine.dispose()
    page = Page(front)
    assert "Nobody was considered yet" in page.text
    assert all(page.target(a.attributes["href"]).exists() for a in page.all("a") if a.attributes["href"][0] != "#")
