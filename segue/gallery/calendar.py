"""Who would get what when: a rehearsal's ledger as days, each with what left, what was held and what was left out.

Profile ids only; days and hours are those of the person's own zone, or the shop's where hers is unknown.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, select

from segue.gallery.times import local
from segue.outbox.summary import GROUPS
from segue.store.engine import read
from segue.store.tables import decision, message, profile

#: What became of a message on a day. `held` is said on each day on which a new reason to wait came up; the others once.
OUTCOMES: Final = ("sent", "held", "left_out", "control", "waiting", "failed")
_OUTCOME_OF: Final = {
    "accepted": "sent",
    "skipped": "left_out",
    "control": "control",
    "pending": "waiting",
    "uncertain": "failed",
    "rejected": "failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened to one message."""

    at: datetime
    #: Her own calendar's day, hour and zone: `09:15`, `EDT`.
    day: date
    hour: str
    zone: str
    profile_id: int
    journey: str
    step: str
    outcome: str
    channel: str | None
    reason: str | None
    #: Of held ones: when it is looked at again, `Tue 12 May, 09:00`.
    until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of the calendar."""

    day: date
    #: By (journey, outcome, reason, or channel of what was sent).
    counts: dict[tuple[str, str, str], int]
    #: Some of what happened, the soonest first; what was sent and held before what was left out.
    entries: tuple[Entry, ...]
    #: Zones whose clocks change on it.
    clocks: tuple[str, ...] = ()

    def count(self, outcome: str, journey: str | None = None) -> int:
        """How many had this outcome."""
        return sum(n for (name, what, _), n in self.counts.items() if what == outcome and journey in (None, name))

    def reasons(self, outcome: str) -> Counter[str]:
        """Why, or on which channel."""
        found: Counter[str] = Counter()
        for (_, what, why), count in self.counts.items():
            if what == outcome:
                found[why] += count
        return found

    @property
    def total(self) -> int:
        """Everything that happened on it."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A rehearsed period."""

    since: date
    #: The day after the last one.
    until: date
    zone: str
    #: How far its facts were moved.
    shift: timedelta
    journeys: tuple[str, ...]
    days: tuple[Day, ...]
    #: Messages by (journey, last outcome); they add up to `considered`.
    ends: dict[tuple[str, str], int]
    #: SHA-256 over what became of every message.
    digest: str

    @property
    def considered(self) -> int:
        """Messages that anything was decided about."""
        return sum(self.ends.values())

    def ended(self, outcome: str, journey: str | None = None) -> int:
        """How many messages ended so."""
        return sum(n for (name, what), n in self.ends.items() if what == outcome and journey in (None, name))

    def held(self, journey: str | None = None) -> int:
        """How often a message had to wait."""
        return sum(day.count("held", journey) for day in self.days)


def digest_of(lines: Iterable[Sequence[Any]]) -> str:
    """SHA-256 over the ledger: key, state, reason, channel and hand-over of every message, in the order of the keys."""
    told = sorted("\t".join(_told(value) for value in line) for line in lines)
    return hashlib.sha256("".join(f"{line}\n" for line in told).encode("utf-8", "surrogatepass")).hexdigest()


def _told(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value or "")


def read_calendar(
    engine: Engine,
    *,
    since: date,
    days: int,
    start: datetime,
    zone: str,
    shift: timedelta,
    journeys: tuple[str, ...],
    listed: int,
) -> Calendar:
    """Read what was promised from `start` on in a rehearsed database, `listed` entries a day and journey's outcome."""
    with read(engine) as connection:
        ledger = _ledger(connection, start)
        decisions = _decisions(connection, start)
    entries: list[Entry] = []
    ends: Counter[tuple[str, str]] = Counter()
    for row in ledger:
        outcome = _OUTCOME_OF[GROUPS[row.state]]
        ends[row.journey, outcome] += 1
        told = decisions.get(row.id, [])
        for one in told:
            if one.verdict == "hold":
                until = local(one.until, row.zone, zone) if one.until else None
                said = f"{until.day[:-5]}, {until.hour}" if until else None
                entries.append(_entry(row, one.decided_at, zone, "held", one.reason, said))
        if outcome != "waiting":
            at = row.handed_over_at or (told[-1].decided_at if told else row.promised_at)
            entries.append(_entry(row, at, zone, outcome, row.reason, None))
    last = since + timedelta(days=days)
    zones = {row.zone for row in ledger if row.zone} | {zone}
    return Calendar(
        since=since,
        until=last,
        zone=zone,
        shift=shift,
        journeys=journeys,
        days=_days(entries, since, last, zones, listed),
        ends=dict(ends),
        digest=digest_of((row.key, row.state, row.reason, row.channel, row.handed_over_at) for row in ledger),
    )


def _ledger(connection: Connection, start: datetime) -> Sequence[Any]:
    columns = (
        message.c.id, message.c.key, message.c.profile_id, message.c.journey, message.c.step, message.c.state,
        message.c.reason, message.c.channel, message.c.promised_at, message.c.handed_over_at, profile.c.zone,
    )  # fmt: skip
    asked = select(*columns).join(profile, profile.c.id == message.c.profile_id)
    return connection.execute(asked.where(message.c.promised_at >= start).order_by(message.c.key)).all()


def _decisions(connection: Connection, start: datetime) -> dict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    asked = select(decision).where(decision.c.decided_at >= start).order_by(decision.c.decided_at, decision.c.id)
    for row in connection.execute(asked):
        found[row.message_id].append(row)
    return found


def _entry(row: Any, at: datetime, home: str, outcome: str, reason: str | None, until: str | None) -> Entry:
    there = local(at, row.zone, home)
    return Entry(
        at=at,
        day=datetime.fromisoformat(there.iso).date(),
        hour=there.hour,
        zone=there.zone,
        profile_id=row.profile_id,
        journey=row.journey,
        step=row.step,
        outcome=outcome,
        channel=row.channel,
        reason=reason,
        until=until,
    )


def _days(entries: Sequence[Entry], since: date, until: date, zones: set[str], listed: int) -> tuple[Day, ...]:
    by_day: defaultdict[date, list[Entry]] = defaultdict(list)
    for entry in entries:
        # West of the shop the first evening is still the day before, and east of it the last night the day after.
        by_day[min(max(entry.day, since), until - timedelta(days=1))].append(entry)
    days = []
    for number in range((until - since).days):
        day = since + timedelta(days=number)
        todays = sorted(by_day[day], key=lambda one: (one.at, one.journey, one.step, one.profile_id))
        counts = Counter(
            (one.journey, one.outcome, (one.channel if one.outcome == "sent" else one.reason) or "") for one in todays
        )
        days.append(Day(day=day, counts=dict(counts), entries=_some(todays, listed), clocks=_changing(day, zones)))
    return tuple(days)


def _some(entries: Sequence[Entry], listed: int) -> tuple[Entry, ...]:
    """The first of each outcome, in the order of time."""
    seen: Counter[str] = Counter()
    kept = []
    for entry in entries:
        seen[entry.outcome] += 1
        if seen[entry.outcome] <= listed:
            kept.append(entry)
    return tuple(kept)


def _changing(day: date, zones: set[str]) -> tuple[str, ...]:
    """Those zones whose clocks go forward or back on `day`."""
    found = []
    for name in sorted(zones):
        try:
            zone = ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # a zone of which this machine has not heard
            continue
        first, second = (datetime.combine(day + timedelta(days=n), time(), tzinfo=zone) for n in (0, 1))
        if first.utcoffset() != second.utcoffset():
            found.append(name)
    return tuple(found)
