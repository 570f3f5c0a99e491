"""A scratch database to rehearse in: the installation's rules and secret, a clock of its own, and nobody to talk to."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import event, select

from segue.clock import Clock, VirtualClock
from segue.contract import Channel
from segue.contract.fake import Answer, FakeConnector, FakeOffers, FakeWire
from segue.contract.types import Message
from segue.gallery.calendar_played import PlannedRun
from segue.installation import Installation
from segue.journeys.campaign import JOURNEY as CAMPAIGN
from segue.journeys.definition import Brief, Journey, Moment
from segue.journeys.welcome_insert import BEFORE_THE_WAVE
from segue.outbox.connectors import Connectors
from segue.outbox.report import next_due_at
from segue.outbox.states import ALL_BUCKETS, PENDING
from segue.service.running import RunVerbs
from segue.store.engine import read
from segue.store.migrate import migrate
from segue.store.tables import message

#: Due times are rounded up to steps, as a schedule would; one of them is the last call before the pick wave.
STEP: Final = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Scratch(RunVerbs):
    """A database of its own for one rehearsal, with the installation's rules and secret, and nobody to talk to."""

    def __init__(
        self,
        like: Installation,
        home: Path,
        clock: Clock,
        journeys: Mapping[str, Journey],
        seed: int,
        briefs: Mapping[str, Brief],
        planned: Sequence[PlannedRun] = (),
    ) -> None:
        settings = like.settings.model_copy(
            update={
                "home": home,
                "outbox": home / "outbox",
                "print_folder": home / "print",
                "database_url": "",
                "holdout_salt": f"{like.settings.holdout_salt} rehearsal {seed}"
                if seed
                else like.settings.holdout_salt,
                # One process works on it, and a busy machine must change nothing.
                "lease_ttl": timedelta(hours=6),
                "judgement_max_age": timedelta(hours=6),
            }
        )
        super().__init__(settings, clock, connectors=_nobody(), probe=lambda _name: None)
        self._like = like
        self._chosen = journeys
        self._briefs = {name: briefs.get(name) or journey.brief() for name, journey in journeys.items()}
        self._planned = deque(planned)
        #: When each journey was asked last.
        self._asked_at = dict.fromkeys(journeys, _EPOCH)

    @cached_property
    def secret(self) -> bytes:
        """The installation's: addresses that are suppressed must be recognised."""
        return self._like.secret

    @cached_property
    def journeys(self) -> Mapping[str, Journey]:
        """Those that are rehearsed."""
        return self._chosen

    def moment_of(self, journey: Journey) -> Moment:
        """The moment at which `journey` is asked now."""
        return self._moment(journey)

    def brief_of(self, journey: Journey) -> Brief:
        """What `journey` is rehearsed with."""
        return self._briefs[journey.name]

    def make(self) -> None:
        """Make the database. A rehearsal that dies is begun anew, so nothing waits for the disk."""
        event.listen(self.engine, "connect", _no_waiting)
        migrate(self.engine, buckets=ALL_BUCKETS)

    def play_steps(self, clock: VirtualClock, until: datetime, *, facts_came: bool) -> None:
        """Play from step to step until `until`, asking at each the journeys that said they would want something.

        `RunVerbs.play` in the stride of a schedule. Where new facts came, every journey is asked first.
        """
        dues: dict[str, datetime | None] = {}
        waking, moved = (self._woken_by_facts() if facts_came else set()), set(self.journeys)
        while True:
            for name in self.journeys:
                if name in waking:
                    self._asked_at[name] = clock.now()
                    self.start_run(self.journeys[name], self._briefs[name])
            self._start_planned()
            moved |= waking | self._with_ready()
            self.drain_ready()
            for name, due in self._next_dues(moved).items():
                # What a journey has said once it will want still, until it was asked then.
                dues[name] = min((at for at in (due, dues.get(name)) if at is not None), default=None)
            soonest = min(
                (due for due in (self._waiting(), self._next_planned(), *dues.values()) if due is not None),
                default=None,
            )
            if soonest is None or (at := _on_step(soonest, self.settings.pick_wave)) >= until:
                return
            clock.set(at)
            waking, moved = {name for name, due in dues.items() if due is not None and due <= at}, set()
            dues |= dict.fromkeys(waking)
            waking |= set(self._preparing(at))

    def _woken_by_facts(self) -> set[str]:
        """No fact starts a campaign: somebody decides when."""
        return set(self.journeys) - {CAMPAIGN.name}

    def _start_planned(self) -> None:
        """Start the campaigns whose hour has come."""
        while self._planned and self._planned[0].at <= self.clock.now():
            brief = self._planned.popleft().brief
            self.start_run(CAMPAIGN.under(brief), brief)

    def _next_planned(self) -> datetime | None:
        return self._planned[0].at if self._planned else None

    def _preparing(self, at: datetime) -> Iterator[str]:
        """Journeys that write facts before they ask who is due, once it is time: what they write nobody can foresee."""
        for name, journey in self.journeys.items():
            if journey.prepare is not None and at - self._asked_at[name] >= journey.prepares_every:
                yield name

    def _next_dues(self, names: Collection[str]) -> dict[str, datetime | None]:
        """When each of these journeys wants something next. Facts stand still while we play, so other words hold."""
        now = self.clock.now()
        asked = [(self.journeys[name], self._moment(self.journeys[name])) for name in names]
        with read(self.engine) as connection:
            found: dict[str, datetime | None] = {}
            for journey, moment in asked:
                times = [connection.scalar(step.next_due(moment, self._briefs[journey.name])) for step in journey.steps]
                found[journey.name] = min((at for at in times if at is not None and at > now), default=None)
            return found

    def _waiting(self) -> datetime | None:
        """When the first message that waits is looked at again."""
        with read(self.engine) as connection:
            return next_due_at(connection, (), now=self.clock.now())

    def _with_ready(self) -> set[str]:
        """Journeys with a message that is about to be judged: what they want next may hang on it."""
        ready = select(message.c.journey).where(message.c.state.in_(PENDING), message.c.not_before <= self.clock.now())
        with read(self.engine) as connection:
            return set(connection.scalars(ready.distinct())) & set(self.journeys)


class Stack:
    """The scratch databases of one rehearsal, closed with it."""

    def __init__(self, like: Installation, folder: Path, seed: int, briefs: Mapping[str, Brief]) -> None:
        self._like, self._folder, self._seed, self._briefs = like, folder, seed, briefs
        self._opened: list[Scratch] = []

    def open(
        self, name: str, clock: Clock, journeys: Mapping[str, Journey], planned: Sequence[PlannedRun] = ()
    ) -> Scratch:
        """Make an empty one; in it `planned` campaigns are started at their instants, the soonest first."""
        made = Scratch(self._like, self._folder / name, clock, journeys, self._seed, self._briefs, planned)
        self._opened.append(made)
        made.make()
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for one in self._opened:
            one.close(failed=exception[0] is not None)


class _Silence(FakeWire):
    """A provider that takes everything and keeps nothing."""

    def take(self, message: Message) -> Answer:  # noqa: ARG002 - nothing is kept
        return "ok"


def _nobody() -> Connectors:
    wire = _Silence()
    carrier = FakeConnector(wire=wire, name="rehearsal")
    channels = (Channel.EMAIL, Channel.SMS, Channel.PRINT)
    return Connectors(by_channel=dict.fromkeys(channels, carrier), offers=FakeOffers(name="rehearsal"), audiences={})


def _no_waiting(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.execute("PRAGMA foreign_keys=OFF")  # a parcel's news may be known before its order is
    cursor.close()


def _on_step(at: datetime, wave: str) -> datetime:
    """The first step at or after `at`; `wave` is the warehouse's hour, e.g. 14:00."""
    first = _EPOCH + (timedelta(minutes=int(wave[3:])) if wave else timedelta(0)) - BEFORE_THE_WAVE
    return first + STEP * -((first - at) // STEP)
