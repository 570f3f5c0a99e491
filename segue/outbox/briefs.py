"""Whose brief a message is judged by: that of its own run, however late that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from segue.journeys.definition import Brief, Journey
from segue.outbox.frame import Asked
from segue.outbox.moments import Moments
from segue.store.sql import among
from segue.store.tables import run


class Briefs:
    """The briefs of runs, each read once."""

    def __init__(self, journeys: Mapping[str, Journey], moments: Moments) -> None:
        self._journeys = journeys
        self._moments = moments
        self._known: dict[int, Brief] = {}

    def asked(self, connection: Connection, rows: pd.DataFrame, now: datetime) -> Iterator[Asked]:
        """Group rows (`journey`, `step`, `run_id`) by step and brief, so that each journey is asked once for all.

        Rows of a journey or step that is installed no more are in no group; a row of no run goes by the plain brief.
        """
        self._read(connection, rows)
        groups: dict[tuple[str, str, Brief], list[int]] = {}
        by_run: dict[tuple[str, str, int], list[int]] = {}
        for place, asking in enumerate(zip(rows["journey"], rows["step"], rows["run_id"].tolist(), strict=True)):
            by_run.setdefault(asking, []).append(place)
        for (name, step, run_id), places in by_run.items():
            journey = self._journeys.get(name)
            if journey is None or step not in {one.name for one in journey.steps}:
                continue
            brief = self._known.get(run_id) or journey.brief()
            groups.setdefault((name, step, brief), []).extend(places)
        for (name, step, brief), places in groups.items():
            journey = self._journeys[name].under(brief)
            at = np.array(sorted(places), dtype=np.int64)
            moment = self._moments.of(connection, name, now)
            yield Asked(journey=journey, step=journey.step(step), brief=brief, moment=moment, rows=at)

    def _read(self, connection: Connection, rows: pd.DataFrame) -> None:
        new = [int(one) for one in pd.unique(rows["run_id"]) if one and one not in self._known]
        if not new:
            return
        found = select(run.c.id, run.c.journey, run.c.brief).where(among(connection, run.c.id, new))
        for run_id, name, brief in connection.execute(found):
            if name in self._journeys:
                self._known[run_id] = _brief(self._journeys[name], brief)


def last_brief(connection: Connection, journey: Journey) -> Brief:
    """The brief of the journey's last run; its plain one where it never ran."""
    found = connection.scalar(
        select(run.c.brief).where(run.c.journey == journey.name).order_by(run.c.id.desc()).limit(1)
    )
    return journey.brief() if found is None else _brief(journey, found)


def _brief(journey: Journey, stored: Mapping[str, Any]) -> Brief:
    """The brief of an earlier run; what the journey does not know any more is left out."""
    known = {name: value for name, value in stored.items() if name in journey.brief.model_fields}
    return journey.brief.model_validate(known)
