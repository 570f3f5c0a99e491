"""Everybody a journey considered, one row a message, as the outbox remembers it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from segue.gallery.days import Day
from segue.outbox.summary import GROUPS
from segue.store.tables import message

#: Left for the provider, whatever came of it.
_LEFT: Final = frozenset({"accepted", "handed_over", "uncertain", "rejected"})
#: A chart of more days than these says nothing; only the last are drawn.
_MOST_DAYS: Final = 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """A message that was promised, and where it stands."""

    id: int
    key: str
    profile_id: int
    journey: str
    step: str
    state: str
    group: str
    reason: str | None
    channel: str | None
    connector: str | None
    template_version: str | None
    promised_at: datetime
    not_before: datetime
    deadline_at: datetime
    handed_over_at: datetime | None
    attempts: int
    provider_id: str | None

    @property
    def has_left(self) -> bool:
        """Whether it was handed to a provider and not taken back."""
        return self.state in _LEFT and self.handed_over_at is not None

    @property
    def at(self) -> datetime:
        """When it left, else when it was promised."""
        return self.handed_over_at or self.promised_at

    @property
    def occasion(self) -> str:
        """The last part of its key: `cart:9`."""
        return self.key.rpartition("/")[2]


def considered(connection: Connection, journey: str) -> list[Considered]:
    """Every message of a journey, oldest promise first."""
    names = [name for name in Considered.__dataclass_fields__ if name != "group"]
    rows = connection.execute(
        select(*(message.c[name] for name in names))
        .where(message.c.journey == journey)
        .order_by(message.c.promised_at, message.c.id)
    )
    return [Considered(**row._mapping, group=GROUPS[row.state]) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def days_of(rows: Sequence[Considered], *, first_step: str, zone: str, until: datetime) -> list[Day]:
    """Count by the days of `zone`: the first step's occasions as they came up, and what left by channel."""
    if not rows:
        return []
    last = day_in(until - timedelta(microseconds=1), zone)
    first = max(min(day_in(row.promised_at, zone) for row in rows), last - timedelta(days=_MOST_DAYS - 1))
    count = max((last - first).days, 0) + 1
    return [_day(first + timedelta(days=place), rows, first_step, zone) for place in range(count)]


def on_day(rows: Iterable[Considered], day: date, what: str, *, first_step: str, zone: str) -> list[Considered]:
    """The rows behind one column: `left` came up on that day, `sent` were handed over and taken."""
    if what == "left":
        return [row for row in rows if row.step == first_step and day_in(row.promised_at, zone) == day]
    return [row for row in rows if row.group == "accepted" and day_in(row.at, zone) == day]


def day_in(at: datetime, zone: str) -> date:
    """The calendar day of an instant in a zone."""
    return at.astimezone(ZoneInfo(zone)).date()


def _day(day: date, rows: Sequence[Considered], first_step: str, zone: str) -> Day:
    sent: dict[str, int] = {}
    for row in on_day(rows, day, "sent", first_step=first_step, zone=zone):
        sent[row.channel or "email"] = sent.get(row.channel or "email", 0) + 1
    left = len(on_day(rows, day, "left", first_step=first_step, zone=zone))
    return Day(day=day, left=left, sent=sent)
