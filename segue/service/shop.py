"""The verbs about the shop: its files, who is one person, its codes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from segue.offers import (
    CodeCount,
    RedemptionCount,
    Refusal,
    Settled,
    count_codes,
    read_redemptions,
    refusals,
    revoke,
    settle,
    withdraw,
)
from segue.offers.loyalty import PointsBooked, book_points
from segue.offers.points_open import OpenPromises, open_promises
from segue.outbox.lease import Leases
from segue.outbox.merge import merge_found
from segue.outbox.news import settle_news
from segue.render import Links
from segue.service.desk import Desk
from segue.store.engine import read, write

if TYPE_CHECKING:
    from segue.intake import Hints, ImportReport


class ShopVerbs(Desk):
    """Data in, people merged, codes settled."""

    def import_file(
        self,
        path: Path,
        mapping: Path | None = None,
        progress: Callable[[int, int | None], None] | None = None,
        *,
        format_name: str | None = None,
        hints: Hints | None = None,
    ) -> ImportReport:
        """Take a table by its mapping file, an export by its format, or JSON lines of events; it tells which it is.

        `hints` say what an export does not. Profiles that the file shows to be one person are merged, and messages that
        a provider has news of are settled; points are booked. Of a ZIP, import each of `files_of(path)`.
        """
        from segue.intake import Hints, import_anything, link_reader

        report = import_anything(
            self.engine,
            path,
            mapping,
            format_name,
            hints or Hints(),
            clock=self.clock,
            hash_address=self.hash_address,
            read_link=link_reader(Links(self.settings.base_url, self.secret), self.settings.base_url),
            progress=progress,
        )
        self.merge_found()
        self.book_points()
        self.settle_news()
        return report

    def book_points(self) -> PointsBooked:
        """Book what facts say of points by now; what is booked already is not booked twice."""
        with write(self.engine) as connection:
            return book_points(connection, self.clock.now(), self.settings.house.loyalty)

    def finance(self) -> OpenPromises:
        """Open points and codes by the month in which they run out; counts and sums, nobody's in particular."""
        self.book_points()
        with read(self.engine) as connection:
            return open_promises(connection, self.clock.now(), self.settings.house.loyalty)

    def refresh_sizes(self) -> int:
        """Let sizes fade of whom nothing new is heard: a seventh of the people a day; return how many that were."""
        from segue.intake import age_sizes

        return age_sizes(self.engine, self.clock.now())

    def settle_news(self) -> int:
        """Settle messages whose fate a provider has told since; return how many. Safe at any time."""
        return settle_news(self.engine, self.clock.now())

    def merge_found(self) -> int:
        """Merge profiles that imports found to be one; return how many went. Who is busy waits for the next call."""
        leases = Leases(self.engine, f"merge-{uuid.uuid4().hex}", self.settings.lease_ttl)
        return merge_found(self.engine, leases=leases, now=self.clock.now(), probe=self._probe)

    def revoke(self, codes: Collection[str]) -> int:
        """Take personal codes back; return how many were not yet. From now on no message names them.

        The shop is asked at once to withdraw them; where it cannot, `settle_offers` asks again.
        """
        with write(self.engine) as connection:
            taken = revoke(connection, codes, self.clock.now())
        withdraw(self.engine, self.connectors.offers, self.clock.now())
        return taken

    def read_redemptions(self) -> RedemptionCount:
        """Keep every use of a code that the shop tells of; one use of a code counts, however often it is told."""
        return read_redemptions(self.engine, self.connectors.offers, self.clock.now())

    def codes(self) -> CodeCount:
        """How many personal codes there are, how they stand, and what is at stake; nobody's code or name."""
        with read(self.engine) as connection:
            return count_codes(connection, self.clock.now())

    def settle_offers(self) -> Settled:
        """Tell the shop of codes it does not know yet, have it withdraw what was revoked, and read what was used.

        Safe at any time, in several processes at once and after any crash; what the shop refuses is tried again.
        """
        return settle(self.engine, self.connectors.offers, self.clock.now())

    def refused_by_the_shop(self) -> list[Refusal]:
        """What the shop refuses at present since our settings are wrong; new codes, and who is to get one, wait."""
        with read(self.engine) as connection:
            return refusals(connection)
