"""Pick waves: the times of day at which a warehouse takes the orders that came in and packs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, literal

from segue.store.types import UtcTime


@dataclass(frozen=True, slots=True)
class PickWave:
    """One wave a day, at a local time of the shop; on the night the clock changes it keeps that local time."""

    at: time
    zone: ZoneInfo


def next_wave(after: datetime, wave: PickWave) -> datetime:
    """Return the first wave later than `after`, both UTC."""
    day = after.astimezone(wave.zone).date()
    while True:
        moment = datetime.combine(day, wave.at, wave.zone).astimezone(after.tzinfo)
        if moment > after:
            return moment
        day += timedelta(days=1)


def wave_case(
    instant: ColumnElement[datetime], *, since: datetime, until: datetime, wave: PickWave
) -> ColumnElement[Any]:
    """Return, in SQL, the first wave later than `instant`, which lies between `since` and `until`.

    An earlier instant gets the first of them. The waves are written out, since no two databases know time zones alike.
    """
    waves = [next_wave(since, wave)]
    while waves[-1] <= until:
        waves.append(next_wave(waves[-1], wave))
    last = literal(waves.pop(), UtcTime)
    if not waves:
        return last
    return case(*((instant < literal(one, UtcTime), literal(one, UtcTime)) for one in waves), else_=last)
