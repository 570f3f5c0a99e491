"""Reads a rehearsed ledger into a calendar."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, Engine, select, union

from segue.gallery.calendar import Calendar, Day, Entry
from segue.gallery.calendar_audiences import AudienceDay, AudienceMove, digest_lines
from segue.gallery.clock_changes import ClockChange, changes_of
from segue.gallery.times import local
from segue.outbox.summary import GROUPS
from segue.store.engine import read
from segue.store.tables import audience_member, decision, identifier, message, profile

_OUTCOME_OF: Final = {
    "accepted": "sent",
    "skipped": "left_out",
    "control": "control",
    "pending": "waiting",
    "uncertain": "failed",
    "rejected": "failed",
}

#: Kinds of identifiers by how long they stay somebody's; the first that she has names her in the digest.
_LASTING: Final = ("shop", "email", "loyalty", "phone", "cookie")


def digest_of(lines: Iterable[Sequence[Any]]) -> str:
    """SHA-256 over what became of every message, a line each, in whatever order they come."""
    told = sorted("\t".join(_told(value) for value in line) for line in lines)
    return hashlib.sha256("".join(f"{line}\n" for line in told).encode("utf-8", "surrogatepass")).hexdigest()


def _told(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value or "")


def read_calendar(
    engine: Engine,
    *,
    secret: bytes,
    since: date,
    days: int,
    start: datetime,
    zone: str,
    shift: timedelta,
    titles: Mapping[str, str],
    listed: int,
    notes: tuple[str, ...] = (),
    played: str = "",
    audiences: Sequence[AudienceDay] = (),
    moves: Sequence[AudienceMove] = (),
) -> Calendar:
    """Read what was promised from `start` on in a rehearsed database, `listed` entries a day and outcome."""
    with read(engine) as connection:
        ledger = _ledger(connection, start)
        decisions = _decisions(connection, start)
        names = _names(connection, start)
    people = {*(row.profile_id for row in ledger), *(move.profile_id for move in moves)}
    called = {one: _hashed(names.get(one, ""), secret) for one in people}
    entries: list[Entry] = []
    ends: Counter[tuple[str, str]] = Counter()
    waited: Counter[tuple[str, str]] = Counter()
    nights: list[tuple[str, datetime, datetime]] = []
    for row in ledger:
        outcome = _OUTCOME_OF[GROUPS[row.state]]
        ends[row.journey, outcome] += 1
        told = decisions.get(row.id, [])
        holds = [one for one in told if one.verdict == "hold"]
        waited.update({(one.reason, outcome) for one in holds})
        nights += [(row.zone or zone, one.decided_at, one.until) for one in holds if one.reason == "quiet_hours"]
        entries += [_entry(row, one.decided_at, zone, "held", one.reason, until=one.until) for one in holds]
        if outcome != "waiting":
            at = row.handed_over_at or (told[-1].decided_at if told else row.promised_at)
            entries.append(_entry(row, at, zone, outcome, row.reason, waited=holds[-1] if holds else None))
    last = since + timedelta(days=days)
    zones = {row.zone for row in ledger if row.zone} | {zone}
    return Calendar(
        since=since,
        until=last,
        zone=zone,
        shift=shift,
        journeys=tuple(titles),
        titles=titles,
        days=_days(entries, since, last, listed, changes_of(zones, since, last, nights)),
        ends=dict(ends),
        waited=dict(waited),
        digest=digest_of(
            chain(
                (_line(row, decisions.get(row.id, []), called[row.profile_id]) for row in ledger),
                digest_lines(audiences, moves, called),
            )
        ),
        notes=notes,
        played=played,
        audiences=tuple(audiences),
    )


def _ledger(connection: Connection, start: datetime) -> Sequence[Any]:
    columns = (
        message.c.id, message.c.key, message.c.profile_id, message.c.journey, message.c.step, message.c.state,
        message.c.reason, message.c.channel, message.c.promised_at, message.c.deadline_at, message.c.handed_over_at,
        profile.c.zone,
    )  # fmt: skip
    asked = select(*columns).join(profile, profile.c.id == message.c.profile_id)
    return connection.execute(asked.where(message.c.promised_at >= start).order_by(message.c.key)).all()


def _decisions(connection: Connection, start: datetime) -> dict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    asked = select(decision).where(decision.c.decided_at >= start).order_by(decision.c.decided_at, decision.c.id)
    for row in connection.execute(asked):
        found[row.message_id].append(row)
    return found


def _names(connection: Connection, start: datetime) -> dict[int, str]:
    """What each of these people is called everywhere, in whatever order she was imported: an id does not tell."""
    people = union(
        select(message.c.profile_id).where(message.c.promised_at >= start), select(audience_member.c.profile_id)
    )
    found: dict[int, tuple[int, str, str]] = {}
    asked = select(identifier.c.profile_id, identifier.c.kind, identifier.c.value)
    for profile_id, kind, value in connection.execute(asked.where(identifier.c.profile_id.in_(people))):
        name = (_LASTING.index(kind) if kind in _LASTING else len(_LASTING), kind, value)
        found[profile_id] = min(name, found.get(profile_id, name))
    return {profile_id: f"{kind}:{value}" for profile_id, (_, kind, value) in found.items()}


def _hashed(name: str, secret: bytes) -> str:
    """Keyed, since a digest over few people could be tried out."""
    return hmac.new(secret, f"segue: rehearsed {name}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _line(row: Any, told: Sequence[Any], who: str) -> tuple[Any, ...]:
    """One message for the digest: who, what, when, and each decision on its way; no id of a row."""
    said = (row.journey, row.step, row.state, row.reason, row.channel)
    times = (row.promised_at, row.deadline_at, row.handed_over_at)
    on_its_way = (value for one in told for value in (one.decided_at, one.verdict, one.reason, one.until))
    return (who, *said, *times, *on_its_way)


def _entry(
    row: Any,
    at: datetime,
    home: str,
    outcome: str,
    reason: str | None,
    *,
    until: datetime | None = None,
    waited: Any = None,
) -> Entry:
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
        until=_short(until, row.zone, home, there.day),
        waited_for=waited.reason if waited is not None else None,
        waited_since=_short(waited.decided_at, row.zone, home, there.day) if waited is not None else None,
    )


def _short(at: datetime | None, zone: str | None, home: str, today: str) -> str | None:
    """`Tue 12 May, 09:00`, where she lives; on `today` (`Tue 12 May 2026`) the hour alone."""
    if at is None:
        return None
    there = local(at, zone, home)
    return there.hour if there.day == today else f"{there.day[:-5]}, {there.hour}"


def _days(
    entries: Sequence[Entry], since: date, until: date, listed: int, changes: Mapping[date, tuple[ClockChange, ...]]
) -> tuple[Day, ...]:
    by_day: defaultdict[date, list[Entry]] = defaultdict(list)
    for entry in entries:
        # West of the shop the first evening is still the day before, and east of it the last night the day after.
        by_day[min(max(entry.day, since), until - timedelta(days=1))].append(entry)
    days = []
    for number in range((until - since).days):
        day = since + timedelta(days=number)
        # By the hour that each reads on her own clock, as the page shows it.
        todays = sorted(by_day[day], key=lambda one: (one.day, one.hour, one.at, one.journey, one.step, one.profile_id))
        counts = Counter(
            (one.journey, one.outcome, (one.channel if one.outcome == "sent" else one.reason) or "") for one in todays
        )
        days.append(Day(day=day, counts=dict(counts), entries=_some(todays, listed), changes=changes.get(day, ())))
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
