"""The worker: leases buckets and drains what is ready in them, shard by shard."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine, Select, func, select

from segue.clock import Clock
from segue.contract import Channel
from segue.journeys.definition import Brief, Journey
from segue.outbox import brake, verdicts
from segue.outbox.compose import compose
from segue.outbox.connectors import Connectors
from segue.outbox.count import DrainCount
from segue.outbox.frame import Asked, enrich, fetch, history, uncapped
from segue.outbox.freshness import Watermark, watermark
from segue.outbox.handover import BRAKE_WAIT, HandOver, Probe
from segue.outbox.journal import Journal
from segue.outbox.lease import Leases
from segue.outbox.orphans import adopt
from segue.outbox.settle import Settlement
from segue.outbox.states import HANDED_OVER, PENDING, TRANSACTIONAL_BUCKETS
from segue.outbox.verdicts import Verdict
from segue.policy import Rules, judge
from segue.render import Library
from segue.settings import Settings
from segue.store.engine import read, write
from segue.store.sql import among
from segue.store.tables import message, run

_STATES = {"hold": "held", "skip": "skipped", "control": "control"}
#: What a verdict is stored of.
_JUDGED = ["message_id", "run_id", "state", "verdict", "reason", "reason_before", "channel", "until"]
#: A shard whose facts change under it this often in a row is left for the next drain.
_PATIENCE = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a drain is about: these buckets, and one run's messages or everybody's."""

    buckets: tuple[int, ...]
    run_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shard:
    rows: pd.DataFrame
    asked: tuple[Asked, ...]
    judged: pd.DataFrame
    judged_on: Watermark
    judged_at: float


class Worker:
    """One process's hands: its leases, its journal, its connectors."""

    def __init__(
        self,
        engine: Engine,
        *,
        settings: Settings,
        secret: bytes,
        journeys: Mapping[str, Journey],
        library: Library,
        connectors: Connectors,
        rules: Rules,
        clock: Clock,
        probe: Probe = lambda _name: None,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._secret = secret
        self._journeys = journeys
        self._library = library
        self._connectors = connectors
        self._rules = rules
        self._clock = clock
        self._probe = probe
        self._journals: Path = settings.home / "journals"
        self._journal = Journal(self._journals)
        self.leases = Leases(engine, self._journal.worker, settings.lease_ttl)
        self._settlement = Settlement(journeys, max_attempts=settings.max_attempts, retry_base=settings.retry_base)
        self._hand_over = HandOver(
            engine,
            leases=self.leases,
            journal=self._journal,
            settlement=self._settlement,
            secret=secret,
            probe=probe,
        )
        self._briefs: dict[int, Brief] = {}
        #: Buckets with work that somebody else leased when they were last asked for.
        self.missed: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close(keep_journal=exception[0] is not None)

    def close(self, *, keep_journal: bool = False) -> None:
        """Give leases back and end the journal; keep it if the worker ends in the middle of something."""
        self.leases.release()
        self._journal.close(keep=keep_journal)

    def drain(self, scope: Scope) -> DrainCount:
        """Claim, judge, compose and hand over everything of `scope` that is ready; return what happened.

        Buckets are leased in groups that hold about one shard of work and given back after it, so that
        workers share a large run and nobody's lease waits unused. `missed` are the buckets others hold.
        """
        count = DrainCount()
        work = self._buckets_with_work(scope)
        self.missed = set()
        for group in _groups(work, self._settings.shard_size):
            mine = self.leases.claim(group)
            self.missed |= set(group) - mine
            if not mine:
                continue
            self._probe("claimed")
            count.adopted += adopt(
                self._engine,
                mine,
                journals=self._journals,
                leases=self.leases,
                now=self._clock.now(),
                settle=self._settlement.settle,
            )
            self._drain_group(scope, sorted(mine), count)
            self.leases.release()
        return count

    def _drain_group(self, scope: Scope, mine: list[int], count: DrainCount) -> None:
        idle_rounds = 0
        while mine and idle_rounds < _PATIENCE:
            before = (count.sent, count.held, count.skipped, count.control)
            if not self._one_shard(scope, mine, count):
                return
            idle_rounds = idle_rounds + 1 if before == (count.sent, count.held, count.skipped, count.control) else 0
            mine = [bucket for bucket in mine if bucket in self.leases.epochs]

    def _one_shard(self, scope: Scope, mine: list[int], count: DrainCount) -> bool:
        """Judge and hand over one shard; False when nothing more is ready."""
        now = self._clock.now()
        shard = self._judge(scope, mine, now)
        if shard is None:
            return False
        count.judged += len(shard.rows)
        frame = shard.judged
        self._store_verdicts(self._verdicts(frame[frame["verdict"] != "send"], now), frame, now, count)
        complete = len(frame) < self._settings.shard_size
        for asked in shard.asked:
            part = frame.iloc[asked.rows]
            part = part[part["verdict"] == "send"]
            for channel, rows in part.groupby("channel", sort=False):
                complete &= self._leave(rows, asked, Channel(str(channel)), shard, now, count)
        return not complete

    def _leave(
        self, rows: pd.DataFrame, asked: Asked, channel: Channel, shard: _Shard, now: datetime, count: DrainCount
    ) -> bool:
        """Compose and hand over one step's rows on one channel, window by window; False: judge the rest again."""
        connector = self._connectors.by_channel[channel]
        size = connector.capabilities.window
        for start in range(0, len(rows), size):
            if time.monotonic() - shard.judged_at > self._settings.judgement_max_age.total_seconds():
                return False  # judged too long ago
            part = rows.iloc[start : start + size]
            made = compose(
                self._engine,
                part,
                asked,
                library=self._library,
                offers=self._connectors.offers,
                now=now,
                secret=self._secret,
            )
            self._probe("composed")
            self._store_verdicts(made.verdicts, part, now, count)
            if made.ready and not self._hand_over.window(
                made.ready, asked, connector, judged_on=shard.judged_on, now=now, count=count
            ):
                return False  # facts changed
        return True

    def _judge(self, scope: Scope, mine: list[int], now: datetime) -> _Shard | None:
        """Read one shard and let policy judge it, on one consistent picture."""
        judged_at = time.monotonic()
        with read(self._engine) as connection:
            judged_on = watermark(connection)
            rows = fetch(connection, self._ready(connection, scope, mine, now))
            if rows.empty:
                return None
            asked = tuple(self._asked(connection, rows))
            frame = enrich(connection, rows, asked, now=now, secret=self._secret)
            paused = brake.paused_names(connection)
            people = pd.unique(rows["profile_id"]).tolist()
            past = history(connection, people, now=now, outside=uncapped(self._journeys.values()))
        frame["paused"] = _is_paused(frame, rows, paused)
        frame = frame.join(judge(frame, now=now, history=past, rules=self._rules))
        for name in ("bucket", "run_id", "state", "subject_id"):
            frame[name] = rows[name]
        frame["reason_before"] = rows["reason"]
        self._probe("judged")
        return _Shard(rows=rows, asked=asked, judged=frame, judged_on=judged_on, judged_at=judged_at)

    def _ready(self, connection: Connection, scope: Scope, mine: list[int], now: datetime) -> Select[Any]:
        rows = (
            select(
                message.c.id,
                message.c.key,
                message.c.profile_id,
                message.c.subject_id,
                message.c.bucket,
                message.c.run_id,
                message.c.journey,
                message.c.step,
                message.c.priority,
                message.c.state,
                message.c.reason,
                message.c.deadline_at,
            )
            .where(
                message.c.state.in_(PENDING),
                message.c.not_before <= now,
                among(connection, message.c.bucket, mine),
            )
            # By bucket, so that a window's fence locks few of them.
            .order_by(message.c.transactional.desc(), message.c.priority.desc(), message.c.bucket, message.c.id)
            .limit(self._settings.shard_size)
        )
        return rows if scope.run_id is None else rows.where(message.c.run_id == scope.run_id)

    def _asked(self, connection: Connection, rows: pd.DataFrame) -> Iterator[Asked]:
        """Group the shard by step and brief, so that each journey is asked once for all its people."""
        run_ids = [int(one) for one in pd.unique(rows["run_id"]) if one and one not in self._briefs]
        if run_ids:
            for run_id, name, brief in connection.execute(
                select(run.c.id, run.c.journey, run.c.brief).where(among(connection, run.c.id, run_ids))
            ):
                self._briefs[run_id] = self._journeys[name].brief.model_validate(brief)
        by_run: dict[tuple[str, str, int], list[int]] = {}
        for place, asking in enumerate(zip(rows["journey"], rows["step"], rows["run_id"].tolist(), strict=True)):
            by_run.setdefault(asking, []).append(place)
        groups: dict[tuple[str, str, Brief], list[int]] = {}
        for (name, step, run_id), places in by_run.items():
            brief = self._briefs.get(run_id) or self._journeys[name].brief()
            groups.setdefault((name, step, brief), []).extend(places)
        for (name, step, brief), places in groups.items():
            journey = self._journeys[name]
            at = np.array(sorted(places), dtype=np.int64)
            yield Asked(journey=journey, step=journey.step(step), brief=brief, rows=at)

    def _verdicts(self, frame: pd.DataFrame, now: datetime) -> list[Verdict]:
        stored: list[Verdict] = []
        if frame.empty:
            return stored
        row: Any
        for row in frame[_JUDGED].itertuples(index=False):
            state = _STATES[str(row.verdict)]
            until = row.until.to_pydatetime() if state == "held" else None
            if until is not None and until <= now:
                until = now + BRAKE_WAIT
            stored.append(
                Verdict(
                    message_id=int(row.message_id),
                    run_id=int(row.run_id) or None,
                    state=state,
                    reason=str(row.reason),
                    channel=row.channel,
                    until=until,
                    is_repeat=row.state == state and row.reason_before == row.reason,
                )
            )
        return stored

    def _store_verdicts(self, made: Sequence[Verdict], frame: pd.DataFrame, now: datetime, count: DrainCount) -> None:
        """Write what does not leave, behind the fence: a lost bucket's rows are somebody else's to judge."""
        if not made:
            return
        bucket_of = dict(zip(frame["message_id"].tolist(), frame["bucket"].tolist(), strict=True))
        with write(self._engine) as connection:
            held = self.leases.fence(connection, {bucket_of[v.message_id] for v in made})
            ours = [v for v in made if bucket_of[v.message_id] in held]
            verdicts.store(connection, ours, now=now)
        for verdict in ours:
            count.add(verdict.state)

    def _buckets_with_work(self, scope: Scope) -> dict[int, int]:
        """How many messages are ready in each bucket of `scope`; 0 where one waits for an answer (or is an orphan)."""
        now = self._clock.now()
        with read(self._engine) as connection:
            mine = among(connection, message.c.bucket, scope.buckets)
            ready = select(message.c.bucket, func.count()).where(
                message.c.state.in_(PENDING), message.c.not_before <= now, mine
            )
            if scope.run_id is not None:
                ready = ready.where(message.c.run_id == scope.run_id)
            open_ = select(message.c.bucket).where(message.c.state == HANDED_OVER, mine).distinct()
            work = dict.fromkeys(connection.scalars(open_), 0)
            return work | dict(connection.execute(ready.group_by(message.c.bucket)).tuples().all())


def _groups(work: Mapping[int, int], size: int) -> Iterator[list[int]]:
    """Split buckets into groups that hold about `size` ready messages; transactional buckets come first."""
    group: list[int] = []
    inside = 0
    for bucket in sorted(work, key=lambda one: (one not in TRANSACTIONAL_BUCKETS, one)):
        if group and inside + work[bucket] > size:
            yield group
            group, inside = [], 0
        group.append(bucket)
        inside += work[bucket]
    if group:
        yield group


def _is_paused(frame: pd.DataFrame, rows: pd.DataFrame, paused: set[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if not paused or "all" in paused:
        return np.full(len(frame), bool(paused))
    journeys = ("journey:" + frame["journey"].astype(str)).isin(paused)
    runs = ("run:" + rows["run_id"].astype(str)).isin(paused)
    return np.asarray(journeys | runs, dtype=bool)
