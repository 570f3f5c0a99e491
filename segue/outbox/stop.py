"""Stopping a run for good: what left has left, what has not is skipped, and nothing of it leaves any more.

What waits for another try because nobody answered the last one may have arrived: it is uncertain, not skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, false, func, insert, literal, not_, select, true, update

from segue.journeys.definition import Journey
from segue.outbox.brake import set_paused
from segue.outbox.states import HANDED_OVER, PENDING
from segue.outbox.takeback import take_back_run
from segue.policy import Reason
from segue.store.sql import among
from segue.store.tables import decision, message, run
from segue.store.types import UtcTime

#: Why a single try was put off with nothing sent. Of several tries only the last one's reason is kept.
_NOTHING_SENT = ("unreachable", "throttled", "unsent")
#: So many runs are named where one is not known.
_LATEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedRun:
    """What stopping did: counts only."""

    journey: str
    #: Messages that will not leave any more.
    taken: int
    #: Messages that were to be tried once more, since nobody knows whether they arrived; they are uncertain now.
    unknown: int
    #: Messages whose answer is awaited at this very moment; they have left.
    leaving: int
    #: Messages that had left before.
    gone: int
    #: Of `taken`: pages that were spooled and not printed yet.
    unprinted: int = 0
    #: Of `unknown`: pages of a print run that was begun and has not said that it is through.
    printing: int = 0


def stop_run(
    connection: Connection,
    run_id: int,
    *,
    reason: str,
    now: datetime,
    journeys: Mapping[str, Journey],
    is_spool: Callable[[str], bool],
) -> StoppedRun:
    """Pull the brake on a run and skip whatever of it has not left; raises LookupError where there is no such run.

    `journeys` tell which steps repeat what was not answered: of these, whatever was tried may have arrived. It becomes
    `uncertain`, so that the budget goes on counting it and news can settle it.
    Every batch asks the brake and expects its rows to be pending in the transaction that marks them, so nothing
    leaves after this one. What a provider puts off later meets the brake. Safe to repeat.
    Paper that is spooled has not left: it is taken back. `is_spool` tells by a connector's name whether it prints only
    when a print run asks.
    """
    journey = connection.scalar(select(run.c.journey).where(run.c.id == run_id))
    if journey is None:
        raise LookupError(f"there is no run {run_id}; {_latest(connection)}")
    set_paused(connection, f"run:{run_id}", paused=True, reason=reason, now=now)
    waiting = message.c.run_id == run_id, message.c.state.in_(PENDING)
    may_have_arrived = _may_have_arrived(journeys.get(journey))
    unknown = connection.execute(
        update(message).where(*waiting, may_have_arrived).values(state="uncertain", reason=Reason.STOPPED.value)
    ).rowcount
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
    unprinted, printing = take_back_run(connection, run_id, is_spool=is_spool, now=now)
    unknown += printing
    count = select(func.count()).select_from(message).where(message.c.run_id == run_id)
    leaving = connection.scalar(count.where(message.c.state == HANDED_OVER)) or 0
    gone = connection.scalar(count.where(message.c.state.in_(("accepted", "uncertain", "rejected")))) or 0
    return StoppedRun(
        journey=journey,
        taken=len(taken) + unprinted,
        unknown=unknown,
        leaving=leaving,
        gone=gone - unknown,
        unprinted=unprinted,
        printing=printing,
    )


def _latest(connection: Connection) -> str:
    """Which runs there are: the last ones, each with its journey and when it began."""
    found = connection.execute(
        select(run.c.id, run.c.journey, run.c.started_at).order_by(run.c.id.desc()).limit(_LATEST)
    ).all()
    told = "; ".join(f"{one.id} ({one.journey}, {one.started_at:%Y-%m-%d %H:%M} UTC)" for one in found)
    return f"the last ones are {told}" if told else "nothing has run yet"


def _may_have_arrived(journey: Journey | None) -> ColumnElement[bool]:
    """Of a message that waits: an earlier try may have reached her. Of a journey that is gone, whatever was tried."""
    repeats = [step.name for step in journey.steps if step.on_uncertain == "repeat"] if journey is not None else None
    if repeats == []:
        return false()
    put_off = and_(message.c.state == "deferred", message.c.attempts == 1, message.c.reason.in_(_NOTHING_SENT))
    return and_(
        message.c.step.in_(repeats) if repeats is not None else true(),
        message.c.handed_over_at.is_not(None),
        message.c.attempts > 0,
        # Without a reason nothing is certain, and `not (null)` would find nobody.
        not_(func.coalesce(put_off, false())),
    )
