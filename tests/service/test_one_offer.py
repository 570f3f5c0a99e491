"""One thing and one code in the store, told alike on every way they leave, and every link of theirs is tagged.

A woman's eight days are played once: a card, a cart's mail and text, two campaigns, a style follow-up and the product
feed. What is told is read back from what left, as people and platforms read it, and held against the store's own rows.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from segue.clock import VirtualClock
from segue.contract import Channel, EmailContent, Message, PrintContent, SmsContent
from segue.contract.fake import FakeConnector, FakeOffers, FakeWire
from segue.journeys import segments as s
from segue.journeys.campaign import CampaignBrief, Ways
from segue.outbox.connectors import Connectors, load_connectors
from segue.render import BadTokenError, Links, Slot, load_brand
from segue.service import Segue, open_segue
from segue.settings import Settings
from segue.store import tables as t
from segue.store.engine import read, write
from tests.render.test_one_offer import read as read_words
from tests.render.test_one_offer import visible

#: No round time, so that an end which is not the code's own shows. It is noon in New York.
NOON = datetime(2026, 5, 12, 16, 37, tzinfo=UTC)
DAY = timedelta(days=1)
PAID = NOON - DAY / 24
TITLE, PRICE, PICTURE = "Tide leggings", 7350, "/pictures/tide.png"
#: What leaves, the channel it takes, and what its links are booked under.
SAID = {
    "welcome_insert/insert": ("print", "utm_campaign=welcome_insert&utm_content=insert"),
    "abandoned_cart/reminder": ("email", "utm_campaign=abandoned_cart&utm_content=reminder"),
    "abandoned_cart/last_call": ("sms", "utm_campaign=abandoned_cart&utm_content=last_call"),
    "campaign/spring-drop": ("email", "utm_campaign=spring-drop&utm_content=new_arrivals"),
    "campaign/spring-text": ("sms", "utm_campaign=spring-text&utm_content=note"),
    "style_followup/looks": ("email", "utm_campaign=style_followup&utm_content=looks"),
}
SITE = "https://www.saltmere.example.com"
_ADDRESS = re.compile(r"https?://[^\s\"'<>)]+")


@dataclass(frozen=True)
class Played:
    """What left, by template, and the code and the feed's row as they stand in the end."""

    segue: Segue
    told: dict[str, Message]
    code: Any
    row: dict[str, str]


def rows(segue: Segue) -> None:
    """Leggings in two sizes, a sweater they go with, and a woman of size 8 who bought it and left them in a cart."""
    stamp = {"recorded_at": NOON - DAY}
    with write(segue.engine) as connection:

        def put(table: Any, **values: Any) -> None:
            connection.execute(insert(table).values(values))

        put(t.profile, id=1, country="US", region="NY", zone="America/New_York", locale="en-US", first_name="Ada",
            created_at=NOON - DAY)  # fmt: skip
        for kind, value, channel in (("email", "ada@example.com", "email"), ("phone", "+12025550121", "sms")):
            put(t.identifier, kind=kind, value=value, profile_id=1, **stamp)
            put(t.consent_event, profile_id=1, channel=channel, state="granted", basis="double_opt_in", source="t",
                dedupe=channel, occurred_at=NOON - DAY, **stamp)  # fmt: skip
        for number, title, category, image in ((1, TITLE, "bottoms", PICTURE), (2, "Dune sweater", "tops", None)):
            put(t.product, id=number, external_id=f"p{number}", title=title, category=category, size_system="us",
                url=f"/products/{number}", image_url=image, **stamp)  # fmt: skip
        put(t.listing, product_id=1, sales_channel="web", listed_from=NOON - 9 * DAY)
        put(t.product_relation, product_id=2, related_id=1, kind="goes_with", rank=1, **stamp)
        put(t.profile_size, profile_id=1, category="bottoms", system="us", size="8", evidence=1.0, confidence=0.9)
        put(t.location, id=1, external_id="w", kind="warehouse", name="W")
        for one, product, size, price in ((18, 1, "8", PRICE), (110, 1, "10", 9900), (28, 2, "8", 5000)):
            put(t.variant, id=one, product_id=product, sku=f"v{one}", size=size, price_minor=price, currency="USD")
            put(t.stock_event, variant_id=one, location_id=1, quantity=5, occurred_at=NOON - DAY, **stamp)
        put(t.order, id=1, external_id="1", number="#1", profile_id=1, sales_channel="facebook_shop", delivery="ship",
            currency="USD", total_minor=5000, occurred_at=PAID, paid_at=PAID, **stamp)  # fmt: skip
        put(t.order_line, order_id=1, position=1, variant_id=28, quantity=1, unit_price_minor=5000)
        put(t.fulfilment, order_id=1, kind="delivered", occurred_at=NOON + DAY / 24, **stamp)
        put(t.cart, id=9, external_id="c", profile_id=1, sales_channel="web", **stamp)
        put(t.cart_event, cart_id=9, kind="added", variant_id=18, quantity=1, occurred_at=NOON, dedupe="c", **stamp)
        put(t.referral_code, code="ADA-7QXK", profile_id=1, created_at=NOON)


def name_of(key: str) -> str:
    """The journey and its step, or the campaign by its own name."""
    journey, step, occasion = key.split("/", 2)
    return f"{journey}/{occasion.split(':')[1] if journey == 'campaign' else step}"


def play(segue: Segue, clock: VirtualClock) -> None:
    """The eight days."""
    people = s.Definition(conditions=(s.Bought(days=90),))
    words = {"campaign": "spring-drop", "headline": "Hello", "people": people, "percent": 15, "page": "/new?in=spring"}
    arrivals = CampaignBrief.model_validate(words | {"template": "new_arrivals", "ways": Ways.EMAIL})
    note = CampaignBrief.model_validate(words | {"campaign": "spring-text", "ways": Ways.SMS})
    for at, name, brief in (
        (NOON, "welcome_insert", None),
        (NOON + DAY / 12, "abandoned_cart", None),
        (NOON + DAY, "abandoned_cart", None),
        (NOON + 3 * DAY, "campaign", arrivals),
        (NOON + 4 * DAY, "campaign", note),
        (NOON + 8 * DAY, "style_followup", None),
    ):
        clock.set(at)
        journey = segue.journeys[name]
        chosen = brief or journey.brief()
        segue.drain_run(segue.start_run(journey.under(chosen), chosen))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("one_offer")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "tide.png").touch()
    settings = Settings(
        _env_file=None, home=folder, outbox=folder / "out", pictures=folder, pick_wave="",
        holdout_journey=0, secret_key="a secret for tests only",
    )  # fmt: skip
    wire, clock = FakeWire(), VirtualClock(NOON)
    feeds = load_connectors(settings).feeds
    connectors = Connectors(
        by_channel=dict.fromkeys((Channel.EMAIL, Channel.SMS, Channel.PRINT), FakeConnector(wire=wire)),
        offers=FakeOffers(),
        feeds=feeds,
    )
    with open_segue(settings, clock, connectors=connectors) as segue:
        segue.install()
        for name in ("welcome_insert", "abandoned_cart", "campaign", "style_followup"):
            segue.switch_on(name, NOON - DAY)
        rows(segue)
        play(segue, clock)
        segue.write_feed("web")
        feed = (folder / "out" / "feed.csv").read_text("utf-8").splitlines()
        with read(segue.engine) as connection:
            (code,) = connection.execute(select(t.voucher)).all()
        told = {name_of(one.key): one for one in wire.received}
        yield Played(segue, told, code, next(row for row in csv.DictReader(feed) if row["id"] == "v18"))


def said(message: Message) -> str:
    """What its reader reads."""
    content = message.content
    if isinstance(content, EmailContent):
        return visible(content.html)
    if isinstance(content, SmsContent):
        return content.text
    card = json.loads(content.data)["card"]
    voucher = card["voucher"]
    return f"{' '.join(one['title'] + ' ' + one['price'] for one in card['items'])} {' '.join(voucher.values())}"


def pictured(message: Message) -> str | None:
    """The address of the picture beside the leggings."""
    content = message.content
    if isinstance(content, EmailContent):
        found = re.search(rf'<img src="([^"]+)" alt="{TITLE}', content.html)
        return found and unescape(found[1])
    assert isinstance(content, PrintContent)
    return f"/{json.loads(content.data)['card']['items'][0]['picture']}"


def test_every_way_was_taken_once(played: Played) -> None:
    assert {name: str(one.channel) for name, one in played.told.items()} == {
        name: way for name, (way, _) in SAID.items()
    }


def test_a_thing_has_one_price_and_one_picture(played: Played) -> None:
    """The store's own: in each mail, on the card and in the feed; what has another size has another price."""
    brand = load_brand(played.segue.settings.brand)
    with read(played.segue.engine) as connection:
        row = connection.execute(select(t.variant).where(t.variant.c.sku == "v18")).one()
    assert played.row["price"] == f"{row.price_minor // 100}.{row.price_minor % 100:02} {row.currency}"
    assert played.row["image_link"] == brand.picture(PICTURE)
    shown = [name for name, message in played.told.items() if TITLE in said(message)]
    assert shown == [name for name, (way, _) in SAID.items() if way != "sms"]
    for name in shown:
        _, _, after = said(played.told[name]).partition(TITLE)
        assert read_words(after, "en").amounts[:1] == (row.price_minor,), name
        assert (pictured(played.told[name]) or "").removeprefix(brand.asset_url) == PICTURE, name


def test_a_code_has_one_worth_and_one_end(played: Played) -> None:
    """One live code a person: minted for the card, and told by all that follow until it ends."""
    code = played.code
    end = code.valid_until.astimezone(ZoneInfo("America/New_York"))
    told = {name: message for name, message in played.told.items() if name != "style_followup/looks"}
    for name, message in told.items():
        text = said(message)
        words = read_words(text, "en")
        assert (words.codes, words.percents) == ({code.code}, {code.percent}), name
        if message.channel is Channel.PRINT:
            assert f"{(end - DAY):%B} {(end - DAY).day}, {end.year}" in text
        else:
            assert (end.hour, end.minute) in words.clocks, name
            assert re.search(rf"\b{end:%b}\w* {end.day}\b", text), name


def test_every_link_leads_to_a_tagged_page(played: Played) -> None:
    """What the web edge will ask: the page, and the way, journey and step that a visit is booked under."""
    pages = {}
    for name, message in played.told.items():
        content = message.content
        text = content.data if isinstance(content, PrintContent) else content.text
        way, booked = SAID[name]
        links = [one for one in _ADDRESS.findall(text) if "/u/" not in one and one.startswith("https://go.")]
        assert links, name
        for link in links:
            page, _, query = played.segue.target_of(link.rstrip(".")).partition("?")
            assert query.removeprefix("in=spring&") == f"utm_source=segue&utm_medium={way}&{booked}", name
            pages.setdefault(name, set()).add(page)
    assert pages["abandoned_cart/last_call"] == {f"{SITE}/cart/9"}
    assert pages["campaign/spring-text"] == {f"{SITE}/new"}, "where the form says that the button leads"
    assert pages["welcome_insert/insert"] == {f"{SITE}/"}


def test_links_without_a_message_lead_somewhere_too(played: Played) -> None:
    segue = played.segue
    links = Links(segue.settings.base_url, segue.secret)
    friend = "utm_source=segue&utm_medium=referral&utm_campaign=referral_followup&utm_content=friend"
    assert segue.target_of(links.referral("ADA-7QXK")) == f"{SITE}/?{friend}"
    test = "utm_source=segue&utm_medium=sms&utm_campaign=test&utm_content=test"
    assert segue.target_of(f"/s/{links.short(0, Slot.PAGE).rpartition('/')[2]}?fbclid=x") == f"{SITE}/?{test}"
    for wrong in ("/v/NONE-SUCH", "/r/NONE-SUCH", "/s/forged", "/", "https://else.example.com/s/x",
                  links.unsubscribe(1, Channel.EMAIL)):  # fmt: skip
        with pytest.raises(BadTokenError):
            segue.target_of(wrong)
