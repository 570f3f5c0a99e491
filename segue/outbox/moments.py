"""The moment at which a journey is asked: when it is, since when it listens, and the rules of the house."""

from __future__ import annotations

from datetime import datetime
from datetime import time as clock_time
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from segue.journeys.definition import Moment
from segue.journeys.waves import PickWave
from segue.outbox.brake import paused_names
from segue.settings import Settings
from segue.store.tables import journey_state


class Moments:
    """Makes moments. A journey's `live_from` is decided once, so it is read once."""

    def __init__(self, settings: Settings) -> None:
        self._house = settings.house
        wave, zone = settings.pick_wave, ZoneInfo(settings.home_zone)
        self._wave = PickWave(clock_time.fromisoformat(wave), zone) if wave else None
        self._live_from: dict[str, datetime] = {}

    def of(self, connection: Connection, journey: str, now: datetime) -> Moment:
        """Return the moment `now` (UTC) for `journey`; one that was never switched on listens from now."""
        live_from = self._live_from.get(journey)
        if live_from is None:
            found = connection.scalar(select(journey_state.c.live_from).where(journey_state.c.journey == journey))
            if found is not None:
                live_from = self._live_from[journey] = found
        is_paused = not paused_names(connection).isdisjoint({"all", f"journey:{journey}"})
        return Moment(now=now, live_from=live_from or now, pick_wave=self._wave, house=self._house, is_paused=is_paused)
