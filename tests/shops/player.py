"""Plays a story through the real doors and verbs of Segue, and writes down what leaves it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, literal, select

from segue.clock import VirtualClock
from segue.contract import Channel
from segue.contract.fake import FakeConnector, FakeOffers
from segue.contract.fake_audience import FakeAudiences, FakePlatform
from segue.contract.fake_print import FakePrint
from segue.journeys.definition import Brief
from segue.journeys.popup_invite import PopupInviteBrief
from segue.journeys.retargeting import RetargetingBrief
from segue.outbox.connectors import Connectors
from segue.render import Library
from segue.service import Segue, open_segue
from segue.settings import House, Loyalty, Settings
from segue.store.engine import read
from segue.store.tables import cart, identifier, loyalty_entry, message, order, referral_code
from segue.store.types import UtcTime
from tests.shops.files import MAPPING, catalogue, opening, told, write_calls, write_table
from tests.shops.recorded import Played, Stretch, Wire
from tests.shops.story import END, START, Fact, Story, facts_of, guest, mailbox, phone

_CODE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}\b")
#: All that run by themselves; a campaign is somebody's decision.
JOURNEYS = (
    "abandoned_cart",
    "loyalty_notice",
    "order_confirmation",
    "popup_invite",
    "referral_followup",
    "retargeting",
    "style_followup",
    "welcome_insert",
)
#: Fewer days of waves play faster and show as much.
_BRIEFS: dict[str, Brief] = {"popup_invite": PopupInviteBrief(days_before=3)}
_SYNC_EVERY = timedelta(days=4)


def prepare(url: str, folder: Path) -> Library:
    """Make the database at `url` that of a shop with a catalogue and all journeys on; return the templates."""
    with _opened(url, folder, VirtualClock(START), None) as segue:
        segue.install()
        table = folder / "catalogue.csv"
        write_table(table, catalogue())
        _take_in(segue, table, MAPPING)
        for journey in JOURNEYS:
            segue.switch_on(journey)
        return segue.library


def play(story: Story, url: str, folder: Path, library: Library) -> Played:
    """Play a story on a prepared database."""
    return _Player(story, url, folder, library).play()


@contextmanager
def _opened(url: str, folder: Path, clock: VirtualClock, connectors: Connectors | None) -> Iterator[Segue]:
    settings = Settings(
        home=folder / "home",
        database_url=url,
        secret_key="the secret of the random shops",  # type: ignore[arg-type]
        outbox=folder / "outbox",
        print_folder=folder / "print",
        holdout_journey=0.05,
        house=House(loyalty=Loyalty(starts_on=date(2025, 1, 1))),
    )
    with open_segue(settings, clock, connectors=connectors) as segue:
        yield segue


def _take_in(segue: Segue, path: Path, mapping: Path | None = None) -> None:
    report = segue.import_file(path, mapping)
    wrong = {why: lines for why, lines in report.skipped.items() if why != "nobody"}
    assert not wrong, f"the story's own file was not understood: {wrong}"


class _Player:
    def __init__(self, story: Story, url: str, folder: Path, library: Library) -> None:
        self._story, self._url, self._folder, self._library = story, url, folder, library
        self._clock = VirtualClock(START)
        self._wire = Wire(self._clock, story.trouble)
        self._offers = FakeOffers()
        self._platform = FakePlatform()
        talk = FakeConnector(wire=self._wire, channels=frozenset({Channel.EMAIL, Channel.SMS}), name="fake_talk")
        paper = FakePrint(folder=folder / "print", wire=self._wire, name="fake_print")
        self._connectors = Connectors(
            by_channel={Channel.EMAIL: talk, Channel.SMS: talk, Channel.PRINT: paper},
            offers=self._offers,
            audiences={"fake": FakeAudiences(platform=self._platform)},
        )
        self._played = Played(story, complete(story))
        self._codes: defaultdict[str, list[str]] = defaultdict(list)
        self._synced_at = START - _SYNC_EVERY
        self._seen = 0
        self._told_at = START
        self._printed = 0

    def play(self) -> Played:
        with _opened(self._url, self._folder, self._clock, self._connectors) as segue:
            segue.library = self._library
            rows, calls = opening(self._story)
            self._import(segue, "opening", rows, calls)
            for known_at, facts in groupby(self._played.facts, lambda one: one.known_at):
                self._until(segue, known_at)
                self._import(segue, f"{known_at:%m%d%H}", *told(list(facts), self._codes_for(segue)))
            self._until(segue, END)
            self._sum_up(segue)
        return self._played

    def _import(self, segue: Segue, name: str, rows: list[dict[str, Any]], calls: list[dict[str, Any]]) -> None:
        if rows:
            write_table(table := self._folder / f"{name}.csv", rows)
            _take_in(segue, table, MAPPING)
        if calls:
            write_calls(lines := self._folder / f"{name}.jsonl", calls)
            _take_in(segue, lines)

    def _until(self, segue: Segue, at: datetime) -> None:
        segue.play(at, briefs=_BRIEFS, progress=lambda now: self._each_tick(segue, now))
        self._print(segue)
        audiences, points = None, None
        looks = at == END or at - self._synced_at >= _SYNC_EVERY
        if looks:
            self._synced_at = at
            segue.sync_audiences(RetargetingBrief())
            names = ((name, self._platform.audience_called(name)) for name in list(self._platform._names))
            audiences = {name: self._platform.held(one) for name, one in names if one is not None}
            segue.book_points()
        handed, self._seen = self._wire.handed[self._seen :], len(self._wire.handed)
        with read(segue.engine) as connection:
            names_ = connection.execute(
                select(identifier.c.value, identifier.c.profile_id).where(identifier.c.kind.in_(("shop", "email")))
            )
            root = dict(names_.tuples().all())
            owner = dict(connection.execute(select(message.c.key, message.c.profile_id)).tuples().all())
            if looks:
                points = _points(connection, at)
            self._played.sums[at] = self._states(connection)
        self._played.stretches.append(
            Stretch(self._told_at, at, handed, root, owner, points, audiences, frozenset(self._offers.withdrawn))
        )
        self._told_at = at
        for one in handed:
            self._codes[one.address].extend(_CODE.findall(one.text))

    def _each_tick(self, segue: Segue, now: datetime) -> None:
        self._print(segue)
        with read(segue.engine) as connection:
            self._played.sums[now] = self._states(connection)

    def _print(self, segue: Segue) -> None:
        """The pick wave comes right after what was spooled."""
        spooled = sum(one.channel == "print" for one in self._wire.handed)
        if spooled != self._printed:
            self._printed = spooled
            segue.print_run()

    @staticmethod
    def _states(connection: Connection) -> dict[tuple[str, str], int]:
        rows = connection.execute(
            select(message.c.journey, message.c.state, func.count()).group_by(message.c.journey, message.c.state)
        )
        return {(row[0], row[1]): int(row[2]) for row in rows}

    def _codes_for(self, segue: Segue) -> Any:
        """An order names a code that its buyer was told, another one's, or none; perhaps a friend's code, too."""
        with read(segue.engine) as connection:
            friends = sorted(connection.scalars(select(referral_code.c.code)))

        def codes(fact: Fact) -> tuple[str | None, str | None]:
            which = fact.data["which"]
            mine = self._codes.get(fact.data["address"], [])
            anybody = [code for told_to in self._codes.values() for code in told_to]
            code = None
            if which in (0, 1, 2) and mine:
                code = mine[-1]
            elif which == 3 and anybody:
                code = anybody[0]
            return code, friends[which % len(friends)] if friends and which > 2 else None

        return codes

    def _sum_up(self, segue: Segue) -> None:
        played = self._played
        for journey in JOURNEYS:
            summary = segue.journey_summary(journey)
            played.summaries[journey] = {
                "considered": summary.considered,
                **{
                    group: summary.count(group)
                    for group in ("accepted", "pending", "uncertain", "rejected", "skipped", "control")
                },
            }
        played.vouchers = dict(self._offers.published)
        played.redeemed = segue.codes().redeemed
        with read(segue.engine) as connection:
            played.carts = dict(connection.execute(select(cart.c.id, cart.c.external_id)).tuples().all())
            played.orders = dict(connection.execute(select(order.c.id, order.c.external_id)).tuples().all())


def _points(connection: Connection, at: datetime) -> dict[int, tuple[int, int]]:
    """The sums of the ledger: what counts by `at`, and what is pending."""
    counts = loyalty_entry.c.counts_from <= literal(at, UtcTime)
    sums = select(
        loyalty_entry.c.profile_id,
        func.coalesce(func.sum(loyalty_entry.c.points).filter(counts), 0),
        func.coalesce(func.sum(loyalty_entry.c.points).filter(~counts), 0),
    ).group_by(loyalty_entry.c.profile_id)
    return {row[0]: (int(row[1]), int(row[2])) for row in connection.execute(sums)}


def complete(story: Story) -> list[Fact]:
    """The facts, each with the address it is about."""
    facts = facts_of(story)
    by_order = {one.data["order"]: one for one in facts if one.kind == "order"}
    for fact in facts:
        number = int(fact.who.partition("@")[0][1:])
        is_guest = "@" in fact.who
        fact.data["address"] = fact.who if is_guest else mailbox(story.people, number)
        if fact.kind == "suppress" and fact.data["what"] == "stop":
            fact.data["address"] = phone(story.people, number)
        if fact.kind == "merge":
            fact.who = f"u{number}"
            fact.data["address"] = guest(number)
        if fact.kind == "refund":
            fact.data["skus"] = by_order[fact.data["order"]].data["skus"]
    return facts
