"""What is usual for a journey: its largest run of late, and how much its days held.

Counted is what was sent or may still be; who was left out or left alone is no message. A day is 24 hours that end
with the moment of asking, so that a run in the morning is compared with whole days. It is taken to end ten minutes
later still: a daily run that comes a little earlier or later than yesterday's is the only one of its day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Final

from sqlalchemy import Connection, Select, func, select

from segue.outbox.states import COUNTED, PENDING
from segue.store.tables import message, run

#: How far back a journey's runs tell what is usual for it: a month, and the days by which months differ.
USUAL: Final = timedelta(days=35)
_DAY: Final = timedelta(hours=24)
_JITTER: Final = timedelta(minutes=10)
#: A run may wait this long for a yes and promise only then; settings allow no more.
_LONGEST_WAIT: Final = timedelta(days=14)
#: Days with messages from which on there is a usual.
_ENOUGH_DAYS: Final = 5
#: Many: more than this many times the fullest day. Few: less than the emptiest divided by it.
TIMES: Final = 3
#: Below this many messages, ups and downs are chance.
ENOUGH: Final = 50
_WEEK: Final = 7
_SENT_OR_WAITING: Final = message.c.state.in_((*PENDING, *COUNTED, "rejected"))


class Size(StrEnum):
    """Which way it is unusual."""

    MANY = "many"
    FEW = "few"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusual:
    """The messages of the last 24 hours, beside those of earlier days that had any; counts only."""

    size: Size
    count: int
    #: Of the emptiest and the fullest of these days.
    least: int
    most: int
    #: How many days these were.
    days: int


def usual_size(connection: Connection, journey: str, now: datetime) -> int:
    """The most messages that one of the journey's runs has lately sent or still holds to be sent."""
    sizes = (
        select(func.count().label("size"))
        .where(
            message.c.run_id.in_(_runs(journey, now - USUAL)),
            ~message.c.transactional,
            _SENT_OR_WAITING,
        )
        .group_by(message.c.run_id)
        .subquery()
    )
    return int(connection.scalar(select(func.max(sizes.c.size))) or 0)


def unusual_now(connection: Connection, journey: str, now: datetime, *, may_be_few: bool) -> Unusual | None:
    """Say whether the journey's last 24 hours are unusual; receipts count as other messages do."""
    return unusual(days_of(connection, journey, now), may_be_few=may_be_few)


def days_of(connection: Connection, journey: str, now: datetime) -> Mapping[int, int]:
    """How many messages were promised on each day, 0 for the last 24 hours; days with none are left out."""
    end = now + _JITTER
    since = end - USUAL - _DAY
    rows = connection.execute(
        select(message.c.promised_at, func.count())
        .where(
            message.c.run_id.in_(_runs(journey, since - _LONGEST_WAIT)),
            message.c.promised_at > since,
            message.c.promised_at <= now,
            _SENT_OR_WAITING,
        )
        .group_by(message.c.promised_at)
    )
    days: Counter[int] = Counter()
    for promised_at, count in rows:
        days[(end - promised_at) // _DAY] += count
    return days


def unusual(days: Mapping[int, int], *, may_be_few: bool) -> Unusual | None:
    """Compare day 0 with the earlier ones.

    Few is looked for only where a day like this one usually has messages: a journey of Mondays is not silent on a
    Tuesday, and one that ended a week ago is not told of for ever.
    """
    count = days.get(0, 0)
    earlier = {day: messages for day, messages in days.items() if day > 0 and messages > 0}
    if len(earlier) < _ENOUGH_DAYS:
        return None
    least, most = min(earlier.values()), max(earlier.values())
    if count >= ENOUGH and count > TIMES * most:
        size = Size.MANY
    elif may_be_few and _has_weekday(earlier) and median(earlier.values()) >= ENOUGH and TIMES * count < least:
        size = Size.FEW
    else:
        return None
    return Unusual(size=size, count=count, least=least, most=most, days=len(earlier))


def _runs(journey: str, since: datetime) -> Select[tuple[int]]:
    """The journey's runs. Asked as a subquery: of a join, SQLite would begin with all messages there are."""
    return select(run.c.id).where(run.c.journey == journey, run.c.started_at >= since)


def _has_weekday(earlier: Mapping[int, int]) -> bool:
    """True where the same day of last week had messages, and that of most weeks before."""
    weeks = [day in earlier for day in range(_WEEK, max(earlier) + 1, _WEEK)]
    return bool(weeks) and weeks[0] and 2 * sum(weeks) > len(weeks)
