"""What became of a run's people, as a sum that always adds up.

`considered = accepted + pending + uncertain + rejected + skipped + control`, counted over the latest
verdict of each key. A row handed over and not yet answered counts as uncertain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

#: How a message's state reads in the sum.
GROUPS = {
    "queued": "pending",
    "held": "pending",
    "deferred": "pending",
    "handed_over": "uncertain",
    "accepted": "accepted",
    "rejected": "rejected",
    "uncertain": "uncertain",
    "skipped": "skipped",
    "control": "control",
}
#: The order in which people read it.
ORDER = ("accepted", "pending", "uncertain", "rejected", "skipped", "control")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How many of one step, group and reason; a preview calls those it would send `accepted`."""

    step: str
    group: str
    reason: str | None
    channel: str | None
    count: int

    @property
    def name(self) -> str:
        """Under which the summary keeps a few profile ids."""
        return example_name(self.step, self.group, self.reason, self.channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What the messages of one step and channel cost to hand over, in one currency; of a preview it is an estimate."""

    step: str
    channel: str
    messages: int
    #: Billed parts of text messages; None for other channels.
    segments: int | None
    #: Millionths of `currency`; None where no price is known.
    micros: int | None
    currency: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How many of one step a preview would hold for a reason, and when they would be looked at again."""

    step: str
    reason: str
    count: int
    #: The soonest and the latest instant, UTC.
    first: datetime
    last: datetime
    #: Of what the brake holds: the name it is on for.
    brake: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How far a connector's pace gets with what a preview would send by one channel."""

    channel: str
    connector: str
    #: Of text messages segments, else messages.
    per_second: float
    #: That were to be sent at once.
    messages: int
    #: Of these: are through before their hours or their occasion end.
    fits: int
    #: Of these: are too late by the time their hours begin again. The rest waits until then.
    late: int
    #: When the last that fits is through, UTC.
    through_at: datetime | None
    #: The soonest end of hours that keeps somebody out, UTC.
    ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The sum of one run, or of a preview."""

    journey: str
    run_id: int | None
    #: True for a preview: nothing was stored and nothing left.
    preview: bool
    lines: tuple[Line, ...]
    #: A few profile ids by a line's name, for people who want to look closer. Ids only, never names of people.
    examples: dict[str, tuple[int, ...]]
    #: What was handed over (or would be), as far as it has segments or a price. A refusal costs nothing.
    spendings: tuple[Spending, ...] = ()
    #: Of a preview: what would wait, and until when.
    holdings: tuple[Holding, ...] = ()
    #: Of a preview: how far each pace gets.
    paces: tuple[Pace, ...] = ()
    #: Of a preview: how many of those it would write to read which language, as far as they told, most first.
    languages: tuple[tuple[str, int], ...] = ()

    @property
    def considered(self) -> int:
        """Everybody an occasion named."""
        return sum(line.count for line in self.lines)

    def count(self, group: str | None = None, *, step: str | None = None, reason: str | None = None) -> int:
        """How many, by any of group, step and reason."""
        return sum(
            line.count
            for line in self.lines
            if (group is None or line.group == group)
            and (step is None or line.step == step)
            and (reason is None or line.reason == reason)
        )

    def cost(self) -> dict[str, int]:
        """Millionths spent by currency, as far as prices are known."""
        total: dict[str, int] = {}
        for one in self.spendings:
            if one.currency is not None and one.micros is not None:
                total[one.currency] = total.get(one.currency, 0) + one.micros
        return total

    def by_group(self) -> dict[str, int]:
        """Counts in reading order, zeros included."""
        return {group: self.count(group) for group in ORDER}


def channel_told(group: str, channel: str | None) -> str | None:
    """Only what left has a channel; why somebody was left out does not depend on one."""
    return channel if group == "accepted" else None


def example_name(step: str, group: str, reason: str | None, channel: str | None) -> str:
    """The name of the line that somebody is counted in: those of two channels are not the same people."""
    return "/".join(part for part in (step, group, channel_told(group, channel), reason) if part)


def lines_of(rows: Iterable[tuple[str, str, str | None, str | None, int]]) -> tuple[Line, ...]:
    """Make lines of `(step, state, reason, channel, count)` rows, largest first within a group."""
    totals: dict[tuple[str, str, str | None, str | None], int] = {}
    for step, state, reason, channel, count in rows:
        group = GROUPS[state]
        place = (step, group, reason, channel_told(group, channel))
        totals[place] = totals.get(place, 0) + int(count)
    lines = [Line(step=s, group=g, reason=r, channel=c, count=n) for (s, g, r, c), n in totals.items()]
    return tuple(sorted(lines, key=lambda line: (line.step, ORDER.index(line.group), -line.count, line.reason or "")))
