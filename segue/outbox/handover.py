"""Handing over: mark behind the fence, send, journal, record; window by window.

No transaction is open while a provider is called. The mark asks everything again that may have changed since the
judgement: the lease, the brake, the facts and the pace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from segue.contract import (
    ConfigurationError,
    ConnectorError,
    Key,
    MessageConnector,
    RejectedError,
    Result,
    UncertainError,
    UnsupportedError,
    deferred,
    reason_of,
    rejected,
    retry_after_of,
    uncertain,
)
from segue.outbox import brake, verdicts
from segue.outbox.compose import Ready
from segue.outbox.count import DrainCount
from segue.outbox.frame import Asked, hash_address
from segue.outbox.freshness import Watermark, watermark
from segue.outbox.journal import Journal
from segue.outbox.lease import Leases
from segue.outbox.record import Answer, record, suppress
from segue.outbox.settle import Settlement
from segue.outbox.states import HANDED_OVER, PENDING
from segue.store.engine import write
from segue.store.sql import among
from segue.store.tables import lease, message

#: How long a paused message rests before it is looked at again.
BRAKE_WAIT = timedelta(minutes=1)
Probe = Callable[[str], None]
"""Called at named points of a message's life; tests kill or stall a worker there."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What settling needs of a row that was marked."""

    id: int
    epoch: int
    journey: str
    step: str
    attempts: int


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
        """Hand over one window of composed messages; False when facts changed and all must be judged again."""
        with write(self._engine) as connection:
            marked = self._mark(connection, batch, asked, connector, judged_on, now, count)
        if marked is None:
            return False
        if not marked:
            return True
        self._probe("marked")
        leaving = [ready.message for ready in batch if ready.message_id in marked]
        results: dict[Key, Result] = {}
        for start in range(0, len(leaving), connector.capabilities.max_batch):
            part = leaving[start : start + connector.capabilities.max_batch]
            results |= self._send(part, connector, now)
        self._probe("answered")
        self._record([r for r in batch if r.message_id in marked], marked, asked, results, now, count)
        self._probe("recorded")
        return True

    def _mark(
        self,
        connection: Connection,
        batch: Sequence[Ready],
        asked: Asked,
        connector: MessageConnector,
        judged_on: Watermark,
        now: datetime,
        count: DrainCount,
    ) -> dict[int, _Row] | None:
        """Mark what may leave; None when the judgement is out of date."""
        held = self._leases.fence(connection, {ready.bucket for ready in batch})
        ours = [ready for ready in batch if ready.bucket in held]
        if not ours:
            return {}
        if watermark(connection) != judged_on:
            return None
        channel = ours[0].message.channel
        if brake.paused_names(connection) & {"all", f"channel:{channel}", f"connector:{connector.name}"}:
            self._hold(connection, ours, "paused", now + BRAKE_WAIT, now, count)
            return {}
        granted, free_at = brake.reserve(connection, connector.name, len(ours), now=now)
        self._hold(connection, ours[granted:], "pace", free_at, now, count)
        rows = connection.execute(
            update(message)
            .where(
                among(connection, message.c.id, [ready.message_id for ready in ours[:granted]]),
                message.c.state.in_(PENDING),
            )
            .values(
                state=HANDED_OVER,
                reason=None,
                handed_over_at=now,
                answered_at=None,
                channel=channel.value,
                connector=connector.name,
                worker=self._leases.owner,
                template_version=ours[0].template_version,
                attempts=message.c.attempts + 1,
                epoch=select(lease.c.epoch).where(lease.c.bucket == message.c.bucket).scalar_subquery(),
            )
            .returning(message.c.id, message.c.epoch, message.c.attempts)
        ).all()
        marked = {row[0]: _Row(row[0], row[1], asked.journey.name, asked.step.name, row[2]) for row in rows}
        verdicts.store_sends(connection, list(marked), now=now)
        count.sent += len(marked)
        return marked

    def _send(self, batch: Sequence[Any], connector: MessageConnector, now: datetime) -> dict[Key, Result]:
        """Give `batch` to the connector and return an answer for every key, whatever it does."""
        left: set[Key] = set()
        results: dict[Key, Result] = {}

        def leaving(key: Key) -> None:
            self._journal.leaving(key)
            left.add(key)

        stopped: ConnectorError | None = None
        try:
            for result in connector.send(batch, leaving):
                self._journal.answered(result)
                results[result.key] = result
        except (RejectedError, UnsupportedError) as error:
            if len(batch) > 1 and not results:
                middle = len(batch) // 2
                return self._send(batch[:middle], connector, now) | self._send(batch[middle:], connector, now)
            stopped = error
        except ConnectorError as error:
            stopped = error
        except Exception as error:  # noqa: BLE001 - a bug in a connector must not lose what became of the others
            stopped = UncertainError(f"the connector {connector.name} broke: {type(error).__name__}")
        if isinstance(stopped, ConfigurationError):
            with write(self._engine) as connection:
                brake.set_paused(connection, f"connector:{connector.name}", paused=True, reason=str(stopped), now=now)
        for one in batch:
            if one.key not in results:
                results[one.key] = _unanswered(one.key, stopped, has_left=one.key in left)
        return results

    def _record(
        self,
        batch: Sequence[Ready],
        marked: dict[int, _Row],
        asked: Asked,
        results: dict[Key, Result],
        now: datetime,
        count: DrainCount,
    ) -> None:
        answers: list[Answer] = []
        dead: list[str] = []
        for ready in batch:
            result = results[ready.message.key]
            row = marked[ready.message_id]
            if result.reason == "configuration":
                answer = Answer(
                    message_id=row.id,
                    epoch=row.epoch,
                    state="held",
                    reason="paused",
                    provider_id=None,
                    not_before=now + BRAKE_WAIT,
                    unburned=True,
                )
            else:
                answer = self._settlement.settle(row, result, now)
            answers.append(answer)
            count.add(answer.state)
            if result.suppress and ready.message.address:
                dead.append(hash_address(ready.message.address, self._secret))
        with write(self._engine) as connection:
            record(connection, answers, worker=self._leases.owner, now=now)
            suppress(connection, dead, reason="hard_bounce", now=now)
            self._probe("before_commit")
        self._journal.clear()

    def _hold(
        self,
        connection: Connection,
        batch: Sequence[Ready],
        reason: str,
        until: datetime,
        now: datetime,
        count: DrainCount,
    ) -> None:
        verdicts.store(
            connection,
            [
                verdicts.Verdict(
                    message_id=ready.message_id,
                    run_id=None,
                    state="held",
                    reason=reason,
                    channel=ready.message.channel.value,
                    until=until,
                )
                for ready in batch
            ],
            now=now,
        )
        count.held += len(batch)


def _unanswered(key: Key, stopped: ConnectorError | None, *, has_left: bool) -> Result:
    """The fate of a message the connector gave no answer for."""
    if isinstance(stopped, RejectedError | UnsupportedError):
        return rejected(key, reason_of(stopped))
    if stopped is None or isinstance(stopped, UncertainError):
        # Silence: what left may have arrived; what did not leave certainly has not.
        return uncertain(key, "no_answer") if has_left else deferred(key, "unsent")
    # Every other error is raised only while nothing was sent, whatever was about to leave.
    return deferred(key, reason_of(stopped), retry_after_of(stopped))
