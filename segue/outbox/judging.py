"""Judging: one shard of ready messages, everything that may forbid them, and policy's verdict on each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine, Select, or_, select, tuple_

from segue.journeys.definition import Journey
from segue.outbox import brake
from segue.outbox.briefs import Briefs
from segue.outbox.frame import Asked, enrich, fetch, history, uncapped
from segue.outbox.freshness import Watermark, watermark
from segue.outbox.handover import BRAKE_WAIT, Probe
from segue.outbox.moments import Moments
from segue.outbox.scope import Scope
from segue.outbox.states import PENDING
from segue.outbox.verdicts import Verdict
from segue.policy import Rules
from segue.policy.judge import judge
from segue.settings import Settings
from segue.store.engine import read
from segue.store.sql import among
from segue.store.tables import message

_STATES = {"hold": "held", "skip": "skipped", "control": "control"}
_READ = [
    message.c.id, message.c.key, message.c.profile_id, message.c.subject_id, message.c.bucket, message.c.run_id,
    message.c.journey, message.c.step, message.c.priority, message.c.state, message.c.reason, message.c.deadline_at,
]  # fmt: skip
#: What a verdict is stored of.
_JUDGED = ["message_id", "run_id", "state", "verdict", "reason", "reason_before", "channel", "until"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Messages of one read, and what was decided about them."""

    #: The rows by step and brief.
    asked: tuple[Asked, ...]
    #: The policy frame with its verdicts.
    judged: pd.DataFrame
    #: The facts the verdicts rest on.
    judged_on: Watermark
    #: When they were read, in seconds of this process's clock.
    judged_at: float


class Judging:
    """Reads and judges; stores nothing."""

    def __init__(
        self,
        engine: Engine,
        *,
        settings: Settings,
        secret: bytes,
        journeys: Mapping[str, Journey],
        rules: Rules,
        probe: Probe,
    ) -> None:
        self._engine = engine
        self._shard_size = settings.shard_size
        self._secret = secret
        self._journeys = journeys
        self._rules = rules
        self._probe = probe
        self._briefs = Briefs(journeys, Moments(settings))
        # A message of a journey or step that is installed no more waits until it is again.
        self._known = [(journey.name, step.name) for journey in journeys.values() for step in journey.steps]

    def shard(self, scope: Scope, mine: list[int], now: datetime) -> Shard | None:
        """Read one shard and let policy judge it, on one consistent picture."""
        judged_at = time.monotonic()
        with read(self._engine) as connection:
            judged_on = watermark(connection)
            rows = fetch(connection, self._ready(connection, scope, mine, now))
            own = len(rows)
            if own == 0:
                return None
            if scope.run_id is not None:
                # The budget goes by priority, whichever run drains first: what others want of the same people counts.
                rivals = fetch(connection, self._rivals(connection, scope.run_id, mine, rows, now))
                rows = rows if rivals.empty else pd.concat([rows, rivals], ignore_index=True)
            asked = tuple(self._briefs.asked(connection, rows, now))
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
        if own < len(rows):
            frame = frame.iloc[:own]
            asked = tuple(replace(one, rows=at) for one in asked if (at := one.rows[one.rows < own]).size)
        return Shard(asked=asked, judged=frame, judged_on=judged_on, judged_at=judged_at)

    def _ready(self, connection: Connection, scope: Scope, mine: list[int], now: datetime) -> Select[Any]:
        rows = (
            self._pending(connection, mine, now)
            # By bucket, so that a window's fence locks few of them.
            .order_by(message.c.transactional.desc(), message.c.priority.desc(), message.c.bucket, message.c.id)
            .limit(self._shard_size)
        )
        return rows if scope.run_id is None else rows.where(message.c.run_id == scope.run_id)

    def _rivals(
        self, connection: Connection, run_id: int, mine: list[int], rows: pd.DataFrame, now: datetime
    ) -> Select[Any]:
        """What is ready of other runs for the people of `rows`, and goes before any of it."""
        return self._pending(connection, mine, now).where(
            or_(message.c.run_id.is_(None), message.c.run_id != run_id),
            ~message.c.transactional,
            message.c.priority > int(rows["priority"].min()),
            among(connection, message.c.profile_id, pd.unique(rows["profile_id"]).tolist()),
        )

    def _pending(self, connection: Connection, mine: list[int], now: datetime) -> Select[Any]:
        return select(*_READ).where(
            message.c.state.in_(PENDING),
            message.c.not_before <= now,
            among(connection, message.c.bucket, mine),
            tuple_(message.c.journey, message.c.step).in_(self._known),
        )

    def stays(self, shard: Shard, now: datetime) -> list[Verdict]:
        """What to store of the rows that do not leave: held, skipped and control."""
        frame = shard.judged[shard.judged["verdict"] != "send"]
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


def _is_paused(frame: pd.DataFrame, rows: pd.DataFrame, paused: set[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if not paused or "all" in paused:
        return np.full(len(frame), bool(paused))
    journeys = ("journey:" + frame["journey"].astype(str)).isin(paused)
    runs = ("run:" + rows["run_id"].astype(str)).isin(paused)
    return np.asarray(journeys | runs, dtype=bool)
