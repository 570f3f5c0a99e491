"""Selection: who is due, asked of a large shop, against merely inserting the same rows.

    python -m bench.selection [--carts 200000] [--due 10000] [--databases sqlite postgresql]

A shop's month of carts with five events each, half bought and half abandoned and answered already, and `--due` carts
that are due now. Timed is the statement that asks the abandoned-cart query and promises its rows, against a bare
INSERT ... SELECT of the same finished rows into the same table; neither is committed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, text

from bench.carts import analyze, cart_row, event, insert_all, left, open_shop
from bench.databases import KINDS, database
from bench.figures import Figure, best, pin, run
from bench.shop import LONG_AGO, NOW, fill
from segue.journeys.abandoned_cart import JOURNEY, AbandonedCartBrief
from segue.journeys.definition import Moment
from segue.outbox.promise import promise
from segue.store.engine import open_engine, write
from segue.store.tables import cart, cart_event, message

_MOMENT = Moment(now=NOW, live_from=LONG_AGO)
_MONTH = timedelta(days=28)
_PEOPLE = 20_000


def measure(options: argparse.Namespace) -> list[Figure]:
    """One ratio a database."""
    pin(0)
    figures = []
    for kind in options.databases:
        with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as url:
            engine = open_engine(url)
            _fill(engine, options.carts, options.due)
            _prepare(engine)
            seconds = best(
                options.rounds,
                {
                    "bare": partial(_timed, engine, _insert_prepared, options.due),
                    "query": partial(_timed, engine, _promise, options.due),
                },
            )
            engine.dispose()
        figures.append(
            Figure(
                name=f"selection, {kind}",
                value=round(seconds["query"] / seconds["bare"], 2),
                unit="times the bare insert",
                more_is_better=False,
                parts={
                    "carts": options.carts,
                    "due": options.due,
                    "query and promise ms": round(seconds["query"] * 1000),
                    "bare insert ms": round(seconds["bare"] * 1000),
                },
            )
        )
    return figures


def _fill(engine: Engine, carts: int, due: int) -> None:
    """A month of carts, all that are due by now promised; then `due` more that fall due."""
    fill(engine, _PEOPLE)
    with write(engine) as connection:
        open_shop(connection)
        insert_all(connection, cart, (cart_row(n, n % _PEOPLE + 1) for n in range(1, carts + 1)))
        insert_all(connection, cart_event, _month(due, carts))
        _promise(connection)
        insert_all(
            connection,
            cart_event,
            (happened for n in range(1, due + 1) for happened in left(n, NOW - timedelta(hours=1, seconds=n % 7200))),
        )
    analyze(engine)


def _month(first: int, last: int) -> Iterator[dict[str, Any]]:
    """Five events a cart, spread over the month before last night."""
    for number in range(first + 1, last + 1):
        at = NOW - timedelta(hours=12) - _MONTH * (number / last)
        yield event(number, "added", at, variant_id=number % 50 + 1)
        yield event(number, "viewed", at + timedelta(minutes=1))
        yield event(number, "added", at + timedelta(minutes=2), variant_id=number % 50 + 2)
        yield event(number, "viewed", at + timedelta(minutes=3))
        yield event(number, "ordered" if number % 2 else "checkout_started", at + timedelta(minutes=4))


def _prepare(engine: Engine) -> None:
    """Keep the rows that are due in a table of their own, finished."""
    with write(engine) as connection:
        before = connection.scalar(select(message.c.id).order_by(message.c.id.desc()).limit(1)) or 0
        _promise(connection)
        connection.execute(text(f"CREATE TABLE prepared AS SELECT * FROM message WHERE id > {before:d}"))  # noqa: S608
        connection.execute(message.delete().where(message.c.id > before))
    analyze(engine)


def _promise(connection: Connection) -> int:
    return promise(connection, JOURNEY, JOURNEY.step("reminder"), AbandonedCartBrief(), _MOMENT, run_id=1)


def _insert_prepared(connection: Connection) -> int:
    columns = [column for column in message.columns if column.name != "id"]
    names = ", ".join(column.name for column in columns)
    rows = select(text(names)).select_from(text("prepared"))
    return connection.execute(
        insert(message).from_select(columns, rows, include_defaults=False),
        execution_options={"preserve_rowcount": True},
    ).rowcount


def _timed(engine: Engine, work: Callable[[Connection], int], wanted: int) -> float:
    with engine.connect().execution_options(segue_mode="write") as connection, connection.begin() as transaction:
        start = time.perf_counter()
        done = work(connection)
        seconds = time.perf_counter() - start
        transaction.rollback()
    if done != wanted:
        raise SystemExit(f"{done} rows were promised, {wanted} were due")
    return seconds


if __name__ == "__main__":
    run(
        __doc__,
        measure,
        {
            "--carts": {"type": int, "default": 200_000, "help": "carts in all, five events each (default 200000)"},
            "--due": {"type": int, "default": 10_000, "help": "carts that are due now (default 10000)"},
            "--databases": {"nargs": "+", "choices": KINDS, "default": KINDS, "help": "which (default both)"},
        },
    )
