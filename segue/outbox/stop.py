"""Stopping a run for good: what left has left, what has not is skipped, and nothing of it leaves any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, literal, select, update

from segue.outbox.brake import set_paused
from segue.outbox.states import HANDED_OVER, PENDING
from segue.policy import Reason
from segue.store.sql import among
from segue.store.tables import decision, message, run
from segue.store.types import UtcTime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedRun:
    """What stopping did: counts only."""

    journey: str
    #: Messages that will not leave any more.
    taken: int
    #: Messages whose answer is awaited at this very moment; they have left.
    leaving: int
    #: Messages that had left before.
    gone: int


def stop_run(connection: Connection, run_id: int, *, reason: str, now: datetime) -> StoppedRun:
    """Pull the brake on a run and skip whatever of it has not left; raises LookupError where there is no such run.

    Every batch asks the brake and expects its rows to be pending in the transaction that marks them, so nothing
    leaves after this one. What a provider puts off later meets the brake. Safe to repeat.
    """
    journey = connection.scalar(select(run.c.journey).where(run.c.id == run_id))
    if journey is None:
        raise LookupError(f"there is no run {run_id}; its number stands at the top of the run's page")
    set_paused(connection, f"run:{run_id}", paused=True, reason=reason, now=now)
    waiting = message.c.run_id == run_id, message.c.state.in_(PENDING)
    taken = connection.scalars(
        update(message).where(*waiting).values(state="skipped", reason=Reason.STOPPED.value).returning(message.c.id)
    ).all()
    connection.execute(
        insert(decision).from_select(
            ["message_id", "run_id", "verdict", "reason", "decided_at"],
            select(
                message.c.id,
                message.c.run_id,
                literal("skip"),
                literal(Reason.STOPPED.value),
                literal(now, UtcTime),
            ).where(among(connection, message.c.id, taken)),
            include_defaults=False,
        )
    )
    count = select(func.count()).select_from(message).where(message.c.run_id == run_id)
    leaving = connection.scalar(count.where(message.c.state == HANDED_OVER)) or 0
    gone = connection.scalar(count.where(message.c.state.in_(("accepted", "uncertain", "rejected")))) or 0
    return StoppedRun(journey=journey, taken=len(taken), leaving=leaving, gone=gone)
