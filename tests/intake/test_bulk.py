"""Set-based writes mean the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine, select

from segue.store.bulk import fresh_ids, ids_of, insert_new, update_many
from segue.store.engine import read, write
from segue.store.tables import event, identifier, profile

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def _event(name: str, **properties: object) -> dict[str, object]:
    return {
        "dedupe": name, "profile_id": None, "name": "X", "properties": properties, "occurred_at": AT, "recorded_at": AT,
    }  # fmt: skip


def test_insert_new_counts_only_what_was_not_there(engine: Engine):
    """Doubles inside one call and over calls are left out; JSON, times and odd text come back as they went in."""
    odd = {"text": 'quote " brace { } \\ \u202e', "list": [1, None, 2.5], "deep": {"a": True}}
    with write(engine) as connection:
        assert insert_new(connection, event, [_event("a", **odd), _event("b"), _event("a")], ["dedupe"]) == 2
        assert insert_new(connection, event, [_event("b"), _event("c")], ["dedupe"]) == 1
        assert insert_new(connection, event, [], ["dedupe"]) == 0
    with read(engine) as connection:
        assert connection.execute(select(event.c.properties, event.c.occurred_at).order_by(event.c.id)).first() == (
            odd,
            AT,
        )


def test_more_rows_than_either_database_takes_parameters(engine: Engine):
    """Forty thousand rows of seven columns go in and are found again."""
    names = [f"n{i}" for i in range(40_000)]
    with write(engine) as connection:
        assert insert_new(connection, event, [_event(name) for name in names], ["dedupe"]) == len(names)
        found = ids_of(connection, event, "dedupe", [*names, "nobody"])
    assert len(found) == len(set(found.values())) == len(names)


def test_without_a_named_conflict_every_unique_constraint_tells(engine: Engine):
    """A name that already names somebody is left out, though its own row would be new."""
    with write(engine) as connection:
        ids = fresh_ids(connection, profile)
        one, two = next(ids), next(ids)
        insert_new(connection, profile, [{"id": i, "created_at": AT} for i in (one, two)], ["id"])
        naming = [
            {"profile_id": i, "kind": "email", "value": "a@example.com", "identifies": True, "recorded_at": AT}
            for i in (one, two)
        ]
        assert insert_new(connection, identifier, naming) == 1
        assert update_many(connection, profile, [{"id": one, "zone": "UTC"}, {"id": two, "zone": None}]) == 2
        assert connection.scalars(select(profile.c.zone).order_by(profile.c.id)).all() == ["UTC", None]
