"""The print run: per location one PDF in packing order, and what must not be in a parcel any more is taken out.

A page is spooled long before the parcel is packed. So the order is asked again right before printing; which pages a
run prints, and in which order, is a row before it is a file. A run that died is finished by the next one, with the
same pages under the same name, and no page is ever in two runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine, and_, func, insert, select, update

from segue import offers
from segue.contract import Key, PrintConnector
from segue.journeys.definition import Journey
from segue.outbox.frame import Asked, fetch
from segue.policy import Reason
from segue.store.bulk import insert_new
from segue.store.engine import read, write
from segue.store.sql import among, later
from segue.store.tables import decision, message, order, print_page, print_run, voucher

#: A print run starts with the pick wave; this long after a card's deadline its parcel is still in the house.
WAVE_GRACE = timedelta(hours=1)
#: A message bears the time at which it was judged: a code that was made a little later may be in it all the same.
JUDGED_BEFORE = timedelta(hours=1)
#: Of what was handed over all else may have reached her; so may one that waits for another try.
_NOT_SEEN = ("rejected", "skipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintReport:
    """One location's print run; counts and files, nobody's name."""

    run_id: int
    location: str
    pages: int
    #: Pages taken out at the last moment, by reason.
    taken_out: Mapping[str, int]
    files: tuple[Path, ...]


def print_all(
    engine: Engine,
    connector: PrintConnector,
    *,
    journeys: Mapping[str, Journey],
    now: datetime,
    location: str | None = None,
) -> list[PrintReport]:
    """Finish print runs that died, then print what is spooled and still wanted, location by location."""
    reports = [_close(engine, connector, run_id, place, now) for run_id, place in _unfinished(engine, location)]
    for place, rows in _spooled(engine, connector, location):
        run_id = _begin(engine, place, rows, journeys, now)
        if run_id is not None:
            reports.append(_close(engine, connector, run_id, place, now))
    return reports


def reprint(engine: Engine, connector: PrintConnector, orders: Sequence[str], *, now: datetime) -> Path:
    """Print the cards of `orders` (numbers such as `#1001`) again, with the same codes.

    A page that was taken out stays out. Raises KeyError if none of the orders has a card.
    """
    with read(engine) as connection:
        wanted = [one.strip().removeprefix("#") for one in orders if one.strip()]
        number = func.ltrim(func.coalesce(order.c.number, order.c.external_id), "#")
        keys = connection.scalars(
            select(message.c.key)
            .join(order, order.c.id == message.c.subject_id)
            .join(print_page, print_page.c.message_id == message.c.id)
            .where(
                message.c.channel == "print",
                message.c.state == "accepted",
                print_page.c.position.is_not(None),
                among(connection, number, wanted),
            )
            .order_by(print_page.c.print_run_id, print_page.c.position)
        ).all()
    if not keys:
        raise KeyError("none of these orders has a printed card; give order numbers as the pick list shows them")
    return connector.reprint([Key(key) for key in keys], name=f"again-{now:%Y%m%d-%H%M%S}")


def _unfinished(engine: Engine, location: str | None) -> Sequence[tuple[int, str]]:
    question = select(print_run.c.id, print_run.c.location).where(print_run.c.closed_at.is_(None))
    if location is not None:
        question = question.where(print_run.c.location == location)
    with read(engine) as connection:
        return [(row[0], row[1]) for row in connection.execute(question.order_by(print_run.c.id))]


def _spooled(engine: Engine, connector: PrintConnector, location: str | None) -> Iterator[tuple[str, pd.DataFrame]]:
    """Pages that wait in the spool, by location, in packing order: the earliest wave first, then by order."""
    with read(engine) as connection:
        rows = fetch(
            connection,
            select(
                message.c.id,
                message.c.key,
                message.c.profile_id,
                message.c.subject_id,
                message.c.journey,
                message.c.step,
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


def _begin(
    engine: Engine, place: str, rows: pd.DataFrame, journeys: Mapping[str, Journey], now: datetime
) -> int | None:
    """Decide what is printed and write it down; None where another process was first."""
    with write(engine) as connection:
        why = _taken_out(connection, rows, journeys, now)
        run_id = connection.execute(
            insert(print_run).values(location=place, started_at=now).returning(print_run.c.id)
        ).scalar_one()
        positions = iter(range(1, len(rows) + 1))
        pages = [
            {
                "message_id": message_id,
                "print_run_id": run_id,
                "position": next(positions) if reason is None else None,
                "taken_out": reason,
            }
            for message_id, reason in zip(rows["id"].tolist(), why, strict=True)
        ]
        if not insert_new(connection, print_page, pages, ["message_id"]):
            connection.execute(print_run.delete().where(print_run.c.id == run_id))
            return None
        _settle(connection, run_id, now)
        return int(run_id)


def _taken_out(
    connection: Connection, rows: pd.DataFrame, journeys: Mapping[str, Journey], now: datetime
) -> list[str | None]:
    """Why each page must not be printed; None for those that may."""
    late = rows["deadline_at"] + WAVE_GRACE < pd.Timestamp(now)
    why: list[str | None] = [Reason.TOO_LATE.value if is_late else None for is_late in late]
    for (name, step_name), part in rows.groupby(["journey", "step"]):
        journey = journeys.get(str(name))
        if journey is None:
            continue  # a journey that is installed no more: what it promised is printed
        step = journey.step(str(step_name))
        asked = Asked(journey=journey, step=step, brief=journey.brief(), rows=part.index.to_numpy(dtype=np.int64))
        found = step.facts(connection, part, now, asked.brief)
        if "gone" not in found:
            continue
        for place in found.index[found["gone"].to_numpy(dtype=bool)]:
            why[int(place)] = Reason.OCCASION_GONE.value
    return why


def _settle(connection: Connection, run_id: int, now: datetime) -> None:
    """What is taken out was never sent: the message is skipped, its budget is free again, its code is revoked."""
    out = connection.execute(
        select(message.c.id, message.c.run_id, message.c.key, print_page.c.taken_out)
        .join(print_page, print_page.c.message_id == message.c.id)
        .where(print_page.c.print_run_id == run_id, print_page.c.taken_out.is_not(None))
    ).all()
    if not out:
        return
    for reason in {row.taken_out for row in out}:
        ids = [row.id for row in out if row.taken_out == reason]
        connection.execute(
            update(message)
            .where(and_(among(connection, message.c.id, ids), message.c.state == "accepted"))
            .values(state="skipped", reason=reason)
        )
    connection.execute(
        insert(decision),
        [
            {
                "message_id": row.id,
                "run_id": row.run_id,
                "verdict": "skip",
                "reason": row.taken_out,
                "until": None,
                "decided_at": now,
            }
            for row in out
        ],
    )
    offers.revoke(connection, _seen_by_nobody(connection, [row.key for row in out]), now)


def _seen_by_nobody(connection: Connection, keys: Sequence[str]) -> Sequence[str]:
    """The codes of these pages, without those that another message may have told.

    Any message that may show her a live code shows this one, and none writes down which it showed. So whatever
    reached her since the code was made, or may have, keeps the code alive: a code she was told stays good. (The pages
    themselves are skipped by now.)
    """
    other = message.alias("other")
    told = (
        select(other.c.id)
        .where(
            other.c.profile_id == voucher.c.profile_id,
            other.c.state.not_in(_NOT_SEEN),
            other.c.handed_over_at > later(voucher.c.valid_from, -JUDGED_BEFORE),
        )
        .exists()
    )
    return connection.scalars(select(voucher.c.code).where(among(connection, voucher.c.message_key, keys), ~told)).all()


def _close(engine: Engine, connector: PrintConnector, run_id: int, place: str, now: datetime) -> PrintReport:
    """Print what the run's rows say and remember that it is done; doing it twice makes the same files twice."""
    with read(engine) as connection:
        pages: Sequence[Any] = connection.execute(
            select(message.c.key, print_page.c.position, print_page.c.taken_out)
            .join(message, message.c.id == print_page.c.message_id)
            .where(print_page.c.print_run_id == run_id)
            .order_by(print_page.c.position)
        ).all()
    keys = [Key(page.key) for page in pages if page.position is not None]
    files = tuple(connector.close_spool(place, keys, name=f"{run_id:06d}")) if keys else ()
    with write(engine) as connection:
        connection.execute(update(print_run).where(print_run.c.id == run_id).values(closed_at=now))
    return PrintReport(
        run_id=run_id,
        location=place,
        pages=len(keys),
        taken_out=dict(Counter(page.taken_out for page in pages if page.position is None)),
        files=files,
    )
