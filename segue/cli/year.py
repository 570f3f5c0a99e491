"""Plays Sarah's year on a virtual clock: parcels day by day, the season to the minute, the weeks after it by day again.

What she and her friend do with codes is written when Segue has told them, and read through the doors as everything is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select

from segue.audiences.report import AudienceReport
from segue.clock import VirtualClock
from segue.gallery.facts import Entry
from segue.gallery.kept import KeptMail, read_kept
from segue.gallery.programme import audience_moves
from segue.journeys.definition import Brief
from segue.journeys.loyalty_notice import LoyaltyNoticeBrief
from segue.journeys.retargeting import RetargetingBrief
from segue.journeys.waves import PickWave, next_wave
from segue.sample import later
from segue.sample.people import CLARA, SARAH
from segue.sample.story import BOUGHT_AT, CART_AT, GLOVES_AT, LANDING_AT
from segue.service import Segue
from segue.store.engine import read
from segue.store.tables import identifier, message, voucher

#: Cards have been put into first parcels for longer; Sarah's first one leaves on the second day.
PARCELS_START: Final = datetime(2026, 2, 20, 5, tzinfo=UTC)
#: Midnight in New York, where the shop is.
SEASON_START: Final = datetime(2026, 5, 1, 4, tzinfo=UTC)
SEASON_END: Final = datetime(2026, 5, 31, 4, tzinfo=UTC)
#: By then what friends bought cannot come back any more.
YEAR_OVER: Final = datetime(2026, 6, 25, 4, tzinfo=UTC)
#: When each journey is switched on; the pop-up's people write once its doors are open.
SWITCHED_ON: Final = {
    "welcome_insert": PARCELS_START,
    "retargeting": datetime(2026, 3, 3, 14, tzinfo=UTC),
    "abandoned_cart": SEASON_START,
    "order_confirmation": SEASON_START,
    "loyalty_notice": datetime(2026, 5, 16, 13, tzinfo=UTC),
    "style_followup": SEASON_START,
    "referral_followup": SEASON_START,
    "popup_invite": datetime(2026, 5, 16, 13, tzinfo=UTC),
}
#: In the order in which people meet them.
PLAYED: Final = (
    "welcome_insert",
    "abandoned_cart",
    "order_confirmation",
    "popup_invite",
    "referral_followup",
    "style_followup",
    "loyalty_notice",
)
#: What a marketer of this shop has set: a balance is worth a mail once it is worth something.
_BRIEFS: Final[Mapping[str, Brief]] = {"loyalty_notice": LoyaltyNoticeBrief(least_points=100)}
_AT_ONCE: Final = ("welcome_insert", "abandoned_cart", "order_confirmation")
_ONCE_A_DAY: Final = ("loyalty_notice", "referral_followup", "popup_invite", "style_followup")
#: Schedules start them every few minutes; a year that is played in minutes looks less often.
_STEP: Final = timedelta(minutes=20)
#: Outside the season nothing much moves in audiences from one day to the next.
_MIRRORED_EVERY: Final = timedelta(days=7)
_NEW_YORK: Final = ZoneInfo("America/New_York")
_WAVE: Final = PickWave(time(14), _NEW_YORK)
#: When the daily ones run: after ten, so that the month's turn finds everybody on this side of the ocean awake.
_MORNING: Final = PickWave(time(10, 5), _NEW_YORK)
_FRIENDS_AT: Final = datetime(2026, 5, 20, 15, tzinfo=UTC)
_CODE: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}")
#: Of so many receipts one leads to a friend who buys.
_ONE_IN: Final = 7
_MAPPINGS: Final = Path(__file__).resolve().parent.parent / "sample" / "mappings"

#: Told the instant that was reached.
Reached = Callable[[datetime], None]


class YearPlayer:
    """Plays one installation's year; `shop` is the sample shop's folder."""

    def __init__(self, segue: Segue, clock: VirtualClock, shop: Path) -> None:
        self._segue, self._clock, self._shop = segue, clock, shop
        #: Who joined and left which audience when: the books of an audience keep only how each stands now.
        self.noted: list[tuple[int, Entry]] = []
        self._last: AudienceReport | None = None
        self._mirrored_at = PARCELS_START
        self._scenes: list[tuple[datetime, Callable[[], None]]] = [
            (LANDING_AT + timedelta(minutes=5), self._land),
            (CART_AT + timedelta(hours=1), self._follow_the_mail),
            (BOUGHT_AT, self._buy_leggings),
            (_FRIENDS_AT, self._let_friends_buy),
            (GLOVES_AT - timedelta(hours=1), self._share),
            (GLOVES_AT, self._buy_gloves),
        ]
        self._told_by = {at for at, _ in self._scenes}

    def play(self, reached: Reached) -> AudienceReport | None:
        """Play to the end; returns how the audiences stood when they were last mirrored."""
        for at, act in self._agenda():
            self._run_until(at)
            if at in self._told_by:
                self._run()  # what has come due by then is in her mailbox
            act()
            reached(at)
        self._run_until(YEAR_OVER)
        return self._last

    def _agenda(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        """Every morning, every pick wave and every scene, in order."""
        acts = list(self._scenes)
        now = PARCELS_START
        while (now := next_wave(now, _MORNING)) < YEAR_OVER:
            acts.append((now, self._wake))
        now = PARCELS_START
        while (now := next_wave(now, _WAVE)) < SEASON_END:
            acts += [(now - timedelta(minutes=1), self._run), (now, self._print)]
        return iter(sorted(acts, key=lambda pair: pair[0]))

    # ------------------------------------------------------------ time

    def _run_until(self, until: datetime) -> None:
        """In the season from one due time to the next, a step at least; else straight to `until`."""
        if SEASON_START <= self._clock.now() < SEASON_END:
            while (ahead := self._segue.next_due_at()) is not None and ahead < until:
                self._clock.set(min(until, max(ahead, self._clock.now() + _STEP)))
                self._run()
        self._clock.set(until)

    def _run(self, journeys: tuple[str, ...] = _AT_ONCE) -> None:
        """Start what is switched on by now, and let out what is ready."""
        now = self._clock.now()
        for name in journeys:
            if SWITCHED_ON[name] > now or (name == "abandoned_cart" and now >= SEASON_END):
                continue
            self._segue.switch_on(name, SWITCHED_ON[name])
            journey = self._segue.journeys[name]
            self._segue.start_run(journey, _BRIEFS.get(name) or journey.brief())
        self._segue.drain_ready()

    def _wake(self) -> None:
        """What runs once a day, and the mirrors of audiences and feed."""
        self._segue.merge_found()
        self._run(_ONCE_A_DAY + _AT_ONCE)
        now = self._clock.now()
        in_season = SEASON_START <= now < SEASON_END
        if now >= SWITCHED_ON["retargeting"] and (in_season or now - self._mirrored_at >= _MIRRORED_EVERY):
            self._mirror()

    def _mirror(self) -> None:
        brief = RetargetingBrief()
        self._segue.switch_on("retargeting", SWITCHED_ON["retargeting"])
        now = self._clock.now()
        self._last = self._segue.sync_audiences(brief)
        with read(self._segue.engine) as connection:
            self.noted += audience_moves(connection, since=now)
        self._segue.write_feed(brief.sales_channel)
        self._mirrored_at = now

    def _print(self) -> None:
        self._segue.print_run()

    # ------------------------------------------------------------ scenes

    def _land(self) -> None:
        codes = {SARAH: self._card_of("sarah@example.com"), CLARA: self._card_of("clara@example.com")}
        self._read(later.both_land(self._shop / "landing.jsonl", codes))
        self._mirror()

    def _follow_the_mail(self) -> None:
        link = re.search(r"https://\S+/c/\S+", self._mail("sarah@example.com", "reminder").text)
        if link is not None:
            self._read(later.link_clicked(self._shop / "click.jsonl", link[0], self._clock.now()))
        self._mirror()

    def _buy_leggings(self) -> None:
        code = _code_in(self._mail("sarah@example.com", "reminder"))
        self._read(*later.sarah_buys(self._shop / "sarah", code))
        self._run()
        self._mirror()

    def _share(self) -> None:
        code = _code_in(self._mail("sarah@example.com", "receipt"))
        self._read(later.sarah_shares(self._shop / "share.jsonl", code, self._clock.now()))

    def _buy_gloves(self) -> None:
        code = _code_in(self._mail("sarah@example.com", "receipt"))
        self._read(*later.june_buys(self._shop / "june", code))
        self._run()

    def _let_friends_buy(self) -> None:
        """Some of those who were told of the programme have told somebody."""
        told: dict[str, str] = {}
        with read(self._segue.engine) as connection:
            rows = connection.scalars(
                select(message.c.provider_id)
                .where(message.c.step == "receipt", message.c.channel == "email", message.c.state == "accepted")
                .order_by(message.c.id)
            ).all()
        for provider_id in rows[::_ONE_IN]:
            mail = self._kept(provider_id)
            address = dict(mail.headers)["To"]
            if "for a friend" in mail.text and address != "sarah@example.com":
                told[address] = _code_in(mail)
        files = later.friends_buy(
            self._shop / "friends", list(told.items()), self._shop / "customers.csv", self._clock.now()
        )
        self._read(*files)

    # ------------------------------------------------------------ what Segue has told

    def _read(self, *files: Path) -> None:
        for file in files:
            self._segue.import_file(file, _MAPPINGS / f"{file.stem}.toml" if file.suffix == ".csv" else None)

    def _card_of(self, address: str) -> str:
        """The code on somebody's card."""
        with read(self._segue.engine) as connection:
            code = connection.execute(
                select(voucher.c.code)
                .join(identifier, identifier.c.profile_id == voucher.c.profile_id)
                .where(identifier.c.value == address, voucher.c.offer == "welcome")
            ).scalar_one()
        return str(code)

    def _mail(self, address: str, step: str) -> KeptMail:
        """Somebody's latest mail of a step."""
        with read(self._segue.engine) as connection:
            rows = connection.scalars(
                select(message.c.provider_id)
                .join(identifier, identifier.c.profile_id == message.c.profile_id)
                .where(identifier.c.value == address, message.c.step == step, message.c.state == "accepted")
                .order_by(message.c.id)
            ).all()
        return self._kept(rows[-1])

    def _kept(self, provider_id: str | None) -> KeptMail:
        mail = read_kept(self._segue.settings.outbox, "email", provider_id)
        if not isinstance(mail, KeptMail):
            raise LookupError(f"the mail {provider_id} was not kept; the demo needs `files` for e-mail")  # noqa: TRY004
        return mail


def _code_in(mail: KeptMail) -> str:
    found = _CODE.search(mail.text)
    if found is None:
        raise LookupError("a mail of the story names no code; the demo cannot go on")
    return found[0]
