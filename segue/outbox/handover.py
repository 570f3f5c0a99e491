"""Handing over: mark behind the fence, send, journal, record; window by window.

No transaction is open while a provider is called. The mark asks everything again that may have changed since the
judgement: the lease, the hour, the brake, the facts and the pace.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine, bindparam, select, update

from segue.contract import MessageConnector
from segue.outbox import brake, pace, verdicts
from segue.outbox.bills import Bill, bills_of, store_bills
from segue.outbox.compose import Ready
from segue.outbox.count import DrainCount
from segue.outbox.frame import Asked
from segue.outbox.freshness import Watermark, touched, watermark
from segue.outbox.hashes import hash_address
from segue.outbox.journal import Journal
from segue.outbox.lease import Leases
from segue.outbox.record import Answer, record, suppress
from segue.outbox.send import Sent, send
from segue.outbox.settle import Settlement
from segue.outbox.states import HANDED_OVER, PENDING
from segue.store.engine import write
from segue.store.sql import listed
from segue.store.tables import lease, message
from segue.store.types import UtcTime

#: How long a paused message rests before it is looked at again.
BRAKE_WAIT = timedelta(minutes=1)
#: Why an address is dead or unwilling, where it is not that nobody lives there.
_SUPPRESSIONS = {"opted_out": "stop"}
Probe = Callable[[str], None]
"""Called at named points of a message's life; tests kill or stall a worker there."""


class _Row(NamedTuple):
    """What settling needs of a row that was marked."""

    id: int
    epoch: int
    journey: str
    step: str
    attempts: int

    def unburned(self) -> _Row:
        """The same row as if this attempt had not been made."""
        return self._replace(attempts=self.attempts - 1)


# Built once, as all that runs once a window.
_MARK = (
    update(message)
    .where(
        listed(message.c.id, "ids"),
        # An expression, so that PostgreSQL finds the rows by id and not by the index of all pending ones.
        message.c.state.concat("").in_(PENDING),
    )
    .values(
        state=HANDED_OVER,
        reason=None,
        handed_over_at=bindparam("now", type_=UtcTime),
        answered_at=None,
        channel=bindparam("on_channel"),
        connector=bindparam("by_connector"),
        worker=bindparam("me"),
        template_version=bindparam("version"),
        attempts=message.c.attempts + 1,
        # Of an earlier try, maybe on another channel.
        segments=None,
        cost_micros=None,
        cost_currency=None,
        epoch=select(lease.c.epoch).where(lease.c.bucket == message.c.bucket).scalar_subquery(),
    )
    .returning(message.c.id, message.c.epoch, message.c.attempts)
)


class HandOver:
    """One worker's way out to one connector."""

    def __init__(
        self,
        engine: Engine,
        *,
        leases: Leases,
        journal: Journal,
        settlement: Settlement,
        secret: bytes,
        probe: Probe,
    ) -> None:
        self._engine = engine
        self._leases = leases
        self._journal = journal
        self._settlement = settlement
        self._secret = secret
        self._probe = probe
        #: The queue behind each connector's pace.
        self._turns: defaultdict[str, pace.Turns] = defaultdict(pace.Turns)

    def window(
        self,
        batch: Sequence[Ready],
        asked: Asked,
        connector: MessageConnector,
        *,
        judged_on: Watermark,
        now: datetime,
        count: DrainCount,
    ) -> bool:
        """Hand over one window of composed messages; False when some must be judged again.

        Those are whose facts have changed, and for whom it is too late by now.
        """
        bills = bills_of(batch, connector)
        with write(self._engine) as connection:
            keepers = {ready.keeper for ready in batch if ready.keeper is not None}
            held: set[int | None] = {None, *self._leases.fence(connection, keepers | {ready.bucket for ready in batch})}
            ours = [ready for ready in batch if ready.bucket in held and ready.keeper in held]
            timely = [ready for ready in ours if now < ready.leave_by]  # writing it may have taken long
            fresh = self._still_true(connection, timely, judged_on)
            marked = self._mark(connection, fresh, asked, connector, bills, now, count) if fresh else {}
        is_complete = len(fresh) == len(ours)
        if not marked:
            return is_complete
        self._probe("marked")
        leaving = [ready for ready in batch if ready.message_id in marked]
        sent = send([ready.message for ready in leaving], connector, self._journal)
        self._probe("answered")
        self._record(leaving, marked, connector, sent, now, count)
        self._probe("recorded")
        return is_complete

    def _still_true(self, connection: Connection, batch: Sequence[Ready], judged_on: Watermark) -> Sequence[Ready]:
        """Those of `batch` about whom nothing was recorded since they were judged."""
        if not batch or judged_on.is_current(later := watermark(connection)):
            return batch
        people = {ready.profile_id for ready in batch}
        news = touched(connection, judged_on, later, people, lambda address: hash_address(address, self._secret))
        return [one for one in batch if one.profile_id not in news]

    def _mark(
        self,
        connection: Connection,
        batch: Sequence[Ready],
        asked: Asked,
        connector: MessageConnector,
        bills: Mapping[int, Bill],
        now: datetime,
        count: DrainCount,
    ) -> dict[int, _Row]:
        """Mark what may leave, and hold what the brake or the pace keep back."""
        channel = batch[0].message.channel
        ours = self._brake(connection, batch, asked, connector, now, count)
        ours = self._pace(connection, ours, connector, now, count) if ours else ours
        if not ours:
            return {}
        rows = connection.execute(
            _MARK,
            {
                "ids": [ready.message_id for ready in ours],
                "now": now,
                "on_channel": channel.value,
                "by_connector": connector.name,
                "me": self._leases.owner,
                "version": ours[0].template_version,
            },
        ).all()
        marked = {row[0]: _Row(row[0], row[1], asked.journey.name, asked.step.name, row[2]) for row in rows}
        store_bills(connection, {message_id: bill for message_id, bill in bills.items() if message_id in marked})
        verdicts.store_sends(connection, list(marked), now=now)
        count.sent += len(marked)
        return marked

    def _brake(
        self,
        connection: Connection,
        batch: Sequence[Ready],
        asked: Asked,
        connector: MessageConnector,
        now: datetime,
        count: DrainCount,
    ) -> Sequence[Ready]:
        """Hold what stands still by now, and return the rest."""
        paused = brake.paused_names(connection)
        if not paused:
            return batch
        name, way = asked.journey.name, {"channel": batch[0].message.channel.value, "connector": connector.name}
        stopped = {one.message_id for one in batch if brake.held_by(paused, name, **way, run_id=one.run_id)}
        waiting = [ready for ready in batch if ready.message_id in stopped]
        self._hold(connection, waiting, "paused", [now + BRAKE_WAIT] * len(waiting), now, count)
        return [ready for ready in batch if ready.message_id not in stopped]

    def _record(
        self,
        batch: Sequence[Ready],
        marked: dict[int, _Row],
        connector: MessageConnector,
        sent: Sent,
        now: datetime,
        count: DrainCount,
    ) -> None:
        answers: list[Answer] = []
        dead: defaultdict[str, list[str]] = defaultdict(list)
        for ready in batch:
            result = sent.results[ready.message.key]
            row = marked[ready.message_id]
            if result.reason == "configuration":
                answer = _hold_for_repair(row, now)
                count.kept_for_repair += 1
            elif ready.message.key in sent.untried:
                answer = self._settlement.settle(row.unburned(), result, now)._replace(unburned=True)
            else:
                answer = self._settlement.settle(row, result, now)
            answers.append(answer)
            count.add(answer.state)
            if result.suppress and ready.message.address:
                why = _SUPPRESSIONS.get(result.reason or "", "hard_bounce")
                dead[why].append(hash_address(ready.message.address, self._secret))
        with write(self._engine) as connection:
            record(connection, answers, worker=self._leases.owner, now=now)
            for why, hashes in dead.items():
                suppress(connection, hashes, reason=why, now=now)
            if sent.misconfigured is not None:
                name = f"connector:{connector.name}"
                brake.set_paused(connection, name, paused=True, reason=sent.misconfigured, now=now)
            self._probe("before_commit")
        self._journal.clear()

    def _pace(
        self,
        connection: Connection,
        batch: Sequence[Ready],
        connector: MessageConnector,
        now: datetime,
        count: DrainCount,
    ) -> Sequence[Ready]:
        """Hold what the pace has no room for, each until its own turn, and return the rest."""
        grant = pace.reserve(connection, connector, [ready.message for ready in batch], now=now)
        if grant is None:
            return batch
        waiting = [batch[place] for place in grant.waits]
        called = {place for place, ready in enumerate(waiting) if ready.held_for == "pace"}
        turns = self._turns[connector.name].give(grant, [one.message for one in waiting], now=now, called=called)
        late = [batch[place] for place in grant.ends]
        turns += [max(now, ready.message.valid_until or now) for ready in late]
        self._hold(connection, [*waiting, *late], "pace", turns, now, count)
        return [batch[place] for place in grant.leaves]

    def _hold(
        self,
        connection: Connection,
        batch: Sequence[Ready],
        reason: str,
        until: Sequence[datetime],
        now: datetime,
        count: DrainCount,
    ) -> None:
        held = [
            verdicts.Verdict(
                message_id=ready.message_id,
                run_id=ready.run_id,
                state="held",
                reason=reason,
                channel=ready.message.channel.value,
                until=moment,
                is_repeat=ready.held_for == reason,
            )
            for ready, moment in zip(batch, until, strict=True)
        ]
        verdicts.store(connection, held, now=now)
        count.held += len(batch)


def _hold_for_repair(row: _Row, now: datetime) -> Answer:
    """The connector's settings are wrong: the message waits with the connector and burns no attempt."""
    return Answer(
        message_id=row.id,
        epoch=row.epoch,
        state="held",
        reason="paused",
        provider_id=None,
        not_before=now + BRAKE_WAIT,
        unburned=True,
    )
