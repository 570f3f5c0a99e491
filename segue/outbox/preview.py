"""A preview: the same selection and the same policy, on candidates that nobody has promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from segue.contract import Channel, MessageConnector
from segue.journeys.definition import Brief, Journey, Moment, Step
from segue.outbox.brake import held_by, paused_names
from segue.outbox.estimate import Estimate, Reader
from segue.outbox.forecast import Forecasts
from segue.outbox.frame import Asked, enrich, fetch, history, uncapped
from segue.outbox.handover import BRAKE_WAIT
from segue.outbox.promise import candidates
from segue.outbox.summary import GROUPS, Holding, Summary, example_name, lines_of
from segue.policy import Rules
from segue.policy.judge import judge
from segue.render import Library
from segue.render.voice import language_of

_EXAMPLES = 5
_STATES = {"send": "accepted", "hold": "held", "skip": "skipped", "control": "control"}

Keep = Callable[[Step, Sequence[str], Sequence[int], Sequence[str]], None]
"""Told of each part that was judged: its step, keys, profile ids, verdicts."""


def preview(
    connection: Connection,
    journey: Journey,
    brief: Brief,
    moment: Moment,
    *,
    rules: Rules,
    secret: bytes,
    journeys: Mapping[str, Journey],
    shard_size: int,
    library: Library | None = None,
    connectors: Mapping[Channel, MessageConnector] | None = None,
    keep: Keep | None = None,
    leave_to: Sequence[int] = (),
    run_id: int | None = None,
    person: int | None = None,
    letting_go: Callable[[], None] | None = None,
) -> Summary:
    """Judge everybody who is due now, store nothing, and return the sum; `accepted` reads as *would be sent*.

    With `library` and `connectors` it says what that would cost, about. `keep` is told what was judged; what the
    runs `leave_to` have frozen is left to them. `run_id` is the run it is a preview of, where there is one.
    `letting_go` is called once all is read and before it is judged: where the transaction holds others up, it ends it.
    With `person`, only that profile is asked about.
    """
    estimate = None if library is None else Estimate(library, connectors or {}, journey, now=moment.now)
    counts: Counter[tuple[str, str, str | None, str | None]] = Counter()
    examples: dict[str, tuple[int, ...]] = {}
    read: Counter[str] = Counter()
    held: dict[tuple[str, str, str | None], tuple[int, datetime, datetime]] = {}
    forecasts = Forecasts(connection, connectors or {}, rules, now=moment.now)
    brakes = _Brakes(paused_names(connection), journey.name, run_id, connectors or {})
    shards = _shards(
        connection,
        journey,
        brief,
        moment,
        secret=secret,
        journeys=journeys,
        shard_size=shard_size,
        leave_to=leave_to,
        person=person,
    )
    if letting_go is not None:
        shards = iter(list(shards))
        letting_go()
    for step, rows, frame, past in shards:
        frame["paused"] = brakes.widest is not None
        judged = judge(frame, now=moment.now, history=past, rules=rules)
        would_leave = judged["verdict"] == "send"  # and costs, once the brake is let go of
        judged = brakes.holding(judged, moment.now)
        if keep is not None:
            keep(step, rows["key"].tolist(), rows["profile_id"].tolist(), judged["verdict"].tolist())
        addresses = {Channel.EMAIL: frame["email"].tolist(), Channel.SMS: frame["phone"].tolist()}
        readers = [Reader(*one) for one in frame[list(Reader._fields)].itertuples(index=False, name=None)]

        def size_of(place: int, channel: Channel, step: Step = step, readers: Sequence[Reader] = readers) -> int:
            return 1 if estimate is None else estimate.size(step.name, channel, readers[place])

        # What is shown, not what is kept: the pace may have changed when it leaves.
        judged = forecasts.holding(frame, judged, past, size_of)
        waiting = judged.loc[judged["verdict"] == "hold", ["reason", "until", "brake"]]
        for reason, until, brake in waiting.itertuples(index=False, name=None):
            at, which = until.to_pydatetime(), (step.name, str(reason), brake)
            count, first, last = held.get(which, (0, at, at))
            held[which] = (count + 1, min(first, at), max(last, at))
        columns = (judged["verdict"], judged["reason"], judged["channel"], would_leave, rows["profile_id"].tolist())
        for place, (verdict, reason, channel, is_priced, profile_id) in enumerate(zip(*columns, strict=True)):
            state = _STATES[verdict]
            why = None if pd.isna(reason) else str(reason)
            by = None if pd.isna(channel) else str(channel)
            counts[step.name, state, why, by] += 1
            if verdict in ("send", "hold") and (language := language_of(readers[place].locale)) is not None:
                read[language] += 1
            if estimate is not None and is_priced:
                address = addresses[Channel(channel)][place] if Channel(channel) in addresses else ""
                estimate.add(step.name, Channel(channel), address, readers[place])
            name = example_name(step.name, GROUPS[state], why, by)
            if len(examples.get(name, ())) < _EXAMPLES:
                examples[name] = (*examples.get(name, ()), profile_id)
    return Summary(
        journey=journey.name,
        run_id=None,
        preview=True,
        lines=lines_of((step, state, why, channel, n) for (step, state, why, channel), n in counts.items()),
        examples=examples,
        spendings=() if estimate is None else estimate.spendings(),
        holdings=tuple(
            Holding(step=step, reason=reason, count=count, first=first, last=last, brake=brake)
            for (step, reason, brake), (count, first, last) in held.items()
        ),
        paces=forecasts.paces(),
        languages=tuple(read.most_common()),
    )


_Shard = tuple[Step, pd.DataFrame, pd.DataFrame, pd.DataFrame]


def _shards(
    connection: Connection,
    journey: Journey,
    brief: Brief,
    moment: Moment,
    *,
    secret: bytes,
    journeys: Mapping[str, Journey],
    shard_size: int,
    leave_to: Sequence[int],
    person: int | None,
) -> Iterator[_Shard]:
    """Whoever is due, some at a time: the step, the rows, what is known of them, and what the budget counts."""
    outside = uncapped(journeys.values())
    for step in journey.steps:
        everybody = fetch(connection, candidates(journey, step, brief, moment, leave_to=leave_to, person=person))
        for start in range(0, len(everybody), shard_size):
            rows = everybody.iloc[start : start + shard_size].reset_index(drop=True)
            at = np.arange(len(rows), dtype=np.int64)
            asked = Asked(journey=journey, step=step, brief=brief, moment=moment, rows=at)
            frame = enrich(connection, rows, [asked], now=moment.now, secret=secret)
            people = pd.unique(rows["profile_id"]).tolist()
            yield step, rows, frame, history(connection, people, now=moment.now, outside=outside)


class _Brakes:
    """What stands still of what a preview looks at: before a channel is chosen, and by the channel chosen."""

    def __init__(
        self, paused: Collection[str], journey: str, run_id: int | None, connectors: Mapping[Channel, MessageConnector]
    ) -> None:
        self.widest = held_by(paused, journey, channel=None, connector=None, run_id=run_id)
        names = {channel: connectors[channel].name if channel in connectors else None for channel in Channel}
        #: By channel, what holds it at the hand-over.
        self._by_channel = {
            channel.value: held_by(paused, journey, channel=channel.value, connector=name, run_id=run_id)
            for channel, name in names.items()
        }

    def holding(self, judged: pd.DataFrame, now: datetime) -> pd.DataFrame:
        """The verdicts, with what the hand-over would hold held, and the column `brake`: what holds what is paused."""
        by_way = judged["channel"].map(self._by_channel).where(judged["verdict"] == "send")
        is_held = by_way.notna()
        judged = judged.assign(brake=by_way.astype(object).where(is_held, None))
        judged.loc[(judged["verdict"] == "hold") & (judged["reason"] == "paused"), "brake"] = self.widest
        judged.loc[is_held, ["verdict", "reason"]] = ["hold", "paused"]
        judged.loc[is_held, "until"] = pd.Timestamp(now + BRAKE_WAIT)
        return judged
