"""Why somebody got a message or did not: her story for a terminal, and what of it may be shown in Prefect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from segue.outbox.explain import Told, explain
from segue.outbox.summary import GROUPS
from segue.service.desk import Desk
from segue.store.engine import read

if TYPE_CHECKING:
    from segue.service.stands import Stands


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyLine:
    """One message that was considered for her."""

    journey: str
    step: str
    #: The last word on it, UTC.
    at: datetime
    #: accepted, pending, uncertain, rejected, skipped, control.
    group: str
    reason: str | None
    channel: str | None
    #: When it is looked at again, UTC; of pending ones.
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Everything that was considered for one profile, oldest first, and how she stands now; no name and no address."""

    profile_id: int
    #: IANA zone she lives in; None where nobody knows it.
    zone: str | None
    lines: tuple[WhyLine, ...]
    #: A journey's title, and how she stands with it now.
    now: tuple[tuple[str, str], ...] = ()
    #: An ad audience's title, and how she stands with it now.
    audiences: tuple[tuple[str, str], ...] = ()


class WhyVerbs(Desk):
    """Why somebody got what, and what not: the whole story for a terminal, and the same without names for Prefect."""

    def explain(self, who: str) -> RenderableType:
        """What the person behind an address, phone or profile id got, what not, and why, to print in a terminal.

        Holds personal data: never call it from a flow.
        """
        from segue.gallery.explain import explain_text

        told = explain_text(
            self.engine,
            who,
            until=self.clock.now(),
            journeys=self.journeys,
            home_zone=self.settings.home_zone,
            hash_address=self.hash_address,
        )
        stands = self._stands()
        with read(self.engine) as connection:
            parts = [stands.text(connection, one.profile_id, one.zone) for one in explain(connection, who)]
        return Group(told, *parts)

    def why(self, customer: str) -> list[Why]:
        """Explain the people behind a shop's customer id or a profile id; nobody known gives an empty list."""
        stands = self._stands()
        with read(self.engine) as connection:
            return [
                Why(
                    profile_id=one.profile_id,
                    zone=one.zone,
                    lines=tuple(_line(told) for told in one.messages),
                    now=tuple(stands.with_journeys(connection, one.profile_id)),
                    audiences=tuple(stands.with_audiences(connection, one.profile_id, one.zone)),
                )
                for one in explain(connection, customer)
            ]

    def _stands(self) -> Stands:
        from segue.service.stands import Stands

        return Stands(
            journeys=self.journeys,
            moments=self._moments,
            rules=self.rules,
            secret=self.secret,
            home_zone=self.settings.home_zone,
            now=self.clock.now(),
        )


def _line(told: Told) -> WhyLine:
    group = GROUPS[told.state]
    last = told.decisions[-1].at if told.decisions else told.promised_at
    return WhyLine(
        journey=told.journey,
        step=told.step,
        at=told.answered_at or told.handed_over_at or last,
        group=group,
        reason=told.reason,
        channel=told.channel,
        until=told.not_before if group == "pending" else None,
    )
