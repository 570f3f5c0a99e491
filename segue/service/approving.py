"""The verbs of approval: freeze what a run would send, ask for a yes where it is large or dear, and hold it to that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, func, select, update

from segue.contract import PricedConnector
from segue.journeys.definition import Brief, Journey, Step
from segue.outbox import brake, freeze
from segue.outbox.freeze import ApprovalError
from segue.outbox.prepared import as_if_prepared, prepared
from segue.outbox.promise import candidates
from segue.outbox.runs import run_of
from segue.outbox.summary import Summary
from segue.outbox.usual import usual_size
from segue.service.running import RunPlan, RunVerbs
from segue.store.engine import read, write
from segue.store.tables import run

#: The share of what was to be sent that may have ceased to be due; beyond it the yes was for something else.
MAY_VANISH = 0.1
#: A scheduled run of a size that is large and yet usual asks nobody: up to this many times the largest of late.
UNUSUAL = 2
_MICROS_PER_MINOR = 10_000


class Start(StrEnum):
    """How a run came about; it decides what is asked."""

    PREVIEW = "preview"
    HAND = "hand"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What a run would send, written down: counts only."""

    run_id: int
    #: What a yes is for: SHA-256, hexadecimal.
    digest: str
    #: What was shown; None where the run had been asked about before, and waits for the answer.
    summary: Summary | None
    #: Why somebody has to agree, as a clause; None: nobody has to.
    asks: str | None
    #: Until when a yes counts, UTC; None where nobody is asked.
    until: datetime | None
    #: How long that still is.
    left: timedelta
    #: How many would be sent, at once or held; and how many left out or kept to measure.
    to_send: int
    left_out: int

    @property
    def name(self) -> str:
        """A name for this one question: the same hash asked again later is another one."""
        return f"{self.digest[:16]}-{self.until:%Y%m%d-%H%M%S}" if self.until else self.digest[:16]


class ApproveVerbs(RunVerbs):
    """Freeze, agree, refuse."""

    def is_small(self, journey: Journey, brief: Brief) -> bool:
        """True where a run now cannot come near a limit: few are due, and nothing they may get has a price."""
        journey = journey.under(brief)
        marketing = [step for step in journey.steps if not step.transactional]
        if not marketing:
            return True
        moment = self._moment(journey)
        with as_if_prepared(self.engine, journey, moment, brief, self.secret) as connection:
            due = sum(
                connection.scalar(
                    select(func.count()).select_from(candidates(journey, step, brief, moment).subquery("due"))
                )
                or 0
                for step in marketing
            )
        return due <= self._small_up_to(marketing)

    def start_small(self, journey: Journey, brief: Brief, flow_run_id: str | None = None) -> RunPlan | None:
        """Start a run that need ask nobody, as `is_small` tells, and leave to others what they wait with.

        None, and nothing is promised, where somebody may have to be asked: also where more became due meanwhile, and
        for a run that asked before, whatever it would find by now.
        """
        if flow_run_id is not None:
            with read(self.engine) as connection:
                has_asked = run.c.flow_run_id == flow_run_id, run.c.approval_until.is_not(None)
                if connection.scalar(select(run.c.id).where(*has_asked)) is not None:
                    return None
        if not self.is_small(journey, brief):
            return None
        limit = self._small_up_to([step for step in journey.under(brief).steps if not step.transactional])
        try:
            return self.start_run(journey, brief, flow_run_id, leave_waiting=True, at_most=limit)
        except freeze.LargeRunError:
            return None

    def _small_up_to(self, steps: Sequence[Step]) -> int:
        """How many messages of `steps` nobody need agree to, whatever they cost."""
        serving = self.connectors.by_channel
        priced = any(isinstance(serving.get(channel), PricedConnector) for step in steps for channel in step.channels)
        return 0 if priced else self.settings.approve_above_messages

    def freeze(self, journey: Journey, brief: Brief, flow_run_id: str | None = None, *, start: Start) -> Frozen:
        """Judge everybody who is due, write down who that is and what it would be, and say whether it needs a yes.

        Nothing is promised. Called again with the same `flow_run_id` it finds the question it asked; a run that asked
        none is frozen anew.
        """
        now = self.clock.now()
        if flow_run_id is not None:
            with read(self.engine) as connection:
                row = connection.execute(select(run).where(run.c.flow_run_id == flow_run_id)).one_or_none()
            if row is not None and row.approval_until is not None:
                with read(self.engine) as connection:
                    shown = freeze.frozen_of(connection, row.id)
                return frozen_as(row.id, row.digest, None, ASKED, row.approval_until, now, shown)
        with write(self.engine) as connection:
            run_id = run_of(connection, journey, brief, flow_run_id, now)
            freeze.forget_old(connection, now)
        return self._freeze(journey, brief, run_id, start=start, now=now)

    def freeze_again(self, journey: Journey, brief: Brief, run_id: int, *, start: Start) -> Frozen:
        """Freeze a run anew whose yes no longer counts: what was agreed to before is forgotten."""
        return self._freeze(journey, brief, run_id, start=start, now=self.clock.now())

    def approve(self, run_id: int, digest: str, by: str) -> str | None:
        """Let a run send what it froze; `by` is who says so. Return None, or why the yes does not count any more.

        It counts for exactly `digest`: terms that changed since, a tenth of the people no longer due, or too late a
        yes make it void, and the run has to be frozen and asked about again. Raises ApprovalError for a stopped run,
        and for no name.
        """
        if not by.strip():
            raise ApprovalError(f"run {run_id} is not approved: a yes needs the name of who says it")
        now = self.clock.now()
        with write(self.engine) as connection:
            row = freeze.run_row(connection, run_id)
            if f"run:{run_id}" in brake.paused_names(connection):
                raise ApprovalError(f"run {run_id} was stopped or refused and sends nothing; start a new one")
            if row.approved_at is not None and row.digest == digest and freeze.has_promised(connection, run_id):
                return None  # done before: a run that is repeated goes on with what it promised
            void = self._void(connection, run_id, digest)
            if void is None:
                connection.execute(
                    update(run)
                    .where(run.c.id == run_id, run.c.approved_at.is_(None))
                    .values(approved_at=now, approved_by=by.strip())
                )
        return void

    def left_for_later(self, run_id: int) -> int:
        """How many a run showed as left out when somebody agreed to it; a later run looks at them again."""
        with read(self.engine) as connection:
            return sum(verdict == "skip" for _, verdict in freeze.frozen_of(connection, run_id))

    def refuse(self, run_id: int, by: str) -> None:
        """Stop a waiting run for good; `by` is who says no."""
        self.stop_run(run_id, reason=f"refused by {by.strip() or 'somebody'}")

    def _freeze(self, journey: Journey, brief: Brief, run_id: int, *, start: Start, now: datetime) -> Frozen:
        from segue.outbox.preview import preview

        turned = journey.under(brief)
        rows: list[tuple[str, int, str]] = []

        def keep(step: Step, keys: Sequence[str], people: Sequence[int], verdicts: Sequence[str]) -> None:
            if not step.transactional:  # what is owed waits for no yes
                rows.extend(zip(keys, people, verdicts, strict=True))

        moment = self._moment(journey)
        with as_if_prepared(self.engine, journey, moment, brief, self.secret) as connection:
            others = self._others(connection, journey, run_id, now) if start is Start.SCHEDULE else []
            # A campaign is a decision of its own: that another one was as large makes none usual.
            may_be_usual = start is Start.SCHEDULE and not any(step.campaign for step in journey.steps)
            usual = usual_size(connection, journey.name, now) if may_be_usual else 0
            told = freeze.terms(connection, turned, brief, settings=self.settings, library=self.library)
            seen = preview(
                connection,
                turned,
                brief,
                moment,
                rules=self.rules,
                secret=self.secret,
                journeys=self.journeys,
                shard_size=self.settings.shard_size,
                library=self.library,
                connectors=self.connectors.by_channel,
                keep=keep,
                leave_to=others,
                run_id=run_id,
                letting_go=connection.rollback if journey.prepare is not None else None,
            )
        asks = self._asks(turned, seen, usual)
        asked = asks is not None and start is not Start.PREVIEW
        until = now + timedelta(hours=self.settings.approval_hours) if asked else None
        shown = [(key, verdict) for key, _, verdict in rows]
        digest = freeze.digest_of(told, shown)
        with write(self.engine) as connection:
            freeze.keep_frozen(connection, run_id, rows)
            freeze.ask(connection, run_id, digest=digest, until=until)
        return frozen_as(run_id, digest, seen, asks, until, now, shown)

    def _others(self, connection: Connection, journey: Journey, run_id: int | None, now: datetime) -> list[int]:
        return [one for one in freeze.waiting_runs(connection, journey.name, now) if one != run_id]

    def _asks(self, journey: Journey, seen: Summary, usual: int) -> str | None:
        """Why somebody has to agree, if so."""
        marketing = {step.name for step in journey.steps if not step.transactional}
        messages = sum(
            one.count for one in seen.lines if one.step in marketing and one.group in ("accepted", "pending")
        )
        if messages > max(self.settings.approve_above_messages, UNUSUAL * usual):
            unusual = f", and its largest run of late had {usual:,}" if usual else ""
            return f"{messages:,} messages are more than {self.settings.approve_above_messages:,}{unusual}"
        if usual and messages <= UNUSUAL * usual:
            return None
        limit = self.settings.approve_above_cost_minor
        costs: dict[str, int] = {}
        for one in seen.spendings:
            if one.step in marketing and one.currency is not None and one.micros is not None:
                costs[one.currency] = costs.get(one.currency, 0) + one.micros
        for currency, micros in sorted(costs.items()):
            if micros > limit * _MICROS_PER_MINOR:
                return f"it would cost about {micros / 1_000_000:,.2f} {currency}, more than {limit / 100:,.2f}"
        return None

    def _void(self, connection: Connection, run_id: int, digest: str) -> str | None:
        """Why a yes to `digest` does not count (any more), if so."""
        row = freeze.run_row(connection, run_id)
        if row.digest != digest:
            return "the run was frozen anew since it was asked about"
        now = self.clock.now()
        if row.approval_until is not None and row.approval_until <= now:
            return f"the question ran out at {row.approval_until:%Y-%m-%d %H:%M} UTC"
        whole = self._journey(row.journey)
        try:
            brief = whole.brief.model_validate(row.brief)
        except ValueError:
            return "the journey's form has changed"
        journey = whole.under(brief)
        told = freeze.terms(connection, journey, brief, settings=self.settings, library=self.library)
        if freeze.digest_of(told, freeze.frozen_of(connection, run_id)) != row.digest:
            return "the template, the offer, the brand, the settings or the place it tells of have changed"
        moment = self._moment(journey)
        with prepared(connection, journey, moment, brief, self.secret):
            gone, shown = freeze.missing(connection, journey, brief, moment, run_id)
        if journey.steps and gone > MAY_VANISH * shown:  # of an audience, who ceased to belong in is not added
            return f"{gone:,} of the {shown:,} it was to be sent to are due no more"
        return None


ASKED = "it was asked about before"


def frozen_as(
    run_id: int,
    digest: str,
    summary: Summary | None,
    asks: str | None,
    until: datetime | None,
    now: datetime,
    shown: Sequence[tuple[str, str]],
) -> Frozen:
    """What was frozen, in counts."""
    to_send = sum(verdict in freeze.TO_SEND for _, verdict in shown)
    return Frozen(
        run_id=run_id,
        digest=digest,
        summary=summary,
        asks=asks,
        until=until,
        left=timedelta() if until is None else max(until - now, timedelta()),
        to_send=to_send,
        left_out=len(shown) - to_send,
    )
