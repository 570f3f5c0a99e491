"""Asks a platform for what stands open in our books, batch by batch, and writes down what it answers.

A refusal of a whole batch is believed only for a batch of one: that row stays as it is, rests for a day, and the others
go on. Removals that are not answered stop no others, either (see `unanswered`).

The brake on the journey, or on the run, keeps people from being added; removals go on, since a no waits for nobody's
plans. The brake on the platform's connector, on the channel or on everything holds removals, too: nothing may leave
there. The report then says how many noes wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, update

from segue.audiences.books import Books, names_of
from segue.audiences.plan import ADDING, REMOVING
from segue.audiences.rule import Judge
from segue.audiences.unanswered import StopSync, Unanswered
from segue.clock import Clock
from segue.contract import AUDIENCE_GONE, AudienceChange, AudienceConnector, Key, Outcome, RejectedError, Result
from segue.journeys.retargeting import JOURNEY, AudienceRule
from segue.outbox.brake import paused_names
from segue.outbox.lease import Leases
from segue.store.engine import write
from segue.store.tables import audience

#: The lease's bucket; people's buckets end far below it.
BUCKET = 1024
#: A platform that refuses so many alone and takes nobody in a sync has another trouble than them.
_MOST_REFUSED = 25


def audience_brakes(connector: str) -> set[str]:
    """What keeps anything from leaving for this platform, removals and the product feed among it."""
    return {"all", "channel:audience", f"connector:{connector}"}


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What one process syncs with."""

    engine: Engine
    judge: Judge
    clock: Clock
    leases: Leases
    probe: Callable[[str], None]
    #: Seconds between the last look and a request.
    patience: float

    def fence(self, connection: Connection) -> None:
        """Raise StopSync where somebody else has the lease by now."""
        if not self.leases.fence(connection, {BUCKET}):
            raise StopSync("another sync took over")


class Asking:
    """The requests of one sync of one audience at one platform."""

    def __init__(
        self,
        tools: Tools,
        rule: AudienceRule,
        connector: AudienceConnector,
        books: Books,
        *,
        fields: tuple[str, ...],
        external_id: str | None,
        brake: str | None = None,
    ) -> None:
        """`brake`, besides the journey's, keeps people from being added."""
        self._tools, self._rule, self._connector, self._books = tools, rule, connector, books
        self._fields, self._external_id = fields, external_id
        self._engine, self._clock, self._probe, self._fence = tools.engine, tools.clock, tools.probe, tools.fence
        self._brakes = audience_brakes(connector.name)
        self._adding_brakes = {f"journey:{JOURNEY.name}", *([brake] if brake else [])}
        self._refused = 0
        self._unanswered = Unanswered()
        #: What the platform took, and what it can do nothing with.
        self.done = {ADDING: 0, REMOVING: 0}
        self.rejected = 0

    def ask(self, again: Mapping[int, Mapping[str, str]]) -> None:
        """Ask for all that is open; once more where the platform has lost its audience.

        `again` are the rows to be added once they are removed. Raises StopSync and ConnectorError.
        """
        try:
            self._ask(again)
        except RejectedError as error:
            if error.reason != AUDIENCE_GONE:
                raise
            self._forget_platform()
            self._ask(again)

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
        self._unanswered.end()

    def _ensure(self) -> None:
        if self._external_id is not None:
            return
        with write(self._engine) as connection:
            self._may_go_on(connection, ADDING)  # where there is no audience yet, nobody waits to be removed
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
        #: Parts of batches that were refused as a whole, the next one last.
        parts: list[list[Any]] = []
        if state == REMOVING:
            self._unanswered.begin()
        while True:
            with write(self._engine) as connection:
                self._may_go_on(connection, state)
                asked_at = time.monotonic()
                rows = parts.pop() if parts else self._next(connection, state, last)
                if not rows and state == REMOVING:
                    rows = self._unanswered.next()
                if not rows:
                    return unwanted
                last = max(last, rows[-1].id)
                batch, refused = self._last_look(connection, rows) if state == ADDING else (rows, 0)
                unwanted += refused
            if batch:
                parts += self._request(state, batch, asked_at)

    def _next(self, connection: Connection, state: str, last: int) -> list[Any]:
        """The next batch; the fence, which renews the lease, is passed before each, so that none may take longer."""
        limits = self._connector.capabilities
        limit = limits.max_batch
        if state == REMOVING and limits.max_removals is not None:
            limit = min(limit, limits.max_removals)
        return self._books.open(connection, state, after=last, limit=limit, now=self._clock.now())

    def _last_look(self, connection: Connection, rows: list[Any]) -> tuple[list[Any], int]:
        """Leave out who must not be added any more, and who shares an address with somebody on her way out."""
        now = self._clock.now()
        refused = self._tools.judge.still_allowed(connection, [row.profile_id for row in rows], now)
        unwanted = {row.id: str(why) for row in rows if (why := refused[row.profile_id]) is not None}
        self._books.remove(connection, unwanted, now)
        leaving = self._books.leaving_names(connection)
        batch = [row for row in rows if row.id not in unwanted and leaving.isdisjoint(names_of(row.identifiers))]
        return batch, len(unwanted)

    def _request(self, state: str, rows: list[Any], asked_at: float) -> list[list[Any]]:
        """One call of the connector, and its answers into the books; returns what is worth asking in parts."""
        if time.monotonic() - asked_at > self._tools.patience:
            raise StopSync("it took too long to begin a request; the next sync goes on")
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
        if isinstance(trouble, RejectedError) and trouble.reason != AUDIENCE_GONE and not results:
            return self._in_parts(rows, trouble)
        self._record(state, rows, results)
        settled = {result.key for result in results if result.outcome in (Outcome.ACCEPTED, Outcome.REJECTED)}
        left = [row for row in rows if row.key not in settled]
        if state == REMOVING:
            if settled:
                self._unanswered.answered()
            if left:
                self._unanswered.put_off(left, trouble, results)
            return []
        if trouble is not None:
            raise trouble
        if left:
            why = next((r.reason for r in results if r.outcome in (Outcome.DEFERRED, Outcome.UNCERTAIN)), None)
            raise StopSync(
                f"the platform left {len(left)} of {len(rows)} open ({why or 'no answer'}); the next sync goes on"
            )
        return []

    def _in_parts(self, rows: list[Any], error: RejectedError) -> list[list[Any]]:
        """Of a batch that was refused as a whole, its halves, the first one last; a single row rests instead."""
        if len(rows) > 1:
            middle = len(rows) // 2
            return [rows[middle:], rows[:middle]]
        with write(self._engine) as connection:
            self._fence(connection)
            self._books.refuse(connection, rows[0], error.reason, self._clock.now())
        self._refused += 1
        if self._refused >= _MOST_REFUSED and not any(self.done.values()):
            raise error
        return []

    def _record(self, state: str, rows: list[Any], results: list[Result]) -> None:
        by_key = {row.key: row for row in rows}
        known = [(by_key[result.key], result) for result in results if result.key in by_key]
        now = self._clock.now()
        with write(self._engine) as connection:
            if not self._tools.leases.fence(connection, {BUCKET}):
                sent = {row.id: row.identifiers for row in rows}
                self._books.unsettle(connection, sent, added=state == ADDING, now=now)
                lost = True
            else:
                lost = False
                self._books.record(connection, known, added=state == ADDING, now=now)
                if unusable := sum(result.unusable for _, result in known):
                    self._books.count_unusable(connection, unusable if state == ADDING else -unusable)
        if lost:
            raise StopSync("another sync took over while the platform was asked")
        self.done[state] += sum(result.outcome is Outcome.ACCEPTED for _, result in known)
        self.rejected += sum(result.outcome is Outcome.REJECTED for _, result in known)

    def _forget_platform(self) -> None:
        with write(self._engine) as connection:
            self._fence(connection)
            self._books.forget_platform(connection, self._clock.now())
        self._external_id = None

    def _may_go_on(self, connection: Connection, state: str) -> None:
        self._fence(connection)
        brakes = self._brakes | (self._adding_brakes if state == ADDING else set())
        if standing := brakes & paused_names(connection):
            raise StopSync(f"paused: {', '.join(sorted(standing))}")
