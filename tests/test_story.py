"""Sarah's year, line by line, through the real doors and flows, with a twin who agreed to nothing beside her.

1. She buys a sweater, size 8, in the brand's Facebook shop and ticks "news by e-mail".
4. She puts leggings, size 8, in the cart and leaves: a mail with the leggings and a code that runs out soon.
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

import pytest
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL
from sqlalchemy import select
from sqlalchemy.engine import make_url

from flows.abandoned_cart import AbandonedCartForm, abandoned_cart
from flows.forms import Mode
from flows.import_shop import ImportBrief, import_shop
from segue.clock import VirtualClock
from segue.sample import ShopFiles, write_shop
from segue.sample.story import CART_AT
from segue.service import Segue, open_segue
from segue.settings import load_settings
from segue.store.engine import read
from segue.store.tables import consent_event, identifier, message, profile, profile_size, voucher
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
    load_settings.cache_clear()
    with open_segue(clock=VirtualClock(CART_AT)) as segue:
        for file in files.in_order():
            mapping = str(MAPPINGS / f"{file.stem}.toml") if file.suffix == ".csv" else ""
            import_shop(ImportBrief(path=str(file), mapping=mapping))
        segue.switch_on("abandoned_cart", CART_AT - timedelta(hours=10))
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
