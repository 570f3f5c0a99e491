"""What is unusual about an audience: within 24 hours it grew to three times its people, or lost two thirds of them.

A stock file that was misread empties an audience as surely as everybody's purchase; somebody should look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, and_, case, func, not_, select

from segue.audiences.plan import ADDING, IN, OUT, REJECTED, REMOVING, before_refusal
from segue.journeys.retargeting import AUDIENCES
from segue.outbox.usual import ENOUGH, TIMES, Size
from segue.store.tables import audience, audience_member

_DAY: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusualAudience:
    """An audience at a platform, now and 24 hours ago; counts only."""

    title: str
    connector: str
    size: Size
    members: int
    before: int
    #: Why most of those who left had to; None where it grew.
    reason: str | None


def unusual_audiences(connection: Connection, now: datetime) -> list[UnusualAudience]:
    """The audiences whose size is unusual, by name; none that is younger than a day.

    Counted are our books: in it is whom the platform has, or may have; who is being removed has left.
    """
    since = now - _DAY
    is_in = audience_member.c.state.in_((ADDING, IN))
    is_new = audience_member.c.changed_at > since
    why = func.coalesce(audience_member.c.reason, "")
    has_left = and_(audience_member.c.state.in_((REMOVING, OUT)), is_new, not_(why.startswith(REJECTED)))
    rows = connection.execute(
        select(
            audience.c.id,
            audience.c.name,
            audience.c.connector,
            func.sum(case((is_in, 1), else_=0)).label("members"),
            func.sum(case((and_(is_in, is_new), 1), else_=0)).label("came"),
            func.sum(case((has_left, 1), else_=0)).label("gone"),
        )
        .join(audience_member, audience_member.c.audience_id == audience.c.id)
        .where(audience.c.created_at <= since)
        .group_by(audience.c.id, audience.c.name, audience.c.connector)
        .order_by(audience.c.name, audience.c.connector)
    ).all()
    titles = {rule.name: rule.title for rule in AUDIENCES}
    found = []
    for row in rows:
        members, before = int(row.members), int(row.members) - int(row.came) + int(row.gone)
        size = size_of(members, before)
        if size is not None:
            left = (
                select(audience_member.c.reason)
                .where(audience_member.c.audience_id == row.id, has_left)
                .group_by(audience_member.c.reason)
                .order_by(func.count().desc(), audience_member.c.reason)
                .limit(1)
            )
            found.append(
                UnusualAudience(
                    title=titles.get(row.name, row.name),
                    connector=row.connector,
                    size=size,
                    members=members,
                    before=before,
                    reason=before_refusal(connection.scalar(left)) if size is Size.FEW else None,
                )
            )
    return found


def size_of(members: int, before: int) -> Size | None:
    """Compare the people of an audience with those of a day before, by the measure that messages have."""
    if members >= ENOUGH and members > TIMES * before > 0:
        return Size.MANY
    if before >= ENOUGH and TIMES * members < before:
        return Size.FEW
    return None
