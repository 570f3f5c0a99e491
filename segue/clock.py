"""Time is an argument: business rules take a `Clock` and read it once per batch.

Only entry points (flows, the CLI, later the web edge) make a clock. Leases do not
use it: they read the database's own clock, so that hosts need not agree.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the business time."""

    def now(self) -> datetime:
        """Return the current instant, timezone-aware, in UTC."""


class SystemClock:
    """The wall clock of this machine."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still until it is moved: for rehearsals, demos and tests."""

    def __init__(self, at: datetime) -> None:
        self._at = require_utc(at)

    def now(self) -> datetime:
        """Return the instant the clock was last set to."""
        return self._at

    def set(self, at: datetime) -> None:
        """Jump to `at`; going back is allowed, since clocks do go back."""
        self._at = require_utc(at)

    def advance(self, by: timedelta) -> datetime:
        """Move by `by` and return the new instant."""
        self._at += by
        return self._at


def require_utc(at: datetime) -> datetime:
    """Return `at` in UTC; a time without a zone is refused, since it means nothing."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone; give an aware datetime, e.g. one in UTC")
    return at.astimezone(UTC)
