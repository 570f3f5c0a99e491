"""Our books of an audience: whom the platform holds, whom it may hold, and what was asked of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, func, insert, or_, select, update

from segue.audiences.plan import (
    ADDING,
    IN,
    OUT,
    REFUSED,
    REJECTED,
    REMOVING,
    STOPPED,
    Member,
    Plan,
    before_refusal,
    refused,
    seal,
)
from segue.contract import NAMING_KINDS, Outcome, Result
from segue.store.bulk import insert_new, rows_where, update_many
from segue.store.tables import audience, audience_member

#: What was refused alone is asked for again after this long.
REFUSAL_RESTS = timedelta(days=1)
_IS_REFUSED: ColumnElement[bool] = audience_member.c.reason.contains(REFUSED, autoescape=True)
_COLUMNS = select(
    audience_member.c.id,
    audience_member.c.key,
    audience_member.c.profile_id,
    audience_member.c.state,
    audience_member.c.identifiers,
    audience_member.c.reason,
)


class Books:
    """The rows of one audience; each method works in the transaction it is given."""

    def __init__(self, audience_id: int, name: str, *, secret: bytes) -> None:
        self.audience_id = audience_id
        self._name = name
        self._secret = secret
        self._mine = audience_member.c.audience_id == audience_id

    def of(self, connection: Connection, profile_ids: Collection[int]) -> list[Member]:
        """The rows of these people."""
        owner = audience_member.c.profile_id
        return [_member(row) for row in rows_where(connection, _COLUMNS.where(self._mine), owner, profile_ids)]

    def strangers(self, connection: Connection, considered: Collection[int]) -> list[int]:
        """The rows of those who are, or may be, in it and whom nothing speaks for any more."""
        rows = connection.execute(
            select(audience_member.c.id, audience_member.c.profile_id).where(
                self._mine, audience_member.c.state.in_((ADDING, IN))
            )
        )
        return [row_id for row_id, profile_id in rows if profile_id not in considered]

    def write_plan(self, connection: Connection, plan: Plan, now: datetime) -> None:
        """Write what is about to be asked."""
        entering = [
            {
                "audience_id": self.audience_id,
                "key": f"{self._name}/profile:{profile_id}",
                "profile_id": profile_id,
                "state": ADDING,
                "identifiers": dict(identifiers),
                "reason": None,
                "changed_at": now,
            }
            for profile_id, identifiers in plan.enter.items()
        ]
        if entering:
            insert_new(connection, audience_member, entering, ["audience_id", "key"])
        self.add(connection, plan.add, now)
        self.remove(connection, plan.remove, now)

    def add(self, connection: Connection, rows: Mapping[int, Mapping[str, str]], now: datetime) -> None:
        """Ask for rows to be added (again) with these identifiers."""
        update_many(
            connection,
            audience_member,
            [
                {"id": row_id, "state": ADDING, "identifiers": dict(identifiers), "reason": None, "changed_at": now}
                for row_id, identifiers in rows.items()
            ],
        )

    def remove(self, connection: Connection, rows: Mapping[int, str], now: datetime) -> None:
        """Ask for rows to be removed, each for its reason."""
        update_many(
            connection,
            audience_member,
            [{"id": row, "state": REMOVING, "reason": why, "changed_at": now} for row, why in rows.items()],
        )

    def withdraw(self, connection: Connection, people: Collection[int], now: datetime) -> None:
        """Take back what is open of adding these people: asked for before, it may have been done."""
        adding = _COLUMNS.where(self._mine, audience_member.c.state == ADDING)
        rows = rows_where(connection, adding, audience_member.c.profile_id, people)
        self.remove(connection, {row.id: STOPPED for row in rows}, now)

    def gone_of(self, connection: Connection, rows: Collection[int]) -> set[int]:
        """Those of `rows` that are certainly out."""
        return {
            row.id
            for row in rows_where(
                connection, _COLUMNS.where(audience_member.c.state == OUT), audience_member.c.id, rows
            )
        }

    def open(self, connection: Connection, state: str, *, after: int, limit: int, now: datetime) -> list[Row[Any]]:
        """The next rows in `state` by id, without those that were refused within a day."""
        rests = or_(
            audience_member.c.reason.is_(None), ~_IS_REFUSED, audience_member.c.changed_at <= now - REFUSAL_RESTS
        )
        return list(
            connection.execute(
                _COLUMNS.where(self._mine, audience_member.c.state == state, audience_member.c.id > after, rests)
                .order_by(audience_member.c.id)
                .limit(limit)
            ).all()
        )

    def refuse(self, connection: Connection, row: Row[Any], why: str, now: datetime) -> None:
        """The platform refuses a request about nobody but her: the row stays as it is, and rests for a day."""
        update_many(
            connection, audience_member, [{"id": row.id, "reason": refused(row.reason, why), "changed_at": now}]
        )

    def leaving_people(self, connection: Connection) -> list[int]:
        """Whose removal is open, refused or not."""
        rows = select(audience_member.c.profile_id).where(self._mine, audience_member.c.state == REMOVING)
        return list(connection.scalars(rows.distinct().order_by(audience_member.c.profile_id)))

    def leaving_names(self, connection: Connection) -> set[tuple[str, str]]:
        """The addresses of those whose removal is not answered: adding one of them now might be undone by it."""
        rows = connection.scalars(
            select(audience_member.c.identifiers).where(self._mine, audience_member.c.state == REMOVING)
        )
        return {name for identifiers in rows for name in names_of(identifiers)}

    def record(
        self, connection: Connection, results: Iterable[tuple[Row[Any], Result]], *, added: bool, now: datetime
    ) -> None:
        """Write answers about rows that were added, or else removed. What is unknown stays open."""
        changed = []
        for row, result in results:
            if result.outcome is Outcome.ACCEPTED and added:
                changed.append({"id": row.id, "state": IN, "reason": None, "identifiers": row.identifiers})
            elif result.outcome is Outcome.ACCEPTED:  # by what she was known is no longer needed, so no longer kept
                why = before_refusal(row.reason)
                changed.append({"id": row.id, "state": OUT, "reason": why, "identifiers": {}})
            elif result.outcome is Outcome.REJECTED and added:
                why = f"{REJECTED}{result.reason or 'unknown'}"
                sealed = seal(row.identifiers, self._secret)
                changed.append({"id": row.id, "state": OUT, "reason": why, "identifiers": sealed})
        update_many(connection, audience_member, [{**one, "changed_at": now} for one in changed])

    def count_unusable(self, connection: Connection, change: int) -> None:
        """The platform says that it can use so many entries less, or more, than before; whose, it does not say."""
        now = audience.c.unusable + change
        connection.execute(
            update(audience).where(audience.c.id == self.audience_id).values(unusable=case((now > 0, now), else_=0))
        )

    def unusable(self, connection: Connection) -> int:
        """How many of those in it the platform says it cannot use."""
        return connection.scalar(select(audience.c.unusable).where(audience.c.id == self.audience_id)) or 0

    def unsettle(
        self, connection: Connection, sent: Mapping[int, Mapping[str, str]], *, added: bool, now: datetime
    ) -> None:
        """Somebody else went on while our request was out, so it may have come last: what they settled is open."""
        settled, then = (OUT, REMOVING) if added else (IN, ADDING)
        rows = rows_where(
            connection, _COLUMNS.where(audience_member.c.state == settled), audience_member.c.id, sent.keys()
        )
        opened = [{"id": row.id, "state": then, "identifiers": row.identifiers, "changed_at": now} for row in rows]
        if added:  # what went out has forgotten by what it was known
            opened = [{**one, "identifiers": dict(sent[one["id"]])} for one in opened]
        update_many(connection, audience_member, opened)

    def forget_platform(self, connection: Connection, now: datetime) -> None:
        """The platform lost the audience: nobody is in it, and all who should be are added again."""
        for state, then in ((REMOVING, OUT), (IN, ADDING)):
            connection.execute(
                update(audience_member)
                .where(self._mine, audience_member.c.state == state)
                .values(state=then, changed_at=now)
            )
        connection.execute(
            update(audience).where(audience.c.id == self.audience_id).values(external_id=None, unusable=0)
        )

    def refused(self, connection: Connection) -> int:
        """How many open rows the platform refused when it was last asked."""
        open_ = audience_member.c.state.in_((ADDING, REMOVING))
        return connection.scalar(select(func.count()).where(self._mine, open_, _IS_REFUSED)) or 0

    def count(self, connection: Connection) -> dict[str, int]:
        """How many rows in each state."""
        rows = select(audience_member.c.state, func.count()).where(self._mine).group_by(audience_member.c.state)
        return dict(connection.execute(rows).tuples().all())


def open_books(connection: Connection, name: str, connector: str, fields: Collection[str], now: datetime) -> Row[Any]:
    """The audience's own row, made where it is missing; `fields` are those it was first made with."""
    one = select(audience).where(audience.c.name == name, audience.c.connector == connector)
    known = connection.execute(one).first()
    if known is None:
        connection.execute(insert(audience).values(name=name, connector=connector, fields=list(fields), created_at=now))
        known = connection.execute(one).one()
    return known


def names_of(identifiers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The identifiers that name her."""
    return ((kind, value) for kind, value in identifiers.items() if kind in NAMING_KINDS)


def _member(row: Row[Any]) -> Member:
    return Member(id=row.id, profile_id=row.profile_id, state=row.state, identifiers=row.identifiers, reason=row.reason)
