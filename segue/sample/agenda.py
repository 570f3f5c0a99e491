"""What happens next: the year played in order, since what is on the shelf decides what can be bought."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

Act = Callable[[datetime], None]


class Agenda:
    """Acts by instant; acts may add later acts."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Act]] = []
        self._serial = count()

    def add(self, at: datetime, act: Act) -> None:
        """Plan an act; two of one instant happen in the order they were planned."""
        heapq.heappush(self._heap, (at, next(self._serial), act))

    def play(self, until: datetime, each: Callable[[datetime], None]) -> None:
        """Do everything before `until` in order, telling `each` the instant of every act."""
        while self._heap and self._heap[0][0] < until:
            at, _, act = heapq.heappop(self._heap)
            act(at)
            each(at)
