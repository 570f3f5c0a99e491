"""Rules that make a message wait until an instant. The budget, the last of them, has a file of its own."""

from __future__ import annotations

import numpy as np

from segue.policy.columns import Facts
from segue.policy.opening import Opening
from segue.policy.reasons import Reason
from segue.policy.ruling import Ruling


def too_early(facts: Facts, at: int) -> Ruling:
    """The step has a first moment, and it has not come yet."""
    return Ruling(facts.ready_at > at, Reason.TOO_EARLY, facts.ready_at)


def journey_broken(facts: Facts, at: int, *, recheck: int) -> Ruling:
    """The journey could not say what speaks against it; it is asked again in a while."""
    return Ruling(facts.broken, Reason.JOURNEY_BROKEN, np.full(facts.size, at + recheck, dtype=np.int64))


def paused(facts: Facts, at: int, *, recheck: int) -> Ruling:
    """The brake is on. Nobody knows until when, so the row is looked at again after `recheck` microseconds."""
    return Ruling(facts.paused, Reason.PAUSED, np.full(facts.size, at + recheck, dtype=np.int64))


def quiet_hours(opening: Opening, at: int) -> Ruling:
    """It is a quiet hour where she lives."""
    return Ruling(opening.opens_at > at, Reason.QUIET_HOURS, opening.opens_at)
