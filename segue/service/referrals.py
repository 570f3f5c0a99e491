"""The verbs of referrals: how they stand, what waits for somebody, and who is told that something does."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select

from segue.offers import (
    ReferralCount,
    ReviewedReferral,
    SuspectReferral,
    count_referrals,
    referrals_to_review,
    review_referral,
    reviewed_referrals,
)
from segue.service.desk import Desk
from segue.store.engine import read, write
from segue.store.tables import installation

#: So often somebody is told at most: less than a day, since tomorrow's run may begin some seconds earlier.
TOLD_EVERY: Final = timedelta(hours=20)
#: Where it is kept when somebody was told last, and of which.
_TOLD: Final = "referrals_told"


class ReferralVerbs(Desk):
    """Ids, scores and order numbers; nobody is named."""

    def referrals_to_review(self) -> list[SuspectReferral]:
        """Referrals that look like abuse and wait for somebody, the most suspicious first."""
        with read(self.engine) as connection:
            return referrals_to_review(connection, self.clock.now(), self.settings.house.referral)

    def reviewed_referrals(self, limit: int = 10) -> list[ReviewedReferral]:
        """What was decided last, by whom and why."""
        with read(self.engine) as connection:
            return reviewed_referrals(connection, limit)

    def review_referral(self, referral_id: int, *, approve: bool, by: str, reason: str | None = None) -> None:
        """Approve or refuse a referral; an approved one is granted by the next run of its journey.

        Raises KeyError for an id nobody has, and ValueError without a name, once the vouchers are out, and where an
        approval would change nothing.
        """
        with write(self.engine) as connection:
            review_referral(
                connection,
                referral_id,
                approve=approve,
                by=by,
                reason=reason,
                now=self.clock.now(),
                rules=self.settings.house.referral,
            )

    def referrals(self) -> ReferralCount:
        """How all referrals stand, counted."""
        with read(self.engine) as connection:
            return count_referrals(connection, self.clock.now(), self.settings.house.referral)

    def untold_reviews(self) -> list[int]:
        """The ids of what waits for a review and did not when somebody was told last; none within a day of that."""
        at, told = self._told_of()
        if at is not None and self.clock.now() < at + TOLD_EVERY:
            return []
        return sorted({one.id for one in self.referrals_to_review()} - told)

    def told_of_reviews(self, ids: Collection[int]) -> None:
        """Keep that somebody was told of these now; what waits no more is forgotten."""
        _, told = self._told_of()
        waiting = {one.id for one in self.referrals_to_review()}
        kept = {"at": self.clock.now().isoformat(), "ids": sorted(waiting & {*told, *ids})}
        with write(self.engine) as connection:
            connection.execute(delete(installation).where(installation.c.key == _TOLD))
            connection.execute(insert(installation).values(key=_TOLD, value=json.dumps(kept)))

    def _told_of(self) -> tuple[datetime | None, set[int]]:
        with read(self.engine) as connection:
            kept = connection.scalar(select(installation.c.value).where(installation.c.key == _TOLD))
        if kept is None:
            return None, set()
        value = json.loads(kept)
        return datetime.fromisoformat(value["at"]), set(value["ids"])
