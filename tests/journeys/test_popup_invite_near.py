"""Who lives near a pop-up, over real lists of places, against distances computed one by one; and are lots fair."""

from __future__ import annotations

import csv
import gzip
from functools import lru_cache
from math import pi
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, insert, literal, select, update

from segue.journeys.lottery import PRIME, lot
from segue.journeys.nearby import EARTH_KM, haversine_of
from segue.journeys.popup_invite import RINGS
from segue.store.engine import read, write
from segue.store.tables import location, profile
from tests.journeys.popups import NOON, due, homes, invited, popup, wave
from tests.search import examples

LISTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "store_locations"
needs_lists = pytest.mark.skipif(not LISTS.is_dir(), reason="../shared/data/store_locations is missing")

#: Pop-ups by id: in a crowd, between lists, on both sides of the date line, far north.
PLACES = {
    1: (40.7233, -74.0030), 2: (51.5260, -0.0780), 3: (35.6620, 139.7038), 4: (-18.1416, 178.4419),
    5: (-13.8333, -171.7667), 6: (64.1466, -21.9426), 7: (52.5200, 13.4050), 8: (-36.8485, 174.7633),
}  # fmt: skip


def haversines(points: np.ndarray, north: float, east: float) -> np.ndarray:
    """As textbooks write it, one point after the other."""
    a, b = np.radians(points[:, 0]), np.radians(points[:, 1])
    across = np.sin((a - np.radians(north)) / 2) ** 2
    return across + np.cos(a) * np.cos(np.radians(north)) * np.sin((b - np.radians(east)) / 2) ** 2


@lru_cache(maxsize=1)
def listed_points() -> np.ndarray:
    """Every third store and every second city of the world: somebody lives at each."""
    with gzip.open(LISTS / "starbucks_stores_2017.csv.gz", "rt", encoding="utf-8") as lines:
        stores = [(row["Latitude"], row["Longitude"]) for row in csv.DictReader(lines)]
    with gzip.open(LISTS / "geonames_cities15000.csv.gz", "rt", encoding="utf-8") as lines:
        cities = [(row["latitude"], row["longitude"]) for row in csv.DictReader(lines)]
    found = [(float(a), float(b)) for a, b in [*stores[::3], *cities[::2]] if a and b]
    assert len(found) > 15_000
    return np.array(found)


@needs_lists
def test_everybody_within_the_radius_and_nobody_outside(engine: Engine) -> None:
    """Of all who live at the lists' points, for eight pop-ups at once; then the nearest rings alone."""
    points = listed_points()
    homes(engine, {number: (float(a), float(b)) for number, (a, b) in enumerate(points, start=1)})
    for number, (north, east) in PLACES.items():
        popup(engine, number, latitude=north, longitude=east, capacity=5_000)
    away = {place: haversines(points, *where) for place, where in PLACES.items()}
    for radius in (10.0, 50.0, 500.0):
        found = due(engine, radius_km=radius)
        assert len(found) == len(set(found))
        for place, far in away.items():
            expected = set((np.flatnonzero(far <= haversine_of(radius)) + 1).tolist())
            assert {who for where, who in found if where == place} == expected, (place, radius)
        assert len(found) > {10.0: 200, 50.0: 800, 500.0: 4_000}[radius]
    ends = [haversine_of(km) for km, _ in RINGS]
    for places in (4, 9, 20):
        found = due(engine, radius_km=500, places=places)
        for place, far in away.items():
            mine = {who - 1 for where, who in found if where == place}
            near = set(np.flatnonzero(far <= haversine_of(500)).tolist())
            ring = np.searchsorted(ends, far)
            assert len(mine) == min(len(near), places * 10)
            outside = near - mine
            assert not outside or max(ring[one] for one in mine) <= min(ring[one] for one in outside)


def test_over_the_date_line(engine: Engine) -> None:
    for number, east in ((1, 179.95), (2, -180.0)):
        popup(engine, number, latitude=0.0, longitude=east, zone="Pacific/Auckland")
    homes(engine, dict(enumerate([(0.0, east) for east in (-179.95, 179.9, 179.0, -179.0, 180.0, -179.8)], start=1)))
    assert set(due(engine, radius_km=20)) == {(1, 1), (1, 2), (1, 5), (2, 1), (2, 2), (2, 5)}
    assert (2, 6) in due(engine, radius_km=23)
    with write(engine) as connection:
        connection.execute(update(profile).where(profile.c.id == 1).values(merged_into=2))
        connection.execute(update(profile).where(profile.c.id == 5).values(home_longitude=None))
    assert set(due(engine, radius_km=20)) == {(1, 2), (2, 2)}


_NORTH = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, -89.99, 0.0, 89.99, 90.0]))
_EAST = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, -179.99, 0.0, 179.99, 180.0]))
_POINT = st.tuples(_NORTH, _EAST)


@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(here=_POINT, points=st.lists(_POINT, min_size=1, max_size=6), radius=st.sampled_from([1.0, 50.0, 500.0]))
@example(here=(89.99, 0.0), points=[(89.99, 180.0), (90.0, 77.0)], radius=5.0)
@example(here=(0.0, 0.0), points=[(5e-324, 0.0), (0.0, 5e-324)], radius=1.0)
def test_anywhere_on_earth(
    engine: Engine, here: tuple[float, float], points: list[tuple[float, float]], radius: float
) -> None:
    with write(engine) as connection:
        connection.execute(delete(location))
        connection.execute(delete(profile))
    popup(engine, latitude=here[0], longitude=here[1], capacity=100)
    homes(engine, dict(enumerate(points, start=1)))
    found = {who - 1 for _, who in due(engine, radius_km=radius)}
    far = 2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(haversines(np.array(points), *here), 1.0)))
    blunt = 1e-6
    assert found >= set(np.flatnonzero(far <= radius - blunt).tolist())
    assert found <= set(np.flatnonzero(far <= radius + blunt).tolist())


def lots(engine: Engine, ids: list[int], draws: int) -> np.ndarray:
    """The lots of people by id (rows) in draws 1, 2 ... (columns)."""
    with write(engine) as connection:
        connection.execute(insert(profile), [{"id": one, "created_at": NOON} for one in ids])
        connection.execute(
            insert(location),
            [{"id": one, "external_id": str(one), "kind": "popup", "name": "P"} for one in range(1, draws + 1)],
        )
    pairs = profile.join(location, literal(value=True))
    question = select(lot(profile.c.id, location.c.id)).select_from(pairs).order_by(profile.c.id, location.c.id)
    with read(engine) as connection:
        found = list(connection.scalars(question))
    assert all(0 <= one < PRIME for one in found)
    return np.array(found).reshape(len(ids), draws)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # both draw the same lots, see below
@pytest.mark.parametrize(
    "ids",
    [range(1, 121), range(256, 256 * 121, 256), range(10**9, 10**9 + 120), range(2**62, 2**62 + 7 * 120, 7)],
    ids=["neighbours", "one bucket", "large", "very large"],
)
def test_lots_are_fair(engine: Engine, ids: range) -> None:
    """In 200 draws of a quarter of 120 people each is drawn as often as chance would have it, and no pair too often.

    The lots are fixed, so there is no luck in this test: it says the same each time.
    """
    people, draws, taken = len(ids), 200, 30
    ranks = lots(engine, list(ids), draws).argsort(axis=0).argsort(axis=0)
    drawn = ranks < taken
    share = taken / people
    expected = draws * share
    spread = ((drawn.sum(axis=1) - expected) ** 2).sum() / (expected * (1 - share))
    middle, deviation = people - 1, (2 * (people - 1)) ** 0.5
    assert abs(spread - middle) < 3.3 * deviation  # neither lumps nor a pattern that is too even
    for gap in (1, 2, 3, 16):
        both = (drawn[gap:] & drawn[:-gap]).mean()
        alike = share * (taken - 1) / (people - 1)
        assert abs(both - alike) < 3.3 * (alike / (draws * (people - gap))) ** 0.5 * 1.5
    # Places in the order, in eighths: a chi-square of 7 degrees over all draws of the first person, and of the last.
    for one in (0, people // 2, people - 1):
        eighths = np.bincount(ranks[one] * 8 // people, minlength=8)
        assert ((eighths - draws / 8) ** 2 / (draws / 8)).sum() < 24.3


def test_both_databases_draw_the_same_lots(engine: Engine) -> None:
    """They are written down here: a change would draw other people in the middle of a pop-up."""

    def plain(person: int, draw: int) -> int:
        mixed = person % PRIME * 1_103_515_245 % PRIME + draw % PRIME * 741_103_597 % PRIME
        for summand in (1_583_458_089, 784_588_716, 1_921_750_679):
            mixed = ((mixed + summand) % PRIME) ** 2 % PRIME
        return mixed

    ids = [0, 1, 2, PRIME - 1, PRIME, PRIME + 1, 2**40, 2**63 - 1]
    assert lots(engine, ids, 5).tolist() == [[plain(who, draw) for draw in range(1, 6)] for who in ids]


def test_within_a_ring_everybody_has_the_same_chance(engine: Engine) -> None:
    """Of a hundred in the nearest ring and a hundred in the next, the first wave takes the nearest alone, by lot."""
    popup(engine, capacity=8)
    step = 180 / pi / EARTH_KM  # degrees of a kilometre northwards
    homes(engine, {number: (40.72 + (0.02 if number <= 100 else 6) * step, -74.0) for number in range(1, 201)})
    assert wave(engine) == 80
    assert max(invited(engine)) <= 100
    first = {who for _, who in due(engine, places=12)}
    assert len([who for who in first if who <= 100]) == 20
    assert len(first) == 40
    with read(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(profile)) == 200
