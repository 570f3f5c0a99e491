"""The verbs of a large fill: write down whom ad platforms would hear of anew, and ask for a yes where that is many.

Only additions are asked about. Who said no, bought or left is removed by every sync, whoever waits for an answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, or_, select

from segue.audiences.report import AudienceReport
from segue.journeys.retargeting import JOURNEY, RetargetingBrief
from segue.outbox import freeze
from segue.outbox.brake import paused_names
from segue.outbox.runs import run_of
from segue.service.approving import ASKED, ApproveVerbs, Frozen, Start, frozen_as
from segue.service.audiences import AudienceVerbs
from segue.store.engine import read, write
from segue.store.tables import run, run_audience

if TYPE_CHECKING:
    from segue.audiences.sync import Place


class FillVerbs(ApproveVerbs, AudienceVerbs):
    """Freeze what a sync would add, and add just that. A yes and a no are `approve` and `refuse`, as for messages."""

    def freeze_fill(
        self, brief: RetargetingBrief, flow_run_id: str | None = None, *, start: Start, anew: bool = False
    ) -> tuple[Frozen, AudienceReport | None]:
        """Write down who would be added to which audience, and say whether that needs a yes; with what a sync would do.

        Called again with the same `flow_run_id` it finds the question it asked, unless it is to be asked `anew`. Whom
        another run asks about is left to that one.
        """
        now = self.clock.now()
        with write(self.engine) as connection:
            run_id = run_of(connection, JOURNEY, brief, flow_run_id, now)
            freeze.forget_old(connection, now)
            row = freeze.run_row(connection, run_id)
            if row.approval_until is not None and not anew:
                shown = freeze.frozen_of(connection, run_id)
                return frozen_as(run_id, row.digest, None, ASKED, row.approval_until, now, shown), None
        rows: dict[str, tuple[str, int, str]] = {}
        asked_about = self._asked_about(run_id)

        def keep(place: Place, people: list[int]) -> None:
            for one in people:
                key = f"{'/'.join(place)}/profile:{one}"
                if key not in asked_about:
                    rows[key] = (key, one, "send")

        report = self._audience_sync().preview(self._moment(JOURNEY), brief, keep)
        asks = self._asks_of(report, Counter(key.partition("/")[0] for key in rows), start)
        until = now + timedelta(hours=self.settings.approval_hours) if asks and start is not Start.PREVIEW else None
        shown = [(key, verdict) for key, _, verdict in rows.values()]
        with write(self.engine) as connection:
            told = freeze.terms(connection, JOURNEY, brief, settings=self.settings, library=self.library)
            digest = freeze.digest_of(told, shown)
            freeze.keep_frozen(connection, run_id, list(rows.values()))
            freeze.ask(connection, run_id, digest=digest, until=until)
        return frozen_as(run_id, digest, None, asks, until, now, shown), report

    def sync_fill(self, brief: RetargetingBrief, run_id: int) -> AudienceReport:
        """Sync, and add nobody but whom the run froze; nobody at all while it waits for a yes, or was refused."""
        with read(self.engine) as connection:
            row = freeze.run_row(connection, run_id)
            waits = row.approval_until is not None and (
                row.approved_at is None or row.approval_until <= self.clock.now()
            )
            paused = paused_names(connection)
            is_stopped = f"run:{run_id}" in paused
            stopped = _stopped(connection, paused)
            frozen = connection.execute(
                select(run_audience.c.key, run_audience.c.profile_id).where(run_audience.c.run_id == run_id)
            ).all()
        may_enter: defaultdict[Place, set[int]] = defaultdict(set)
        for key, profile_id in () if waits or is_stopped else frozen:
            connector, audience, _ = key.split("/", 2)
            may_enter[connector, audience].add(profile_id)
        brake = None if is_stopped else f"run:{run_id}"
        return self._audience_sync().sync(self._moment(JOURNEY), brief, may_enter, stopped=stopped, brake=brake)

    def remove_unwanted(self, brief: RetargetingBrief) -> AudienceReport:
        """Sync and add nobody: a no does not wait until a run can say whom it would add."""
        with read(self.engine) as connection:
            stopped = _stopped(connection, paused_names(connection))
        return self._audience_sync().sync(self._moment(JOURNEY), brief, {}, stopped=stopped)

    def _asked_about(self, run_id: int) -> set[str]:
        """Whom other runs wait for a yes to add, or were refused to."""
        with read(self.engine) as connection:
            others = select(run.c.id).where(
                run.c.journey == JOURNEY.name,
                run.c.id != run_id,
                run.c.approval_until > self.clock.now(),
                run.c.approved_at.is_(None),
            )
            return set(connection.scalars(select(run_audience.c.key).where(run_audience.c.run_id.in_(others))))

    def _asks_of(self, report: AudienceReport, fresh_at: Mapping[str, int], start: Start) -> str | None:
        """Why somebody has to agree, if so: by platform, since each hears of people it did not know."""
        limit = self.settings.approve_above_messages
        for name, fresh in fresh_at.items():
            members = sum(line.members for line in report.lines if line.connector == name)
            if fresh > (max(limit, members) if start is Start.SCHEDULE else limit):
                more = f", and {members:,} are in its audiences" if start is Start.SCHEDULE else ""
                return f"{name} would be told of {fresh:,} people, more than {limit:,}{more}"
        return None


def _stopped(connection: Connection, paused: Collection[str]) -> Mapping[Place, set[int]]:
    """Whom a run was to add to which audience that was stopped since; of several runs that were to, the last counts."""
    stopped = [int(name.partition(":")[2]) for name in paused if name.startswith("run:")]
    key, owner = run_audience.c.key, run_audience.c.profile_id
    last = func.max(run_audience.c.run_id)
    asked = select(key).join(run, run.c.id == run_audience.c.run_id).where(run.c.journey == JOURNEY.name)
    theirs = asked.where(run_audience.c.run_id.in_(stopped))
    might_add = or_(run.c.approval_until.is_(None), run.c.approved_at.is_not(None))
    found: defaultdict[Place, set[int]] = defaultdict(set)
    rows = asked.add_columns(owner).where(might_add, key.in_(theirs)).group_by(key, owner).having(last.in_(stopped))
    for name, profile_id in connection.execute(rows) if stopped else ():
        connector, audience, _ = name.split("/", 2)
        found[connector, audience].add(profile_id)
    return found
