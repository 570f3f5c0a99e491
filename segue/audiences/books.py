"""Our books of an audience: whom the platform holds, whom it may hold, and what was asked of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from segue.audiences.plan import ADDING, IN, OUT, REJECTED, REMOVING, Member, Plan, seal
from segue.contract import NAMING_KINDS, Outcome, Result
from segue.store.bulk import insert_new, rows_where, update_many
from segue.store.tables import audience, audience_member

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

    def gone_of(self, connection: Connection, rows: Collection[int]) -> set[int]:
        """Those of `rows` that are certainly out."""
        return {
            row.id
            for row in rows_where(
                connection, _COLUMNS.where(audience_member.c.state == OUT), audience_member.c.id, rows
            )
        }

    def open(self, connection: Connection, state: str, *, after: int, limit: int) -> list[Row[Any]]:
        """The next rows in `state`, by id."""
        return list(
            connection.execute(
                _COLUMNS.where(self._mine, audience_member.c.state == state, audience_member.c.id > after)
                .order_by(audience_member.c.id)
                .limit(limit)
            ).all()
        )

    def leaving_names(self, connection: Connection) -> set[tuple[str, str]]:
        """The addresses of those whose removal is not answered: adding one of them now might be undone by it."""
        rows = connection.scalars(
            select(audience_member.c.identifiers).where(self._mine, audience_member.c.state == REMOVING)
        )
        return {name for identifiers in rows for name in names_of(identifiers)}

    def record(self, connection: Connection, results: Iterable[tuple[int, Result, Any]], *, now: datetime) -> None:
        """Write answers: `(row, result, identifiers that were added; None if removed)`. What is unknown stays open."""
        changed = []
        for row_id, result, added in results:
            if result.outcome is Outcome.ACCEPTED and added is not None:
                changed.append({"id": row_id, "state": IN, "reason": None, "identifiers": added})
            elif result.outcome is Outcome.ACCEPTED:
                changed.append({"id": row_id, "state": OUT, "identifiers": {}})  # no longer needed, so no longer kept
            elif result.outcome is Outcome.REJECTED and added is not None:
                why = f"{REJECTED}{result.reason or 'unknown'}"
                changed.append({"id": row_id, "state": OUT, "reason": why, "identifiers": seal(added, self._secret)})
        for names in ({"id", "state", "reason", "identifiers"}, {"id", "state", "identifiers"}):
            update_many(
                connection, audience_member, [{**one, "changed_at": now} for one in changed if set(one) == names]
            )

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
        connection.execute(update(audience).where(audience.c.id == self.audience_id).values(external_id=None))

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
