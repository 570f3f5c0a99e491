"""In which audiences somebody is, and why not in the others. Holds no address; for the terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, Subquery, select

from segue.audiences.rule import Judge, Tally, chunks
from segue.journeys.definition import Moment
from segue.journeys.retargeting import AUDIENCES, RetargetingBrief
from segue.store.sql import among
from segue.store.tables import audience, audience_member


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How somebody stands with one audience."""

    profile_id: int
    audience: str
    title: str
    #: None: she belongs in. Else a reason of policy's, or `not_considered`.
    reason: str | None
    #: `(connector, state, reason, since)` of each row in our books.
    rows: tuple[tuple[str, str, str | None, datetime], ...]


def standings(
    connection: Connection, profile_ids: Collection[int], moment: Moment, brief: RetargetingBrief, judge: Judge
) -> list[Standing]:
    """How these people stand with every audience at `moment`, by person and audience."""
    rows: dict[tuple[int, str], list[tuple[str, str, str | None, datetime]]] = {}
    for row in connection.execute(
        select(
            audience_member.c.profile_id,
            audience.c.name,
            audience.c.connector,
            audience_member.c.state,
            audience_member.c.reason,
            audience_member.c.changed_at,
        )
        .join(audience, audience.c.id == audience_member.c.audience_id)
        .where(among(connection, audience_member.c.profile_id, profile_ids))
        .order_by(audience.c.connector, audience_member.c.id)
    ):
        rows.setdefault((row.profile_id, row.name), []).append((row.connector, row.state, row.reason, row.changed_at))
    found = []
    for rule in AUDIENCES:
        reasons = _reasons(connection, profile_ids, rule.considered(moment, brief).subquery(), moment, judge)
        found += [
            Standing(
                profile_id=one,
                audience=rule.name,
                title=rule.title,
                reason=reasons.get(one, "not_considered"),
                rows=tuple(rows.get((one, rule.name), ())),
            )
            for one in profile_ids
        ]
    return sorted(found, key=lambda one: one.profile_id)


def _reasons(
    connection: Connection, profile_ids: Iterable[int], rule: Subquery, moment: Moment, judge: Judge
) -> dict[int, str | None]:
    asked = select(rule).where(among(connection, rule.c.profile_id, list(profile_ids)))
    found = np.array([tuple(row) for row in connection.execute(asked)], dtype=np.int64).reshape(-1, 4)
    wishes = {
        one: wish
        for rows in chunks(found)
        for one, wish in judge.wishes(connection, rows, now=moment.now, fields=(), tally=Tally()).items()
    }
    return {one: wish.reason for one, wish in wishes.items()}
