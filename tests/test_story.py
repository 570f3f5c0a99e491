"""Sarah's year, line by line, through the real doors and flows, with a twin who agreed to nothing beside her.

1. She buys a sweater, size 8, in the brand's Facebook shop and ticks "news by e-mail".
2. Her parcel holds a card: things the Facebook shop does not list, a personal code, the loyalty programme.
4. She puts leggings, size 8, in the cart and leaves: a mail with the leggings and a code that runs out soon.
7. She buys leggings and a beanie with the code; it is redeemed, once.
"""

from __future__ import annotations

import csv
import email
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pypdf
import pytest
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL
from sqlalchemy import select
from sqlalchemy.engine import make_url

from flows.abandoned_cart import AbandonedCartForm, abandoned_cart
from flows.forms import Mode
from flows.import_shop import ImportBrief, import_shop
from flows.print_run import PrintBrief, print_run
from flows.welcome_insert import WelcomeInsertForm, welcome_insert
from segue.clock import VirtualClock
from segue.sample import ShopFiles, write_shop
from segue.sample.people import MET_SARAH
from segue.sample.story import CART_AT
from segue.service import Segue, open_segue
from segue.settings import load_settings
from segue.store.engine import read
from segue.store.tables import (
    consent_event,
    identifier,
    listing,
    message,
    order,
    product,
    profile,
    profile_size,
    redemption,
    voucher,
)
from tests.flows.privacy import leaks

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]

SARAH, CLARA = "sarah@example.com", "clara@example.com"
MAPPINGS = Path(__file__).resolve().parent.parent / "segue" / "sample" / "mappings"
SEND = AbandonedCartForm(mode=Mode.SEND)
At = Callable[[datetime], None]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ShopFiles:
    """The sample shop, small: the story's people are in it for every size."""
    return write_shop(tmp_path_factory.mktemp("shop"), customers=200)


@pytest.fixture
def shop(files: ShopFiles, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Segue]:
    """An installation that has read the shop through its flows, and may answer carts since the morning of the 12th."""
    monkeypatch.setenv("SEGUE_DATABASE_URL", database_url)
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEGUE_OUTBOX", str(tmp_path / "outbox"))
    monkeypatch.setenv("SEGUE_PRINT_FOLDER", str(tmp_path / "print"))
    load_settings.cache_clear()
    with open_segue(clock=VirtualClock(CART_AT)) as segue:
        for file in files.in_order():
            mapping = str(MAPPINGS / f"{file.stem}.toml") if file.suffix == ".csv" else ""
            import_shop(ImportBrief(path=str(file), mapping=mapping))
        segue.switch_on("abandoned_cart", CART_AT - timedelta(hours=10))
        segue.switch_on("welcome_insert", MET_SARAH - timedelta(hours=1))
        yield segue
    load_settings.cache_clear()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[At]:
    """Stand the installation's clock at an instant, as a rehearsal does."""

    def stand(moment: datetime) -> None:
        monkeypatch.setenv("SEGUE_VIRTUAL_NOW", moment.isoformat())
        load_settings.cache_clear()

    yield stand
    load_settings.cache_clear()


def person(segue: Segue, address: str) -> int:
    with read(segue.engine) as connection:
        return int(
            connection.execute(select(identifier.c.profile_id).where(identifier.c.value == address)).scalar_one()
        )


def mails_to(segue: Segue, address: str) -> list[EmailMessage]:
    mails = [
        email.message_from_bytes(file.read_bytes(), policy=policy.default)
        for file in sorted((segue.settings.outbox / "email").glob("*.eml"))
    ]
    return [mail for mail in mails if mail["To"] == address]


def texts_to(segue: Segue, number: str) -> list[str]:
    files = sorted((segue.settings.outbox / "sms").glob("*.txt"))
    return [text for file in files if (text := file.read_text("utf-8")).startswith(f"To: {number}\n")]


def states(segue: Segue, profile_id: int) -> dict[str, tuple[str, str | None]]:
    with read(segue.engine) as connection:
        rows = connection.execute(
            select(message.c.step, message.c.state, message.c.reason).where(message.c.profile_id == profile_id)
        )
        return {row.step: (row.state, row.reason) for row in rows}


def test_line_1_an_order_in_the_facebook_shop_says_size_and_channel(shop: Segue) -> None:
    """Both women's profiles know size 8 in tops and where they came from; only Sarah has said yes to anything."""
    with read(shop.engine) as connection:
        for address, has_agreed in ((SARAH, True), (CLARA, False)):
            profile_id = person(shop, address)
            row = connection.execute(select(profile).where(profile.c.id == profile_id)).one()
            assert row.source == "facebook_shop"
            sizes = connection.execute(
                select(profile_size.c.category, profile_size.c.size).where(profile_size.c.profile_id == profile_id)
            )
            assert ("tops", "8") in [(row.category, row.size) for row in sizes]
            granted = connection.scalars(
                select(consent_event.c.channel).where(
                    consent_event.c.profile_id == profile_id, consent_event.c.state == "granted"
                )
            )
            assert ("email" in set(granted)) is has_agreed


def test_line_2_her_first_parcel_holds_a_card_and_so_does_her_twins(shop: Segue, at: At) -> None:
    """Paper needs no consent, so both get one, once: what the Facebook shop does not list, a code, the programme."""
    wave = MET_SARAH.replace(hour=19, minute=0, second=0) + timedelta(days=1)  # two in New York's winter afternoon
    at(wave - timedelta(minutes=30))
    preview = welcome_insert(WelcomeInsertForm(mode=Mode.PREVIEW))
    assert preview.groups["accepted"] >= 2
    form = WelcomeInsertForm(mode=Mode.SEND)
    welcome_insert(form)
    welcome_insert(form)
    sarah, clara = person(shop, SARAH), person(shop, CLARA)
    assert states(shop, sarah) == states(shop, clara) == {"insert": ("accepted", None)}

    at(wave)
    assert print_run(PrintBrief()) >= 2
    assert print_run(PrintBrief()) == 0
    (pdf,) = shop.settings.print_folder.glob("*/*.pdf")
    sides = [page.extract_text() for page in pypdf.PdfReader(pdf).pages]
    fronts, backs = sides[0::2], sides[1::2]
    back = backs[next(place for place, front in enumerate(fronts) if "Sarah" in front)]
    with read(shop.engine) as connection:
        codes = dict(connection.execute(select(voucher.c.profile_id, voucher.c.code)).tuples().all())
        listed_there = connection.scalars(
            select(product.c.title)
            .join(listing, listing.c.product_id == product.c.id)
            .where(listing.c.sales_channel == "facebook_shop")
        ).all()
        ends = connection.scalar(select(voucher.c.valid_until).where(voucher.c.profile_id == sarah))
    assert codes[sarah] in back
    assert codes[clara] not in back
    assert ends - wave > timedelta(days=59)
    assert "15% off" in back
    assert "Tideline" in back
    assert not [title for title in listed_there if title in " ".join(back.split())]
    assert any(word in back for word in ("scarf", "gloves", "coat", "snood", "jacket"))
    assert codes[sarah] in (shop.settings.outbox / "codes.csv").read_text("utf-8")

    # Nothing more, however often it runs: not for her second parcel, not a month later.
    for days in (1, 40):
        at(wave + timedelta(days=days))
        welcome_insert(form)
    assert states(shop, sarah) == states(shop, clara) == {"insert": ("accepted", None)}


def test_line_4_the_cart_she_left_is_answered_once_and_her_twins_never(shop: Segue, at: At) -> None:
    """Not before she has been away for 45 minutes; then a mail with the leggings and a code; next day one text."""
    sarah, clara = person(shop, SARAH), person(shop, CLARA)

    at(CART_AT + timedelta(minutes=44))
    abandoned_cart(SEND)
    assert (states(shop, sarah), states(shop, clara)) == ({}, {})

    at(CART_AT + timedelta(minutes=50))
    assert abandoned_cart(AbandonedCartForm(mode=Mode.PREVIEW)).groups["accepted"] >= 1
    assert mails_to(shop, SARAH) == []
    abandoned_cart(SEND)
    abandoned_cart(SEND)
    assert states(shop, sarah) == {"reminder": ("accepted", None)}
    assert states(shop, clara) == {"reminder": ("skipped", "no_consent")}
    (mail,) = mails_to(shop, SARAH)
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Tide leggings, Size 8" in text
    assert "beanie" not in text.lower()
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    with read(shop.engine) as connection:
        minted = connection.execute(select(voucher).where(voucher.c.profile_id == sarah)).one()
        assert connection.scalars(select(voucher.c.id).where(voucher.c.profile_id == clara)).all() == []
    assert minted.code in text
    assert minted.valid_until - minted.valid_from == timedelta(hours=48)
    assert minted.code in (shop.settings.outbox / "codes.csv").read_text("utf-8")

    at(CART_AT + timedelta(hours=20, minutes=40))
    abandoned_cart(SEND)
    assert "last_call" not in states(shop, sarah)
    at(CART_AT + timedelta(hours=21))
    abandoned_cart(SEND)
    abandoned_cart(SEND)
    assert states(shop, sarah)["last_call"] == ("accepted", None)
    (said,) = texts_to(shop, "+12025550101")
    assert minted.code in said
    assert "Saltmere" in said
    assert "STOP" in said
    assert len(re.findall(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", said)) == 1

    # A week later nothing more came, and the twin has got nothing on any channel at any time.
    at(datetime(2026, 5, 20, 16, tzinfo=UTC))
    abandoned_cart(SEND)
    assert len(mails_to(shop, SARAH)) == len(texts_to(shop, "+12025550101")) == 1
    assert mails_to(shop, CLARA) == texts_to(shop, "+12025550103") == []
    assert set(states(shop, clara)) == {"reminder"}


def test_line_7_she_buys_with_the_code_and_it_is_spent_once(shop: Segue, at: At, tmp_path: Path) -> None:
    """The shop's own export brings the order back; the text of the next day is not sent, and nobody spends it again."""
    sarah, clara = person(shop, SARAH), person(shop, CLARA)
    at(CART_AT + timedelta(minutes=50))
    abandoned_cart(SEND)
    with read(shop.engine) as connection:
        code = connection.scalar(select(voucher.c.code).where(voucher.c.profile_id == sarah))
    bought_at = CART_AT + timedelta(hours=16)
    export = tmp_path / "orders_export_1.csv"
    paid = f"{bought_at:%F %T} +0000"
    later = f"{bought_at + timedelta(minutes=9):%F %T} +0000"
    head = (
        "Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,"
        "Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,"
        "Lineitem requires shipping,Shipping Name,Shipping City,Shipping Country,Id,Source"
    )
    leggings, beanie = (
        "1,Tide leggings - 8 / Ink,74.00,TIDE-INK-08,true",
        "1,Ripple beanie - Coral,34.00,RIPP-CORA-OS,true",
    )
    sarah_w, clara_w = "Sarah W,Brooklyn,US,7800000009001,web", "Clara W,Brooklyn,US,7800000009002,web"
    rows = (
        f"#9001,Sarah@example.com,paid,{paid},USD,97.20,0,0,97.20,{code.lower()},10.80,Parcel,{paid},{leggings},{sarah_w}",
        f"#9001,Sarah@example.com,,,,,,,,,,,{paid},{beanie},,,,,",
        f"#9002,clara@example.com,paid,{paid},USD,66.60,0,0,66.60,{code},7.40,Parcel,{later},{leggings},{clara_w}",
    )
    export.write_text("\n".join((head, *rows, "")), "utf-8")
    at(bought_at + timedelta(hours=1))
    import_shop(ImportBrief(path=str(export)))
    import_shop(ImportBrief(path=str(export)))
    with read(shop.engine) as connection:
        uses = connection.execute(
            select(redemption.c.counts, order.c.profile_id, order.c.number)
            .join(order, order.c.external_id == redemption.c.order_ref)
            .order_by(order.c.number)
        ).all()
    assert [tuple(use) for use in uses] == [(True, sarah, "#9001"), (False, clara, "#9002")]

    at(CART_AT + timedelta(hours=21))
    abandoned_cart(SEND)
    assert states(shop, sarah)["last_call"] == ("skipped", "converted")
    assert texts_to(shop, "+12025550101") == []
    assert len(mails_to(shop, SARAH)) == 1


def test_after_all_of_it_prefect_knows_nobody(shop: Segue, files: ShopFiles, at: At) -> None:
    """The whole shop has gone through flows: no address, phone or name of it stands in Prefect's database or logs."""
    at(CART_AT + timedelta(minutes=50))
    abandoned_cart(AbandonedCartForm(mode=Mode.PREVIEW))
    abandoned_cart(SEND)
    time.sleep(3)  # Prefect writes logs and events a little later
    needles = set()
    with files.customers.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            needles |= {row["email"], row["phone"]}
            # A short name by itself may be a word of anybody's; two names, or a long one, are somebody's.
            if row["first_name"] and row["last_name"]:
                needles.add(f"{row['first_name']} {row['last_name']}")
            if len(row["last_name"]) >= 8:
                needles.add(row["last_name"])
    database = make_url(str(PREFECT_API_DATABASE_CONNECTION_URL.value())).database
    assert database is not None
    assert leaks(Path(database).parent, ["abandoned-cart-report"]), "the search must look where Prefect writes"
    # Sarah herself is in the templates' sample data, by her first name only.
    assert leaks(Path(database).parent, needles - {""}) == []
    assert len(needles) > 300
