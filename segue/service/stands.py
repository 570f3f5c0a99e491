"""How one person stands now with each journey and each ad audience: in lines, and as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rich.console import Group, RenderableType
from sqlalchemy import Connection, select

from segue.audiences.rule import Judge
from segue.audiences.standing import Standing, standings
from segue.gallery.audiences import audience_lines, audiences_text
from segue.gallery.outlook import outlook_lines, outlook_text
from segue.journeys.definition import Journey
from segue.journeys.retargeting import JOURNEY as RETARGETING
from segue.journeys.retargeting import RetargetingBrief
from segue.outbox.moments import Moments
from segue.outbox.outlook import outlooks
from segue.policy import Rules
from segue.store.tables import journey_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """Asks policy at one moment about whoever is named."""

    journeys: Mapping[str, Journey]
    moments: Moments
    rules: Rules
    secret: bytes
    home_zone: str
    now: datetime

    def with_journeys(self, connection: Connection, profile_id: int) -> list[tuple[str, str]]:
        """Each journey's title, and how she stands with it."""
        found = outlooks(
            connection,
            profile_id,
            self.journeys,
            now=self.now,
            moments=self.moments,
            rules=self.rules,
            secret=self.secret,
        )
        return outlook_lines(found, self.journeys)

    def with_audiences(self, connection: Connection, profile_id: int, zone: str | None) -> list[tuple[str, str]]:
        """Each ad audience's title, and how she stands with it."""
        return audience_lines(self._standings(connection, profile_id), zone, self.home_zone)

    def text(self, connection: Connection, profile_id: int, zone: str | None) -> RenderableType:
        """Both, to print."""
        stand = audiences_text(self._standings(connection, profile_id), zone, self.home_zone)
        return Group(outlook_text(profile_id, self.with_journeys(connection, profile_id)), stand)

    def _standings(self, connection: Connection, profile_id: int) -> list[Standing]:
        """Nothing where retargeting was never switched on."""
        on = select(journey_state.c.journey).where(journey_state.c.journey == RETARGETING.name)
        if connection.scalar(on) is None:
            return []
        moment = self.moments.of(connection, RETARGETING.name, self.now)
        return standings(connection, [profile_id], moment, RetargetingBrief(), Judge.of(self.rules, self.secret))
