"""What somebody allows now, out of everything she ever said; the strictest answer wins.

Facts arrive in any order, from several systems, some without a date. So this is a question to a set of facts and never
a walk through them:

- a no or a doubt holds against every yes that is not dated after it; on the same instant the no wins;
- a no or a doubt without a date stands at the instant it was recorded: she may have said it as late as that;
- a yes without a date is older than everything: any no and any doubt defeats it;
- where a doubt (a no that nobody dated and that may have been a "never asked") is all that stands against her yes,
  the answer is `doubted`: no law accepts it, and policy holds it to be unconfirmed;
- of the yeses left, one she confirmed stays confirmed whatever she ticked later; else the latest counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Select, bindparam, case, select

from segue.store.sql import listed, micros
from segue.store.tables import consent_event
from segue.store.types import UtcTime

CHANNELS = ("email", "sms", "print")
#: An objection to direct marketing as such ends it everywhere (Art. 21(2) GDPR).
_EVERYWHERE = "all"
_STATES = ("granted", "confirmed", "doubted", "denied")
#: Of two yeses on the same instant the one further down counts, so that the order of import never matters.
_WEAKEST_LAST = ("soft_opt_in", "opt_in", "legitimate_interest", "contract")

_NEVER = int(np.iinfo(np.int64).min)
_UNDATED = _NEVER + 1

Integers = npt.NDArray[np.int64]


class Said(NamedTuple):
    """What a consent fact says, apart from who and when; a shop has a few dozen distinct ones at most."""

    channel: str
    #: granted, confirmed, denied, doubted; any other word says nothing.
    state: str
    basis: str
    is_dated: bool = True


def in_force(
    person: Sequence[int],
    at: Sequence[int],
    what: Sequence[int],
    said: Sequence[Said],
    *,
    people: int,
    channels: Sequence[str] = CHANNELS,
) -> dict[str, npt.NDArray[np.object_]]:
    """Return by channel what each of `people` allows: `double_opt_in` or another basis, `doubted`, `denied`, None.

    One entry a fact, in any order: whose (a number below `people`), when (microseconds since 1970; of an undated fact
    when it was recorded), and which of `said`.
    """
    width = len(channels)
    answer = np.full(people * width, None, dtype=object)
    if len(person):
        words = _ranked(said)
        table = np.array([_codes(one, words, channels) for one in said], dtype=np.int64)
        channel, state, basis, dated = table[np.asarray(what, dtype=np.int64)].T
        times, row = np.asarray(at, dtype=np.int64), np.asarray(person, dtype=np.int64) * width
        denied_at = _latest(answer.size, width, row, channel, times, state == _STATES.index("denied"))
        doubted_at = _latest(answer.size, width, row, channel, times, state == _STATES.index("doubted"))
        yes = np.flatnonzero((state >= 0) & (state <= 1) & (channel >= 0) & (channel < width))
        cell, confirmed = row[yes] + channel[yes], state[yes] == 1
        times = np.where(dated[yes] == 1, times[yes], _UNDATED)
        stands = times > denied_at[cell]
        holds = np.flatnonzero(stands & (times > doubted_at[cell]))
        answer[denied_at > _NEVER] = "denied"
        answer[cell[stands]] = "doubted"
        chosen = np.where(confirmed, len(words), basis[yes])
        # Of several entries for one cell the last one stays.
        holds = holds[np.lexsort((chosen[holds], times[holds], confirmed[holds]))]
        answer[cell[holds]] = np.array([*words, "double_opt_in"], dtype=object)[chosen[holds]]
    return {name: answer[number::width] for number, name in enumerate(channels)}


def _ranked(said: Sequence[Said]) -> list[str]:
    """The distinct bases, so that of equals the weakest comes last."""
    places = {word: place for place, word in enumerate(_WEAKEST_LAST)}
    return sorted({one.basis for one in said}, key=lambda word: (places.get(word, len(places)), word))


def _codes(one: Said, words: Sequence[str], channels: Sequence[str]) -> tuple[int, int, int, int]:
    names = (*channels, _EVERYWHERE)
    return (
        names.index(one.channel) if one.channel in names else -1,
        _STATES.index(one.state) if one.state in _STATES else -1,
        words.index(one.basis),
        int(one.is_dated),
    )


def _latest(
    cells: int, width: int, row: Integers, channel: Integers, at: Integers, which: npt.NDArray[np.bool_]
) -> Integers:
    """The latest instant at which one of `which` was said, a cell; `_NEVER` where none was."""
    latest = np.full(cells, _NEVER, dtype=np.int64)
    found = np.flatnonzero(which & (channel >= 0))
    row, channel, at = row[found], channel[found], at[found]
    for number in range(width):
        here = (channel == number) | (channel == width)
        np.maximum.at(latest, row[here] + number, at[here])
    return latest


def read_consents(
    connection: Connection, position: Mapping[int, int], now: datetime, *, channels: Sequence[str] = CHANNELS
) -> dict[str, npt.NDArray[np.object_]]:
    """Answer `in_force` for the people in `position` (profile id -> place), with what is known at `now`."""
    rows = connection.execute(_question(connection), {"people": list(position), "now": now}).all()
    if not rows:
        return in_force((), (), (), (), people=len(position), channels=channels)
    profile_ids, told, at = zip(*rows, strict=True)
    numbers = {text: number for number, text in enumerate(set(told))}
    said = [_said(text) for text in numbers]
    person = [position[profile_id] for profile_id in profile_ids]
    return in_force(person, at, [numbers[text] for text in told], said, people=len(position), channels=channels)


def _said(text: str) -> Said:
    dated, channel, state, basis = text.split("|", 3)
    return Said(channel, state, basis, is_dated=dated == "dated")


#: By dialect, built once: SQLAlchemy takes longer to put it together than SQLite to answer it for a few people.
_QUESTIONS: dict[str, Select[Any]] = {}


def _question(connection: Connection) -> Select[Any]:
    """Whose, what in one text (a column costs more to fetch than to take apart here), and when."""
    known = _QUESTIONS.get(connection.dialect.name)
    if known is None:
        fact = consent_event.c
        dated = case((fact.is_dated, "dated"), else_="undated")
        told = dated + "|" + fact.channel + "|" + fact.state + "|" + fact.basis
        known = select(fact.profile_id, told, micros(connection, fact.occurred_at)).where(
            listed(fact.profile_id, "people"),
            fact.purpose == "marketing",
            fact.occurred_at <= bindparam("now", type_=UtcTime),
        )
        _QUESTIONS[connection.dialect.name] = known
    return known
