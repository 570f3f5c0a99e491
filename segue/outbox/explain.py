"""Why somebody got a message, or did not: every decision that was ever made about her.

Holds personal data: for the terminal and the gallery, never for Prefect.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, func, or_, select

from segue.store.tables import decision, identifier, message, profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision about one message."""

    at: datetime
    verdict: str
    reason: str | None
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message and what was decided about it, oldest first."""

    key: str
    journey: str
    step: str
    state: str
    reason: str | None
    channel: str | None
    connector: str | None
    promised_at: datetime
    deadline_at: datetime
    not_before: datetime
    handed_over_at: datetime | None
    answered_at: datetime | None
    attempts: int
    decisions: tuple[Decided, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A person and all that was considered for her."""

    profile_id: int
    name: str
    zone: str | None
    messages: tuple[Told, ...]


def explain(connection: Connection, who: str) -> list[Explanation]:
    """Explain the people behind an e-mail address, a phone number in E.164, another identifier, or a profile id."""
    found = connection.execute(_people(who.strip())).all()
    return [
        Explanation(
            profile_id=row.id,
            name=" ".join(part for part in (row.first_name, row.last_name) if part) or f"profile {row.id}",
            zone=row.zone,
            messages=tuple(_messages(connection, row.id)),
        )
        for row in found
    ]


def _people(who: str) -> Select[tuple[int, str | None, str | None, str | None]]:
    named = select(identifier.c.profile_id).where(or_(identifier.c.value == who, identifier.c.value == who.lower()))
    people = select(profile.c.id, profile.c.first_name, profile.c.last_name, profile.c.zone).order_by(profile.c.id)
    if who.isdecimal() and len(who) < 16:
        # A profile that was merged into another one points to it.
        given = select(func.coalesce(profile.c.merged_into, profile.c.id)).where(profile.c.id == int(who))
        return people.where(or_(profile.c.id.in_(given), profile.c.id.in_(named)))
    return people.where(profile.c.id.in_(named))


def _messages(connection: Connection, profile_id: int) -> list[Told]:
    decided: dict[int, list[Decided]] = {}
    for row in connection.execute(
        select(decision.c.message_id, decision.c.decided_at, decision.c.verdict, decision.c.reason, decision.c.until)
        .join(message, message.c.id == decision.c.message_id)
        .where(message.c.profile_id == profile_id)
        .order_by(decision.c.id)
    ):
        decided.setdefault(row.message_id, []).append(
            Decided(at=row.decided_at, verdict=row.verdict, reason=row.reason, until=row.until)
        )
    rows = connection.execute(select(message).where(message.c.profile_id == profile_id).order_by(message.c.id))
    names = [name for name in Told.__dataclass_fields__ if name != "decisions"]
    return [
        Told(**{name: row._mapping[name] for name in names}, decisions=tuple(decided.get(row.id, ())))  # noqa: SLF001
        for row in rows
    ]
