"""Sarah's year, line by line, through the real doors and flows, with a twin who agreed to nothing beside her.

1. She buys a sweater, size 8, in the brand's Facebook shop and ticks "news by e-mail".
2. Her parcel holds a card: things the Facebook shop does not list, a personal code, the loyalty programme.
3. She opens the code's landing page and looks at the scarf on her card: ads follow her.
4. She puts leggings, size 8, in the cart and leaves: a mail with the leggings and a code that runs out soon.
5. Meanwhile ads show the leggings and what else she looked at,
6. but nothing that is sold out in size 8.
7. An ad leads her back: she buys leggings and a beanie with the code; it is redeemed, once.
8. The order's confirmation explains refer-a-friend.
9. Ads for leggings and beanie stop; gloves, scarves and coats that fit her take their place.
10. A mail about the pop-up, with her points and how to spend them there.
11. There her friend June buys gloves with Sarah's code: both get a $15 voucher once the gloves stay.
12. A mail some days after delivery: looks, follow us for points, a photo with the hashtag.

The year is played twice (`tests/story.py`): in New York on PostgreSQL, and in Berlin, where a yes counts once it is
confirmed, on SQLite.
"""

from __future__ import annotations

import csv
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pypdf
import pytest
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from segue.sample.stages import BERLIN, NEW_YORK
from segue.store.engine import read
from segue.store.tables import (
    consent_event,
    listing,
    loyalty_entry,
    order,
    product,
    profile,
    profile_size,
    redemption,
    referral,
    touchpoint,
    voucher,
)
from tests.flows.privacy import leaks
from tests.pdf_text import letters_of
from tests.story import CLARA, JUNE, SARAH, Year, play

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]

YEARS = {
    "postgresql-New York": ("postgresql", NEW_YORK),
    "sqlite-Berlin": ("sqlite", BERLIN),
}
BOTH = (SARAH, CLARA)
#: The link to pass on, in the block that explains refer-a-friend, in whatever language.
_FRIEND = re.compile(r"/r/[0-9A-Z]{5}-[0-9A-Z]{5}")


@pytest.fixture(scope="module", params=YEARS, ids=str)
def year(
    request: pytest.FixtureRequest,
    prefect_server: None,
    module_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Year]:
    """The whole year, played once through the flows."""
    kind, stage = YEARS[request.param]
    with play(tmp_path_factory.mktemp("year"), module_database(kind), stage) as played:
        yield played


def test_line_1_an_order_in_the_facebook_shop_says_size_and_channel(year: Year) -> None:
    """Both women's profiles know size 8 in tops and where they came from; only Sarah has said yes to anything."""
    with read(year.segue.engine) as connection:
        for address, has_agreed in ((SARAH, True), (CLARA, False)):
            profile_id = year.person(address)
            row = connection.execute(select(profile).where(profile.c.id == profile_id)).one()
            assert (row.source, row.zone) == ("facebook_shop", year.stage.city.zone)
            sizes = connection.execute(
                select(profile_size.c.category, profile_size.c.size).where(profile_size.c.profile_id == profile_id)
            )
            assert ("tops", "8") in [(row.category, row.size) for row in sizes]
            granted = connection.scalars(
                select(consent_event.c.channel).where(
                    consent_event.c.profile_id == profile_id, consent_event.c.state == "granted"
                )
            )
            assert set(granted) == ({"email", "ads", *year.texts} if has_agreed else set())


def test_before_she_confirms_she_gets_what_her_order_needs_and_no_more(year: Year) -> None:
    """In Berlin a ticked box is no yes yet: a receipt without the programme, a card, and no mail about style."""
    unconfirmed = year.stage.has_double_opt_in
    assert year.then["confirmed"].steps(SARAH) == {
        "receipt": ("accepted", None),
        "insert": ("accepted", None),
        "looks": ("skipped", "unconfirmed") if unconfirmed else ("accepted", None),
    }
    receipt = year.mails(SARAH, "receipt")[0]
    assert bool(_FRIEND.search(receipt.text)) is not unconfirmed
    if unconfirmed:
        assert year.then["confirmed"].ads(SARAH) == set()
        assert year.then["april"].steps(SARAH)["month"] == ("accepted", None), "a confirmed yes is one"
    assert year.then["april"].steps(CLARA)["month"] == ("skipped", "no_consent")


def test_line_2_her_first_parcel_holds_a_card_and_so_does_her_twins(year: Year) -> None:
    """Paper needs no consent, so both get one, once: what the Facebook shop does not list, a code, the programme."""
    assert year.counts["cards previewed"] >= 2
    assert year.counts["cards printed"] >= 2
    assert year.counts["cards printed again"] == 0
    sarah, clara = year.person(SARAH), year.person(CLARA)
    backs = {}
    for pdf in year.segue.settings.print_folder.glob("*/*.pdf"):
        sides = pypdf.PdfReader(pdf).pages
        backs |= {front.extract_text(): back for front, back in zip(sides[0::2], sides[1::2], strict=True)}
    (page,) = [back for front, back in backs.items() if "Sarah" in front]
    back = page.extract_text()
    with read(year.segue.engine) as connection:
        cards = dict(
            connection.execute(select(voucher.c.profile_id, voucher.c.code).where(voucher.c.offer == "welcome"))
            .tuples()
            .all()
        )
        listed_there = connection.scalars(
            select(product.c.title)
            .join(listing, listing.c.product_id == product.c.id)
            .where(listing.c.sales_channel == "facebook_shop")
        ).all()
        lives = connection.execute(
            select(voucher.c.valid_from, voucher.c.valid_until).where(voucher.c.code == cards[sarah])
        ).one()
    assert cards[sarah] in letters_of(page)
    assert cards[clara] not in letters_of(page)
    assert lives.valid_until - lives.valid_from == timedelta(days=60)
    assert re.search(r"15\s?%", back)
    assert "Tideline" in back
    assert re.search(r"250 (points are worth \$10|Punkte sind 10 \$ wert)", " ".join(back.split()))
    assert not [title for title in listed_there if title in " ".join(back.split())]
    assert any(word in back for word in ("scarf", "gloves", "coat", "snood", "jacket"))
    assert cards[sarah] in year.shop_codes()
    # Nothing more, however often it ran: not for her second parcel, not a month later.
    for address in BOTH:
        assert [row for row in year.messages(address) if row.step == "insert"].__len__() == 1


def test_line_3_who_lands_and_looks_is_shown_ads_if_she_allowed_them(year: Year) -> None:
    """The landing knows nobody; the code on the card says whose it is. In Berlin she has not allowed ads by then."""
    with read(year.segue.engine) as connection:
        landed = connection.execute(select(touchpoint).where(touchpoint.c.kind == "landing")).all()
    assert {row.profile_id for row in landed} == {year.person(SARAH), year.person(CLARA)}
    assert all(row.message_id is not None for row in landed), "it says which card brought them"
    before, after = year.then["before landing"], year.then["after landing"]
    assert not {"viewed", "landed", "cart"} & before.ads(SARAH)
    if year.stage.has_double_opt_in:
        assert after.ads(SARAH) == set()
    else:
        assert {"landed", "viewed"} <= after.ads(SARAH)
        assert "landed" not in year.then["april"].ads(SARAH)
        assert "viewed" not in year.then["april"].ads(SARAH), "a look is forgotten after two weeks"


def test_the_twin_is_never_in_any_audience(year: Year) -> None:
    """Neither in our books nor, by the hash of any address of hers, in what the platform was ever given."""
    for name, then in year.then.items():
        assert then.ads(CLARA) == set(), name
    folder = year.segue.settings.outbox / "audiences"
    given = {file.name: file.read_text("utf-8") for file in folder.glob("*.csv")}
    assert any(hashlib.sha256(SARAH.encode()).hexdigest() in text for text in given.values()), "the search finds Sarah"
    for known in (CLARA, year.stage.phones[2].removeprefix("+")):
        digest = hashlib.sha256(known.encode()).hexdigest()
        assert not [name for name, text in given.items() if digest in text]


def test_line_4_the_cart_she_left_is_answered_once_and_her_twins_never(year: Year) -> None:
    """Not before she has been away for 45 minutes; then a mail with the leggings and a code; next day one call."""
    early, previewed, reminded = year.then["44 minutes"], year.then["cart previewed"], year.then["reminded"]
    for address in BOTH:
        assert "reminder" not in early.steps(address)
        assert "reminder" not in previewed.steps(address)
    assert year.counts["carts previewed"] >= 1
    assert reminded.steps(SARAH)["reminder"] == ("accepted", None)
    assert reminded.steps(CLARA)["reminder"] == ("skipped", "no_consent")
    (mail,) = year.mails(SARAH, "reminder")
    assert "Tide leggings" in mail.text
    assert "beanie" not in mail.text.lower()
    assert ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") in mail.headers
    code = year.codes["cart"]
    assert code in mail.text
    assert code in year.shop_codes()
    with read(year.segue.engine) as connection:
        minted = connection.execute(select(voucher).where(voucher.c.code == code)).one()
        claras = select(voucher.c.offer).where(voucher.c.profile_id == year.person(CLARA))
        assert connection.scalars(claras).all() == ["welcome"]
    assert minted.profile_id == year.person(SARAH)
    assert minted.valid_until - minted.valid_from == timedelta(hours=48)

    assert "last_call" not in year.then["20 hours"].steps(SARAH)
    # Two e-mails about one cart never leave within a day: where she takes no texts, the call waits for the evening.
    called = ("accepted", None) if year.texts else ("held", "budget")
    assert year.then["21 hours"].steps(SARAH)["last_call"] == called
    said = year.texts_to(SARAH)
    if year.texts:
        (text,) = said
        assert code in text
        assert "STOP" in text
        assert len(re.findall(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", text)) == 1
    else:
        assert said == []
        assert code in year.mails(SARAH, "last_call")[0].text
    assert [row.step for row in year.messages(SARAH) if row.journey == "abandoned_cart"] == ["reminder", "last_call"]


def test_lines_5_and_6_ads_show_what_she_looked_at_and_nothing_sold_out_in_her_size(year: Year) -> None:
    """What is gone in size 8 puts her in no audience, and June, who wears 10, in one; the feed says so of each size."""
    looked, left = year.then["looked at what is sold out"], year.then["cart left"]
    assert not {"viewed", "cart"} & looked.ads(SARAH)
    assert "viewed" in looked.ads(JUNE)
    assert {"cart", "viewed"} <= left.ads(SARAH)
    available = {row["id"]: row["availability"] for row in left.feed}
    assert available["TIDE-INK-08"] == available["RIPP-CORA-OS"] == available["BREA-ECRU-10"] == "in stock"
    assert available["BREA-ECRU-08"] == "out of stock"


def test_line_7_an_ad_leads_her_back_and_her_code_is_spent_once(year: Year) -> None:
    """The click is a touchpoint; nobody spends the code again, her twin neither."""
    sarah, clara = year.person(SARAH), year.person(CLARA)
    with read(year.segue.engine) as connection:
        clicks = connection.execute(select(touchpoint).where(touchpoint.c.kind.in_(("ad_click", "click")))).all()
        uses = connection.execute(
            select(redemption.c.counts, order.c.profile_id, order.c.number)
            .join(order, order.c.external_id == redemption.c.order_ref)
            .order_by(order.c.number)
        ).all()
    (ad,) = [row for row in clicks if row.kind == "ad_click"]
    (mail,) = [row for row in clicks if row.kind == "click"]
    assert (ad.profile_id, ad.network, ad.target) == (sarah, "instagram", "/products/tide-leggings-ink")
    assert mail.profile_id == sarah
    assert mail.message_id in {row.id for row in year.messages(SARAH) if row.step == "reminder"}
    assert [tuple(use) for use in uses] == [(True, sarah, "SM-STORY-2"), (False, clara, "SM-STORY-9")]


def test_line_8_the_confirmation_explains_refer_a_friend_to_who_may_be_told(year: Year) -> None:
    """A receipt is hers by right; the block in it is marketing, so the twin's leaves it out."""
    hers, claras = year.mails(SARAH, "receipt"), year.mails(CLARA, "receipt")
    assert len(hers) == 2
    # Her sweater, her second order, and the one on which she tried somebody else's code.
    assert len(claras) == 3
    text = hers[1].text
    assert "Tide leggings" in text
    assert "Ripple beanie" in text
    assert re.search(r"95[.,]40", text)
    assert _FRIEND.search(text)
    assert year.codes["friend"] in text
    for mail in claras:
        assert not _FRIEND.search(mail.text)
    assert len({tuple(row) for row in year.messages(SARAH) if row.step == "receipt"}) == 2


def test_line_9_ads_for_what_she_bought_stop_and_what_goes_with_it_takes_their_place(year: Year) -> None:
    """Cart and looks are done with; gloves, scarves and coats go with both things, in her size and in stock."""
    bought = year.then["bought"]
    assert "cart" not in bought.ads(SARAH)
    assert "viewed" not in bought.ads(SARAH), "what is left of her looks is sold out in size 8"
    assert {"related", "buyers"} <= bought.ads(SARAH)
    if year.stage.has_double_opt_in:
        assert "related" not in year.then["cart left"].ads(SARAH), "her sweater is too long ago"
    goes_with = year.goes_with("Tide leggings", "Ripple beanie")
    assert goes_with == {"gloves", "scarves", "coats"}


def test_line_10_the_pop_up_mail_says_where_when_and_what_her_points_are_worth(year: Year) -> None:
    """In local time, with a calendar entry; she has 108 points for the sweater, the rest is pending."""
    assert year.counts["invitations previewed"] >= 1
    (mail,) = year.mails(SARAH, "invite")
    assert year.stage.popup in mail.text
    assert year.stage.popup_address in mail.text
    assert "108" in mail.text
    assert "142" in mail.text, "so many are missing to the next reward"
    raw = year.raw_mail(SARAH, "invite")
    assert "text/calendar" in raw
    assert year.then["invited"].steps(CLARA)["invite"] == ("skipped", "no_consent")
    with read(year.segue.engine) as connection:
        points = dict(
            connection.execute(
                select(loyalty_entry.c.reason, func.sum(loyalty_entry.c.points))
                .where(loyalty_entry.c.profile_id == year.person(SARAH))
                .group_by(loyalty_entry.c.reason)
            )
            .tuples()
            .all()
        )
    assert points == {"order": 108 + 95, "follow": 25, "mention": 50}


def test_line_11_both_get_a_voucher_of_15_dollars_once_the_gloves_stay(year: Year) -> None:
    """The till names the code, thirty days later both vouchers are there, in one go and once; no third person's."""
    sarah, june = year.person(SARAH), year.person(JUNE)
    assert year.then["gloves may come back"].vouchers() == []
    earned = year.then["gloves stay"].vouchers()
    assert sorted(earned) == sorted([(sarah, 1500, "USD"), (june, 1500, "USD")])
    assert year.then["end"].vouchers() == earned
    for address, offer in ((SARAH, "referrer"), (JUNE, "referred")):
        (mail,) = year.mails(address, "reward")[-1:]
        with read(year.segue.engine) as connection:
            code = connection.scalar(select(voucher.c.code).where(voucher.c.offer == offer))
            (found,) = connection.execute(select(referral)).all()
        assert code in mail.text
        assert code in year.shop_codes()
        assert (found.profile_id, found.friend_id, found.score) == (sarah, june, 0)
    assert JUNE not in year.mails(SARAH, "reward")[-1].text
    assert not [row for row in year.messages(CLARA) if row.journey == "referral_followup"]
    assert [row.step for row in year.messages(SARAH) if row.journey == "referral_followup"] == ["reward"]


def test_her_friend_got_two_mails_all_year_and_none_of_them_names_anybody_else(year: Year) -> None:
    """June agreed to mails and ads, never to texts, and took her gloves home from a till: no text and no card."""
    got = {row.step: row.channel for row in year.messages(JUNE) if row.state not in ("skipped", "control")}
    assert got == {"invite": "email", "reward": "email"}
    assert year.texts_to(JUNE) == []
    (invite,), (reward,) = year.mails(JUNE, "invite"), year.mails(JUNE, "reward")
    for mail in (invite, reward):
        assert not [word for word in ("Sarah", SARAH, "Whitfield", CLARA) if word in mail.text or word in mail.html]
    assert year.codes["friend"] not in invite.text + reward.text, "the code that she passed on is Sarah's"
    with read(year.segue.engine) as connection:
        offers = select(voucher.c.offer, voucher.c.code).where(voucher.c.profile_id == year.person(JUNE))
        ((offer, code),) = connection.execute(offers).all()
    assert offer == "referred"
    assert code not in "".join(mail.text for mail in year.mails(SARAH, "reward"))


def test_line_12_a_mail_about_looks_following_and_the_hashtag(year: Year) -> None:
    """Seven days after delivery, not before, and what it earns is said."""
    assert "SM-STORY-2" not in year.then["six days"].orders_of("looks", SARAH)
    assert "SM-STORY-2" in year.then["styled"].orders_of("looks", SARAH)
    mail = year.mails(SARAH, "looks")[-1]
    for words in ("Tide leggings", "Pinterest", "#saltmere", "#ad", r"\b25\b", r"\b50\b"):
        assert re.search(words, " ".join(mail.text.split()))
    assert {row.state for row in year.messages(CLARA) if row.step == "looks"} == {"skipped"}


def test_the_twin_got_two_kinds_of_things_all_year(year: Year) -> None:
    """A card and receipts. Whatever else considered her was left out with its reason."""
    sent = [row for row in year.messages(CLARA) if row.state not in ("skipped", "control")]
    assert sorted({row.step for row in sent}) == ["insert", "receipt"]
    refused = {row.reason for row in year.messages(CLARA) if row.state == "skipped"}
    assert refused <= {"no_consent", "too_late"}
    assert year.texts_to(CLARA) == []


def test_after_all_of_it_prefect_knows_nobody(year: Year) -> None:
    """The whole shop has gone through flows: no address, phone or name of it stands in Prefect's database or logs."""
    time.sleep(3)  # Prefect writes logs and events a little later
    needles = set()
    with year.files.customers.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            needles |= {row["email"], row["phone"]}
            # A short name by itself may be a word of anybody's; two names, or a long one, are somebody's.
            if row["first_name"] and row["last_name"]:
                needles.add(f"{row['first_name']} {row['last_name']}")
            if len(row["last_name"]) >= 8:
                needles.add(row["last_name"])
    needles |= set(year.codes.values())
    database = make_url(str(PREFECT_API_DATABASE_CONNECTION_URL.value())).database
    assert database is not None
    # Sarah herself is in the templates' sample data, by her first name only. The last one shows that the search looks
    # where Prefect writes.
    sought = [*sorted(needles - {""}), "retargeting-report"]
    found = leaks(Path(database).parent, sought)
    assert found
    assert {place.rpartition(" ")[2] for place in found} == {str(len(sought) - 1)}
    assert len(sought) > 300
