"""What a drain is asked to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a drain is about: these buckets, and one run's messages or everybody's."""

    buckets: tuple[int, ...]
    run_id: int | None = None
