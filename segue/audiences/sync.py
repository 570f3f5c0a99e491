"""Mirrors audiences at ad platforms: judge, write down the difference, ask for it, write down the answers.

A row stands in our books before anything leaves, and stays open until the platform answered; whoever comes after a
crash asks again, which platforms take as once. Removals come first, and while one is open nobody is added who shares
an address with her. One sync at a time, under a lease; the brake is asked before every request.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, update

from segue.audiences.books import Books, names_of, open_books
from segue.audiences.plan import ADDING, IN, REMOVING, plan
from segue.audiences.report import AudienceLine, AudienceReport
from segue.audiences.rule import Judge, Tally, chunks, considered
from segue.clock import Clock
from segue.contract import (
    AUDIENCE_GONE,
    AudienceChange,
    AudienceConnector,
    ConnectorError,
    Key,
    Outcome,
    RejectedError,
    Result,
)
from segue.journeys.definition import Moment
from segue.journeys.retargeting import AUDIENCES, JOURNEY, AudienceRule, RetargetingBrief
from segue.outbox.brake import paused_names
from segue.outbox.lease import Leases
from segue.store.bulk import insert_new
from segue.store.engine import read, write
from segue.store.tables import audience, lease

#: The lease's bucket; people's buckets end far below it.
BUCKET = 1024
#: A platform may take minutes over a request; a sync that was killed is followed by another one after this long.
LEASE = timedelta(minutes=5)
_LOG = logging.getLogger(__name__)


class _Stop(Exception):  # noqa: N818 - no error: it says why a sync ends early
    """The sync of one audience ends here."""


class AudienceSync:
    """One process's syncs."""

    def __init__(
        self,
        engine: Engine,
        *,
        connectors: Mapping[str, AudienceConnector],
        judge: Judge,
        clock: Clock,
        probe: Callable[[str], None] = lambda _name: None,
        lease_ttl: timedelta = LEASE,
    ) -> None:
        self._engine = engine
        self._connectors = connectors
        self._judge = judge
        self._clock = clock
        self._probe = probe
        self._ttl = lease_ttl
        self._leases = Leases(engine, f"audiences-{uuid.uuid4().hex}", lease_ttl)

    def sync(self, moment: Moment, brief: RetargetingBrief) -> AudienceReport:
        """Bring every audience at every platform in line; what cannot be done now is left for the next sync."""
        with write(self._engine) as connection:
            insert_new(connection, lease, [{"bucket": BUCKET}], ["bucket"])
        if not self._leases.claim({BUCKET}):
            return AudienceReport(preview=False, lines=(), busy=True)
        try:
            lines = [
                _One(self._engine, rule, connector, self._judge, self._clock, self._leases, self._probe, self._ttl).run(
                    moment, brief
                )
                for connector in self._connectors.values()
                for rule in AUDIENCES
            ]
        finally:
            self._leases.release()
        return AudienceReport(preview=False, lines=tuple(lines))

    def preview(self, moment: Moment, brief: RetargetingBrief) -> AudienceReport:
        """Judge everybody, and count what a sync would ask for; writes nothing and asks no platform."""
        lines = [
            _One(self._engine, rule, connector, self._judge, self._clock, self._leases, self._probe, self._ttl).preview(
                moment, brief
            )
            for connector in self._connectors.values()
            for rule in AUDIENCES
        ]
        return AudienceReport(preview=True, lines=tuple(lines))


class _One:
    """One audience at one platform."""

    def __init__(
        self,
        engine: Engine,
        rule: AudienceRule,
        connector: AudienceConnector,
        judge: Judge,
        clock: Clock,
        leases: Leases,
        probe: Callable[[str], None],
        ttl: timedelta,
    ) -> None:
        self._engine, self._rule, self._connector = engine, rule, connector
        self._judge, self._clock, self._leases, self._probe = judge, clock, leases, probe
        self._patience = ttl.total_seconds() / 2
        self._brakes = {"all", "channel:audience", f"journey:{JOURNEY.name}", f"connector:{connector.name}"}
        self._tally = Tally()
        self._done = {ADDING: 0, REMOVING: 0}
        self._rejected = 0

    def run(self, moment: Moment, brief: RetargetingBrief) -> AudienceLine:
        """Sync; returns what was done, and why it ended early if it did."""
        problem: str | None = None
        with write(self._engine) as connection:
            row = open_books(
                connection, self._rule.name, self._connector.name, self._connector.fields, self._clock.now()
            )
        self._books = Books(row.id, self._rule.name, secret=self._judge.secret)
        self._fields: tuple[str, ...] = tuple(row.fields)
        self._external_id: str | None = row.external_id
        try:
            again = self._plan(moment, brief)
            self._probe("audience_planned")
            for attempt in (1, 2):
                try:
                    self._ask(again)
                    break
                except RejectedError as error:
                    if error.reason != AUDIENCE_GONE or attempt == 2:
                        raise
                    self._forget_platform()
        except _Stop as stop:
            problem = str(stop)
        except ConnectorError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - one platform's trouble is not the others'; its text may name people
            problem = f"failed with {type(error).__name__}"
            _LOG.error("audience %s at %s: %s", self._rule.name, self._connector.name, problem)
        with read(self._engine) as connection:
            rows = self._books.count(connection)
        return self._line(rows, problem=problem)

    def preview(self, moment: Moment, brief: RetargetingBrief) -> AudienceLine:
        """Count what `run` would do."""
        with read(self._engine) as connection:
            known = connection.execute(
                audience.select().where(
                    audience.c.name == self._rule.name, audience.c.connector == self._connector.name
                )
            ).first()
            books = Books(known.id if known else 0, self._rule.name, secret=self._judge.secret)
            self._fields = tuple(known.fields) if known else self._connector.fields
            found = considered(connection, self._rule, moment, brief)
            for rows in chunks(found):
                wishes = self._judge.wishes(connection, rows, now=moment.now, fields=self._fields, tally=self._tally)
                made = plan(wishes, books.of(connection, wishes), secret=self._judge.secret)
                self._done[ADDING] += len(made.enter) + len(made.add) + len(made.again)
                self._done[REMOVING] += len(made.remove)
                self._rejected += made.rejected
            self._done[REMOVING] += len(books.strangers(connection, set(found[:, 0].tolist())))
            return self._line(books.count(connection), problem=None)

    def _line(self, rows: Mapping[str, int], *, problem: str | None) -> AudienceLine:
        tally = self._tally
        return AudienceLine(
            audience=self._rule.name,
            title=self._rule.title,
            connector=self._connector.name,
            considered=tally.considered,
            wanted=tally.wanted,
            control=tally.control,
            out=dict(sorted(tally.out.items())),
            added=self._done[ADDING],
            removed=self._done[REMOVING],
            members=rows.get(IN, 0),
            waiting=rows.get(ADDING, 0) + rows.get(REMOVING, 0),
            rejected=self._rejected,
            problem=problem,
        )

    def _plan(self, moment: Moment, brief: RetargetingBrief) -> dict[int, Mapping[str, str]]:
        """Write the difference into the books; return the rows that are added once they are removed."""
        again: dict[int, Mapping[str, str]] = {}
        with read(self._engine) as connection:
            found = considered(connection, self._rule, moment, brief)
        for rows in chunks(found):
            with write(self._engine) as connection:
                self._fence(connection)
                wishes = self._judge.wishes(connection, rows, now=moment.now, fields=self._fields, tally=self._tally)
                made = plan(wishes, self._books.of(connection, wishes), secret=self._judge.secret)
                self._books.write_plan(connection, made, moment.now)
            again |= made.again
            self._rejected += made.rejected
        with write(self._engine) as connection:
            self._fence(connection)
            gone = self._books.strangers(connection, set(found[:, 0].tolist()))
            self._books.remove(connection, dict.fromkeys(gone, "occasion_gone"), moment.now)
        return again

    def _ask(self, again: Mapping[int, Mapping[str, str]]) -> None:
        """Remove, add, and remove whom the last look before adding found unwanted."""
        self._ensure()
        self._pass(REMOVING)
        with write(self._engine) as connection:
            self._fence(connection)
            free = self._books.gone_of(connection, again.keys())
            self._books.add(connection, {row: again[row] for row in free}, self._clock.now())
        if self._pass(ADDING):
            self._pass(REMOVING)

    def _ensure(self) -> None:
        if self._external_id is not None:
            return
        with write(self._engine) as connection:
            self._may_go_on(connection)
        self._external_id = self._connector.ensure(f"segue {self._rule.name}", self._rule.description)
        self._probe("audience_made")
        with write(self._engine) as connection:
            self._fence(connection)
            connection.execute(
                update(audience).where(audience.c.id == self._books.audience_id).values(external_id=self._external_id)
            )

    def _pass(self, state: str) -> int:
        """Ask for everything that is open in `state`, batch by batch; return how many turned out unwanted."""
        last, unwanted = 0, 0
        while True:
            with write(self._engine) as connection:
                self._may_go_on(connection)
                asked_at = time.monotonic()
                rows = self._books.open(connection, state, after=last, limit=self._connector.capabilities.max_batch)
                if not rows:
                    return unwanted
                last = rows[-1].id
                batch, refused = self._last_look(connection, rows) if state == ADDING else (rows, 0)
                unwanted += refused
            if batch:
                self._request(state, batch, asked_at)

    def _last_look(self, connection: Any, rows: list[Any]) -> tuple[list[Any], int]:
        """Leave out who must not be added any more, and who shares an address with somebody on her way out."""
        now = self._clock.now()
        refused = self._judge.still_allowed(connection, [row.profile_id for row in rows], now)
        unwanted = {row.id: str(why) for row in rows if (why := refused[row.profile_id]) is not None}
        self._books.remove(connection, unwanted, now)
        leaving = self._books.leaving_names(connection)
        batch = [row for row in rows if row.id not in unwanted and leaving.isdisjoint(names_of(row.identifiers))]
        return batch, len(unwanted)

    def _request(self, state: str, rows: list[Any], asked_at: float) -> None:
        """One call of the connector, and its answers into the books."""
        if time.monotonic() - asked_at > self._patience:
            raise _Stop("it took too long to begin a request; the next sync goes on")
        members = tuple((Key(row.key), row.identifiers) for row in rows)
        change = AudienceChange(
            audience=self._rule.name,
            external_id=self._external_id or "",
            fields=self._fields,
            add=members if state == ADDING else (),
            remove=members if state == REMOVING else (),
        )
        self._probe("audience_asking")
        results: list[Result] = []
        trouble: Exception | None = None
        try:
            results.extend(self._connector.sync(change))
        except Exception as error:  # noqa: BLE001 - what was answered is written down before it goes on
            trouble = error
        self._probe("audience_answered")
        self._record(state, rows, results)
        if trouble is not None:
            raise trouble
        left = len(rows) - sum(result.outcome in (Outcome.ACCEPTED, Outcome.REJECTED) for result in results)
        if left:
            why = next((r.reason for r in results if r.outcome in (Outcome.DEFERRED, Outcome.UNCERTAIN)), None)
            raise _Stop(f"the platform left {left} of {len(rows)} open ({why or 'no answer'}); the next sync goes on")

    def _record(self, state: str, rows: list[Any], results: list[Result]) -> None:
        by_key = {row.key: row for row in rows}
        known = [(by_key[result.key], result) for result in results if result.key in by_key]
        now = self._clock.now()
        with write(self._engine) as connection:
            if not self._leases.fence(connection, {BUCKET}):
                sent = {row.id: row.identifiers for row in rows}
                self._books.unsettle(connection, sent, added=state == ADDING, now=now)
                lost = True
            else:
                lost = False
                self._books.record(
                    connection,
                    [(row.id, result, row.identifiers if state == ADDING else None) for row, result in known],
                    now=now,
                )
        if lost:
            raise _Stop("another sync took over while the platform was asked")
        self._done[state] += sum(result.outcome is Outcome.ACCEPTED for _, result in known)
        self._rejected += sum(result.outcome is Outcome.REJECTED for _, result in known)

    def _forget_platform(self) -> None:
        with write(self._engine) as connection:
            self._fence(connection)
            self._books.forget_platform(connection, self._clock.now())
        self._external_id = None

    def _fence(self, connection: Any) -> None:
        if not self._leases.fence(connection, {BUCKET}):
            raise _Stop("another sync took over")

    def _may_go_on(self, connection: Any) -> None:
        self._fence(connection)
        if standing := self._brakes & paused_names(connection):
            raise _Stop(f"paused: {', '.join(sorted(standing))}")
