"""Why somebody got a message or did not, told without saying who: what may be shown in Prefect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from segue.outbox.explain import Told, explain
from segue.outbox.summary import GROUPS
from segue.service.desk import Desk
from segue.store.engine import read


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
    """Everything that was considered for one profile, oldest first; nobody's name or address."""

    profile_id: int
    #: IANA zone she lives in; None where nobody knows it.
    zone: str | None
    lines: tuple[WhyLine, ...]


class WhyVerbs(Desk):
    """Questions about one customer that a marketer may ask in Prefect."""

    def why(self, customer: str) -> list[Why]:
        """Explain the people behind a shop's customer id or a profile id; nobody known gives an empty list."""
        with read(self.engine) as connection:
            people = explain(connection, customer)
        return [
            Why(profile_id=one.profile_id, zone=one.zone, lines=tuple(_line(told) for told in one.messages))
            for one in people
        ]


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
