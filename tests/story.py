"""Plays Sarah's year once through the flows, and keeps how everything stood at the instants that matter."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from flows.abandoned_cart import AbandonedCartForm, abandoned_cart
from flows.forms import JourneyForm, Mode
from flows.import_shop import ImportBrief, import_shop
from flows.loyalty_notice import LoyaltyNoticeForm, loyalty_notice
from flows.order_confirmation import OrderConfirmationForm, order_confirmation
from flows.popup_invite import PopupInviteForm, popup_invite
from flows.print_run import PrintBrief, print_run
from flows.referral_followup import ReferralFollowupForm, referral_followup
from flows.retargeting import RetargetingForm, retargeting
from flows.style_followup import StyleFollowupForm, style_followup
from flows.welcome_insert import WelcomeInsertForm, welcome_insert
from segue.clock import VirtualClock
from segue.gallery.kept import KeptMail, read_kept
from segue.journeys.waves import PickWave, next_wave
from segue.sample import ShopFiles, write_shop
from segue.sample import later as scenes
from segue.sample import people as cast
from segue.sample.stages import Stage
from segue.sample.story import BACK_AT, BOUGHT_AT, CART_AT, GLOVES_AT, LANDING_AT, LOOK_AT
from segue.service import Segue, open_segue
from segue.settings import load_settings
from segue.store.engine import read
from segue.store.tables import (
    audience,
    audience_member,
    identifier,
    message,
    order,
    product,
    product_relation,
    voucher,
)

SARAH, JUNE, CLARA = "sarah@example.com", "june@example.com", "clara@example.com"
JOURNEYS = (
    "welcome_insert",
    "abandoned_cart",
    "order_confirmation",
    "loyalty_notice",
    "popup_invite",
    "referral_followup",
    "style_followup",
    "retargeting",
)
MAPPINGS = Path(scenes.__file__).parent / "mappings"
_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}")
#: The warehouse of either stage is in New Jersey.
_WAVE = PickWave(time(14), ZoneInfo("America/New_York"))


@dataclass(frozen=True)
class Then:
    """How everything stood at an instant."""

    people: dict[str, int]
    messages: Sequence[Any]
    members: Sequence[tuple[int, str]]
    feed: Sequence[dict[str, str]]
    earned: list[tuple[int, int, str]]
    numbers: dict[int, str]

    def steps(self, address: str) -> dict[str, tuple[str, str | None]]:
        """State and reason by step, of each its latest message."""
        mine = [row for row in self.messages if row.profile_id == self.people[address]]
        return {row.step: (row.state, row.reason) for row in mine}

    def orders_of(self, step: str, address: str) -> set[str]:
        """Numbers of the orders that a step has written to somebody about."""
        mine = (row for row in self.messages if row.profile_id == self.people[address] and row.step == step)
        return {self.numbers[row.subject_id] for row in mine if row.state == "accepted"}

    def ads(self, address: str) -> set[str]:
        """The audiences she is in."""
        return {name for profile_id, name in self.members if profile_id == self.people[address]}

    def vouchers(self) -> list[tuple[int, int, str]]:
        """Whose vouchers of what worth were earned by referring or being referred."""
        return self.earned


@dataclass
class Year:
    """A year that was played."""

    segue: Segue
    stage: Stage
    files: ShopFiles
    folder: Path
    then: dict[str, Then] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)

    @property
    def texts(self) -> set[str]:
        """The channel of texts, where she agreed to any."""
        return set() if self.stage.has_double_opt_in else {"sms"}

    def person(self, address: str) -> int:
        """The profile behind an address."""
        with read(self.segue.engine) as connection:
            asked = select(identifier.c.profile_id).where(identifier.c.value == address)
            return int(connection.execute(asked).scalar_one())

    def messages(self, address: str) -> Sequence[Any]:
        """All her messages, in the order in which they were promised."""
        with read(self.segue.engine) as connection:
            asked = select(message).where(message.c.profile_id == self.person(address)).order_by(message.c.id)
            return connection.execute(asked).all()

    def mails(self, address: str, step: str) -> list[KeptMail]:
        """Her mails of a step as they left."""
        rows = (row for row in self.messages(address) if (row.step, row.channel) == (step, "email"))
        found = (read_kept(self.segue.settings.outbox, "email", row.provider_id) for row in rows)
        mails = [mail for mail in found if isinstance(mail, KeptMail)]
        assert all(("To", address) in mail.headers for mail in mails)
        return mails

    def raw_mail(self, address: str, step: str) -> str:
        """Her only mail of a step, as it stands in the file."""
        (row,) = (row for row in self.messages(address) if row.step == step)
        return (self.segue.settings.outbox / "email" / f"{row.provider_id}.eml").read_text("utf-8")

    def texts_to(self, address: str) -> list[str]:
        """Texts to her number."""
        number = self.stage.phones[(SARAH, JUNE, CLARA).index(address)]
        files = sorted((self.segue.settings.outbox / "sms").glob("*.txt"))
        return [text for file in files if (text := file.read_text("utf-8")).startswith(f"To: {number}\n")]

    def shop_codes(self) -> str:
        """What the shop was told of codes."""
        return (self.segue.settings.outbox / "codes.csv").read_text("utf-8")

    def goes_with(self, *products: str) -> set[str]:
        """The categories of what goes with each of these products."""
        bought, related = product.alias(), product.alias()
        with read(self.segue.engine) as connection:
            rows = connection.execute(
                select(bought.c.title, related.c.category)
                .join(product_relation, product_relation.c.product_id == bought.c.id)
                .join(related, related.c.id == product_relation.c.related_id)
                .where(bought.c.title.in_(products))
            ).all()
        return set.intersection(*({one.category for one in rows if one.title == name} for name in products))

    def look(self, name: str) -> None:
        """Keep how everything stands."""
        feed = self.segue.settings.outbox / "feed.csv"
        with read(self.segue.engine) as connection:
            self.then[name] = Then(
                people={address: self.person(address) for address in (SARAH, JUNE, CLARA)},
                messages=connection.execute(select(message).order_by(message.c.id)).all(),
                members=[
                    (row.profile_id, row.name)
                    for row in connection.execute(
                        select(audience_member.c.profile_id, audience.c.name)
                        .join(audience, audience.c.id == audience_member.c.audience_id)
                        .where(audience_member.c.state != "out")
                    )
                ],
                feed=list(csv.DictReader(feed.read_text("utf-8").splitlines())) if feed.is_file() else [],
                earned=[
                    tuple(row)
                    for row in connection.execute(
                        select(voucher.c.profile_id, voucher.c.amount_minor, voucher.c.currency)
                        .where(voucher.c.earned)
                        .order_by(voucher.c.id)
                    )
                ],
                numbers=dict(connection.execute(select(order.c.id, order.c.number)).tuples().all()),
            )


@contextmanager
def play(folder: Path, database_url: str, stage: Stage) -> Iterator[Year]:
    """Play the year on a stage, into a fresh database; flows run as their schedules and marketers would start them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGUE_DATABASE_URL", database_url)
        patch.setenv("SEGUE_HOME", str(folder / "home"))
        patch.setenv("SEGUE_OUTBOX", str(folder / "outbox"))
        patch.setenv("SEGUE_PRINT_FOLDER", str(folder / "print"))
        patch.setenv("SEGUE_HOUSE__LOYALTY__STARTS_ON", "2024-01-01")
        load_settings.cache_clear()
        files = write_shop(folder / "shop", customers=200, stage=stage)
        clock = VirtualClock(cast.MET_SARAH - stage.earlier - timedelta(hours=1))
        with open_segue(clock=clock) as segue:
            segue.install()
            year = Year(segue, stage, files, folder)
            _Player(year, clock, patch).play()
            yield year
    load_settings.cache_clear()


class _Player:
    """Stands the clock, starts flows."""

    def __init__(self, year: Year, clock: VirtualClock, patch: pytest.MonkeyPatch) -> None:
        self._year, self._clock, self._patch = year, clock, patch
        self._stage = year.stage

    def play(self) -> None:
        """Everything, in order."""
        for scene in (self._begin, self._parcel, self._landing, self._spring, self._cart, self._purchase, self._summer):
            scene()
        self._year.look("end")

    def _begin(self) -> None:
        self._at(cast.MET_SARAH, hours=-1)
        for file in self._year.files.in_order():
            self._read(file)
        for journey in JOURNEYS:
            self._year.segue.switch_on(journey)

    def _parcel(self) -> None:
        self._at(cast.MET_SARAH, minutes=5)
        self._send(order_confirmation, OrderConfirmationForm)
        wave = next_wave(cast.MET_SARAH - self._stage.earlier, _WAVE)
        self._stand(wave - timedelta(minutes=30))
        self._year.counts["cards previewed"] = self._preview(welcome_insert, WelcomeInsertForm)
        for _ in range(2):
            self._send(welcome_insert, WelcomeInsertForm)
        self._stand(wave)
        self._year.counts["cards printed"] = print_run(PrintBrief())
        self._year.counts["cards printed again"] = print_run(PrintBrief())
        with read(self._year.segue.engine) as connection:
            codes = dict(connection.execute(select(voucher.c.profile_id, voucher.c.code)).tuples().all())
        self._year.codes |= {name: codes[self._year.person(name)] for name in (SARAH, CLARA)}

    def _landing(self) -> None:
        self._at(LANDING_AT, hours=-1)
        self._send(retargeting, RetargetingForm)
        self._year.look("before landing")
        self._at(LANDING_AT, minutes=30)
        codes = {cast.SARAH: self._year.codes[SARAH], cast.CLARA: self._year.codes[CLARA]}
        self._read(scenes.both_land(self._year.folder / "landing.jsonl", codes, self._stage))
        self._send(retargeting, RetargetingForm)
        self._year.look("after landing")

    def _spring(self) -> None:
        # Her sweater was delivered by the end of February.
        self._stand(datetime(2026, 3, 9, 16, tzinfo=UTC))
        self._send(style_followup, StyleFollowupForm)
        self._year.look("confirmed")
        self._stand(datetime(2026, 4, 1, 15, tzinfo=UTC))
        self._send(loyalty_notice, LoyaltyNoticeForm)
        self._send(welcome_insert, WelcomeInsertForm)
        self._send(retargeting, RetargetingForm)
        self._year.look("april")
        self._at(LOOK_AT, hours=1)
        self._send(retargeting, RetargetingForm)
        self._year.look("looked at what is sold out")

    def _cart(self) -> None:
        self._at(CART_AT, minutes=44)
        self._send(abandoned_cart, AbandonedCartForm)
        self._year.look("44 minutes")
        self._at(CART_AT, minutes=50)
        self._year.counts["carts previewed"] = self._preview(abandoned_cart, AbandonedCartForm)
        self._year.look("cart previewed")
        for _ in range(2):
            self._send(abandoned_cart, AbandonedCartForm)
        self._year.look("reminded")
        (mail,) = self._year.mails(SARAH, "reminder")
        self._year.codes["cart"] = _code_in(mail.text)
        self._at(CART_AT, hours=1)
        link = re.search(r"https://\S+/c/\S+", mail.text)
        assert link is not None
        self._read(scenes.link_clicked(self._year.folder / "click.jsonl", link[0], self._clock.now()))
        self._send(retargeting, RetargetingForm)
        self._year.look("cart left")
        self._at(CART_AT, hours=20, minutes=40)
        self._send(abandoned_cart, AbandonedCartForm)
        self._year.look("20 hours")
        self._at(CART_AT, hours=21)
        for _ in range(2):
            self._send(abandoned_cart, AbandonedCartForm)
        self._year.look("21 hours")
        self._at(CART_AT, hours=25)
        self._year.segue.drain_ready()

    def _purchase(self) -> None:
        self._at(BOUGHT_AT, minutes=4)
        for file in scenes.sarah_buys(self._year.folder / "sarah", self._year.codes["cart"], self._stage):
            self._read(file)
        self._send(order_confirmation, OrderConfirmationForm)
        self._year.codes["friend"] = _code_in(self._year.mails(SARAH, "receipt")[-1].text)
        thief = scenes.Sale(
            order_id="SM-STORY-9",
            customer_id=cast.CLARA,
            skus=("TIDE-INK-08",),
            at=BACK_AT - self._stage.earlier + timedelta(minutes=40),
            discount_code=self._year.codes["cart"],
        )
        self._at(BOUGHT_AT, hours=1)
        for file in scenes.write_sales(self._year.folder / "clara", [thief]):
            self._read(file)
        self._send(order_confirmation, OrderConfirmationForm)
        self._send(retargeting, RetargetingForm)
        self._year.look("bought")

    def _summer(self) -> None:
        self._stand(datetime(2026, 5, 16, 13, 10, tzinfo=UTC))
        self._year.counts["invitations previewed"] = self._preview(popup_invite, PopupInviteForm)
        for _ in range(2):
            self._send(popup_invite, PopupInviteForm)
        self._year.look("invited")
        self._at(GLOVES_AT, minutes=10)
        for file in scenes.june_buys(self._year.folder / "june", self._year.codes["friend"], self._stage):
            self._read(file)
        self._send(referral_followup, ReferralFollowupForm)
        delivered = BOUGHT_AT + timedelta(days=4)
        self._at(delivered, days=6)
        self._send(style_followup, StyleFollowupForm)
        self._year.look("six days")
        self._at(delivered, days=7, hours=1)
        self._send(style_followup, StyleFollowupForm)
        self._year.look("styled")
        self._at(GLOVES_AT, days=29)
        self._send(referral_followup, ReferralFollowupForm)
        self._year.look("gloves may come back")
        self._at(GLOVES_AT, days=30, hours=1)
        for _ in range(2):
            self._send(referral_followup, ReferralFollowupForm)
        self._year.look("gloves stay")
        self._at(GLOVES_AT, days=33)
        self._year.segue.tick()

    # ------------------------------------------------------------ clock, doors, flows

    def _at(self, instant: datetime, **wait: int) -> None:
        """Stand at an instant of New York's stage, at the same local hour."""
        self._stand(instant - self._stage.earlier + timedelta(**wait))

    def _stand(self, moment: datetime) -> None:
        assert moment >= self._clock.now(), "the year is played forwards"
        self._clock.set(moment)
        self._patch.setenv("SEGUE_VIRTUAL_NOW", moment.isoformat())
        load_settings.cache_clear()

    def _read(self, file: Path) -> None:
        mapping = str(MAPPINGS / f"{file.stem}.toml") if file.suffix == ".csv" else ""
        import_shop(ImportBrief(path=str(file), mapping=mapping))

    @staticmethod
    def _send(flow: Callable[..., Any], form: Callable[..., JourneyForm]) -> None:
        flow(form(mode=Mode.SEND))

    @staticmethod
    def _preview(flow: Callable[..., Any], form: Callable[..., JourneyForm]) -> int:
        return int(flow(form(mode=Mode.PREVIEW)).groups["accepted"])


def _code_in(text: str) -> str:
    found = _CODE.search(text)
    assert found is not None
    return found[0]


__all__ = ["CLARA", "JUNE", "SARAH", "Then", "Year", "play"]
