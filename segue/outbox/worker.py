"""The worker: leases buckets and drains what is ready in them, shard by shard."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

import pandas as pd
from sqlalchemy import Engine, func, select

from segue.clock import Clock
from segue.contract import Channel
from segue.journeys.definition import Journey
from segue.outbox import verdicts
from segue.outbox.codes import Codes
from segue.outbox.compose import Ready, compose, unserved
from segue.outbox.connectors import Connectors
from segue.outbox.count import DrainCount
from segue.outbox.frame import Asked
from segue.outbox.handover import HandOver, Probe
from segue.outbox.journal import Journal
from segue.outbox.judging import Judging, Shard
from segue.outbox.lease import Leases
from segue.outbox.mailboxes import keepers, kept
from segue.outbox.orphans import adopt
from segue.outbox.refresh import Refresh
from segue.outbox.scope import Scope
from segue.outbox.settle import Settlement
from segue.outbox.states import HANDED_OVER, PENDING, TRANSACTIONAL_BUCKETS
from segue.outbox.verdicts import Verdict
from segue.policy import Rules
from segue.render import Library
from segue.settings import Settings
from segue.store.engine import read, write
from segue.store.sql import among
from segue.store.tables import message

#: A shard whose facts change under it this often in a row is left for the next drain.
_PATIENCE = 25


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
        self._library = library
        self._connectors = connectors
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
        self._judging = Judging(engine, settings=settings, secret=secret, journeys=journeys, rules=rules, probe=probe)
        self._refresh = Refresh(engine, settings=settings, journeys=journeys)
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
            try:
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
            except BaseException:
                self._journal.keep()
                raise
            finally:  # a worker that is used again after an error must not find its own buckets taken
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
        self._refresh.before(scope, mine, now)
        shard = self._judging.shard(scope, mine, now)
        if shard is None:
            return False
        frame = shard.judged
        count.judged += len(frame)
        self._store_verdicts(self._judging.stays(shard, now), frame, now, count)
        complete = len(frame) < self._settings.shard_size
        for asked in shard.asked:
            part = frame.iloc[asked.rows]
            part = part[part["verdict"] == "send"]
            for channel, rows in part.groupby("channel", sort=False):
                complete &= self._leave(rows, asked, Channel(str(channel)), shard, now, count)
        return not complete

    def _leave(
        self, rows: pd.DataFrame, asked: Asked, channel: Channel, shard: Shard, now: datetime, count: DrainCount
    ) -> bool:
        """Compose and hand over one step's rows on one channel, window by window; False: judge the rest again."""
        connector = self._connectors.by_channel.get(channel)
        if connector is None:
            self._store_verdicts(unserved(rows, now), rows, now, count)
            return True
        size = connector.capabilities.window
        codes = Codes(self._engine, rows, asked, self._connectors.offers, now=now, secret=self._secret)
        complete = True
        shared = keepers(self._engine, _addresses(rows, channel))
        for start in range(0, len(rows), size):
            # What was judged first leaves however long judging took; else a slow machine would judge for ever.
            if start and self._is_old(shard):
                return False
            part = rows.iloc[start : start + size]
            made = compose(
                self._engine,
                part,
                asked,
                library=self._library,
                codes=codes,
                now=now,
            )
            self._probe("composed")
            self._store_verdicts(made.verdicts, part, now, count)
            for number, share in enumerate(once_an_address(made.ready)):
                if number and self._is_old(shard):
                    return False
                # The pace and the budget count from when it leaves, which may be long after it was judged.
                leaves_at = self._clock.now()
                if not (free := kept(share, shared, self.leases, self.missed)):
                    continue
                complete &= self._hand_over.window(
                    free, asked, connector, judged_on=shard.judged_on, now=leaves_at, count=count
                )
        return complete

    def _is_old(self, shard: Shard) -> bool:
        return time.monotonic() - shard.judged_at > self._settings.judgement_max_age.total_seconds()

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


def once_an_address(batch: Sequence[Ready]) -> list[list[Ready]]:
    """Split a window so that no address stands twice in a share.

    Two people may share a mailbox: when it refuses the first one's message for good, the second one's is judged again.
    Between two workers, each with one of the two, `mailboxes` sees to it.
    """
    shares: list[list[Ready]] = []
    seen: Counter[str] = Counter()
    for ready in batch:
        address = ready.message.address
        place = seen[address] if address else 0  # paper has none
        seen[address] += 1
        if place == len(shares):
            shares.append([])
        shares[place].append(ready)
    return shares


def _addresses(rows: pd.DataFrame, channel: Channel) -> list[str]:
    """Where the rows go; paper goes with the parcel."""
    name = {Channel.EMAIL: "email", Channel.SMS: "phone"}.get(channel)
    return [] if name is None else [address for address in rows[name].tolist() if address]


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
