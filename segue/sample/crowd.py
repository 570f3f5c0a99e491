"""Who comes along: keen customers more often than others, nobody before she is known."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from random import Random

from segue.sample.people import Person


class Crowd:
    """Everybody whose year is rolled, in the order the shop met them."""

    def __init__(self, rng: Random, people: Sequence[Person]) -> None:
        self._rng = rng
        self._people = sorted((p for p in people if not p.is_story), key=lambda p: (p.created_at, p.customer_id))
        self._met = [person.created_at for person in self._people]
        keenness = (min(8.0, rng.paretovariate(1.6)) for _ in self._people)
        self._reach = list(accumulate(keenness))

    def anyone(self, before: datetime) -> Person:
        """Return somebody the shop knew before an instant."""
        known = bisect_left(self._met, before)
        if not known:
            raise ValueError(f"the sample shop knows nobody before {before.isoformat()}; make more customers")
        return self._people[bisect_left(self._reach, self._rng.random() * self._reach[known - 1])]
