"""From words to a card's data: amounts, dates, the link behind the QR code, pictures, and what a packer is told."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from segue.render.brand import Brand
from segue.render.errors import TemplateError
from segue.render.links import Links, Slot
from segue.render.templates import Library, StepTemplate
from tests.render.conftest import TEMPLATES
from tests.search import examples

STEP = "welcome_insert/insert"
ITEM = {
    "title": "Tide leggings",
    "size": "8",
    "colour": "Ink",
    "price_minor": 7400,
    "currency": "USD",
    "image_url": None,
}
VOUCHER = {
    "code": "K7QM-2XHD-9F",
    "percent": 15,
    "amount_minor": None,
    "currency": None,
    "valid_until": "2026-07-19T04:00:00+00:00",
}
WORDS: dict[str, Any] = {
    "profile": {"first_name": "Sarah", "locale": "en-US", "zone": "America/New_York"},
    "items": [ITEM],
    "voucher": VOUCHER,
    "order": {"number": "#1001"},
    "location": "newark",
}
#: Zones with a clock change at midnight, half-hour changes, and the two ends of the day.
ZONES = (
    "America/New_York",
    "Europe/London",
    "Africa/Cairo",
    "America/Havana",
    "Asia/Beirut",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "UTC",
)

START = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop's pictures, and one beside them that is nobody's business."""
    beside = tmp_path_factory.mktemp("shop")
    place = beside / "pictures"
    (place / "deep").mkdir(parents=True)
    for name in ("tide.png", "a b.png", "deep/low.png", "v?1.png", "50%.png"):
        (place / name).write_bytes(b"x")
    (beside / "secret.png").write_bytes(b"x")
    (place / "ladder.png").symlink_to(beside / "secret.png")
    return place


@pytest.fixture(scope="module")
def template(brand: Brand, links: Links, folder: Path) -> StepTemplate:
    return Library(TEMPLATES, brand, links, pictures=folder).step(STEP)


def card(template: StepTemplate, message_id: int = 7, **changed: Any) -> dict[str, Any]:
    """The card of the words above with some changed."""
    data: dict[str, Any] = json.loads(template.page(WORDS | changed, message_id=message_id).data)["card"]
    return data


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [(7400, "USD", "$74.00"), (5, "GBP", "£0.05"), (7400, "JPY", "¥7,400"), (129900, "CHF", "CHF 1,299.00")],
)
def test_a_price_is_written_in_its_currency(template: StepTemplate, minor: int, currency: str, written: str) -> None:
    """Minor units in, a price tag out: the page itself computes nothing."""
    (item,) = card(template, items=[ITEM | {"price_minor": minor, "currency": currency}])["items"]
    assert item["price"] == written


@pytest.mark.parametrize(
    ("worth", "written"),
    [
        ({"percent": 15}, "15% off"),
        ({"percent": None, "amount_minor": 1500, "currency": "USD"}, "$15 off"),
        ({"percent": None, "amount_minor": 750, "currency": "EUR"}, "€7.50 off"),
    ],
)
def test_what_the_code_is_worth(template: StepTemplate, worth: dict[str, Any], written: str) -> None:
    assert card(template, voucher=VOUCHER | worth)["voucher"]["worth"] == written


@pytest.mark.parametrize(
    ("until", "zone", "locale", "written"),
    [
        # It ends at midnight in New York: the 18th is the last day it buys anything there.
        ("2026-07-19T04:00:00+00:00", "America/New_York", "en-US", "July 18, 2026"),
        # It ends in the middle of the 19th: paper knows no hours, so it promises the 18th.
        ("2026-07-19T15:00:00+00:00", "America/New_York", "en-US", "July 18, 2026"),
        ("2026-07-19T15:00:00+00:00", "Europe/London", "en-GB", "18 July 2026"),
        # One instant, two dates: in Auckland it is the 20th already.
        ("2026-07-19T15:00:00+00:00", "Pacific/Auckland", "en-GB", "19 July 2026"),
        ("2026-07-19T03:59:59+00:00", "America/New_York", "en-US", "July 17, 2026"),
        # The night the clock goes back has two one o'clocks, and still is one night.
        ("2026-11-01T05:30:00+00:00", "America/New_York", "en-US", "October 31, 2026"),
        ("2026-11-01T06:30:00+00:00", "America/New_York", "en-US", "October 31, 2026"),
        # Midnight after the change: 5 hours behind, no longer 4; at 4:30 it is still the 1st there.
        ("2026-11-02T04:30:00+00:00", "America/New_York", "en-US", "October 31, 2026"),
        ("2026-11-02T05:00:00+00:00", "America/New_York", "en-US", "November 1, 2026"),
        # Spring: 24 April in Cairo begins at one o'clock, since midnight is left out.
        ("2026-04-23T21:59:00+00:00", "Africa/Cairo", "en-GB", "22 April 2026"),
        ("2026-04-23T22:00:00+00:00", "Africa/Cairo", "en-GB", "23 April 2026"),
        ("2027-01-01T05:00:00+00:00", "America/New_York", "en-US", "December 31, 2026"),
        ("2028-03-01T12:00:00+00:00", "Europe/London", "en-GB", "29 February 2028"),
        # Nobody knows where or how she lives: the brand's zone and way of writing.
        ("2026-07-19T04:00:00+00:00", None, None, "July 18, 2026"),
        ("2026-07-19T04:00:00+00:00", "Mars/Olympus", "en-US", "July 18, 2026"),
    ],
)
def test_a_code_is_good_until_a_last_whole_day(
    template: StepTemplate, until: str, zone: str | None, locale: str | None, written: str
) -> None:
    profile = {"first_name": "Sarah", "zone": zone, "locale": locale}
    assert card(template, profile=profile, voucher=VOUCHER | {"valid_until": until})["voucher"]["until"] == written


@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    until=st.integers(0, 10 * 365 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes)),
    zone=st.sampled_from(ZONES),
    american=st.booleans(),
)
@example(until=datetime(2026, 11, 1, 5, 30, tzinfo=UTC), zone="America/New_York", american=True)
@example(until=datetime(2026, 3, 8, 5, 0, tzinfo=UTC), zone="America/Havana", american=False)
def test_the_last_day_is_over_before_the_code_is(
    template: StepTemplate, until: datetime, zone: str, *, american: bool
) -> None:
    """All of the printed day is good wherever she is, and not all of the day after it."""
    profile = {"first_name": None, "zone": zone, "locale": "en-US" if american else "en-GB"}
    written = card(template, profile=profile, voucher=VOUCHER | {"valid_until": until.isoformat()})["voucher"]["until"]
    day = datetime.strptime(written, "%B %d, %Y" if american else "%d %B %Y").date()  # noqa: DTZ007 - a date

    def begins(offset: int) -> datetime:
        """The first instant of a local day that is `offset` days after the printed one."""
        at = datetime.combine(day + timedelta(days=offset), time(), ZoneInfo(zone)).astimezone(UTC)
        while at.astimezone(ZoneInfo(zone)).date() < day + timedelta(days=offset):
            at += timedelta(minutes=15)  # a midnight that the clock leaves out
        return at

    assert begins(1) <= until < begins(2)


def test_the_qr_code_leads_to_the_landing_page_of_her_code(template: StepTemplate, links: Links) -> None:
    """Of hers and of no message: printed again under whatever id, the paper is the same."""
    assert card(template)["link"] == links.landing("K7QM-2XHD-9F")
    assert card(template, message_id=8)["link"] == card(template, message_id=7)["link"]


def test_without_a_code_the_link_is_short_and_the_messages_own(template: StepTemplate, links: Links) -> None:
    link = card(template, message_id=41, voucher=None)["link"]
    assert link == links.short(41, Slot.HOME)
    assert links.read_short(link.rpartition("/")[2]) == (41, Slot.HOME)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("tide.png", "tide.png"),
        ("/pictures/tide.png", "tide.png"),
        ("deep/low.png", "deep/low.png"),
        ("/deep/low.png", "deep/low.png"),
        ("https://cdn.example.com/files/tide.png", "tide.png"),
        ("https://cdn.example.com/files/tide.png?v=1712#top", "tide.png"),
        ("https://cdn.example.com/files/a%20b.png?v=2", "a b.png"),
        ("v?1.png", "v?1.png"),
        ("50%.png", "50%.png"),
        ("gone.png", None),
        ("", None),
        (".", None),
        ("/", None),
        ("deep", None),
        ("../secret.png", None),
        ("/../secret.png", None),
        ("deep/../../secret.png", None),
        ("%2e%2e/secret.png", None),
        ("%2e%2e%2fsecret.png", None),
        ("ladder.png", None),
        ("/etc/passwd", None),
        ("//etc/passwd", None),
        ("https://cdn.example.com/" + "a" * 5000 + ".png", None),
        ("a\0b.png", None),
        ("a%00b.png", None),
        ("\ud800.png", None),
        (None, None),
    ],
)
def test_a_picture_is_one_of_the_folder_or_none(template: StepTemplate, path: str | None, found: str | None) -> None:
    """Catalogues are strangers' words: no path leads out of the folder, and none costs anybody the card."""
    (item,) = card(template, items=[ITEM | {"image_url": path}])["items"]
    assert item["picture"] == found


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["..", ".", "/", "//", "%2e", "%2f", "deep", "secret.png", "tide.png", "ladder.png", "?", "#"])
        | st.text(max_size=3),
        max_size=9,
    ).map("".join)
)
def test_no_path_leads_out_of_the_folder(template: StepTemplate, folder: Path, path: str) -> None:
    (item,) = card(template, items=[ITEM | {"image_url": path}])["items"]
    picture = item["picture"]
    if picture is not None:
        inside = (folder / picture).resolve()
        assert inside.is_file()
        assert inside.is_relative_to(folder.resolve())


def test_without_a_folder_of_pictures_there_are_none(brand: Brand, links: Links) -> None:
    """Paper fetches nothing: no picture of the catalogue, and no logo."""
    bare = Library(TEMPLATES, brand, links, pictures=None).step(STEP)
    data = json.loads(bare.page(WORDS | {"items": [ITEM | {"image_url": "tide.png"}]}, message_id=7).data)
    assert data["card"]["items"][0]["picture"] is None
    assert (data["brand"]["logo"], data["brand"]["logo_on_dark"]) == (None, None)


@pytest.mark.parametrize(
    ("changed", "packing"),
    [
        ({}, (("first name", "Sarah"), ("things shown", "1"), ("code", "K7QM-2XHD-9F"))),
        (
            {"voucher": None, "items": [], "profile": {"first_name": None, "zone": None}},
            (("first name", ""), ("things shown", "0"), ("code", "")),
        ),
        ({"items": [ITEM] * 4}, (("first name", "Sarah"), ("things shown", "4"), ("code", "K7QM-2XHD-9F"))),
    ],
)
def test_the_packer_is_told_what_the_card_shows(
    template: StepTemplate, changed: dict[str, Any], packing: tuple[tuple[str, str], ...]
) -> None:
    """The columns of the pick list, and the order they stand beside."""
    content = template.page(WORDS | changed, message_id=7)
    assert (content.packing, content.order, content.location) == (packing, "#1001", "newark")


def test_the_card_says_how_to_object_and_where_the_shop_is(template: StepTemplate, brand: Brand) -> None:
    data = json.loads(template.page(WORDS, message_id=7).data)
    assert brand.senders.marketing.address in data["card"]["objection"]
    assert data["brand"]["address"] == list(brand.address)


def test_a_folder_of_pictures_that_is_not_there_is_said_before_anything_is_spooled(
    brand: Brand, links: Links, tmp_path: Path
) -> None:
    """Spooled all the same, the cards would fail at the pick wave, when nobody has time to look."""
    with pytest.raises(TemplateError, match="SEGUE_PICTURES"):
        Library(TEMPLATES, brand, links, pictures=tmp_path / "gone").step(STEP)


_PATHS = [
    (name,) for name in ("profile", "items", "voucher", "order", "location")
] + [
    ("profile", "first_name"),
    ("order", "number"),
    *(("items", 0, name) for name in ("title", "size", "colour", "price_minor", "currency", "image_url")),
    *(("voucher", name) for name in ("code", "percent", "valid_until")),
]  # fmt: skip


@pytest.mark.parametrize("path", _PATHS, ids=lambda path: ".".join(map(str, path)))
def test_a_missing_word_is_named_and_nothing_else(template: StepTemplate, path: tuple[str | int, ...]) -> None:
    """The template and the word: a log must not learn whose card it was."""
    words = deepcopy(WORDS)
    holder: Any = words
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    with pytest.raises(TemplateError) as told:
        template.page(words, message_id=7)
    assert str(told.value) == f"{STEP}: the words lack {path[-1]}"
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__


@pytest.mark.parametrize(
    "changed",
    [
        {"profile": None},
        {"items": None},
        {"items": ["Sarah's leggings"]},
        {"items": [ITEM | {"price_minor": "Sarah"}]},
        {"items": [ITEM | {"title": {"Sarah"}}]},
        {"items": [ITEM | {"image_url": 17}]},
        {"voucher": VOUCHER | {"valid_until": None}},
        {"voucher": VOUCHER | {"valid_until": "when Sarah likes"}},
        {"voucher": VOUCHER | {"valid_until": "2026-07-19T04:00:00"}},
        {"voucher": VOUCHER | {"valid_until": "0001-01-01T00:00:00+00:00"}},
        {"voucher": VOUCHER | {"code": None}},
        {"order": "Sarah's"},
    ],
    ids=range(12),
)
def test_odd_words_cost_one_card_and_tell_nothing(template: StepTemplate, changed: dict[str, Any]) -> None:
    """Anything but a TemplateError would stop a whole shard; its text is about the template, not about her."""
    with pytest.raises(TemplateError) as told:
        template.page(WORDS | changed, message_id=7)
    assert "Sarah" not in str(told.value)
    assert told.value.__suppress_context__
