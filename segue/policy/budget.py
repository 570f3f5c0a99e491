"""The frequency budget: at most so many messages per person, channel and rolling window. The last rule.

What counts is `history` plus what this very frame grants. One person's rows are taken by priority, then by key, and
a row that is stopped uses nothing. A message counts until exactly one window after its hand-over; one handed over in
the future of `now` (a clock that went back) counts too.

What this frame grants may still not leave: its run is stopped, it is refused, its facts change. So nothing is lost to
it. A row that only a grant stops, and that would be dropped or too late by it, is looked at again in a while: by then
what was granted is history, or is not.

All persons are settled side by side: each pass grants every person the first row that fits, so there is one pass for
each message a cap allows, not one for each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from segue.policy.bases import CHANNELS
from segue.policy.columns import EMAIL, NAT, NO_CHANNEL, Codes, Facts, Instants, Mask, instants, labels
from segue.policy.hours import DAY
from segue.policy.reasons import Reason
from segue.policy.rules import Cap, Rules
from segue.policy.ruling import Ruling

_Ints = npt.NDArray[np.intp]
_LONG_AGO = -(2**62)  # before any hand-over; adding a window does not overflow


@dataclass(frozen=True, slots=True)
class _Past:
    """What was handed over to whom and when."""

    profile_id: npt.NDArray[np.int64]
    channel: Codes
    handed_over_at: Instants


def budget(
    facts: Facts, channel: Codes, rows: Mask, *, history: pd.DataFrame, at: int, rules: Rules, recheck: int
) -> tuple[Ruling, Ruling, Ruling]:
    """Judge `rows`, those that nothing else stopped: drop or hold what is over budget until there is room again.

    What a rival in this frame would take its last chance from is held for `recheck` microseconds.
    """
    counted = rows & facts.in_cap & ~facts.transactional
    past = _read_past(history)
    frees_at = np.full(facts.size, at, dtype=np.int64)
    alone = frees_at.copy()
    for name, caps in rules.caps.items():
        code = CHANNELS.index(name)
        chosen = np.flatnonzero(counted & (channel == code))
        if caps and chosen.size:
            second = code == EMAIL and rules.cart_second_email
            frees_at[chosen], alone[chosen] = _frees_at(
                facts, chosen, _only(past, code), at, _limits(caps, second=second)
            )
    over = frees_at > at
    is_last_chance = facts.drops | ((facts.deadline_at != NAT) & (facts.deadline_at <= frees_at))
    by_rivals = over & (alone == at) & is_last_chance
    return (
        Ruling(by_rivals, Reason.BUDGET, np.full(facts.size, at + recheck, dtype=np.int64)),
        Ruling(over & facts.drops, Reason.OVER_BUDGET),
        Ruling(over, Reason.BUDGET, frees_at),
    )


@dataclass(frozen=True, slots=True)
class _Limits:
    """Caps as arrays: each window's length, and its limit for other mails (row 0) and for cart mails (row 1)."""

    windows: npt.NDArray[np.int64]
    limits: npt.NDArray[np.int64]


def _limits(caps: Sequence[Cap], *, second: bool) -> _Limits:
    windows = np.array([round(cap.window.total_seconds() * 1_000_000) for cap in caps], dtype=np.int64)
    usual = np.array([cap.limit for cap in caps], dtype=np.int64)
    carts = np.where((windows == DAY) & second, np.maximum(usual, 2), usual)
    return _Limits(windows, np.stack([usual, carts]))


def _frees_at(facts: Facts, rows: _Ints, past: _Past, at: int, limits: _Limits) -> tuple[Instants, Instants]:
    """Return for each row the instant from which it fits the budget, `at` if it fits now; and had it no rivals here."""
    result = np.full(len(rows), at, dtype=np.int64)
    alone = result.copy()
    person, people = pd.factorize(facts.profile_id[rows])
    owner = pd.Index(people).get_indexer(pd.Index(past.profile_id))
    live = (owner >= 0) & (past.handed_over_at > at - limits.windows.max())
    owner, handed = owner[live], past.handed_over_at[live]

    # Somebody with one message and no past cannot be over budget; most people are like that.
    several = np.bincount(person, minlength=len(people)) > 1
    contended = several.copy()
    contended[owner] = True
    some = np.flatnonzero(contended[person])
    if some.size == 0:
        return result, alone
    place = np.cumsum(contended) - 1
    ranked = some[_in_turn(facts, rows[some], place[person[some]], several[person[some]])]
    latest = _latest(place[owner], handed, people=int(contended.sum()), depth=int(limits.limits.max()))
    carts = facts.answers_a_cart[rows[ranked]].astype(np.intp)
    result[ranked], alone[ranked] = _settle(place[person[ranked]], carts, latest, at, limits)
    return result, alone


def _in_turn(facts: Facts, rows: _Ints, person: _Ints, several: Mask) -> _Ints:
    """Return the order in which rows are granted: by person, then priority, then key."""
    by_key = np.zeros(len(rows), dtype=np.int64)
    rivals = np.flatnonzero(several)
    keys = facts.key.iloc[rows[rivals]].to_numpy(dtype=object)
    by_key[rivals[np.argsort(keys, kind="stable")]] = np.arange(len(rivals))
    return np.lexsort((by_key, -facts.priority[rows], person))


def _latest(person: _Ints, times: Instants, *, people: int, depth: int) -> Instants:
    """Return a table with one line a person: her latest `depth` hand-overs, latest first."""
    table = np.full((people, depth), _LONG_AGO, dtype=np.int64)
    order = np.lexsort((-times, person))
    person, times = person[order], times[order]
    rank = np.arange(len(person)) - np.searchsorted(person, person)
    keep = rank < depth
    table[person[keep], rank[keep]] = times[keep]
    return table


def _settle(person: _Ints, carts: _Ints, latest: Instants, at: int, limits: _Limits) -> tuple[Instants, Instants]:
    """Grant rows, sorted by person and turn, as long as they fit; return when each fits, and when by itself."""
    result = np.full(len(person), at, dtype=np.int64)
    alone = result
    granted = np.zeros(len(latest), dtype=np.int64)
    ahead = (latest > at).sum(axis=1)  # handed over in the future: still later than what we grant now
    left = np.arange(len(person))
    while left.size:
        who = person[left]
        frees_at = np.full(len(left), at, dtype=np.int64)
        for window, limit in zip(limits.windows, limits.limits.T, strict=True):
            nth = _nth_latest(limit[carts[left]], who, latest=latest, ahead=ahead, granted=granted, at=at)
            np.maximum(frees_at, nth + window, out=frees_at)
        if len(left) == len(person):  # nothing is granted yet
            alone = frees_at
        fits = np.flatnonzero(frees_at == at)
        lucky, first = np.unique(who[fits], return_index=True)
        turn = np.full(len(latest), len(left))  # the turn of each person's next grant; beyond the end if none
        turn[lucky] = fits[first]
        position = np.arange(len(left))
        stopped = position < turn[who]
        result[left[stopped]] = frees_at[stopped]
        granted[lucky] += 1
        left = left[position > turn[who]]
    return result, alone


def _nth_latest(
    nth: npt.NDArray[np.int64],
    who: _Ints,
    *,
    latest: Instants,
    ahead: _Ints,
    granted: npt.NDArray[np.int64],
    at: int,
) -> Instants:
    """Return the n-th latest of what counts: hand-overs in the future, then grants (at `at`), then the past."""
    before, given = ahead[who], granted[who]
    in_table = np.where(nth <= before, nth, np.maximum(nth - given, 1))
    is_grant = (nth > before) & (nth <= before + given)
    return np.where(is_grant, at, latest[who, in_table - 1])


def _read_past(history: pd.DataFrame) -> _Past:
    if history.empty:
        nothing = np.empty(0, dtype=np.int64)
        return _Past(nothing, nothing.astype(np.int8), nothing)
    codes = {channel.value: code for code, channel in enumerate(CHANNELS)}
    return _Past(
        history["profile_id"].to_numpy(dtype=np.int64),
        labels(history["channel"]).translated(codes, other=NO_CHANNEL, nothing=NO_CHANNEL),
        instants(history["handed_over_at"]),
    )


def _only(past: _Past, code: int) -> _Past:
    chosen = past.channel == code
    return _Past(past.profile_id[chosen], past.channel[chosen], past.handed_over_at[chosen])
