"""How far a pace gets before hours end: what a preview says of messages that have to wait for each other.

The arithmetic is the hand-over's own (`pace.through_at`); what it is asked about is everybody instead of a window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, func, select

from segue.contract import Channel, MessageConnector
from segue.outbox.pace import PACE_WAIT, pace_of, through_at
from segue.outbox.states import PENDING
from segue.outbox.summary import Pace
from segue.policy import Reason, Rules
from segue.policy.judge import judge
from segue.store.tables import message


class Queue:
    """Messages that leave one after the other at a pace."""

    def __init__(self, rate: float, *, now: datetime, ahead: int = 0) -> None:
        self.rate = rate
        self._now = now
        #: What leaves before, in segments or messages.
        self._ahead = ahead

    def through(self, size: int, closes: datetime) -> datetime | None:
        """When the next one is through; None where that is after `closes`: then it takes no room."""
        at = through_at(self._now, self._ahead, size, self.rate)
        if at > closes:
            return None
        self._ahead += size
        return at


@dataclass(slots=True)
class _Sum:
    messages: int = 0
    fits: int = 0
    late: int = 0
    through_at: datetime | None = None
    ends_at: datetime | None = None


class Forecasts:
    """The queues before the connectors that have a pace, and what became of whoever stood in them."""

    def __init__(
        self, connection: Connection, connectors: Mapping[Channel, MessageConnector], rules: Rules, *, now: datetime
    ) -> None:
        self._rules = rules
        self._now = now
        self._names = {channel.value: connector.name for channel, connector in connectors.items()}
        self._queues: dict[str, Queue] = {}
        for connector in connectors.values():
            if connector.name not in self._queues and (rate := pace_of(connection, connector)) is not None:
                ahead = _waiting(connection, connector, now)
                self._queues[connector.name] = Queue(rate, now=now, ahead=ahead)
        self._sums: dict[str, _Sum] = {}

    def holding(
        self, frame: pd.DataFrame, judged: pd.DataFrame, history: pd.DataFrame, size_of: Callable[[int, Channel], int]
    ) -> pd.DataFrame:
        """The verdicts, with what does not get through in time held for the pace, until its hours begin again.

        `size_of` tells what the message at a place takes of the pace.
        """
        if not self._queues:
            return judged
        kept_out: dict[datetime, list[int]] = {}
        leaves_by: pd.Series[Any] = judged["valid_until"].fillna(frame["deadline_at"]).clip(upper=frame["deadline_at"])
        closing = [one.to_pydatetime() for one in leaves_by]
        channels = judged["channel"].tolist()
        for place in np.flatnonzero(judged["verdict"] == "send").tolist():
            channel, closes = str(channels[place]), closing[place]
            queue = self._queues.get(self._names.get(channel, ""))
            if queue is None:
                continue
            total = self._sums.setdefault(channel, _Sum())
            total.messages += 1
            at = queue.through(size_of(place, Channel(channel)), closes)
            if at is None:
                kept_out.setdefault(closes, []).append(place)
                total.ends_at = closes if total.ends_at is None else min(total.ends_at, closes)
            else:
                total.fits += 1
                total.through_at = at if total.through_at is None else max(total.through_at, at)
        return self._held(frame, judged, history, kept_out) if kept_out else judged

    def paces(self) -> tuple[Pace, ...]:
        """What is to be said of each channel that has a pace."""
        return tuple(
            Pace(
                channel=channel,
                connector=self._names[channel],
                per_second=self._queues[self._names[channel]].rate,
                messages=one.messages,
                fits=one.fits,
                late=one.late,
                through_at=one.through_at,
                ends_at=one.ends_at,
            )
            for channel, one in sorted(self._sums.items())
        )

    def _held(
        self,
        frame: pd.DataFrame,
        judged: pd.DataFrame,
        history: pd.DataFrame,
        kept_out: Mapping[datetime, list[int]],
    ) -> pd.DataFrame:
        judged = judged.copy()
        for closes, places in kept_out.items():
            # As whoever looks at them when their hours have ended will find them.
            part = frame.iloc[places]
            then = judge(part, now=closes, history=history, rules=self._rules)
            until = then["until"].fillna(pd.Timestamp(closes))
            is_late = (then["verdict"] == "skip") | (until >= part["deadline_at"])
            for channel, count in judged.iloc[places].loc[is_late.to_numpy(), "channel"].value_counts().items():
                self._sums[str(channel)].late += int(count)
            rows = judged.index[places]
            judged.loc[rows, ["verdict", "reason"]] = ["hold", Reason.PACE.value]
            judged.loc[rows, "until"] = until
        return judged


def _waiting(connection: Connection, connector: MessageConnector, now: datetime) -> int:
    """How many messages wait for their turn at a connector's pace already; each counts as one."""
    waiting = select(func.count()).where(
        message.c.state.in_(PENDING),
        message.c.reason == Reason.PACE.value,
        message.c.channel.in_([channel.value for channel in connector.channels]),
        message.c.not_before <= now + PACE_WAIT,
    )
    return connection.scalar(waiting) or 0
