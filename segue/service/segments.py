"""The verbs of segments: define one, list them, count one. All they return is names, words, ids and counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from segue.journeys.segments import (
    STARTERS,
    Bought,
    Definition,
    LivesWithin,
    Not,
    described,
    segment_select,
)
from segue.service.desk import Desk
from segue.service.vocabulary import check_words
from segue.store.engine import read, write
from segue.store.sql import insert_where_new
from segue.store.tables import location, segment

_EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentLine:
    """A segment, what it means in words, and how many people that are now."""

    name: str
    title: str
    words: str
    people: int
    #: A few of their profile ids.
    examples: tuple[int, ...] = ()


class SegmentVerbs(Desk):
    """Named groups of people that a campaign can be sent to."""

    def define_segment(self, name: str, title: str, definition: Definition | Mapping[str, Any]) -> SegmentLine:
        """Keep `definition` under `name`, in place of what stood there, and count whom it means.

        Runs that were started before keep what the segment meant then. Raises ValueError for what makes no sense, and
        where it names a location, category or another word of the shop's that is not known.
        """
        known = definition if isinstance(definition, Definition) else Definition.model_validate(definition)
        if not name or len(name) > 60 or not all(part.isalnum() and part.isascii() for part in name.lower().split("-")):
            raise ValueError("a segment's name has letters, digits and hyphens, e.g. bought-lately; give another one")
        now = self.clock.now()
        values = {
            "title": title.strip() or name,
            "definition": known.model_dump(mode="json", exclude_none=True),
            "changed_at": now,
        }
        with write(self.engine) as connection:
            _check_places(connection, known)
            check_words(connection, known)
            insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
            connection.execute(
                insert(segment).values(name=name, **values).on_conflict_do_update(index_elements=["name"], set_=values)
            )
        with read(self.engine) as connection:
            return self._line(connection, name, str(values["title"]), known)

    def segments(self) -> list[SegmentLine]:
        """Every segment by name, with how many people it means now."""
        with read(self.engine) as connection:
            rows = connection.execute(select(segment.c.name, segment.c.title, segment.c.definition)).all()
            known = [(row.name, row.title, Definition.model_validate(row.definition)) for row in rows]
            return [self._line(connection, *one) for one in sorted(known, key=lambda one: one[0])]

    def count_segment(self, name: str) -> int:
        """How many people the segment means now; raises KeyError with the choice where there is none."""
        definition = self.segment(name)
        with read(self.engine) as connection:
            return _count(connection, definition, self.clock.now())

    def segment(self, name: str) -> Definition:
        """What the segment means; raises KeyError with the choice where there is none."""
        with read(self.engine) as connection:
            found = connection.scalar(select(segment.c.definition).where(segment.c.name == name))
            if found is None:
                names = ", ".join(sorted(connection.scalars(select(segment.c.name)))) or "none yet"
                raise KeyError(f"there is no segment {name}; there are {names}")
        return Definition.model_validate(found)

    def keep_starters(self) -> None:
        """Define the segments every installation begins with, where nothing stands under their names."""
        with read(self.engine) as connection:
            missing = STARTERS.keys() - set(connection.scalars(select(segment.c.name)))
        if missing:
            rows = [
                {"name": name, "title": title, "definition": definition.model_dump(mode="json", exclude_none=True)}
                for name, (title, definition) in STARTERS.items()
                if name in missing
            ]
            with write(self.engine) as connection:
                connection.execute(insert_where_new(segment), [{**row, "changed_at": self.clock.now()} for row in rows])

    def _line(self, connection: Connection, name: str, title: str, definition: Definition) -> SegmentLine:
        now = self.clock.now()
        some = segment_select(definition, now).order_by("id").limit(_EXAMPLES)
        return SegmentLine(
            name=name,
            title=title,
            words=described(definition),
            people=_count(connection, definition, now),
            examples=tuple(connection.scalars(some)),
        )


def _count(connection: Connection, definition: Definition, now: Any) -> int:
    return int(
        connection.execute(select(func.count()).select_from(segment_select(definition, now).subquery())).scalar_one()
    )


def _check_places(connection: Connection, definition: Definition) -> None:
    named = set(_places(definition.conditions))
    if named and (unknown := named - set(connection.scalars(select(location.c.external_id)))):
        raise ValueError(f"there is no location {min(unknown)}; take its id from the shop's list of locations")


def _places(conditions: tuple[Any, ...]) -> Iterator[str]:
    for one in conditions:
        if isinstance(one, Not):
            yield from _places((one.condition,))
        elif isinstance(one, Bought | LivesWithin) and one.location is not None:
            yield one.location
