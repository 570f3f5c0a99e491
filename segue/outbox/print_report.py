"""What a print run did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintReport:
    """One location's print run; counts and files, nobody's name."""

    #: None where the brake holds all there is, so that none was begun.
    run_id: int | None
    location: str
    pages: int
    #: Pages taken out at the last moment, by reason.
    taken_out: Mapping[str, int]
    files: tuple[Path, ...]
    #: Why it could not be printed; the next print run tries again.
    problem: str | None = None
    #: Pages that wait for the brake, by the name it is on for; they are printed once it is let go of.
    held: Mapping[str, int] = field(default_factory=dict)
