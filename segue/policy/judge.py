"""`judge`: every rule in its order, and exactly one verdict a row.

The order is the promise: what ends a key for good comes before what measures it, that before what only delays it,
and the budget is last, so that what another rule stops uses none of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from segue.policy.budget import budget
from segue.policy.channel import choose, promoted
from segue.policy.columns import instant, read_facts
from segue.policy.final import converted, occasion_gone, sold_out, too_late, zone_unknown
from segue.policy.holdout import holdouts
from segue.policy.holds import journey_broken, paused, quiet_hours, too_early
from segue.policy.opening import opening_of
from segue.policy.rules import Rules
from segue.policy.ruling import Sheet

_MICROSECOND = timedelta(microseconds=1)


def judge(frame: pd.DataFrame, *, now: datetime, history: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Return a verdict for each row of a policy frame, in a frame with the same index.

    Columns: `verdict`; `reason` (None for send); `until` (UTC, for hold, never after the deadline);
    `channel` (the one it takes or would take, None if none is allowed); `valid_until` (UTC, for what is to
    be sent: the end of her window, if it ends); `promote` (bool: its promotional block may be shown). Raises
    ValueError for a frame that lacks a column and for a naive `now`.
    """
    at, recheck = instant(now), rules.paused_recheck // _MICROSECOND
    facts = read_facts(frame)
    sheet = Sheet(facts.size)

    choice = choose(facts, rules.law)
    sheet.enter(too_late(facts, at), *choice.refusals(), converted(facts), occasion_gone(facts), sold_out(facts))

    opening = opening_of(facts, choice.channel, sheet.undecided, at, rules)
    sheet.enter(zone_unknown(opening))
    sheet.enter(
        *holdouts(facts, journey=rules.holdout_journey, everywhere=rules.holdout_global, salt=rules.holdout_salt)
    )
    sheet.enter(
        too_early(facts, at),
        journey_broken(facts, at, recheck=recheck),
        paused(facts, at, recheck=recheck),
        quiet_hours(opening, at),
    )
    undecided = sheet.undecided
    sheet.enter(*budget(facts, choice.channel, undecided, history=history, at=at, rules=rules, recheck=recheck))

    return sheet.table(
        frame.index,
        deadline_at=facts.deadline_at,
        channel=choice.channel,
        closes_at=opening.closes_at,
        promote=promoted(facts, choice.channel, rules.law),
    )
