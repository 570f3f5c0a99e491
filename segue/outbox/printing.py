"""The print run: per location one PDF in packing order, and what must not be in a parcel any more is taken out.

A page is spooled long before the parcel is packed. So the order is asked again right before printing; which pages a
run prints, and in which order, is a row before it is a file. A run that died is finished by the next one, with the
same pages under the same name, and no page is ever in two runs.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine, func, insert, or_, select, update

from segue.contract import ConnectorError, Key, PrintConnector, UnsupportedError
from segue.journeys.definition import Journey
from segue.outbox.frame import Asked, enrich, fetch
from segue.outbox.moments import Moments
from segue.outbox.takeback import Taken, settle, take_back_cancelled, with_spent_codes
from segue.policy import Reason
from segue.store.bulk import insert_new
from segue.store.engine import read, write
from segue.store.sql import among
from segue.store.tables import message, order, print_page, print_run

_LOG = logging.getLogger(__name__)
#: A print run starts with the pick wave; this long after a card's deadline its parcel is still in the house.
WAVE_GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintReport:
    """One location's print run; counts and files, nobody's name."""

    run_id: int
    location: str
    pages: int
    #: Pages taken out at the last moment, by reason.
    taken_out: Mapping[str, int]
    files: tuple[Path, ...]
    #: Why it could not be printed; the next print run tries again.
    problem: str | None = None


def print_all(
    engine: Engine,
    connector: PrintConnector,
    *,
    journeys: Mapping[str, Journey],
    now: datetime,
    moments: Moments,
    secret: bytes,
    location: str | None = None,
) -> list[PrintReport]:
    """Finish print runs that died, then print what is spooled and still wanted, location by location.

    One run's trouble is told in its report and stops no other.
    """
    take_back_cancelled(engine, journeys.values(), now=now, only_printed=True)
    reports = [_close(engine, connector, run_id, place, now) for run_id, place in _unfinished(engine, location)]
    for place, rows in _spooled(engine, connector, location):
        run_id = _begin(engine, place, rows, journeys, moments, now, secret)
        if run_id is not None:
            reports.append(_close(engine, connector, run_id, place, now))
    return reports


def reprint(engine: Engine, connector: PrintConnector, orders: Sequence[str], *, now: datetime) -> Path:
    """Print the cards of `orders` (numbers such as `#1001`) again, with the same codes.

    A page that was taken out stays out. Raises KeyError naming the orders that have no card to print.
    """
    wanted = dict.fromkeys(one.strip().removeprefix("#") for one in orders if one.strip())
    with read(engine) as connection:
        number = func.ltrim(func.coalesce(order.c.number, order.c.external_id), "#")
        found = connection.execute(
            select(number, message.c.key)
            .select_from(message)
            .join(order, order.c.id == message.c.subject_id)
            .join(print_page, print_page.c.message_id == message.c.id)
            .where(
                message.c.channel == "print",
                message.c.state == "accepted",
                print_page.c.position.is_not(None),
                or_(order.c.cancelled_at.is_(None), order.c.cancelled_at > now),
                among(connection, number, list(wanted)),
            )
            .order_by(print_page.c.print_run_id, print_page.c.position)
        ).all()
    missing = [one for one in wanted if one not in {row[0] for row in found}]
    if missing or not found:
        raise KeyError(
            f"no printed card for {', '.join(missing) or 'no order'}; give order numbers as the pick list shows them"
        )
    return connector.reprint([Key(key) for _, key in found], name=f"again-{now:%Y%m%d-%H%M%S}")


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


def _begin(
    engine: Engine,
    place: str,
    rows: pd.DataFrame,
    journeys: Mapping[str, Journey],
    moments: Moments,
    now: datetime,
    secret: bytes,
) -> int | None:
    """Decide what is printed and write it down; None where another process was first."""
    with write(engine) as connection:
        why = _taken_out(connection, rows, journeys, moments, now, secret)
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
    connection: Connection,
    rows: pd.DataFrame,
    journeys: Mapping[str, Journey],
    moments: Moments,
    now: datetime,
    secret: bytes,
) -> list[str | None]:
    """Why each page must not be printed, asked of the same facts as every other message; None for those that may."""
    late = rows["deadline_at"] + WAVE_GRACE < pd.Timestamp(now)
    why: list[str | None] = [Reason.TOO_LATE.value if is_late else None for is_late in late]
    asked = [
        Asked(
            journey=journeys[str(name)],
            step=journeys[str(name)].step(str(step)),
            brief=journeys[str(name)].brief(),
            moment=moments.of(connection, str(name), now),
            rows=part.index.to_numpy(dtype=np.int64),
        )
        for (name, step), part in rows.groupby(["journey", "step"])
        if str(name) in journeys  # a journey that is installed no more: what it promised is printed
    ]
    frame = enrich(connection, rows, asked, now=now, secret=secret)
    for reason, is_so in (
        (Reason.SUPPRESSED, frame["print_suppressed"] == "objection"),
        (Reason.DENIED, frame["print_basis"] == "denied"),
        (Reason.OCCASION_GONE, frame["gone"]),
    ):
        for place in np.flatnonzero(is_so.to_numpy(dtype=bool)):
            why[int(place)] = reason.value
    spent = with_spent_codes(connection, rows["id"].tolist(), now)
    return [
        Reason.CODE_SPENT.value if reason is None and message_id in spent else reason
        for message_id, reason in zip(rows["id"].tolist(), why, strict=True)
    ]


def _settle(connection: Connection, run_id: int, now: datetime) -> None:
    """Settle what this run takes out."""
    out = connection.execute(
        select(message.c.id, message.c.run_id, message.c.key, print_page.c.taken_out)
        .join(print_page, print_page.c.message_id == message.c.id)
        .where(print_page.c.print_run_id == run_id, print_page.c.taken_out.is_not(None))
    ).all()
    settle(connection, [Taken(row.id, row.run_id, row.key, row.taken_out) for row in out], now)


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
    out = dict(Counter(page.taken_out for page in pages if page.position is None))
    try:
        files, lost = _printed(connector, place, keys, f"{run_id:06d}")
    except ConnectorError as error:
        _LOG.warning("the print run %s in %s stands: %s", run_id, place, error)
        return PrintReport(run_id=run_id, location=place, pages=0, taken_out=out, files=(), problem=str(error))
    with write(engine) as connection:
        if lost:
            _take_out_lost(connection, lost, now)
            out[Reason.TEMPLATE.value] = out.get(Reason.TEMPLATE.value, 0) + len(lost)
        connection.execute(update(print_run).where(print_run.c.id == run_id).values(closed_at=now))
    return PrintReport(run_id=run_id, location=place, pages=len(keys) - len(lost), taken_out=out, files=files)


def _printed(
    connector: PrintConnector, place: str, keys: Sequence[Key], name: str
) -> tuple[tuple[Path, ...], Sequence[Key]]:
    """The files of these pages, and the keys of pages that nobody can print; halves are asked where the whole fails.

    The names of the parts follow from the pages, so doing it again makes the same files.
    """
    if not keys:
        return (), ()
    try:
        return tuple(connector.close_spool(place, keys, name=name)), ()
    except UnsupportedError:
        if len(keys) == 1:
            return (), keys
    middle = len(keys) // 2
    first, lost = _printed(connector, place, keys[:middle], f"{name}a")
    second, more = _printed(connector, place, keys[middle:], f"{name}b")
    return (*first, *second), [*lost, *more]


def _take_out_lost(connection: Connection, keys: Sequence[Key], now: datetime) -> None:
    rows = connection.execute(
        select(message.c.id, message.c.run_id, message.c.key).where(among(connection, message.c.key, keys))
    ).all()
    reason = Reason.TEMPLATE.value
    connection.execute(
        update(print_page)
        .where(among(connection, print_page.c.message_id, [row.id for row in rows]))
        .values(position=None, taken_out=reason)
    )
    settle(connection, [Taken(row.id, row.run_id, row.key, reason) for row in rows], now)
