"""What each journey would do for one person if it ran now, and where it would do nothing, why not. Stores nothing.

A journey is asked as by its last run: with the same brief, and the same selection and rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from segue.journeys.definition import Journey
from segue.outbox.briefs import last_brief
from segue.outbox.moments import Moments
from segue.outbox.preview import preview
from segue.outbox.summary import Line
from segue.policy import Rules
from segue.store.tables import journey_state, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How one person stands with one journey that writes messages."""

    journey: str
    #: False: nobody switched it on, so it writes to nobody.
    is_on: bool
    #: What would become of each message she is due for; empty: she is due for none.
    due: tuple[Line, ...] = ()
    #: How many messages it ever considered for her.
    considered: int = 0
    #: Why she is not due, as the ends of sentences; empty: no more is known than what the journey asks for.
    why_not: tuple[str, ...] = ()


def outlooks(
    connection: Connection,
    profile_id: int,
    journeys: Mapping[str, Journey],
    *,
    now: datetime,
    moments: Moments,
    rules: Rules,
    secret: bytes,
) -> list[Outlook]:
    """Return how she stands with each journey that has messages, by name."""
    live = set(connection.scalars(select(journey_state.c.journey)))
    counts = select(message.c.journey, func.count()).where(message.c.profile_id == profile_id)
    considered = {name: int(count) for name, count in connection.execute(counts.group_by(message.c.journey))}
    told = []
    for name, journey in sorted(journeys.items()):
        if not journey.steps:
            continue
        if name not in live:
            told.append(Outlook(journey=name, is_on=False))
            continue
        brief, moment = last_brief(connection, journey), moments.of(connection, name, now)
        found = preview(
            connection,
            journey.under(brief),
            brief,
            moment,
            rules=rules,
            secret=secret,
            journeys=journeys,
            shard_size=1_000,
            person=profile_id,
        )
        why = () if found.lines or journey.why_not is None else journey.why_not(connection, profile_id, moment, brief)
        told.append(
            Outlook(journey=name, is_on=True, due=found.lines, considered=considered.get(name, 0), why_not=tuple(why))
        )
    return told
