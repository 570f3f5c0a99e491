"""What one drain did, in numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self


@dataclass(slots=True)
class DrainCount:
    """Counts of one drain; ints only, safe to show anywhere."""

    judged: int = 0
    sent: int = 0
    accepted: int = 0
    deferred: int = 0
    rejected: int = 0
    uncertain: int = 0
    held: int = 0
    #: Of these: their provider refused our settings, so that its connector stands still from now on.
    kept_for_repair: int = 0
    skipped: int = 0
    control: int = 0
    #: Orphans of dead workers that were settled.
    adopted: int = 0

    def add(self, state: str, by: int = 1) -> None:
        """Count `by` messages that came to `state`."""
        name = "deferred" if state == "queued" else state
        setattr(self, name, getattr(self, name) + by)

    def __iadd__(self, other: DrainCount) -> Self:
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self
