"""Ad audiences in a rehearsal's calendar: who comes in, who goes out and why, who stays; day by day.

Counts, and profile ids for the digest alone. Whoever may not be shown ads is in no audience, so she is never a member.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from segue.gallery import words

#: How audiences are played, for whoever reads of them.
AUDIENCES_PLAYED: Final = (
    "Ad audiences are brought in line once a day, at 23:07 by the shop's clock, where the schedule does it every hour: "
    "who comes and goes again within a day is not seen. The platform takes everybody, and a large fill waits for "
    "nobody's yes."
)
#: What a reason is about, where it says `marketing`.
_ADS: Final = ("ads",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceDay:
    """One audience on the evening of one day, against the evening before."""

    day: date
    audience: str
    title: str
    came: int
    #: Who went out, by why.
    went: Mapping[str, int]
    stayed: int
    #: Considered that evening and not in it, by why; and held back to measure.
    left_out: Mapping[str, int]
    control: int

    @property
    def gone(self) -> int:
        """How many went out."""
        return sum(self.went.values())

    @property
    def members(self) -> int:
        """How many are in it that evening."""
        return self.came + self.stayed


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceMove:
    """Somebody comes into an audience, or goes out for a reason."""

    at: datetime
    audience: str
    profile_id: int
    #: None: she comes in.
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceSum:
    """One audience in the whole period."""

    title: str
    before: int
    came: int
    went: Mapping[str, int]
    members: int
    #: Of the last evening.
    left_out: Mapping[str, int]
    control: int

    @property
    def gone(self) -> int:
        """How many went out."""
        return sum(self.went.values())


def audience_sums(days: Sequence[AudienceDay]) -> list[AudienceSum]:
    """Sum up each audience, in the order in which they were played."""
    lines = []
    for name in dict.fromkeys(one.audience for one in days):
        mine = [one for one in days if one.audience == name]
        lines.append(
            AudienceSum(
                title=mine[0].title,
                before=mine[0].stayed + mine[0].gone,
                came=sum(one.came for one in mine),
                went=sum((Counter(one.went) for one in mine), Counter[str]()),
                members=mine[-1].members,
                left_out=mine[-1].left_out,
                control=mine[-1].control,
            )
        )
    return lines


def moves_on(days: Iterable[AudienceDay], day: date) -> list[AudienceDay]:
    """The audiences that somebody comes into, or goes out of, on a day."""
    return [one for one in days if one.day == day and (one.came or one.went)]


def move_said(one: AudienceDay) -> str:
    """`12 come in, 3 go out (2 had already bought, 1 said no to marketing ads), 140 stay`."""
    why = f" ({whys_said(one.went)})" if one.went else ""
    return f"{one.came:,} come in, {one.gone:,} go out{why}, {one.stayed:,} stay"


def whys_said(reasons: Mapping[str, int]) -> str:
    """Each reason and how many it was given for, the most frequent first."""
    found = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {words.reason(why, _ADS)}" for why, count in found)


def digest_lines(
    days: Iterable[AudienceDay], moves: Iterable[AudienceMove], names: Mapping[int, str]
) -> Iterator[tuple[Any, ...]]:
    """For the digest: who came and went when and why, by `names`, and how many stood outside every evening."""
    for move in moves:
        way = "in" if move.reason is None else "out"
        yield names[move.profile_id], "audience", move.audience, way, move.reason, move.at
    for one in days:
        yield "", "audience", one.audience, one.day, one.members, one.control, *sorted(one.left_out.items())
