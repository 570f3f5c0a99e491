"""Ad audiences in a rehearsal: brought in line once an evening, at a platform that takes everything and keeps nothing.

The very sync that a platform is kept in line with, over the scratch database's own books. The schedule syncs every
hour; a rehearsal, at the last of a day's hours, since an audience is as it is found then: who comes and goes again
within one day is not seen. The first sync, before the first day, says who is in from the start.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select

from segue.audiences.plan import IN
from segue.audiences.report import AudienceLine
from segue.audiences.rule import Judge
from segue.audiences.sync import AudienceSync
from segue.clock import VirtualClock
from segue.contract import AudienceChange, Capabilities, Result, accepted
from segue.gallery.calendar_audiences import AudienceDay, AudienceMove
from segue.journeys.retargeting import JOURNEY, Name, RetargetingBrief
from segue.policy import Reason
from segue.service.scratch import Scratch
from segue.store.engine import read
from segue.store.tables import audience, audience_member, cart, cart_event

#: The last of a day's syncs as the deployment's schedule has them, by the shop's own clock.
EVENING: Final = time(23, 7)
_CART: Final[Name] = "cart"
#: No rule names her any more.
_NOT_NAMED: Final = "not_considered"
_BOOKS = select(audience.c.name, audience_member.c.profile_id, audience_member.c.state, audience_member.c.reason).join(
    audience, audience.c.id == audience_member.c.audience_id
)
_Books = dict[int, tuple[str, str | None]]
"""State and reason of everybody who is, or was, in an audience."""


class Mirrored:
    """The audiences of one rehearsal; `days` and `moves` grow as it is played."""

    def __init__(self, scratch: Scratch, brief: RetargetingBrief, zone: ZoneInfo) -> None:
        self._scratch, self._brief, self._zone = scratch, brief, zone
        self._clock = VirtualClock(scratch.clock.now())
        taker = _Taker()
        self._syncs = AudienceSync(
            scratch.engine,
            connectors={taker.name: taker},
            judge=Judge.of(scratch.rules, scratch.secret),
            clock=self._clock,
            lease_ttl=scratch.settings.lease_ttl,  # a machine that stood still for a while must change nothing
        )
        self.days: list[AudienceDay] = []
        self.moves: list[AudienceMove] = []
        self._members: defaultdict[str, set[int]] = defaultdict(set)
        self._synced_at = self._clock.now()
        self._sync()

    def play(self, since: datetime, until: datetime) -> None:
        """Sync on every evening from `since` to `until`; what is known by then is in the database already."""
        for evening in _evenings(since, until, self._zone):
            self._clock.set(evening)
            self.days += self._sync()

    def _sync(self) -> list[AudienceDay]:
        """Sync, note who came and went, and return each audience as it is now against the last time."""
        now = self._clock.now()
        report = self._syncs.sync(replace(self._scratch.moment_of(JOURNEY), now=now), self._brief)
        if report.busy or report.problems:
            raise RuntimeError(f"ad audiences could not be rehearsed: {'; '.join(report.problems) or 'busy'}")
        books: defaultdict[str, _Books] = defaultdict(dict)
        with read(self._scratch.engine) as connection:
            for name, profile_id, state, reason in connection.execute(_BOOKS):
                books[name][profile_id] = (state, reason)
            since, self._synced_at = self._synced_at, now
            buyers = set(connection.scalars(_emptied(since, now)))
        return [self._note(line, books[line.audience], now, buyers) for line in report.lines]

    def _note(self, line: AudienceLine, books: _Books, now: datetime, buyers: set[int]) -> AudienceDay:
        before = self._members[line.audience]
        members = self._members[line.audience] = {one for one, (state, _) in books.items() if state == IN}
        has_bought = buyers if line.audience == _CART else set[int]()
        went = {one: _why(books[one][1], has_bought=one in has_bought) for one in before - members}
        moves = [*dict.fromkeys(members - before).items(), *went.items()]
        self.moves += [AudienceMove(at=now, audience=line.audience, profile_id=one, reason=why) for one, why in moves]
        return AudienceDay(
            day=now.astimezone(self._zone).date(),
            audience=line.audience,
            title=line.title,
            came=len(members - before),
            went=dict(sorted(Counter(went.values()).items())),
            stayed=len(members & before),
            left_out=dict(line.out),
            control=line.control,
        )


class _Taker:
    """A platform that takes everything and keeps nothing."""

    name = "rehearsal"
    fields: tuple[str, ...] = ("email", "phone")
    capabilities = Capabilities(max_batch=10_000, window=10_000, idempotent=True)

    def ensure(self, name: str, description: str) -> str:  # noqa: ARG002 - nothing is shown anywhere
        return name

    def sync(self, change: AudienceChange) -> Iterator[Result]:
        return (accepted(key) for key, _ in (*change.remove, *change.add))

    def close(self) -> None:
        pass


def _why(reason: str | None, *, has_bought: bool) -> str:
    """In a calendar's words: whom no rule names any more was not lost, and a cart that was ordered is none."""
    if reason not in (None, Reason.OCCASION_GONE):
        return str(reason)
    return str(Reason.CONVERTED) if has_bought else _NOT_NAMED


def _emptied(since: datetime, until: datetime) -> Select[tuple[int]]:
    """Whose cart was ordered in between."""
    at = cart_event.c.occurred_at
    return (
        select(cart.c.profile_id)
        .join(cart_event, cart_event.c.cart_id == cart.c.id)
        .where(cart_event.c.kind == "ordered", at > since, at <= until)
    )


def _evenings(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    day = since.astimezone(zone).date()
    while (evening := datetime.combine(day, EVENING, zone).astimezone(since.tzinfo)) < until:
        if evening >= since:
            yield evening
        day += timedelta(days=1)
