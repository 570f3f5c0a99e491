"""What fits a crowd: against plain loops, and in as many questions as for one."""

from __future__ import annotations

import random
import time

import pytest
from sqlalchemy import Engine, event

from segue.journeys.fitting import fitting
from segue.store.engine import read, write

from .town import NOW, Town


@pytest.mark.parametrize("seed", range(6))
def test_a_crowd_gets_what_plain_loops_find(engine: Engine, seed: int) -> None:
    with write(engine) as connection:
        town = Town(connection, random.Random(seed), people=25, products=20)
        found = fitting(connection, town.people, NOW, limit=5)
    shown = {
        person: [(item.product_id, item.variant_id, item.size) for item in items] for person, items in found.items()
    }
    assert shown == {person: town.shown(person, channel, 5) for person, channel in town.people}
    assert sum(map(len, shown.values())) > 25


def test_many_people_cost_as_many_questions_as_one(engine: Engine) -> None:
    """And 2,500 people before 2,000 variants are answered in seconds even on a busy machine."""
    with write(engine) as connection:
        town = Town(connection, random.Random(0), people=2_500, products=500)
    asked: list[str] = []
    event.listen(
        engine, "before_cursor_execute", lambda *given: asked.append(given[2]) if given[2] != "BEGIN" else None
    )
    with read(engine) as connection:
        fitting(connection, town.people[:1], NOW)
        few = len(asked)
        begun = time.perf_counter()
        found = fitting(connection, town.people, NOW)
        seconds = time.perf_counter() - begun
    assert len(asked) == 2 * few == 8
    assert len(found) == 2_500
    assert seconds < 10
