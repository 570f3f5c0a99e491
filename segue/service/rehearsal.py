"""Rehearsing: a period's facts played again in a scratch database, on a virtual clock and without a network.

`rehearse` reads the installation, never writes to it, and returns a calendar of who would get what when.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from sqlalchemy import event, select

from segue.clock import Clock, VirtualClock
from segue.contract import Channel
from segue.contract.fake import Answer, FakeConnector, FakeOffers, FakeWire
from segue.contract.types import Message
from segue.gallery.calendar import OUTCOMES, Calendar, Day, read_calendar
from segue.gallery.calendar_page import OUTCOME_WORDS, calendar_html, reasons
from segue.installation import Installation
from segue.intake import IntakeError, files_of, is_leaflet
from segue.journeys.definition import Journey
from segue.journeys.welcome_insert import BEFORE_THE_WAVE
from segue.outbox.connectors import Connectors
from segue.outbox.frame import uncapped
from segue.outbox.report import next_due_at
from segue.outbox.states import ALL_BUCKETS, PENDING
from segue.render import load_brand
from segue.service.running import RunVerbs
from segue.store.engine import read
from segue.store.migrate import migrate
from segue.store.replay import Span, copy_facts
from segue.store.tables import journey_state, message

#: Due times are rounded up to steps, as a schedule would; one of them is the last call before the pick wave.
STEP: Final = timedelta(minutes=15)
LONGEST: Final = 366
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR = timedelta(weeks=52)
#: Files are read as if long after the period, so that nothing in them looks as if it was told late.
_LONG_AFTER = timedelta(days=30)
#: Files name each other's rows, in whatever order they come; reading one again adds what it named in vain before.
_READINGS: Final = 4

Told = Callable[[str, int, int], None]
"""`(what is being done, how much of it is, of how much)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What to rehearse."""

    #: The first day, in the shop's own zone.
    since: date
    days: int = 60
    #: Names; none means those that are switched on.
    journeys: tuple[str, ...] = ()
    #: Another seed holds other people back to measure; 0 the very ones that the installation holds back.
    seed: int = 0
    #: The day on which the facts begin; None: the same day if the period is over, else 52 weeks earlier.
    facts_from: date | None = None
    #: A folder of files to take instead of the installation's facts of the period.
    facts: Path | None = None
    #: People and reasons listed for each day.
    listed: int = 20

    def span(self, zone: ZoneInfo, now: datetime) -> Span:
        """Where the facts lie, and how far they are moved. Raises ValueError for days that make no period."""
        if not 1 <= self.days <= LONGEST:
            raise ValueError(f"a rehearsal lasts 1 to {LONGEST} days; {self.days} were asked for")
        start, end = (
            datetime.combine(self.since + timedelta(days=days), time(), tzinfo=zone).astimezone(UTC)
            for days in (0, self.days)
        )
        if self.facts_from is not None:
            shift = timedelta(weeks=round((self.since - self.facts_from).days / 7))
        elif self.facts is not None:
            shift = timedelta(0)
        else:
            shift = _YEAR * max(0, -((now - end) // _YEAR))
        return Span(since=start - shift, until=end - shift, shift=shift, zone=zone)


def rehearse(segue: Installation, asked: Rehearsal, told: Told = lambda _what, _done, _whole: None) -> Calendar:
    """Play `asked` and return its calendar; the installation is read and never written.

    Raises ValueError where nothing can be rehearsed, KeyError for a journey nobody installed, and what intake raises
    about files.
    """
    segue.check_secret()
    chosen, live_from = _journeys(segue, asked.journeys)
    zone = ZoneInfo(segue.settings.home_zone)
    span = asked.span(zone, segue.clock.now())
    names = list(chosen)
    outside = uncapped(segue.journeys.values())
    end = span.until + span.shift
    with tempfile.TemporaryDirectory(prefix="segue-rehearsal-") as folder, _Stack(segue, Path(folder), asked) as stack:
        told("Copying what is known at the start", 0, 1)
        source = segue.engine
        if asked.facts is not None:
            before = Span(since=span.since, until=span.since, shift=timedelta(0), zone=zone)
            read_in = stack.open("facts", VirtualClock(span.until + _LONG_AFTER), segue.journeys)
            copy_facts(source, read_in.engine, before, journeys=names, outside=outside)
            _import_folder(read_in, asked.facts, told)
            source = read_in.engine
        clock = VirtualClock(span.start)
        scratch = stack.open("scratch", clock, chosen)
        coming = copy_facts(source, scratch.engine, span, journeys=names, outside=outside)
        for name in names:
            since = live_from.get(name)
            # It answers facts from before the start only if it was live by then: history is not news.
            scratch.switch_on(name, min(since + span.shift, span.start) if since is not None else span.start)
        days = (end - span.start).days
        stops = [span.start, *(at for at in coming.instants() if span.start < at < end), end]
        for stop, ahead in pairwise(stops):
            told("Playing", (stop - span.start).days, days)
            clock.set(stop)
            scratch.play_steps(clock, ahead, facts_came=coming.feed(stop) or stop == span.start)
        told("Playing", days, days)
        return read_calendar(
            scratch.engine,
            since=asked.since,
            days=asked.days,
            start=span.start,
            zone=segue.settings.home_zone,
            shift=span.shift,
            journeys=tuple(names),
            listed=asked.listed,
        )


def write_calendar(segue: Installation, calendar: Calendar, folder: Path) -> Path:
    """Write the calendar's page into `folder`, replacing an earlier one of the same period; return the file."""
    file = folder / f"{calendar.since}-{len(calendar.days)}-days.html"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(calendar_html(calendar, load_brand(segue.settings.brand)), "utf-8", newline="\n")
    return file


def _journeys(segue: Installation, names: Sequence[str]) -> tuple[dict[str, Journey], dict[str, datetime]]:
    """The journeys to play, in the installation's order, and since when those that are on have been."""
    with read(segue.engine) as connection:
        live: dict[str, datetime] = {
            row.journey: row.live_from
            for row in connection.execute(select(journey_state.c.journey, journey_state.c.live_from))
        }
    wanted = set(names) or set(live) & set(segue.journeys)
    if unknown := wanted - set(segue.journeys):
        raise KeyError(
            f"there is no journey {', '.join(sorted(unknown))}; installed are {', '.join(sorted(segue.journeys))}"
        )
    if not wanted:
        raise ValueError(
            "no journey is switched on here, so nothing would be said; name some with --journeys, e.g. "
            + ",".join(sorted(segue.journeys)[:2])
        )
    return {name: segue.journeys[name] for name in sorted(wanted)}, live


class _Scratch(RunVerbs):
    """A database of its own for one rehearsal, with the installation's rules and secret, and nobody to talk to."""

    def __init__(
        self, like: Installation, home: Path, clock: Clock, journeys: Mapping[str, Journey], seed: int
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

    @cached_property
    def secret(self) -> bytes:
        """The installation's: addresses that are suppressed must be recognised."""
        return self._like.secret

    @cached_property
    def journeys(self) -> Mapping[str, Journey]:
        """Those that are rehearsed."""
        return self._chosen

    def make(self) -> None:
        """Make the database. A rehearsal that dies is begun anew, so nothing waits for the disk."""
        event.listen(self.engine, "connect", _no_waiting)
        migrate(self.engine, buckets=ALL_BUCKETS)

    def play_steps(self, clock: VirtualClock, until: datetime, *, facts_came: bool) -> None:
        """Play from step to step until `until`, asking at each the journeys that said they would want something.

        `RunVerbs.play` in the stride of a schedule. Where new facts came, every journey is asked first.
        """
        dues: dict[str, datetime | None] = {}
        waking, moved = (set(self.journeys) if facts_came else set()), set(self.journeys)
        while True:
            for name in self.journeys:
                if name in waking:
                    self.start_run(self.journeys[name], self.journeys[name].brief())
            moved |= waking | self._with_ready()
            self.drain_ready()
            for name, due in self._next_dues(moved).items():
                # What a journey has said once it will want still, until it was asked then.
                dues[name] = min((at for at in (due, dues.get(name)) if at is not None), default=None)
            soonest = min((due for due in (self._waiting(), *dues.values()) if due is not None), default=None)
            if soonest is None or (at := _on_step(soonest, self.settings.pick_wave)) >= until:
                return
            clock.set(at)
            waking, moved = {name for name, due in dues.items() if due is not None and due <= at}, set()
            dues |= dict.fromkeys(waking)
            # What such a journey writes before it asks who is due, nobody can foresee.
            waking |= {name for name, journey in self.journeys.items() if journey.prepare is not None}

    def _next_dues(self, names: Collection[str]) -> dict[str, datetime | None]:
        """When each of these journeys wants something next. Facts stand still while we play, so other words hold."""
        now = self.clock.now()
        asked = [(self.journeys[name], self._moment(self.journeys[name])) for name in names]
        with read(self.engine) as connection:
            found: dict[str, datetime | None] = {}
            for journey, moment in asked:
                times = [connection.scalar(step.next_due(moment, journey.brief())) for step in journey.steps]
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


class _Stack:
    """The scratch databases of one rehearsal, closed with it."""

    def __init__(self, like: Installation, folder: Path, asked: Rehearsal) -> None:
        self._like, self._folder, self._asked = like, folder, asked
        self._opened: list[_Scratch] = []

    def open(self, name: str, clock: Clock, journeys: Mapping[str, Journey]) -> _Scratch:
        made = _Scratch(self._like, self._folder / name, clock, journeys, self._asked.seed)
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


def _import_folder(into: _Scratch, folder: Path, told: Told) -> None:
    """Read every file of a folder by the order of their names; a TOML file beside a table is its mapping."""
    if not folder.is_dir():
        raise IntakeError(f"there is no folder {folder}; name one that holds the files to rehearse")
    files = sorted(
        one for one in folder.iterdir() if one.is_file() and one.suffix != ".toml" and not one.name.startswith(".")
    )
    if not files:
        raise IntakeError(f"the folder {folder} holds no file to rehearse")
    for _ in range(_READINGS):
        new = 0
        for place, file in enumerate(files):
            told(f"Reading {file.name}", place, len(files))
            mapping = file.with_name(f"{file.name.partition('.')[0]}.toml")
            with files_of(file) as found:
                for one in found:
                    if not is_leaflet(one):
                        report = into.import_file(one, mapping if mapping.is_file() else None)
                        new += sum(report.taken.values())
        if not new:  # reading again found nothing that had waited for another file
            return


def _no_waiting(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.execute("PRAGMA foreign_keys=OFF")  # a parcel's news may be known before its order is
    cursor.close()


def _on_step(at: datetime, wave: str) -> datetime:
    """The first step at or after `at`; `wave` is the warehouse's hour, e.g. 14:00."""
    first = _EPOCH + (timedelta(minutes=int(wave[3:])) if wave else timedelta(0)) - BEFORE_THE_WAVE
    return first + STEP * -((first - at) // STEP)


__all__ = ["OUTCOMES", "OUTCOME_WORDS", "Calendar", "Day", "Rehearsal", "reasons", "rehearse", "write_calendar"]
