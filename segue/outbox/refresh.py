"""Bringing up to date what messages are about to say, such as points: booked before anybody is judged by it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Engine, select

from segue.journeys.definition import Journey
from segue.outbox.moments import Moments
from segue.outbox.scope import Scope
from segue.outbox.states import PENDING
from segue.settings import Settings
from segue.store.engine import read, write
from segue.store.sql import among
from segue.store.tables import message


class Refresh:
    """Calls the `refresh` of each journey that has a message ready; two that share one are brought up to date once.

    A message may have been held for a night since its run prepared it. This comes before every judgement, so what a
    message says is as old as the facts it is judged by: seconds (`judgement_max_age`).
    """

    def __init__(self, engine: Engine, *, settings: Settings, journeys: Mapping[str, Journey]) -> None:
        self._engine = engine
        self._moments = Moments(settings)
        self._refresh_of = {name: one.refresh for name, one in journeys.items() if one.refresh is not None}

    def before(self, scope: Scope, buckets: Collection[int], now: datetime) -> None:
        """Do so for what is ready in `buckets` of `scope` at `now`; nothing is written where nothing is ready."""
        if not self._refresh_of:
            return
        with read(self._engine) as connection:
            ready = (
                select(message.c.journey)
                .where(
                    message.c.state.in_(PENDING),
                    message.c.not_before <= now,
                    among(connection, message.c.bucket, buckets),
                    message.c.journey.in_(self._refresh_of),
                )
                .distinct()
            )
            if scope.run_id is not None:
                ready = ready.where(message.c.run_id == scope.run_id)
            names = {self._refresh_of[name]: name for name in sorted(connection.scalars(ready))}
            asked = [(refresh, self._moments.of(connection, name, now)) for refresh, name in names.items()]
        for refresh, moment in asked:
            with write(self._engine) as connection:
                refresh(connection, moment)
