"""The verbs that only ask: sums, previews, reasons."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from segue.journeys.definition import Brief, Journey
from segue.outbox.prepared import as_if_prepared
from segue.outbox.report import next_due_at, summary_of, unsettled
from segue.outbox.summary import Summary
from segue.render.samples import SampleRender, sample_renders
from segue.service.desk import Desk
from segue.store.engine import read
from segue.store.migrate import revision_of
from segue.store.tables import journey_state


class AskVerbs(Desk):
    """What happened, what would, and why."""

    def summary(self, run_id: int) -> Summary:
        """What became of a run's people."""
        with read(self.engine) as connection:
            return summary_of(connection, journey=None, run_id=run_id)

    def journey_summary(self, journey: str) -> Summary:
        """What became of everybody a journey ever considered."""
        self._journey(journey)
        with read(self.engine) as connection:
            return summary_of(connection, journey=journey, run_id=None)

    def preview(self, journey: Journey, brief: Brief) -> Summary:
        """Who would get it now and why others would not; stores nothing and sends nothing."""
        from segue.outbox.preview import preview

        moment = self._moment(journey)
        with as_if_prepared(self.engine, journey, moment, brief, self.secret) as connection:
            return preview(
                connection,
                journey.under(brief),
                brief,
                moment,
                rules=self.rules,
                secret=self.secret,
                journeys=self.journeys,
                shard_size=self.settings.shard_size,
                library=self.library,
                connectors=self.connectors.by_channel,
                letting_go=connection.rollback if journey.prepare is not None else None,
            )

    def next_due_at(self, briefs: Mapping[str, Brief] | None = None) -> datetime | None:
        """The next instant at which a journey or a held message may want something; None when nothing will."""
        with read(self.engine) as connection:
            switched_on = set(connection.scalars(select(journey_state.c.journey)))
            asked = [
                (journey, (briefs or {}).get(journey.name) or journey.brief(), self._moment(journey))
                for journey in self.journeys.values()
                if journey.name in switched_on  # the others are asked by nobody, whatever they would find
            ]
            return next_due_at(connection, asked, now=self.clock.now())

    def sample_renders(
        self, journey: Journey, *, at_most: int | None = None, languages: Collection[str] = ()
    ) -> list[SampleRender]:
        """Each step of `journey` rendered with its sample data; no real person in it.

        `at_most`: so many of a step, the fullest and the barest first; the fullest in each of `languages`, too.
        """
        steps = journey.folders()
        return sample_renders(
            self.library,
            steps,
            transactional=frozenset(name for name, step in steps.items() if step.transactional),
            shows={name: step.shows for name, step in steps.items() if step.shows is not None},
            channels={name: step.channels for name, step in steps.items()},
            at_most=at_most,
            languages=languages,
        )

    def picture(self, address: str) -> Path | None:
        """The file behind a picture's address in a message; None where the folder of pictures has none such."""
        from segue.render.page import found

        root = self.settings.pictures
        inside = None if root is None else found(root, address)
        return None if root is None or inside is None else root / inside

    def waiting(self) -> list[tuple[str, str, str, str | None, int]]:
        """Journey, step, state, reason and number of everything that is not settled yet."""
        with read(self.engine) as connection:
            return unsettled(connection)

    def revision(self) -> str | None:
        """The newest migration the database has."""
        return revision_of(self.engine)
