"""Builds the frame that policy judges: one row a message, everything that may forbid it beside it.

The columns are told in `docs/architecture.md`. Each kind of fact is read once a shard, for the shard's people.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, or_, select
from sqlalchemy.exc import SQLAlchemyError

from segue.journeys.definition import Brief, Journey, Moment, Step
from segue.outbox.consents import read_consents
from segue.outbox.states import COUNTED
from segue.outbox.suppressed import suppressed
from segue.store.sql import among, listed, micros
from segue.store.tables import identifier, message, profile
from segue.store.types import UtcTime

_LOG = logging.getLogger(__name__)
#: The longest window any cap may have; older messages are not even read.
LONGEST_CAP = timedelta(days=366)
#: pandas' "no time", as an integer.
NO_TIME = np.iinfo(np.int64).min
# Built once: SQLAlchemy takes longer to put such a statement together than SQLite to answer it for a few people.
_PROFILES = select(
    profile.c.id, profile.c.country, profile.c.region, profile.c.zone, profile.c.locale, profile.c.first_name
).where(listed(profile.c.id, "people"))
#: Where those lived who turned out to be her.
_LIVED = select(profile.c.merged_into, profile.c.country).where(
    listed(profile.c.merged_into, "people"), profile.c.country.is_not(None)
)
_ADDRESSES = (
    select(identifier.c.profile_id, identifier.c.kind, identifier.c.value)
    .where(listed(identifier.c.profile_id, "people"), identifier.c.kind.in_(("email", "phone")))
    .order_by(identifier.c.id.desc())  # the first one she gave is written last and stays
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One step of one journey under one brief, and the rows that ask for it."""

    journey: Journey
    step: Step
    brief: Brief
    moment: Moment
    #: Positions in the frame.
    rows: np.ndarray[Any, np.dtype[np.int64]]


def fetch(connection: Connection, rows: Select[Any]) -> pd.DataFrame:
    """Read a select into a frame; times arrive timezone-aware, ids and counts as integers."""
    result = connection.execute(rows.with_only_columns(*[_plain(connection, one) for one in rows.selected_columns]))
    names = list(result.keys())
    values = result.all()
    columns = list(zip(*values, strict=True)) if values else [()] * len(names)
    return pd.DataFrame({name: _column(name, column) for name, column in zip(names, columns, strict=True)})


def _plain(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A time as microseconds since 1970, which pandas takes without a Python object a cell."""
    return micros(connection, column).label(column.key) if isinstance(column.type, UtcTime) else column


def _column(name: str, values: Sequence[Any]) -> Any:
    if name.endswith("_at"):
        instants = _integers(values, NO_TIME)
        return pd.array(pd.DatetimeIndex(instants.view("datetime64[us]"), tz="UTC"))
    if name.endswith("_id") or name in ("id", "bucket", "priority", "attempts"):
        return _integers(values, 0)
    return words(values)


def _integers(values: Sequence[Any], missing: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    if None in values:
        values = [missing if value is None else value for value in values]
    return np.array(values, dtype=np.int64)


def words(values: Sequence[Any] | np.ndarray[Any, Any]) -> pd.Series[Any]:
    """A column of text as plain objects: pandas' Arrow strings are slow to walk row by row."""
    return pd.Series(values, dtype=object)


def enrich(
    connection: Connection, rows: pd.DataFrame, asked: Iterable[Asked], *, now: datetime, secret: bytes
) -> pd.DataFrame:
    """Add to `rows` (id, key, profile_id, subject_id, priority, deadline_at) what policy asks about."""
    count = len(rows)
    people = pd.unique(rows["profile_id"])
    ids = people.tolist()
    place = pd.Index(people).get_indexer(pd.Index(rows["profile_id"]))
    frame: dict[str, Any] = {
        "message_id": rows["id"].to_numpy(),
        "profile_id": rows["profile_id"].to_numpy(),
        "key": words(rows["key"].to_numpy()),
        "priority": rows["priority"].to_numpy(),
        "deadline_at": rows["deadline_at"].array,
    }
    for name, values in _people(connection, ids, now, secret).items():
        frame[name] = words(values[place])
    frame |= _asked_columns(connection, rows, asked, count)
    frame["paused"] = np.zeros(count, dtype=bool)
    return pd.DataFrame(frame)


def uncapped(journeys: Iterable[Journey]) -> list[tuple[str, str]]:
    """Journey and step of what the budget does not count."""
    return [(journey.name, step.name) for journey in journeys for step in journey.steps if not step.in_cap]


def history(
    connection: Connection, profile_ids: Sequence[int], *, now: datetime, outside: Sequence[tuple[str, str]]
) -> pd.DataFrame:
    """What the budget counts for these people: handed over, accepted or uncertain; no upper time bound."""
    rows = select(message.c.profile_id, message.c.channel, message.c.handed_over_at).where(
        among(connection, message.c.profile_id, profile_ids),
        message.c.handed_over_at > now - LONGEST_CAP,
        message.c.state.in_(COUNTED),
        ~message.c.transactional,
        *(or_(message.c.journey != journey, message.c.step != step) for journey, step in outside),
    )
    return fetch(connection, rows)


def _asked_columns(connection: Connection, rows: pd.DataFrame, asked: Iterable[Asked], count: int) -> dict[str, Any]:
    """What the steps say of themselves, and the facts their journeys found."""
    columns: dict[str, Any] = {
        name: np.empty(count, dtype=object) for name in ("journey", "step", "over_budget", "channels")
    }
    columns |= {
        name: np.zeros(count, dtype=bool)
        for name in (
            "transactional",
            "has_promotion",
            "answers_a_cart",
            "in_cap",
            "in_holdout",
            "converted",
            "gone",
            "sold_out",
            "broken",
        )
    }
    ready_at = np.full(count, np.datetime64("NaT", "us"))
    for group in asked:
        step, at = group.step, group.rows
        columns["journey"][at] = group.journey.name
        columns["step"][at] = step.name
        columns["over_budget"][at] = step.over_budget
        channels = tuple(channel.value for channel in step.channels)
        columns["channels"][at] = [channels] * len(at)
        for name in ("transactional", "has_promotion", "answers_a_cart", "in_cap", "in_holdout"):
            columns[name][at] = getattr(step, name)
        facts = _facts(connection, rows.iloc[at], group)
        if facts is None:
            columns["broken"][at] = True
            continue
        for name in ("converted", "gone", "sold_out"):
            if name in facts:
                columns[name][at] = facts[name].to_numpy(dtype=bool)
        if "ready_at" in facts:
            ready = pd.to_datetime(facts["ready_at"], utc=True)
            ready_at[at] = ready.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    for name in ("journey", "step", "over_budget", "channels"):
        columns[name] = words(columns[name])
    columns["ready_at"] = pd.array(pd.DatetimeIndex(ready_at, tz="UTC"))
    return columns


def _facts(connection: Connection, rows: pd.DataFrame, group: Asked) -> pd.DataFrame | None:
    """What the journey found; None where its own code failed, which must not stop other journeys."""
    try:
        return group.step.facts(connection, rows, group.moment, group.brief)
    except SQLAlchemyError:
        raise  # the database's trouble is nobody's own: all of it is tried again
    except Exception as error:  # noqa: BLE001 - whatever a journey trips over
        # The kind of error only: its text may quote what is known of somebody.
        _LOG.error("%s/%s: no facts (%s)", group.journey.name, group.step.name, type(error).__name__)
        return None


def _people(connection: Connection, ids: list[int], now: datetime, secret: bytes) -> dict[str, Any]:
    """Country, zone, addresses, consent and suppression of each person, in the order of `ids`."""
    position = {profile_id: place for place, profile_id in enumerate(ids)}
    found: dict[str, Any] = {
        name: np.full(len(ids), None, dtype=object)
        for name in ("country", "region", "zone", "locale", "first_name", "email", "phone")
    }
    if people := connection.execute(_PROFILES, {"people": ids}).all():
        profile_ids, *columns = zip(*people, strict=True)
        places = [position[profile_id] for profile_id in profile_ids]
        for name, column in zip(("country", "region", "zone", "locale", "first_name"), columns, strict=True):
            found[name][places] = np.array(column, dtype=object)
    for profile_id, country in connection.execute(_LIVED, {"people": ids}).all():
        if found["country"][position[profile_id]] != country:
            found["country"][position[profile_id]] = None  # by a merge no law asks for less: nobody knows which it is
    others: list[tuple[str, int, str]] = []
    for profile_id, kind, value in connection.execute(_ADDRESSES, {"people": ids}).all():
        place = position[profile_id]
        if found[kind][place] is not None:
            others.append((kind, place, found[kind][place]))
        found[kind][place] = value
    for channel, basis in read_consents(connection, position, now).items():
        found[f"{channel}_basis"] = basis
    for channel, reason in suppressed(connection, ids, found, others, now=now, secret=secret).items():
        found[f"{channel}_suppressed"] = reason
    return found
