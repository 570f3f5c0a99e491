"""What becomes of a row after its provider answered: done, tried again, or unknown.

What never left is tried again until its deadline, where policy skips it as too late: a provider that is busy or away
for an hour costs nobody a message that is good until tomorrow. Attempts are counted against what may have arrived.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from segue.contract import Outcome, Result
from segue.journeys.definition import Journey
from segue.outbox.record import Answer

#: Back-off stops doubling here.
_LONGEST_WAIT = timedelta(hours=1)
#: Doublings beyond this change nothing, and would one day be too long for a timedelta.
_MOST_DOUBLINGS = 20


class Settlement:
    """Turns results into answers, by the step's own wish to repeat and the installation's bound on it."""

    def __init__(self, journeys: Mapping[str, Journey], *, max_attempts: int, retry_base: timedelta) -> None:
        self._journeys = journeys
        self._max_attempts = max_attempts
        self._retry_base = retry_base

    def settle(self, row: Any, result: Result, now: datetime) -> Answer:
        """`row` needs `id`, `epoch`, `journey`, `step`, `attempts` (this one included)."""
        if result.outcome is Outcome.ACCEPTED:
            return _answer(row, "accepted", None, result, now)
        if result.outcome is Outcome.REJECTED:
            return _answer(row, "rejected", result.reason or "refused", result, now)
        if result.outcome is Outcome.UNCERTAIN and not self._may_repeat(row):
            return _answer(row, "uncertain", result.reason or "no_answer", result, now)
        return _answer(row, "deferred", result.reason, result, now + self._wait(row.attempts, result.retry_after))

    def _may_repeat(self, row: Any) -> bool:
        if row.attempts >= self._max_attempts:
            return False
        journey = self._journeys.get(row.journey)
        return journey is not None and any(
            step.name == row.step and step.on_uncertain == "repeat" for step in journey.steps
        )

    def _wait(self, attempts: int, wish: timedelta | None) -> timedelta:
        doubled: timedelta = self._retry_base * 2 ** min(max(attempts - 1, 0), _MOST_DOUBLINGS)
        backoff = min(doubled, _LONGEST_WAIT)
        return max(backoff, wish) if wish is not None else backoff


def _answer(row: Any, state: str, reason: str | None, result: Result, not_before: datetime) -> Answer:
    return Answer(
        message_id=row.id,
        epoch=row.epoch,
        state=state,
        reason=reason,
        provider_id=result.provider_id,
        not_before=not_before,
    )
