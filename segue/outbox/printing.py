"""The print run: per location one PDF in packing order, and what must not be in a parcel any more is taken out.

A page is spooled long before the parcel is packed. So the order is asked again right before printing; which pages a
run prints, and in which order, is a row before it is a file. A run that died is finished by the next one, with the
same pages under the same name, and no page is ever in two runs.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pandas as pd
from sqlalchemy import Connection, Engine, func, insert, or_, select, update

from segue.contract import ConnectorError, Key, PrintConnector, UnsupportedError
from segue.journeys.definition import Journey
from segue.outbox.brake import check_free
from segue.outbox.briefs import Briefs
from segue.outbox.frame import fetch
from segue.outbox.handover import Probe
from segue.outbox.moments import Moments
from segue.outbox.print_report import PrintReport
from segue.outbox.spool import held_back, objected, spooled, taken_out, unfinished
from segue.outbox.takeback import Taken, lock_spooled, put_back_printed, settle, take_back_cancelled
from segue.policy import Reason
from segue.store.bulk import insert_new
from segue.store.engine import read, write
from segue.store.sql import among
from segue.store.tables import message, order, print_page, print_run

_LOG = logging.getLogger(__name__)
_PAGES = (
    select(
        message.c.id,
        message.c.key,
        message.c.journey,
        message.c.run_id,
        print_page.c.position,
        print_page.c.taken_out,
    )
    .join(print_page, print_page.c.message_id == message.c.id)
    .order_by(print_page.c.position)
)


def print_all(
    engine: Engine,
    connector: PrintConnector,
    *,
    journeys: Mapping[str, Journey],
    now: datetime,
    moments: Moments,
    secret: bytes,
    location: str | None = None,
    probe: Probe = lambda _name: None,
) -> list[PrintReport]:
    """Finish print runs that died, then print what is spooled and still wanted, location by location.

    The brake is asked before each run is begun and before one is finished. One run's trouble is told in its report
    and stops no other.
    """
    take_back_cancelled(engine, journeys.values(), now=now, only_printed=True)
    reports = [_close(engine, connector, run_id, place, now, probe) for run_id, place in unfinished(engine, location)]
    briefs = Briefs(journeys, moments)
    for place, rows in spooled(engine, connector, location):
        run_id, held = _begin(engine, connector, place, rows, briefs, now, secret)
        if run_id is not None:
            done = _close(engine, connector, run_id, place, now, probe)
            reports.append(replace(done, held=Counter(done.held) + held))
        elif held:
            reports.append(PrintReport(run_id=None, location=place, pages=0, taken_out={}, files=(), held=held))
    return reports


def reprint(engine: Engine, connector: PrintConnector, orders: Sequence[str], *, now: datetime, secret: bytes) -> Path:
    """Print the cards of `orders` (numbers such as `#1001`) again, with the same codes.

    A page that was taken out stays out, and whoever objected since gets none. Raises KeyError naming the orders that
    have no card to print, and BrakeError while the brake holds one of the cards; then none is printed.
    """
    wanted = dict.fromkeys(one.strip().removeprefix("#") for one in orders if one.strip())
    with read(engine) as connection:
        number = func.ltrim(func.coalesce(order.c.number, order.c.external_id), "#")
        asked = (
            select(number.label("number"), message.c.id, message.c.key, message.c.profile_id, message.c.journey)
            .add_columns(message.c.run_id, message.c.priority, message.c.deadline_at)
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
        )
        found = fetch(connection, asked)
        found = found[~objected(connection, found, now, secret)]
        check_free(connection, held_back(connection, found, connector), "nothing was printed again")
    missing = [one for one in wanted if one not in set(found["number"])]
    if missing or found.empty:
        raise KeyError(
            f"no printed card for {', '.join(missing) or 'no order'}; give order numbers as the pick list shows them"
        )
    return connector.reprint([Key(key) for key in found["key"]], name=f"again-{now:%Y%m%d-%H%M%S}")


def _begin(
    engine: Engine,
    connector: PrintConnector,
    place: str,
    rows: pd.DataFrame,
    briefs: Briefs,
    now: datetime,
    secret: bytes,
) -> tuple[int | None, Counter[str]]:
    """Decide what is printed and write it down; None where nothing is, or another process was first.

    What the brake holds, or broken code of its journey, stays in the spool, and is counted by the name it is held by:
    the next print run asks again.
    """
    with write(engine) as connection:
        still = lock_spooled(connection, rows["id"].tolist())
        rows = rows[rows["id"].isin(still)].reset_index(drop=True)
        if rows.empty:
            return None, Counter()
        why = taken_out(connection, rows, briefs, now, secret)
        # What can never be printed is settled all the same, as for every other message.
        held = [
            (name or reason) if reason in (None, Reason.JOURNEY_BROKEN.value) else None
            for reason, name in zip(why, held_back(connection, rows, connector), strict=True)
        ]
        counts = Counter(name for name in held if name is not None)
        decided = [one for one in zip(rows["id"].tolist(), why, held, strict=True) if one[2] is None]
        if not decided:
            return None, counts
        run_id = connection.execute(
            insert(print_run).values(location=place, started_at=now).returning(print_run.c.id)
        ).scalar_one()
        positions = iter(range(1, len(decided) + 1))
        pages = [
            {
                "message_id": message_id,
                "print_run_id": run_id,
                "position": next(positions) if reason is None else None,
                "taken_out": reason,
            }
            for message_id, reason, _ in decided
        ]
        if not insert_new(connection, print_page, pages, ["message_id"]):
            connection.execute(print_run.delete().where(print_run.c.id == run_id))
            return None, counts
        _settle(connection, run_id, now)
        return int(run_id), counts


def _settle(connection: Connection, run_id: int, now: datetime) -> None:
    """Settle what this run takes out."""
    out = connection.execute(
        select(message.c.id, message.c.run_id, message.c.key, print_page.c.taken_out)
        .join(print_page, print_page.c.message_id == message.c.id)
        .where(print_page.c.print_run_id == run_id, print_page.c.taken_out.is_not(None))
    ).all()
    settle(connection, [Taken(row.id, row.run_id, row.key, row.taken_out) for row in out], now)


def _close(
    engine: Engine, connector: PrintConnector, run_id: int, place: str, now: datetime, probe: Probe
) -> PrintReport:
    """Print what the run's rows say and remember that it is done; doing it twice makes the same files twice.

    A run of which the brake holds a page stands as a whole: it may have been printed before whoever began it died, so
    no page of it may move to another run.
    """
    with read(engine) as connection:
        rows = fetch(connection, _PAGES.where(print_page.c.print_run_id == run_id))
        pages = rows[rows["position"].notna()]
        held = Counter(name for name in held_back(connection, pages, connector) if name is not None)
    keys = [Key(key) for key in pages["key"]]
    out = dict(Counter(rows.loc[rows["position"].isna(), "taken_out"]))
    report = PrintReport(run_id=run_id, location=place, pages=0, taken_out=out, files=())
    if held:
        (name, _), *_ = held.most_common(1)
        return replace(report, held={**held, name: held[name] + len(keys) - held.total()})
    probe("print_begun")
    try:
        files, lost = _printed(connector, place, keys, f"{run_id:06d}")
    except ConnectorError as error:
        _LOG.warning("the print run %s in %s stands: %s", run_id, place, error)
        return replace(report, problem=str(error))
    probe("printed")
    with write(engine) as connection:
        lock_spooled(connection, pages["id"].tolist())
        connection.execute(update(print_run).where(print_run.c.id == run_id).values(closed_at=now))
        if lost:
            _take_out_lost(connection, lost, now)
            out[Reason.TEMPLATE.value] = out.get(Reason.TEMPLATE.value, 0) + len(lost)
        places = dict(zip(pages["id"].tolist(), pages["position"].tolist(), strict=True))
        is_lost = pages["key"].isin([str(key) for key in lost])
        put_back_printed(connection, {one: places[one] for one in pages.loc[~is_lost, "id"].tolist()})
    return replace(report, pages=len(keys) - len(lost), taken_out=out, files=files)


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
