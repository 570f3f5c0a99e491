"""Two people's timelines side by side: the same moments on the same line, and what one of them did not get."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final

from segue.gallery.facts import Entry
from segue.gallery.timeline import Timeline

#: What follows within this time of the entry before is the same moment.
_SAME_MOMENT: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One line: the same thing on both sides, or what one side has where the other has something else or nothing."""

    left: Entry | None
    right: Entry | None
    #: The last no to whoever got nothing here while the other was written to.
    missed_left: Entry | None = None
    missed_right: Entry | None = None

    @property
    def alike(self) -> bool:
        """Whether the same happened to both."""
        return self.left is not None and self.right is not None and _told(self.left) == _told(self.right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What happened to both at about the same time."""

    at: datetime
    pairs: tuple[Pair, ...]


def side_by_side(left: Timeline, right: Timeline) -> list[Moment]:
    """Align two timelines, oldest moment first."""
    moments: list[Moment] = []
    refused: dict[bool, Entry | None] = {True: None, False: None}
    for group in _moments(left.entries, right.entries):
        mine = [entry for entry, is_left in group if is_left]
        theirs = [entry for entry, is_left in group if not is_left]
        refused |= {is_left: entry for entry, is_left in group if entry.group in {"skipped", "control"}}
        pairs = [
            Pair(
                left=a,
                right=b,
                missed_left=refused[True] if a is None and _is_message(b) else None,
                missed_right=refused[False] if b is None and _is_message(a) else None,
            )
            for a, b in _aligned(mine, theirs)
        ]
        moments.append(Moment(at=group[0][0].at, pairs=tuple(pairs)))
    return moments


def _aligned(left: Sequence[Entry], right: Sequence[Entry]) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Put the same things on one line, and what differs between them beside each other."""
    matcher = SequenceMatcher(None, [_told(entry) for entry in left], [_told(entry) for entry in right], autojunk=False)
    for _tag, a, b, c, d in matcher.get_opcodes():
        yield from zip_longest(left[a:b], right[c:d])


def _moments(left: Iterable[Entry], right: Iterable[Entry]) -> list[list[tuple[Entry, bool]]]:
    both = [(entry, True) for entry in left] + [(entry, False) for entry in right]
    both.sort(key=lambda pair: pair[0].at)  # stable: what was in order within an instant stays so
    groups: list[list[tuple[Entry, bool]]] = []
    for pair in both:
        if groups and pair[0].at - groups[-1][-1][0].at <= _SAME_MOMENT:
            groups[-1].append(pair)
        else:
            groups.append([pair])
    return groups


def _told(entry: Entry) -> tuple[str, str, str]:
    return entry.kind, entry.title, entry.detail


def _is_message(entry: Entry | None) -> bool:
    return entry is not None and entry.kind == "message"
