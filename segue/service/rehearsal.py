"""Rehearsing: a period's facts played again in a scratch database, on a virtual clock and without a network.

`rehearse` reads the installation, never writes to it, and returns a calendar of who would get what when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final, cast
from zoneinfo import ZoneInfo

from sqlalchemy import select

from segue.clock import VirtualClock
from segue.gallery.calendar import OUTCOMES, Calendar, Day, Entry
from segue.gallery.calendar_audiences import (
    AUDIENCES_PLAYED,
    AudienceDay,
    audience_sums,
    move_said,
    moves_on,
    whys_said,
)
from segue.gallery.calendar_page import OUTCOME_WORDS, calendar_html, changes_said, reasons
from segue.gallery.calendar_played import PlannedRun, campaigns_said, played_said
from segue.gallery.calendar_reading import read_calendar
from segue.gallery.calendar_rules import rule_lines
from segue.installation import Installation
from segue.journeys.campaign import JOURNEY as CAMPAIGN
from segue.journeys.definition import Brief, Journey
from segue.journeys.retargeting import JOURNEY as RETARGETING
from segue.journeys.retargeting import RetargetingBrief
from segue.outbox.frame import uncapped
from segue.render import load_brand
from segue.service.expected import LONG_AFTER, Told, files_in, own_facts, read_files
from segue.service.mirrored import Mirrored
from segue.service.scratch import Scratch, Stack
from segue.service.scratch_folder import scratch_folder
from segue.store.copying import Span
from segue.store.engine import read
from segue.store.replay import copy_facts
from segue.store.tables import journey_state

LONGEST: Final = 366
_YEAR = timedelta(weeks=52)


class RehearsalError(ValueError):
    """Nothing can be rehearsed as it was asked; the text says why and what to do, without personal data."""


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
    #: What is saved for journeys, by name; the others are played as the code has them. None: nobody was asked.
    briefs: Mapping[str, Brief] | None = None
    #: Campaigns to start, the soonest first. None: nobody asked which are planned.
    planned: Sequence[PlannedRun] | None = None

    def plays(self, journey: str) -> bool:
        """Whether `journey` may be played: it was named, or nothing was."""
        return not self.journeys or journey in self.journeys

    def period(self, segue: Installation) -> tuple[datetime, datetime]:
        """The first instant, and the one at which it is over."""
        span = self.span(ZoneInfo(segue.settings.home_zone), segue.clock.now())
        return span.start, span.until + span.shift

    def span(self, zone: ZoneInfo, now: datetime) -> Span:
        """Where the facts lie, and how far they are moved. Raises RehearsalError for days that make no period."""
        if not 1 <= self.days <= LONGEST:
            raise RehearsalError(f"a rehearsal lasts 1 to {LONGEST} days; {self.days} were asked for")
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

    Raises RehearsalError where nothing can be rehearsed, and IntakeError about the files of expected facts.
    """
    segue.check_secret()
    files = files_in(asked.facts) if asked.facts is not None else []
    chosen, live_from = _journeys(segue, asked)
    zone = ZoneInfo(segue.settings.home_zone)
    span = asked.span(zone, segue.clock.now())
    names = list(chosen)
    outside = uncapped(segue.journeys.values())
    end = span.until + span.shift
    planned = [one for one in asked.planned or () if CAMPAIGN.name in chosen and span.start <= one.at < end]
    with (
        scratch_folder(segue.settings.home) as folder,
        Stack(segue, folder, asked.seed, asked.briefs or {}) as stack,
    ):
        told("Copying what is known at the start", 0, 1)
        source = segue.engine
        notes = () if files else own_facts(source, span)
        if files:
            before = Span(since=span.since, until=span.since, shift=timedelta(0), zone=zone)
            read_in = stack.open("facts", VirtualClock(span.until + LONG_AFTER), segue.journeys)
            copy_facts(source, read_in.engine, before, journeys=names, outside=outside)
            source, notes = read_in.engine, read_files(read_in, files, span, told)
        clock = VirtualClock(span.start)
        scratch = stack.open("scratch", clock, chosen, planned)
        coming = copy_facts(source, scratch.engine, span, journeys=names, outside=outside)
        for name in names:
            since = live_from.get(name)
            # It answers facts from before the start only if it was live by then: history is not news.
            scratch.switch_on(name, min(since + span.shift, span.start) if since is not None else span.start)
        mirrored = _mirrored(scratch, zone)
        days = (end - span.start).days
        stops = [span.start, *(at for at in coming.instants() if span.start < at < end), end]
        for stop, ahead in pairwise(stops):
            told("Playing", (stop - span.start).days, days)
            clock.set(stop)
            scratch.play_steps(clock, ahead, facts_came=coming.feed(stop) or stop == span.start)
            if mirrored is not None:
                mirrored.play(stop, ahead)
        told("Playing", days, days)
        campaigns = campaigns_said(
            None if asked.planned is None else planned, segue.settings.home_zone, wanted=asked.plays(CAMPAIGN.name)
        )
        return read_calendar(
            scratch.engine,
            secret=segue.secret,
            since=asked.since,
            days=asked.days,
            start=span.start,
            zone=segue.settings.home_zone,
            shift=span.shift,
            titles={name: journey.title for name, journey in chosen.items() if journey.steps},
            listed=asked.listed,
            notes=notes,
            played=f"{played_said(chosen, asked.briefs)} {campaigns}",
            audiences=mirrored.days if mirrored is not None else (),
            moves=mirrored.moves if mirrored is not None else (),
        )


def _mirrored(scratch: Scratch, zone: ZoneInfo) -> Mirrored | None:
    """The ad audiences, where they are rehearsed."""
    if RETARGETING.name not in scratch.journeys:
        return None
    return Mirrored(scratch, cast("RetargetingBrief", scratch.brief_of(RETARGETING)), zone)


def write_calendar(segue: Installation, calendar: Calendar, folder: Path) -> Path:
    """Write the calendar's page into `folder`, replacing an earlier one of the same period; return the file."""
    file = folder / f"{calendar.since}-{len(calendar.days)}-days.html"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(calendar_html(calendar, load_brand(segue.settings.brand)), "utf-8", newline="\n")
    return file


def _journeys(segue: Installation, asked: Rehearsal) -> tuple[dict[str, Journey], dict[str, datetime]]:
    """The journeys to play, in the installation's order, and since when those that are on have been."""
    with read(segue.engine) as connection:
        live: dict[str, datetime] = {
            row.journey: row.live_from
            for row in connection.execute(select(journey_state.c.journey, journey_state.c.live_from))
        }
    wanted = set(asked.journeys) or set(live) & set(segue.journeys)
    if asked.planned and not asked.journeys:
        wanted.add(CAMPAIGN.name)  # its first run switches it on
    if unknown := wanted - set(segue.journeys):
        raise RehearsalError(
            f"there is no journey {', '.join(sorted(unknown))}; installed are {', '.join(sorted(segue.journeys))}"
        )
    if not wanted:
        raise RehearsalError(
            "no journey is switched on here, so nothing would be said; name the journeys to play, e.g. "
            + ",".join(sorted(segue.journeys)[:2])
        )
    return {name: segue.journeys[name] for name in sorted(wanted)}, live


__all__ = [
    "AUDIENCES_PLAYED",
    "OUTCOMES",
    "OUTCOME_WORDS",
    "AudienceDay",
    "Calendar",
    "Day",
    "Entry",
    "PlannedRun",
    "Rehearsal",
    "RehearsalError",
    "audience_sums",
    "changes_said",
    "move_said",
    "moves_on",
    "reasons",
    "rehearse",
    "rule_lines",
    "whys_said",
    "write_calendar",
]
