"""May she be in an ad audience? Pure functions over a frame, as `judge` is for messages.

Audiences know no channel, hour or budget: a member is in, out for a reason, or left out on purpose to measure.
What is about her comes before what is about things, that before the holdout: whoever may not be in is never counted
as measured.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from segue.policy.columns import Mask
from segue.policy.holdout import held_out_of
from segue.policy.law.ads import AdsLaw
from segue.policy.reasons import Reason, Verdict

#: Consents of hers for ads. Only she can give one: neither a purchase nor our interest stands for it.
_CONSENTS = ("opt_in", "double_opt_in")
_ADULT = 18

PERSON_COLUMNS = ("profile_id", "has_address", "suppressed", "basis", "country", "birth_year", "merged")
THING_COLUMNS = ("wanted", "bought", "remaining")


def judge_people(frame: pd.DataFrame, *, now: datetime, law: AdsLaw) -> pd.Series[str]:
    """Return why each person may be in no audience at all; None where she may.

    Columns: `profile_id`; `has_address` (bool: an address that is hers alone); `suppressed` (bool: any address of
    hers, for any reason); `basis` (what she allows on the channel `ads`: `opt_in`, `denied` ..., None); `country`;
    `birth_year` (-1: unknown); `merged` (bool: she is known by another profile). Of somebody's year of birth we do
    not know the day, so she is of age once the year in which she turns 18 is over.
    """
    _need(frame, PERSON_COLUMNS)
    basis, countries = _words(frame["basis"]), _words(frame["country"])
    demands = {country: law.demand(country) for country in set(countries)}
    asks: Mask = np.array([demands[country] == "opt_in" for country in countries], dtype=np.bool_)
    year = frame["birth_year"].to_numpy(dtype=np.int64)
    agreed = np.isin(basis.astype(str), _CONSENTS)
    reasons = (
        (frame["merged"].to_numpy(dtype=np.bool_), Reason.MERGED),
        (frame["suppressed"].to_numpy(dtype=np.bool_), Reason.SUPPRESSED),
        (basis == "denied", Reason.DENIED),
        (basis == "doubted", Reason.UNCONFIRMED),
        (asks & ~agreed, Reason.NO_CONSENT),
        (year < 0, Reason.AGE_UNKNOWN),
        (now.year - year <= _ADULT, Reason.UNDERAGE),
        (~frame["has_address"].to_numpy(dtype=np.bool_), Reason.NO_ADDRESS),
    )
    return _first(len(frame), reasons, frame.index)


def judge_members(
    frame: pd.DataFrame, people: pd.Series[str], *, share: float, share_everywhere: float, salt: str, journey: str
) -> pd.DataFrame:
    """Return `verdict` (send: she belongs in; skip; control) and `reason` a row, with the frame's index.

    `people` is `judge_people`'s answer for the same rows. Columns: `profile_id`, `wanted` (things she asked for, so
    to say), `bought` (how many of them she bought since), `remaining` (how many are left that may be shown: not
    bought, in stock, her size). An audience that shows nothing (`wanted` is 0) needs nothing that remains.
    """
    _need(frame, ("profile_id", *THING_COLUMNS))
    wanted, bought, remaining = (frame[name].to_numpy(dtype=np.int64) for name in THING_COLUMNS)
    nothing = (wanted > 0) & (remaining == 0)
    profile_id = frame["profile_id"].to_numpy(dtype=np.int64)
    things = _first(
        len(frame),
        (
            (nothing & (bought >= wanted), Reason.CONVERTED),
            (nothing, Reason.SOLD_OUT),
            (held_out_of(profile_id, journey="", share=share_everywhere, salt=salt), Reason.HOLDOUT_GLOBAL),
            (held_out_of(profile_id, journey=journey, share=share, salt=salt), Reason.HOLDOUT_JOURNEY),
        ),
        frame.index,
    )
    reason = people.where(people.notna(), things)
    verdict = [Verdict.SEND if why is None else Reason(why).verdict for why in reason]
    return pd.DataFrame({"verdict": pd.Series([str(one) for one in verdict], index=frame.index), "reason": reason})


def _words(column: pd.Series[str]) -> npt.NDArray[np.object_]:
    """A column of text; None where it says nothing, however pandas keeps that."""
    words: npt.NDArray[np.object_] = column.to_numpy(dtype=object, copy=True)
    words[column.isna().to_numpy()] = None
    return words


def _first(size: int, reasons: tuple[tuple[Mask, Reason], ...], index: pd.Index[int]) -> pd.Series[str]:
    """Of each row the first reason whose mask holds; None where none does."""
    found = np.full(size, None, dtype=object)
    for mask, reason in reversed(reasons):
        found[mask] = str(reason)
    return pd.Series(found, index=index, dtype=object)


def _need(frame: pd.DataFrame, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ValueError(f"the ads frame lacks {', '.join(missing)}")
