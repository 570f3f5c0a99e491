"""One offer, told alike by every channel: what a part says is parsed back and held against its words.

Worth, end, prices and pictures are read from subject, text, HTML, SMS and card as people read them, in each language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from segue.contract import Channel
from segue.render.brand import Brand
from segue.render.links import Links
from segue.render.samples import abroad
from segue.render.templates import Library, StepTemplate
from tests.render.conftest import TEMPLATES

LANGUAGES = ("en", "de", "es", "fi")
NAMES = tuple(sorted(str(sample.parent.relative_to(TEMPLATES)) for sample in TEMPLATES.glob("*/*/sample.json")))
_CODE = re.compile(r"\b[0-9A-Z]{4,5}-[0-9A-Z]{4,5}(?:-[0-9A-Z]{2})?\b")
_ADDRESS = re.compile(r"https?://[^\s\"'<>)]+")
_AMOUNT = {
    "en": re.compile(r"\$(\d{1,3}(?:,\d{3})*(?:\.\d\d)?)"),
    "else": re.compile(r"(\d{1,3}(?:[. ]\d{3})*(?:,\d\d)?) €"),
}
_CLOCK = {
    "en": re.compile(r"\b(\d{1,2})(?::(\d\d))? ([AP])M\b"),
    "else": re.compile(r"\b(\d{1,2})[:.](\d\d)(?= (?:Uhr|h|[A-Z]{3,4}|UTC[+-]))"),
}
VOUCHERS = (
    {"percent": 20, "amount_minor": None, "currency": None},
    {"percent": None, "amount_minor": 2500, "currency": "USD"},
    {"percent": None, "amount_minor": 123450, "currency": "USD"},
)


@dataclass(frozen=True)
class Said:
    """What one part of a message tells of an offer."""

    codes: frozenset[str]
    #: Minor units.
    amounts: tuple[int, ...]
    percents: frozenset[int]
    #: Hours and minutes.
    clocks: frozenset[tuple[int, int]]


def visible(html: str) -> str:
    body = re.sub(r"<(style|script|title)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", body))


def minor(figures: str, language: str) -> int:
    decimal, thousands = (".", ",") if language == "en" else (",", ".")
    whole, _, cents = figures.replace(thousands, "").replace(" ", "").partition(decimal)
    return int(whole) * 100 + int(cents or 0)


def read(text: str, language: str) -> Said:
    text = " ".join(_ADDRESS.sub(" ", text).split())
    key = "en" if language == "en" else "else"
    clocks = set()
    for hour, minute, *half in _CLOCK[key].findall(text):
        clocks.add(((int(hour) % 12 + (12 if half == ["P"] else 0)) if half else int(hour), int(minute or 0)))
    return Said(
        codes=frozenset(_CODE.findall(text)),
        amounts=tuple(minor(figures, language) for figures in _AMOUNT[key].findall(text)),
        percents=frozenset(int(one) for one in re.findall(r"(\d+) ?%", text)),
        clocks=frozenset(clocks),
    )


def parts(step: StepTemplate, words: Mapping[str, Any]) -> dict[str, str]:
    """Each part of the message as its reader sees it."""
    seen = {}
    if Channel.EMAIL in step.channels:
        mail = step.email(words, message_id=41)
        seen |= {"subject": mail.subject, "text": mail.text, "html": visible(mail.html)}
    if Channel.SMS in step.channels:
        seen["sms"] = step.sms(words, message_id=41).text
    if Channel.PRINT in step.channels:
        card = json.loads(step.page(words, message_id=41).data)["card"]
        voucher = card["voucher"] or {}
        seen["card"] = " ".join(
            [*(f"{one['title']} {one['price']}" for one in card["items"]), *map(str, voucher.values())]
        )
    return seen


def each(
    library: Library, language: str, cards: Library | None = None
) -> Iterator[tuple[StepTemplate, dict[str, Any]]]:
    """Every sample in `language`; what is printed comes from the library `cards`, where there is one."""
    for name in NAMES:
        is_printed = (TEMPLATES / name / "insert.typ").exists()
        step = (cards if cards is not None and is_printed else library).step(name)
        if language in step.languages:
            for words in step.samples().values():
                yield step, words if language == "en" else abroad(words, language)


def amounts_in(value: Any) -> Iterator[int]:
    """Every amount that the words hold, wherever."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            if key.endswith("_minor") and one is not None:
                yield abs(one)
            else:
                yield from amounts_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from amounts_in(one)


def instants_in(value: Any) -> Iterator[datetime]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from instants_in(one)
    elif isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        yield datetime.fromisoformat(value)


def zones_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if value.get("zone"):
            yield value["zone"]
        for one in value.values():
            yield from zones_in(one)


def clocks(words: Mapping[str, Any], brand: Brand) -> set[tuple[int, int]]:
    """Every time of day that may be told, in the zones of her and of the places."""
    zones = {*zones_in(words), brand.zone}
    local = [at.astimezone(ZoneInfo(zone)) for at in instants_in(words) for zone in zones]
    return {(at.hour, at.minute) for at in local}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_part_says_what_its_words_do_not(library: Library, brand: Brand, language: str) -> None:
    """No amount, percent, code or hour comes from anywhere but the facts."""
    told = 0
    for step, words in each(library, language):
        if step.name.startswith("campaign/"):
            continue  # a marketer's own words may name what they like
        voucher = words.get("voucher")
        for part, text in parts(step, words).items():
            said = read(text, language)
            told += len(said.amounts) + len(said.percents) + len(said.clocks)
            assert set(said.amounts) <= set(amounts_in(words)), (step.name, part)
            assert said.percents <= {voucher["percent"]} if voucher else not said.percents, (step.name, part)
            assert said.clocks <= clocks(words, brand), (step.name, part)
            allowed = {one["code"] for one in (voucher, words.get("promotion"), words) if one and "code" in one}
            assert said.codes <= allowed, (step.name, part)
    assert told > 100, "the parser reads nothing any more"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("offer", VOUCHERS, ids=["percent", "amount", "thousands"])
def test_one_code_is_worth_the_same_and_ends_alike_everywhere(
    library: Library, offer: dict[str, Any], language: str
) -> None:
    """The same code in every step that shows one, on every channel: also across journeys."""
    voucher = {"code": "W3RT-9ABC", "valid_until": "2026-05-15T04:00:00+00:00", **offer}
    shown = set()
    for step, sample in each(library, language):
        if not sample.get("voucher"):
            continue
        words = {
            **sample,
            "voucher": voucher | {"currency": offer["currency"] and ("USD" if language == "en" else "EUR")},
        }
        zone = ZoneInfo(words["profile"]["zone"] or "America/New_York")
        end = datetime.fromisoformat(voucher["valid_until"]).astimezone(zone)
        for part, text in parts(step, words).items():
            said = read(text, language)
            if part == "subject" and not (said.codes or said.percents or said.amounts):
                continue  # a subject need not sell
            if part != "subject":
                assert said.codes == {"W3RT-9ABC"}, (step.name, part)
            if offer["percent"]:
                assert said.percents == {20}, (step.name, part)
            else:
                assert offer["amount_minor"] in said.amounts, (step.name, part)
            if part == "card":
                last = end - timedelta(days=1)
                assert re.search(rf"\b{last.day}\b", text), (step.name, text)
                assert str(last.year) in text
            elif part != "subject" or said.clocks:
                assert (end.hour, end.minute) in said.clocks, (step.name, part)
            shown.add((step.name, part))
    assert {"subject", "text", "html", "sms", "card"} <= {part for _, part in shown}
    assert len({name for name, _ in shown}) >= 4


@pytest.fixture(scope="module")
def pictured(brand: Brand, links: Links, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A library with every picture of the samples at hand; for cards, since mails are written without looking."""
    folder = tmp_path_factory.mktemp("pictures")
    for sample in TEMPLATES.glob("*/*/sample*.json"):
        for item in json.loads(sample.read_text("utf-8")).get("items", ()):
            file = folder / (item["image_url"] or "none.png").lstrip("/")
            file.parent.mkdir(exist_ok=True)
            file.touch()
    return Library(TEMPLATES, brand, links, pictures=folder)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_thing_has_one_price(library: Library, pictured: Library, language: str) -> None:
    """After each thing's name, the first amount is its price: in the text, the HTML and on the card."""
    found = set()
    for step, words in each(library, language, pictured):
        seen = parts(step, words)
        for item in words.get("items", ()):
            if len({one["price_minor"] for one in words["items"] if one["title"] == item["title"]}) > 1:
                continue  # two variants of one name
            for part in ("text", "html", "card"):
                _, there, after = seen.get(part, "").rpartition(item["title"])
                if there:
                    assert read(after, language).amounts[:1] == (item["price_minor"],), (step.name, part, item["title"])
                    found.add(part)
    assert found == {"text", "html", "card"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_thing_has_one_picture(library: Library, pictured: Library, brand: Brand, language: str) -> None:
    """A picture that is described by a thing's name is that thing's, in a mail as on a card."""
    for step, words in each(library, language, pictured):
        things = [*words.get("items", ()), *words.get("bought", ())]
        if Channel.EMAIL in step.channels:
            pictures = re.findall(r'<img src="([^"]+)" alt="([^",]+)', step.email(words, message_id=1).html)
            for thing in things:
                shown = {source for source, described in pictures if unescape(described) == thing["title"]}
                own = {brand.picture(one["image_url"]) for one in things
                       if one["title"] == thing["title"] and one["image_url"]}  # fmt: skip
                assert shown <= own, (step.name, thing["title"])
        if Channel.PRINT in step.channels:
            card = json.loads(step.page(words, message_id=1).data)["card"]
            for shown_item, item in zip(card["items"], words["items"], strict=True):
                assert shown_item["picture"] == (item["image_url"] and item["image_url"].lstrip("/"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_of_every_channel_is_ours_and_tagged(
    library: Library, links: Links, brand: Brand, language: str
) -> None:
    """UTM tags in each click; an SMS and a card carry their message or code, from which the web edge tags the visit."""
    base, kinds = "https://go.saltmere.example.com", set()
    for step, words in each(library, language):
        journey, content = step.name.split("/")
        addresses: list[tuple[Channel, str]] = []
        if Channel.EMAIL in step.channels:
            mail = step.email(words, message_id=41)
            addresses += [(Channel.EMAIL, unescape(one)) for one in re.findall(r'href="([^"]*)"', mail.html)]
            addresses += [(Channel.EMAIL, one) for one in _ADDRESS.findall(mail.text)]
        if Channel.SMS in step.channels:
            addresses += [(Channel.SMS, one) for one in _ADDRESS.findall(step.sms(words, message_id=41).text)]
        if Channel.PRINT in step.channels:
            addresses.append((Channel.PRINT, json.loads(step.page(words, message_id=41).data)["card"]["link"]))
        for channel, address in addresses:
            assert address.startswith(f"{base}/"), (step.name, address)
            kind, _, token = address.removeprefix(f"{base}/").partition("/")
            kinds.add((channel, kind))
            if kind == "c":
                message_id, target = links.read_click(token)
                assert message_id == 41
                query = f"utm_source=segue&utm_medium={channel}&utm_campaign={journey}&utm_content={content}"
                assert query in target.partition("#")[0], (step.name, target)
                assert target.count("utm_source=") == 1
            elif kind == "s":
                assert links.read_short(token)[0] == 41
            elif kind == "u":
                assert links.read_unsubscribe(token) == (41, Channel.EMAIL)
            else:
                assert address in {
                    links.landing((words.get("voucher") or {"code": ""})["code"]),
                    links.referral((words.get("promotion") or words).get("code", "")),
                }
    assert kinds == {(Channel.EMAIL, "c"), (Channel.EMAIL, "u"), (Channel.EMAIL, "r"), (Channel.SMS, "s"),
                     (Channel.PRINT, "v"), (Channel.PRINT, "s")}  # fmt: skip
    assert brand.site_url not in {address for _, address in kinds}
