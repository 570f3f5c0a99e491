"""The verbs of afterwards: what came of a run, which runs still have something coming, and what is unusual."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from segue.journeys.definition import Journey
from segue.outbox.freeze import run_row
from segue.outbox.results import Results, results_of, runs_to_refresh
from segue.outbox.usual import Unusual, unusual_now
from segue.service.desk import Desk
from segue.store.engine import read

#: Most runs that are looked at again at once.
_MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunToRefresh:
    """A run of late that sent something."""

    run_id: int
    journey: str
    #: Its title, as people read it.
    title: str
    #: Prefect's id of the run.
    flow_run_id: str
    #: Who agreed to it, if that was asked.
    approved_by: str | None


class ResultVerbs(Desk):
    """What came of runs; counts only."""

    def results(self, run_id: int) -> Results:
        """Count what came of a run so far; raises LookupError where there is none."""
        with read(self.engine) as connection:
            run_row(connection, run_id)
            return results_of(connection, run_id)

    def runs_of_late(self, days: float) -> list[RunToRefresh]:
        """The runs of the last `days` that sent something, newest first, a thousand at most."""
        since = self.clock.now() - timedelta(days=days)
        with read(self.engine) as connection:
            return [
                RunToRefresh(
                    run_id=run_id,
                    journey=journey,
                    title=self.journeys[journey].title if journey in self.journeys else journey,
                    flow_run_id=flow_run_id,
                    approved_by=run_row(connection, run_id).approved_by,
                )
                for run_id, journey, flow_run_id in runs_to_refresh(connection, since=since, limit=_MOST)
            ]

    def unusual(self, journey: Journey, *, by_schedule: bool) -> Unusual | None:
        """Say whether the journey promised unusually many or few messages within the last 24 hours.

        Few is looked for only `by_schedule`: who starts a run by hand has chosen whom it is for.
        """
        with read(self.engine) as connection:
            return unusual_now(connection, journey.name, self.clock.now(), may_be_few=by_schedule)
