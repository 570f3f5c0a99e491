"""What every step of the sample brand promises its readers, whatever its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.metadata import entry_points
from typing import Any

import pytest
from jinja2 import Environment, nodes

from segue.contract import Channel
from segue.render.brand import Brand
from segue.render.links import Links
from segue.render.samples import abroad
from segue.render.templates import Library
from segue.sample.catalogue import PRODUCTS, picture_name
from segue.sample.pictures import LOGO, LOGO_LIGHT, POPUP_PICTURE
from tests.render.conftest import TEMPLATES

STEPS = tuple(sorted(str(sample.parent.relative_to(TEMPLATES)) for sample in TEMPLATES.glob("*/*/sample.json")))


class Tags(HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]


def pictures_of(words: dict[str, Any], brand: Brand) -> list[str]:
    """What a mail shows besides the logo: things, the first of what she bought, a note's own, a pop-up's shopfront."""
    shown = [*words.get("items", ()), *words.get("bought", ())[:1]]
    paths = [item["image_url"] for item in shown if item["image_url"]]
    paths += [words["note"]["picture"]] if words.get("note", {}).get("picture") else []
    return [*paths, brand.popup_picture] if "place" in words and brand.popup_picture else paths


def each_mail(library: Library) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in STEPS:
        step = library.step(name)
        if Channel.EMAIL in step.channels:
            for words in step.samples().values():
                yield name, words


def test_these_are_all_the_steps(library: Library) -> None:
    """Each step of each journey has its words, and no words lie without a step."""
    journeys = [point.load() for point in entry_points(group="segue.journeys")]
    assert library.names() == STEPS
    assert {folder for journey in journeys for folder in journey.folders()} == set(STEPS)


def test_both_parts_let_her_stop_and_say_where_we_live(library: Library, links: Links, brand: Brand) -> None:
    for name, words in each_mail(library):
        mail = library.step(name).email(words, message_id=41)
        assert mail.unsubscribe_url is not None
        assert links.read_unsubscribe(mail.unsubscribe_url.rpartition("/")[2]) == (41, Channel.EMAIL)
        for part in (mail.text, mail.html):
            assert mail.unsubscribe_url in part
            assert all(line in part for line in brand.address)


def test_every_link_in_the_mail_is_ours_and_leads_to_the_shop(library: Library, links: Links, brand: Brand) -> None:
    for name, words in each_mail(library):
        mail = library.step(name).email(words, message_id=41)
        journey, step = name.split("/")
        addresses = [a["href"] for a in Tags(mail.html).of("a")] + re.findall(r"https://\S+", mail.text)
        targets = set()
        for address in addresses:
            if address.startswith("https://go.saltmere.example.com/r/"):
                assert address == links.referral(words.get("promotion", words)["code"]), "what she shares tells no more"
            elif address != mail.unsubscribe_url:
                assert address.startswith("https://go.saltmere.example.com/c/")
                message_id, target = links.read_click(address.rpartition("/")[2])
                assert message_id == 41
                assert target.endswith(f"utm_source=segue&utm_medium=email&utm_campaign={journey}&utm_content={step}")
                targets.add(target.partition("?")[0])
        shown = [words["cart"], *words["items"]] if "cart" in words else []
        assert {brand.page(one["url"]) for one in shown} <= targets


def test_the_sms_says_who_we_are_how_to_stop_and_where_to_go(library: Library, links: Links, brand: Brand) -> None:
    """In one part for a plain name, with or without a code."""
    step = library.step("abandoned_cart/last_call")
    for words in step.samples().values():
        sms = step.sms(words, message_id=41)
        name = words["profile"]["first_name"]
        assert sms.text.startswith(f"{brand.sms_name}: " + (f"{name}, " if name else ""))
        assert sms.text.endswith(" Reply STOP to opt out")
        address = re.search(r"https://go\.saltmere\.example\.com/s/(\S+)", sms.text)
        assert address is not None
        assert links.read_short(address[1])[0] == 41
        assert sms.segments == 1


def test_the_reminders_code_and_its_end_are_in_every_part(library: Library) -> None:
    for name, words in each_mail(library):
        mail = library.step(name).email(words, message_id=1)
        for part in (mail.text, mail.html):
            assert ("K7QM-2XHD" in part) == ("Thursday, May 14 at 11:00 AM EDT" in part) == bool(words["voucher"])


def test_without_a_code_no_word_hurries(library: Library) -> None:
    """A subject that says `ends` of something that does not end is false, and dear in Washington State."""
    hurry = re.compile(r"\b(ends?|ending|expir\w+|last|final|hurry|only|today|hours?|% off|off the)\b", re.IGNORECASE)
    for name, words in each_mail(library):
        if name == "loyalty_notice/expiry":
            continue  # its points do end, within the days it says
        step = library.step(name)
        without = {**words, "voucher": None}
        assert not hurry.search(step.email(without, message_id=1).subject)
        assert "off" not in step.email(without, message_id=1).text.replace("off the", "").replace("Take it off", "")
        if Channel.SMS in step.channels:
            assert not hurry.search(step.sms(without, message_id=1).text)


_WHERE = {"en": ("online", "at the till"), "de": ("online", "Kasse"), "es": ("en la web", "caja"),
          "fi": ("verkossa", "kassalla")}  # fmt: skip


@pytest.mark.parametrize("language", sorted(_WHERE))
@pytest.mark.parametrize("step", ["month", "reward", "expiry"])
def test_news_of_points_say_how_many_what_they_are_worth_and_where_to_spend_them(
    library: Library, step: str, language: str
) -> None:
    """In a mail and in a text message alike."""
    told = library.step(f"loyalty_notice/{step}")
    words = abroad(told.samples()["sample"], language)
    count = words["points"]["ending" if step == "expiry" else "available"]
    sms, mail = told.sms(words, message_id=1), told.email(words, message_id=1)
    for text in (sms.text, mail.text):
        said = " ".join(text.split()).replace("\xa0", " ")
        assert re.search(rf"\b{count}\b", said), (step, said)
        assert re.search(r"\$20\b|\b20 €", said), (step, said)
        assert all(one.lower() in said.lower() for one in _WHERE[language]), (step, said)
    assert sms.segments <= 2


_NOW = {"en": r"\bnow\b", "de": r"\bjetzt\b", "es": r"\bya\b|\bahora\b", "fi": r"\bnyt\b"}


@pytest.mark.parametrize("language", sorted(_NOW))
def test_a_popup_between_its_days_is_not_called_open_now(library: Library, language: str) -> None:
    """Its mail may be read at any hour of its days, and nobody told us its hours: it says until when, and no more."""
    step = library.step("popup_invite/invite")
    words = step.samples()["sample_open"]
    words = words if language == "en" else abroad(words, language)
    mail = step.email(words, message_id=1)
    shown = re.sub(r"<(style|script)\b.*?</\1>|<[^>]+>", " ", mail.html, flags=re.DOTALL)
    for text in (mail.subject, mail.text, shown):
        assert not re.search(_NOW[language], text, flags=re.IGNORECASE)
        assert "31" in text, "the day it ends"


def test_pictures_are_sized_described_and_absolute(library: Library, brand: Brand) -> None:
    for name, words in each_mail(library):
        pictures = Tags(library.step(name).email(words, message_id=1).html).of("img")
        assert len(pictures) == 1 + len(pictures_of(words, brand))
        for picture in pictures:
            assert picture["alt"]
            assert picture["width"].isdigit()
            assert picture["height"].isdigit()
            assert picture["src"].startswith(f"{brand.asset_url}/pictures/")


def test_a_screen_reader_hears_a_mail_not_tables(library: Library) -> None:
    for name, words in each_mail(library):
        tags = Tags(library.step(name).email(words, message_id=1).html)
        assert tags.of("html")[0]["lang"] == "en"
        assert {table.get("role") for table in tags.of("table")} == {"presentation"}


def test_the_mail_has_a_night_side(library: Library, brand: Brand) -> None:
    """The style survives the MJML compile, and every class it colours is on something in some mail."""
    coloured, used = set(), set()
    for name, words in each_mail(library):
        page = library.step(name).email(words, message_id=1).html
        night = page.partition("@media (prefers-color-scheme: dark)")[2].partition("</style>")[0]
        assert brand.colours.dark.card in night
        assert {"name": "color-scheme", "content": "light dark"} in Tags(page).of("meta")
        used |= {one for _, attributes in Tags(page).found for one in attributes.get("class", "").split()}
        coloured |= set(re.findall(r"\.([a-z-]+)", re.sub(r"\{[^}]*\}", "", night)))
    assert coloured
    assert coloured <= used


def test_the_preheader_comes_first_and_is_hidden(library: Library) -> None:
    for name, words in each_mail(library):
        body = library.step(name).email(words, message_id=1).html.partition("<body")[2]
        assert re.match(r'[^>]*><div style="display:none;[^"]*">\s*\S', body)


def test_a_mail_stays_far_below_what_gmail_clips(library: Library) -> None:
    for name, words in each_mail(library):
        many = {**words, "items": (words.get("items", []) * 20)[:20]}
        assert len(library.step(name).email(many, message_id=2**40).html.encode()) < 102_000


def test_the_sample_shop_draws_what_the_samples_show(brand: Brand, library: Library) -> None:
    """A new drawing has a new name; brand file and samples follow it."""
    drawn = {f"/pictures/{picture_name(product.slug)}" for product in PRODUCTS} | {f"/pictures/{POPUP_PICTURE}"}
    for _, words in each_mail(library):
        assert set(pictures_of(words, brand)) <= drawn
    assert (brand.logo.path, brand.logo.on_dark) == (f"/pictures/{LOGO}", f"/pictures/{LOGO_LIGHT}")


def paths(template: nodes.Template) -> Iterator[str]:
    """Every name a template reads, with loop variables written as what they run over: `items[].title`."""
    aliases = {
        loop.target.name: loop.iter for loop in template.find_all(nodes.For) if isinstance(loop.target, nodes.Name)
    }

    def path(node: nodes.Node) -> str | None:
        match node:
            case nodes.Name(name=name):
                return f"{path(aliases[name])}[]" if name in aliases else name
            case nodes.Getattr(node=inner, attr=attribute):
                return None if (whole := path(inner)) is None else f"{whole}.{attribute}"
            case nodes.Getitem(node=inner):
                return None if (whole := path(inner)) is None else f"{whole}[]"
        return None

    for node in template.find_all((nodes.Getattr, nodes.Name)):
        found = path(node)
        if found is not None:
            yield found


def reach(words: Any, path: str) -> bool:
    for part in re.findall(r"[a-z_]+|\[\]", path):
        if part == "[]":
            words = words[0]
        elif isinstance(words, dict) and part in words:
            words = words[part]
        else:
            return False
    return True


@pytest.mark.parametrize("name", STEPS)
def test_the_sample_holds_every_name_its_templates_read(library: Library, brand: Brand, name: str) -> None:
    """Also those on a branch that no sample happens to take."""
    from segue.render.catalogue import Words
    from segue.render.compile import Compiler
    from segue.render.voice import Voice

    compiler = Compiler(TEMPLATES, brand, Words("en", (), is_own=True), Voice("en-US", brand.zone, "Size {size}", ""))
    given = {*compiler.globals, "link", "short_link", "share_link", "unsubscribe_url"}
    words = library.step(name).samples()["sample"]
    for file in sorted((TEMPLATES / name).glob("*.j2")):
        source = compiler.branded(f"{name}/{file.name}", transactional=False)
        for path in paths(Environment(autoescape=True).parse(source)):
            if re.split(r"[.\[]", path)[0] not in given:
                assert reach(words, path), f"{file.name} reads {path}"
