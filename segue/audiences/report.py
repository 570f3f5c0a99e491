"""What a sync did, or would do: counts only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceLine:
    """One audience at one platform. `considered = wanted + control + the sum of out`, always."""

    audience: str
    title: str
    connector: str
    considered: int = 0
    #: May and should be in it.
    wanted: int = 0
    #: Left out on purpose, to measure.
    control: int = 0
    #: Left out, by reason.
    out: Mapping[str, int] = field(default_factory=dict)
    #: Taken in and taken out by the platform in this sync; of a preview: what would be.
    added: int = 0
    removed: int = 0
    #: Who is in it by our books now; of a preview: as it stands.
    members: int = 0
    #: Of these, how many the platform says it can do nothing with; it does not say who they are.
    unusable: int = 0
    #: Belong in it, and the platform does not hear of them yet: they wait for a yes, or came since it was counted.
    held_back: int = 0
    #: Asked of the platform, and not answered: asked again by the next sync.
    waiting: int = 0
    #: The platform can do nothing with them, or refuses what is asked about them; those are asked about daily.
    rejected: int = 0
    #: Who said no, or may not be shown ads, and is not known to be out yet.
    waiting_noes: int = 0
    #: How many people the platform wants before it shows an ad to any of them; 0: any number will do.
    min_audience: int = 0
    #: Why it stopped before the end; None: it did not.
    problem: str | None = None

    @property
    def too_small(self) -> str | None:
        """What is missing to the platform's least, in words; None where nothing is, or nobody belongs in it."""
        if not 0 < self.wanted < self.min_audience + self.unusable:
            return None
        usable = f", {self.unusable:,} of them of no use to it" if self.unusable else ""
        return f"platforms need at least {self.min_audience:,} people; this one has {self.wanted:,}{usable}"

    @property
    def not_yet(self) -> str | None:
        """Who belongs in it and is not added now, in words; None where nobody is left for later."""
        if not self.held_back:
            return None
        return f"{self.held_back:,} more belong in it and wait, for somebody's yes or for the next run"

    @property
    def beyond_use(self) -> str | None:
        """What the platform cannot use, in words; None where nothing is."""
        if not self.unusable:
            return None
        return (
            f"the platform cannot use the entries of {self.unusable:,} of the {self.members:,} in it, and does not say "
            "whose they are; its ads reach the others at most"
        )

    @property
    def trouble(self) -> str | None:
        """What somebody must look at, in words; None: nothing."""
        noes = f"{self.waiting_noes:,} who must not be in it are not known to be out" if self.waiting_noes else None
        return "; ".join(part for part in (self.problem, noes) if part) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceReport:
    """All audiences at all platforms."""

    preview: bool
    lines: tuple[AudienceLine, ...]
    #: Another sync is at it; nothing was done.
    busy: bool = False

    @property
    def considered(self) -> int:
        """Considered people, each once an audience: the same at every platform."""
        first = self.lines[0].connector if self.lines else ""
        return sum(line.considered for line in self.lines if line.connector == first)

    @property
    def problems(self) -> tuple[str, ...]:
        """What stopped, and whose no waits, in words."""
        return tuple(f"{line.audience} at {line.connector}: {line.trouble}" for line in self.lines if line.trouble)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """The product feed: as a file, and at the platforms that take one."""

    #: How many rows it has now, by platform.
    rows: Mapping[str, int] = field(default_factory=dict)
    #: Why it was not renewed, by platform.
    trouble: Mapping[str, str] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[str, ...]:
        """Where the feed is as old as it was, and why, in words."""
        return tuple(f"the product feed at {name} was not renewed: {why}" for name, why in self.trouble.items())
