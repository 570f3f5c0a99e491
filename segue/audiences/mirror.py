"""One audience at one platform: what belongs in it, what differs, and what became of it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Container, Mapping

from sqlalchemy import Connection

from segue.audiences.asking import Asking, Tools
from segue.audiences.books import Books, open_books
from segue.audiences.plan import ADDING, IN, REMOVING, plan
from segue.audiences.report import AudienceLine
from segue.audiences.rule import CHUNK, Tally, chunks, considered
from segue.audiences.unanswered import StopSync
from segue.contract import AudienceConnector, ConnectorError
from segue.journeys.definition import Moment
from segue.journeys.retargeting import AudienceRule, RetargetingBrief
from segue.policy import Reason
from segue.store.engine import read, write
from segue.store.tables import audience

#: Why somebody may be in no audience though nobody objects to it.
_NO_NOES = (Reason.MERGED, Reason.NO_ADDRESS)
_LOG = logging.getLogger(__name__)


class Mirror:
    """One audience at one platform, for one sync or one preview."""

    def __init__(
        self,
        tools: Tools,
        rule: AudienceRule,
        connector: AudienceConnector,
        *,
        may_enter: Container[int] | None = None,
        stopped: Collection[int] = (),
        brake: str | None = None,
    ) -> None:
        """`may_enter` are the only people who may be added that are not in it; None: whoever belongs in.

        `stopped` are those whom a run was to add that was stopped since; `brake` keeps this very run from adding more.
        """
        self._tools, self._rule, self._connector = tools, rule, connector
        self._tally = Tally()
        self._done = {ADDING: 0, REMOVING: 0}
        self._rejected = 0
        self._may_enter, self._held_back = may_enter, 0
        self._stopped, self._brake = stopped, brake
        #: Of a preview: whom a sync would ask the platform to take who is not in it.
        self.fresh: list[int] = []

    def run(self, moment: Moment, brief: RetargetingBrief) -> AudienceLine:
        """Sync; returns what was done, and why it ended early if it did."""
        with write(self._tools.engine) as connection:
            row = open_books(
                connection, self._rule.name, self._connector.name, self._connector.fields, self._tools.clock.now()
            )
        books = Books(row.id, self._rule.name, secret=self._tools.judge.secret)
        asking = Asking(
            self._tools,
            self._rule,
            self._connector,
            books,
            fields=tuple(row.fields),
            external_id=row.external_id,
            brake=self._brake,
        )
        problem: str | None = None
        try:
            again = self._plan(moment, brief, books, tuple(row.fields))
            self._tools.probe("audience_planned")
            if row.external_id is not None or not self._waits_empty(books):
                asking.ask(again)
        except (StopSync, ConnectorError) as stop:
            problem = str(stop)
        except Exception as error:  # noqa: BLE001 - one platform's trouble is not the others'; its text may name people
            problem = f"failed with {type(error).__name__}"
            _LOG.error("audience %s at %s: %s", self._rule.name, self._connector.name, problem)
        self._done = asking.done
        self._rejected += asking.rejected
        with read(self._tools.engine) as connection:
            return self._line(connection, books, problem=problem)

    def preview(self, moment: Moment, brief: RetargetingBrief) -> AudienceLine:
        """Count what `run` would do."""
        with read(self._tools.engine) as connection:
            known = connection.execute(
                audience.select().where(
                    audience.c.name == self._rule.name, audience.c.connector == self._connector.name
                )
            ).first()
            books = Books(known.id if known else 0, self._rule.name, secret=self._tools.judge.secret)
            fields = tuple(known.fields) if known else self._connector.fields
            found = considered(connection, self._rule, moment, brief)
            for rows in chunks(found):
                wishes = self._tools.judge.wishes(connection, rows, now=moment.now, fields=fields, tally=self._tally)
                made = plan(wishes, books.of(connection, wishes), secret=self._tools.judge.secret)
                self.fresh += made.fresh
                self._done[ADDING] += len(made.enter) + len(made.add) + len(made.again)
                self._done[REMOVING] += len(made.remove)
                self._rejected += made.rejected
            self._done[REMOVING] += len(books.strangers(connection, set(found[:, 0].tolist())))
            return self._line(connection, books, problem=None)

    def _waits_empty(self, books: Books) -> bool:
        """True where nobody was let in yet: no audience is made for them before somebody agrees."""
        with read(self._tools.engine) as connection:
            return self._held_back > 0 and not books.count(connection)

    def _line(self, connection: Connection, books: Books, *, problem: str | None) -> AudienceLine:
        tally, rows, refused = self._tally, books.count(connection), books.refused(connection)
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
            held_back=self._held_back,
            unusable=min(books.unusable(connection), rows.get(IN, 0)),
            waiting=rows.get(ADDING, 0) + rows.get(REMOVING, 0) - refused,
            rejected=self._rejected + refused,
            waiting_noes=self._noes(connection, books.leaving_people(connection)),
            min_audience=self._connector.capabilities.min_audience,
            problem=problem,
        )

    def _noes(self, connection: Connection, people: list[int]) -> int:
        """How many of these people may be in no audience by the word of law or theirs."""
        now, found = self._tools.clock.now(), 0
        for start in range(0, len(people), CHUNK):
            judged = self._tools.judge.still_allowed(connection, people[start : start + CHUNK], now)
            found += sum(why is not None and why not in _NO_NOES for why in judged.values())
        return found

    def _plan(
        self, moment: Moment, brief: RetargetingBrief, books: Books, fields: tuple[str, ...]
    ) -> dict[int, Mapping[str, str]]:
        """Write the difference into the books; return the rows that are added once they are removed."""
        again: dict[int, Mapping[str, str]] = {}
        if self._stopped:
            with write(self._tools.engine) as connection:
                self._tools.fence(connection)
                books.withdraw(connection, self._stopped, moment.now)
        with read(self._tools.engine) as connection:
            found = considered(connection, self._rule, moment, brief)
        for rows in chunks(found):
            with write(self._tools.engine) as connection:
                self._tools.fence(connection)
                wishes = self._tools.judge.wishes(connection, rows, now=moment.now, fields=fields, tally=self._tally)
                made = plan(wishes, books.of(connection, wishes), secret=self._tools.judge.secret)
                self._held_back += made.hold_back(self._may_enter)
                books.write_plan(connection, made, moment.now)
            again |= made.again
            self._rejected += made.rejected
        with write(self._tools.engine) as connection:
            self._tools.fence(connection)
            gone = books.strangers(connection, set(found[:, 0].tolist()))
            books.remove(connection, dict.fromkeys(gone, "occasion_gone"), moment.now)
        return again
