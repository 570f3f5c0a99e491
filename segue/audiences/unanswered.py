"""Removals that a platform left unanswered: the others go first, then these in halves, down to the one at fault.

Nobody's no waits because of somebody else's. A platform that is ill as a whole is left alone after a few requests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from segue.contract import (
    AUDIENCE_GONE,
    ConfigurationError,
    ConnectorError,
    Outcome,
    RejectedError,
    Result,
    TransientError,
    UnsupportedError,
    reason_of,
)

#: What requests in a row may cost without an answer; a busy platform is asked less often than one that says nothing.
_PATIENCE: Final = 12
_SILENT, _BUSY = 1, 3
_UNREACHABLE = reason_of(TransientError(""))
#: What no other batch changes, as reasons of results.
_EVERYBODYS = {reason_of(one("")) for one in (ConfigurationError, UnsupportedError)}


class StopSync(Exception):  # noqa: N818 - no error: it says why a sync ends early
    """The sync of one audience ends here."""


class Unanswered:
    """What one sync of one audience has still to ask about its removals."""

    def __init__(self) -> None:
        self._later: deque[list[Any]] = deque()
        self._left: set[int] = set()
        self._why = ""
        self._spent = 0

    def begin(self) -> None:
        """A pass over all open removals begins; what an earlier one left is among them."""
        self._later.clear()
        self._left.clear()

    def answered(self) -> None:
        """The platform settled something: it is well."""
        self._spent = 0

    def put_off(self, rows: list[Any], trouble: Exception | None, results: Sequence[Result]) -> None:
        """Ask for `rows` again in halves, when the others have been asked for; a single one waits for the next sync.

        Raises StopSync, or the trouble itself, where the platform would have none of the others, either.
        """
        left = [one for one in results if one.outcome in (Outcome.DEFERRED, Outcome.UNCERTAIN)]
        self._why = _why(trouble) or next((one.reason for one in left if one.reason), None) or "no answer"
        if trouble is not None and _is_everybodys(trouble):
            raise trouble
        self._spent += _BUSY if isinstance(trouble, TransientError) or self._why == _UNREACHABLE else _SILENT
        if any(one.retry_after or one.reason in _EVERYBODYS for one in left) or self._spent >= _PATIENCE:
            raise StopSync(f"the platform left {len(rows)} removals open ({self._why}); the next sync goes on")
        if len(rows) == 1:
            self._left.add(rows[0].id)
        else:
            middle = len(rows) // 2
            self._later += [rows[:middle], rows[middle:]]

    def next(self) -> list[Any]:
        """The next half; none: empty."""
        return self._later.popleft() if self._later else []

    def end(self) -> None:
        """Raise StopSync where somebody's removal is still open."""
        if self._left:
            raise StopSync(f"the platform left {len(self._left)} removals open ({self._why}); the next sync asks again")


def _is_everybodys(trouble: Exception) -> bool:
    """Whether other people would fare no better: throttling with a wish, wrong settings, an audience that is gone."""
    if isinstance(trouble, TransientError):
        return trouble.retry_after is not None
    if isinstance(trouble, RejectedError):
        return trouble.reason == AUDIENCE_GONE
    return isinstance(trouble, ConfigurationError | UnsupportedError)


def _why(trouble: Exception | None) -> str | None:
    """In words; a text that is not a connector's may name people."""
    if trouble is None or isinstance(trouble, ConnectorError):
        return str(trouble) if trouble else None
    return f"failed with {type(trouble).__name__}"
