"""What a rule says, and the sheet on which the first ruling about a row stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from segue.policy.bases import CHANNELS
from segue.policy.columns import NAT, Codes, Instants, Mask
from segue.policy.reasons import Reason, Verdict

_REASONS = tuple(Reason)
_UNDECIDED = -1  # reads the last entry of the tables below

# dtype=object keeps them Python text and None, as JSON and SQL want them.
_REASON_WORDS = np.array([*(reason.value for reason in _REASONS), None], dtype=object)
_VERDICT_WORDS = np.array([*(reason.verdict.value for reason in _REASONS), Verdict.SEND.value], dtype=object)
_CHANNEL_WORDS = np.array([*(channel.value for channel in CHANNELS), None], dtype=object)
_IS_HOLD = np.array([*(reason.verdict is Verdict.HOLD for reason in _REASONS), False])


@dataclass(frozen=True, slots=True)
class Ruling:
    """One rule's answer: the rows it stops, why, and for a hold until when (an instant a row)."""

    mask: Mask
    reason: Reason
    until: Instants | None = None


class Sheet:
    """Collects rulings in order; the first one about a row stands."""

    def __init__(self, size: int) -> None:
        self._reason = np.full(size, _UNDECIDED, dtype=np.int8)
        self._until = np.full(size, NAT, dtype=np.int64)

    @property
    def undecided(self) -> Mask:
        """The rows that nothing has stopped so far."""
        undecided: Mask = self._reason == _UNDECIDED
        return undecided

    def enter(self, *rulings: Ruling) -> None:
        """Write down the rulings about rows that are still undecided."""
        for ruling in rulings:
            hit = ruling.mask & self.undecided
            self._reason[hit] = _REASONS.index(ruling.reason)
            if ruling.until is not None:
                self._until[hit] = ruling.until[hit]

    def table(
        self, index: pd.Index[int], *, deadline_at: Instants, channel: Codes, closes_at: Instants, promote: Mask
    ) -> pd.DataFrame:
        """Return verdict, reason, until, channel, valid_until and promote a row.

        No hold outlives its deadline: whoever looks at the row then finds it too late.
        """
        held = _IS_HOLD[self._reason]
        late = held & (deadline_at != NAT) & (self._until > deadline_at)
        until = np.where(late, deadline_at, self._until)
        valid_until = np.where(self.undecided, closes_at, NAT)
        return pd.DataFrame(
            {
                "verdict": pd.Series(_VERDICT_WORDS[self._reason], index=index, dtype=object, copy=False),
                "reason": pd.Series(_REASON_WORDS[self._reason], index=index, dtype=object, copy=False),
                "until": _times(until, index),
                "channel": pd.Series(_CHANNEL_WORDS[channel], index=index, dtype=object, copy=False),
                "valid_until": _times(valid_until, index),
                "promote": pd.Series(promote, index=index, copy=False),
            },
            copy=False,
        )


def _times(values: Instants, index: pd.Index[int]) -> pd.Series[pd.Timestamp]:
    return pd.Series(pd.DatetimeIndex(values.view("datetime64[us]")).tz_localize("UTC"), index=index)
