"""The verbs that make something leave: runs, drains, rehearsals, print runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from sqlalchemy import func, insert, select

from segue.clock import VirtualClock
from segue.journeys.definition import Brief, Journey
from segue.outbox.count import DrainCount
from segue.outbox.freeze import LargeRunError, permitted, waiting_runs
from segue.outbox.print_report import PrintReport
from segue.outbox.promise import promise
from segue.outbox.report import plan_ahead
from segue.outbox.runs import run_of
from segue.outbox.scope import Scope
from segue.outbox.states import ALL_BUCKETS, MARKETING_BUCKETS, PENDING, TRANSACTIONAL_BUCKETS
from segue.outbox.takeback import take_back_cancelled
from segue.policy import Reason
from segue.service.asking import AskVerbs
from segue.service.brake import BrakeVerbs
from segue.service.shop import ShopVerbs
from segue.store.engine import read, write
from segue.store.locks import lock_promises
from segue.store.sql import among
from segue.store.tables import journey_state, message

#: A run is drained in this many shards at most; each leases its own buckets.
_SHARDS = 8
#: How often a resident process settles codes with the shop. Nobody waits for it: messages tell the shop themselves.
SETTLE_EVERY = timedelta(minutes=5)
_BUSY_WAIT = 0.2  # seconds between two looks at buckets that somebody else leases

#: Seconds; turns that come closer together than this are looked at together.
_SHORTEST_WAIT = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A part of a run: its messages in these buckets."""

    run_id: int
    buckets: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """A started run: how many messages it promised, and the shards to drain."""

    run_id: int
    promised: int
    shards: tuple[Shard, ...]


class RunVerbs(ShopVerbs, AskVerbs, BrakeVerbs):
    """From a journey that is switched on to messages handed over and cards printed."""

    #: When this process last settled codes while dispatching.
    _settled_at: datetime | None = None

    def switch_on(self, journey: str, live_from: datetime | None = None) -> datetime:
        """Let `journey` react to facts from now on (or from `live_from`); the first call decides, for good."""
        self._journey(journey)
        with write(self.engine) as connection:
            known = connection.scalar(select(journey_state.c.live_from).where(journey_state.c.journey == journey))
            if known is not None:
                return cast("datetime", known)
            start = live_from or self.clock.now()
            connection.execute(insert(journey_state).values(journey=journey, live_from=start))
            return start

    def start_run(
        self,
        journey: Journey,
        brief: Brief,
        flow_run_id: str | None = None,
        *,
        only_frozen: bool = False,
        transactional_only: bool = False,
        leave_waiting: bool = False,
        at_most: int | None = None,
    ) -> RunPlan:
        """Select who is due, promise each a message once, and return the shards to drain.

        Started again with the same `flow_run_id` it continues the same run. `only_frozen`: marketing goes to nobody
        but whom the run froze, and raises ApprovalError unless somebody agreed where that was asked.
        `transactional_only`: what waits for no yes. `leave_waiting`: what another run froze and waits with is left
        to that one. Raises LargeRunError, and promises nothing, where more than `at_most` would get marketing.
        """
        now = self.clock.now()
        take_back_cancelled(self.engine, (journey,), now=now)
        with write(self.engine) as connection:
            lock_promises(connection)  # before `prepare` locks people
            # Asked here: whoever paused it while we waited for the lock must find nothing granted afterwards.
            moment = self._moments.of(connection, journey.name, now)
            run_id = run_of(connection, journey, brief, flow_run_id, moment.now)
            only = permitted(connection, run_id, moment.now) if only_frozen else None
            others = waiting_runs(connection, journey.name, moment.now) if leave_waiting else []
            if journey.prepare is not None:
                journey.prepare(connection, moment, brief, self.secret)
            promised = marketing = 0
            for step in journey.steps:
                if step.transactional or not transactional_only:
                    many = promise(
                        connection,
                        journey,
                        step,
                        brief,
                        moment,
                        run_id=run_id,
                        only=None if step.transactional else only,
                        leave_to=[one for one in others if one != run_id],
                    )
                    promised, marketing = promised + many, marketing + (0 if step.transactional else many)
            if at_most is not None and marketing > at_most:
                raise LargeRunError
        self._probe("promised")
        width = len(MARKETING_BUCKETS) // _SHARDS
        return RunPlan(
            run_id=run_id,
            promised=promised,
            shards=tuple(
                Shard(
                    run_id=run_id,
                    buckets=(
                        *MARKETING_BUCKETS[place * width : (place + 1) * width],
                        *TRANSACTIONAL_BUCKETS[place * width : (place + 1) * width],
                    ),
                )
                for place in range(_SHARDS)
            ),
        )

    def drain_shard(self, shard: Shard) -> DrainCount:
        """Judge, compose and hand over this run's messages in the shard's buckets."""
        return self._drain(
            Scope(buckets=shard.buckets, run_id=shard.run_id), patience=self.settings.lease_ttl.total_seconds()
        )

    def drain_run(self, plan: RunPlan) -> DrainCount:
        """Drain all shards of a run in this process, as one."""
        buckets = tuple(sorted({bucket for shard in plan.shards for bucket in shard.buckets}))
        return self._drain(Scope(buckets=buckets, run_id=plan.run_id), patience=self.settings.lease_ttl.total_seconds())

    def drain_ready(self, *, transactional_only: bool = False) -> DrainCount:
        """Hand over once whatever is ready now: held, deferred and left-over messages of any run."""
        buckets = TRANSACTIONAL_BUCKETS if transactional_only else ALL_BUCKETS
        return self._drain(Scope(buckets=tuple(buckets)), patience=0)

    def dispatch(self, *, seconds: float, poll: float = 2.0, transactional_only: bool = False) -> DrainCount:
        """Stay and drain what becomes ready, looking every `poll` seconds, until `seconds` have passed.

        What waits for its turn at a connector's pace is looked at when its turn comes, not when the next poll does.
        Every few minutes codes are settled with the shop, unless only transactional messages are wanted: these wait
        for no shop.
        """
        done = DrainCount()
        end = time.monotonic() + seconds
        while True:
            self.merge_found()
            done += self.drain_ready(transactional_only=transactional_only)
            if not transactional_only:
                self._settle_now_and_then()
            left = end - time.monotonic()
            if left <= 0:
                return done
            time.sleep(min(self._until_a_turn(poll, transactional_only=transactional_only), left))

    def tick(self, briefs: Mapping[str, Brief] | None = None, *, only: Collection[str] | None = None) -> DrainCount:
        """Everything that is to happen at this instant: what each switched-on journey finds due, and what waits.

        With `only`, no other journeys are asked.
        """
        self.merge_found()  # first, so that nobody is chosen twice
        with read(self.engine) as connection:
            switched_on = set(connection.scalars(select(journey_state.c.journey)))
        for journey in self.journeys.values():
            if journey.name in switched_on and (only is None or journey.name in only):
                brief = (briefs or {}).get(journey.name) or journey.brief()
                self.start_run(journey, brief)
        return self.drain_ready()

    def play(
        self,
        until: datetime,
        *,
        briefs: Mapping[str, Brief] | None = None,
        progress: Callable[[datetime], None] | None = None,
    ) -> DrainCount:
        """Rehearse on a virtual clock: jump from each due time to the next until `until`, and tick at each.

        At each instant only those are asked who said that they would want something then. Raises TypeError on any
        other clock, since real time cannot be jumped.
        """
        if not isinstance(self.clock, VirtualClock):
            raise TypeError("only a virtual clock can be played; open Segue with clock=VirtualClock(start)")
        done = self.tick(briefs)
        planned = self._plan_ahead(briefs, None)
        while planned and (ahead := min(planned.values())) <= until:
            self.clock.set(ahead)
            asked = {name for name, at in planned.items() if at <= ahead}
            now = self.tick(briefs, only=asked)
            # Facts stand still while we play. So only who was asked, and whoever waits for a message of ours, has news.
            planned = {name: at for name, at in planned.items() if name not in asked}
            for name, at in self._plan_ahead(briefs, None if now.judged else asked).items():
                planned[name] = min(at, planned.get(name, at))
            done += now
            if progress is not None:
                progress(ahead)
        self.clock.set(until)
        return done

    def print_run(self, location: str | None = None) -> list[PrintReport]:
        """Print what is spooled, one PDF and pick list a location (or only `location`), in packing order.

        Orders cancelled or packed meanwhile are taken out, and what the brake holds waits. Call it at the pick wave; a
        run that died is finished first.
        """
        from segue.outbox.printing import print_all

        return print_all(
            self.engine,
            self._print_connector(),
            journeys=self.journeys,
            now=self.clock.now(),
            moments=self._moments,
            secret=self.secret,
            location=location,
            probe=self._probe,
        )

    def reprint(self, orders: Sequence[str]) -> Path:
        """Print the cards of these order numbers again, with the same codes.

        Raises KeyError naming those that have no card, BrakeError naming what is paused and how it goes on.
        """
        from segue.outbox.printing import reprint

        return reprint(self.engine, self._print_connector(), orders, now=self.clock.now(), secret=self.secret)

    def _plan_ahead(self, briefs: Mapping[str, Brief] | None, only: Collection[str] | None) -> dict[str, datetime]:
        """When which journey that is switched on wants something next, and what waits; of `only`, unless it is None."""
        with read(self.engine) as connection:
            switched_on = set(connection.scalars(select(journey_state.c.journey)))
            asked = [
                (journey, (briefs or {}).get(name) or journey.brief(), self._moment(journey))
                for name, journey in self.journeys.items()
                if name in switched_on and (only is None or name in only)
            ]
            return plan_ahead(connection, asked, now=self.clock.now())

    def _drain(self, scope: Scope, *, patience: float) -> DrainCount:
        """Drain, waiting up to `patience` seconds for buckets with work that somebody else leases."""
        done = DrainCount()
        end = time.monotonic() + patience
        while True:
            done += self.worker.drain(scope)
            if not self.worker.missed or time.monotonic() >= end:
                return done
            time.sleep(_BUSY_WAIT)

    def _until_a_turn(self, poll: float, *, transactional_only: bool) -> float:
        """Seconds until the first message that waits for the pace has its turn; at most `poll`."""
        now = self.clock.now()
        buckets = TRANSACTIONAL_BUCKETS if transactional_only else ALL_BUCKETS
        with read(self.engine) as connection:
            turn = connection.scalar(
                select(func.min(message.c.not_before)).where(
                    message.c.state.in_(PENDING),
                    message.c.reason == Reason.PACE.value,
                    message.c.not_before > now,
                    message.c.not_before <= now + timedelta(seconds=poll),
                    among(connection, message.c.bucket, buckets),
                )
            )
        return poll if turn is None else max((turn - now).total_seconds(), _SHORTEST_WAIT)

    def _settle_now_and_then(self) -> None:
        now = self.clock.now()
        # A clock that went back must not put it off until it has caught up.
        if self._settled_at is None or abs(now - self._settled_at) >= SETTLE_EVERY:
            self._settled_at = now
            self.settle_news()
            self.settle_offers()
