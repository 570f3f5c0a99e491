"""What lies in a spool, and what must not, or must not yet, be printed of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine, select

from segue.contract import PrintConnector
from segue.outbox import brake
from segue.outbox.briefs import Briefs
from segue.outbox.frame import enrich, fetch
from segue.outbox.takeback import with_spent_codes
from segue.policy import Reason
from segue.store.engine import read
from segue.store.tables import message, print_page, print_run

#: A print run starts with the pick wave; this long after a card's deadline its parcel is still in the house.
WAVE_GRACE = timedelta(hours=1)


def unfinished(engine: Engine, location: str | None) -> Sequence[tuple[int, str]]:
    """Print runs that were begun and not finished: number and place, oldest first."""
    question = select(print_run.c.id, print_run.c.location).where(print_run.c.closed_at.is_(None))
    if location is not None:
        question = question.where(print_run.c.location == location)
    with read(engine) as connection:
        return [(row[0], row[1]) for row in connection.execute(question.order_by(print_run.c.id))]


def spooled(engine: Engine, connector: PrintConnector, location: str | None) -> Iterator[tuple[str, pd.DataFrame]]:
    """Pages that wait in the spool, by location, in packing order: the earliest wave first, then by order."""
    with read(engine) as connection:
        rows = fetch(
            connection,
            select(
                message.c.id,
                message.c.key,
                message.c.profile_id,
                message.c.subject_id,
                message.c.run_id,
                message.c.journey,
                message.c.step,
                message.c.priority,
                message.c.deadline_at,
                message.c.provider_id.label("page"),
            )
            .outerjoin(print_page, print_page.c.message_id == message.c.id)
            .where(
                message.c.channel == "print",
                message.c.connector == connector.name,
                message.c.state == "accepted",
                print_page.c.message_id.is_(None),
            )
            .order_by(message.c.deadline_at, message.c.subject_id, message.c.id),
        )
    rows["place"] = [str(page).rpartition("/")[0] for page in rows["page"]]
    for place, part in rows.groupby("place"):
        if location is None or place == location:
            yield str(place), part.reset_index(drop=True)


def held_back(connection: Connection, rows: pd.DataFrame, connector: PrintConnector) -> list[str | None]:
    """What the brake is on for that holds each page (`journey`, `run_id`); None where nothing does."""
    paused = brake.paused_names(connection)
    return [
        brake.held_by(paused, name, channel="print", connector=connector.name, run_id=run_id)
        for name, run_id in zip(rows["journey"], rows["run_id"].tolist(), strict=True)
    ]


def objected(connection: Connection, rows: pd.DataFrame, now: datetime, secret: bytes) -> np.ndarray[Any, Any]:
    """Whether the reader of each page has objected to paper by now."""
    if rows.empty:
        return np.zeros(0, dtype=bool)
    frame = enrich(connection, rows, (), now=now, secret=secret)
    is_no = (frame["print_suppressed"] == "objection") | (frame["print_basis"] == "denied")
    return is_no.to_numpy(dtype=bool)


def taken_out(
    connection: Connection, rows: pd.DataFrame, briefs: Briefs, now: datetime, secret: bytes
) -> list[str | None]:
    """Why each page must not be printed, asked of the same facts as every other message; None for those that may.

    Each is judged by the brief of its own run. A journey that is installed no more: what it promised is printed. Where
    a journey's own code fails, nobody knows whether the card is wanted still: `journey_broken`, which is for now.
    """
    late = rows["deadline_at"] + WAVE_GRACE < pd.Timestamp(now)
    why: list[str | None] = [Reason.TOO_LATE.value if is_late else None for is_late in late]
    frame = enrich(connection, rows, briefs.asked(connection, rows, now), now=now, secret=secret)
    for reason, is_so in (
        (Reason.SUPPRESSED, frame["print_suppressed"] == "objection"),
        (Reason.DENIED, frame["print_basis"] == "denied"),
        (Reason.OCCASION_GONE, frame["gone"]),
        (Reason.JOURNEY_BROKEN, frame["broken"] & ~late),
    ):
        for place in np.flatnonzero(is_so.to_numpy(dtype=bool)):
            why[int(place)] = reason.value
    spent = with_spent_codes(connection, rows["id"].tolist(), now)
    return [
        Reason.CODE_SPENT.value if reason is None and message_id in spent else reason
        for message_id, reason in zip(rows["id"].tolist(), why, strict=True)
    ]
