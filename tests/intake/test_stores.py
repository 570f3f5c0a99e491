"""Places: the store lists in `location`, and who and what is near a point, against a textbook and published counts."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from math import asin, cos, inf, nan, pi, radians, sin, sqrt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, insert, select

from segue.intake import import_table, load_mapping
from segue.journeys.nearby import EARTH_KM, Near, distance_km, homes_within, nearest, people_within, within
from segue.store.engine import read, write
from segue.store.tables import location, profile
from tests.search import examples

from .conftest import CLOCK, NOW, hash_address

ROOT = Path(__file__).resolve().parents[2]
LISTS = ROOT.parent / "shared" / "data" / "store_locations"
HALF_WAY_ROUND = pi * EARTH_KM

#: Ids of the second list are `Country: Name`, those of the first are numbers.
OTHERS = "external_id LIKE '%: %'"

needs_lists = pytest.mark.skipif(not LISTS.is_dir(), reason="../shared/data/store_locations is missing")


def put(engine: Engine, *points: tuple[float | None, float | None], kind: str = "store") -> None:
    """Put places, numbered from 1, where nothing was."""
    rows = [
        {"id": number, "external_id": str(number), "kind": kind, "name": "S", "latitude": north, "longitude": east}
        for number, (north, east) in enumerate(points, start=1)
    ]
    with write(engine) as connection:
        connection.execute(delete(location))
        connection.execute(insert(location), rows)


def ids(found: list[Near]) -> list[int]:
    return [near.id for near in found]


def met(found: list[Near]) -> set[int]:
    """Their ids, where several are equally far but for rounding."""
    return set(ids(found))


def plain(north: float, east: float, other_north: float, other_east: float) -> float:
    """The haversine as textbooks write it."""
    a = sin(radians(other_north - north) / 2) ** 2
    b = sin(radians(other_east - east) / 2) ** 2
    h = a + cos(radians(north)) * cos(radians(other_north)) * b
    return 2 * 6_371.0088 * asin(sqrt(min(1.0, h)))


def test_distances_that_are_known() -> None:
    """A degree of a great circle, a quarter and half of one, and a published pair of cities."""
    assert distance_km(0, 0, 0, 1) == pytest.approx(pi * EARTH_KM / 180)
    assert distance_km(0, 0, 90, 123) == pytest.approx(pi * EARTH_KM / 2)
    assert distance_km(12, 34, -12, -146) == pytest.approx(HALF_WAY_ROUND)
    assert distance_km(51.5, -0.1, 51.5, -0.1) == 0
    assert distance_km(36.12, -86.67, 33.94, -118.40) == pytest.approx(2_886.45, abs=0.5)  # Nashville to Los Angeles


def test_the_nearest_come_first_and_only_of_the_kinds_asked_for(engine: Engine) -> None:
    put(engine, (40.0, -74.0), (41.0, -74.0), (40.5, -74.0), (None, None), (40.0, None), (None, -74.0))
    with read(engine) as connection:
        found = within(connection, 40.0, -74.0, 112)
        assert ids(found) == [1, 3, 2]
        assert [near.distance_km for near in found] == pytest.approx([0, EARTH_KM * pi / 360, EARTH_KM * pi / 180])
        assert ids(within(connection, 40.0, -74.0, 111)) == [1, 3]
        assert ids(within(connection, 40.0, -74.0, 0)) == [1]
        assert within(connection, 40.0, -74.0, 112, kinds=["popup"]) == []
        assert ids(within(connection, 40.0, -74.0, 112, kinds=("popup", "store"))) == [1, 3, 2]
        assert ids(nearest(connection, 40.6, -74.0)) == [3]
        assert ids(nearest(connection, 40.6, -74.0, limit=2)) == [3, 2]
        assert nearest(connection, 40.6, -74.0, kinds=["warehouse"]) == []


def test_over_the_date_line_and_over_the_poles(engine: Engine) -> None:
    put(engine, (0.0, 179.9), (0.0, -179.9), (89.9, 0.0), (89.9, 180.0), (-90.0, 45.0), (-89.9, -135.0), (0.0, 180.0))
    with read(engine) as connection:
        assert met(within(connection, 0.0, 180.0, 12)) == {7, 1, 2}
        assert met(within(connection, 0.0, -180.0, 12)) == {7, 1, 2}
        assert met(within(connection, 0.0, -179.95, 17)) == {2, 7, 1}
        assert met(within(connection, 89.9, 90.0, 16)) == {3, 4}
        assert met(within(connection, 90.0, -7.0, 12)) == {3, 4}
        assert met(within(connection, -90.0, 0.0, 12)) == {5, 6}
        assert met(within(connection, 89.95, 180.0, 6)) == {4}
        everywhere = within(connection, 0.0, 0.0, HALF_WAY_ROUND)
        assert len(everywhere) == len(within(connection, 0.0, 0.0, 1e9)) == 7
        assert everywhere[-1] == Near(7, pytest.approx(HALF_WAY_ROUND))


@pytest.mark.parametrize(
    ("north", "east", "radius"),
    [(90.1, 0, 1), (-91, 0, 1), (0, 180.5, 1), (0, 0, -1), (0, 0, nan), (0, 0, inf), (nan, 0, 1), (0, nan, 1)],
)
def test_no_point_and_no_radius(engine: Engine, north: float, east: float, radius: float) -> None:
    with read(engine) as connection, pytest.raises(ValueError, match=r"the point|the radius"):
        within(connection, north, east, radius)


def test_homes(engine: Engine) -> None:
    people = [
        {"id": 1, "home_latitude": 40.7, "home_longitude": -74.0, "created_at": NOW},
        {"id": 2, "home_latitude": 41.7, "home_longitude": -74.0, "created_at": NOW},
        {"id": 3, "home_latitude": None, "home_longitude": None, "created_at": NOW},
        {"id": 4, "home_latitude": 40.7, "home_longitude": -74.1, "created_at": NOW},
    ]
    with write(engine) as connection:
        connection.execute(insert(profile), people)
        connection.execute(
            insert(profile),
            [{"id": 5, "home_latitude": 40.7, "home_longitude": -74.0, "created_at": NOW, "merged_into": 1}],
        )
    with read(engine) as connection:
        assert ids(people_within(connection, 40.7, -74.0, 50)) == [1, 4]
        near = homes_within(40.7, -74.0, 50).subquery()
        assert connection.scalar(select(func.count()).select_from(near)) == 2  # as part of a greater question


_NORTH = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, -89.99, 0.0, 89.99, 90.0]))
_EAST = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, -179.99, 0.0, 179.99, 180.0]))
_POINT = st.tuples(_NORTH, _EAST)
_RADIUS = st.one_of(st.floats(0, HALF_WAY_ROUND), st.sampled_from([0.0, 1e-6, 5.0, HALF_WAY_ROUND]))


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(here=_POINT, points=st.lists(_POINT, min_size=1, max_size=8), radius=_RADIUS)
@example(here=(12.0, 34.0), points=[(-12.0, -146.0), (12.0, 34.0)], radius=HALF_WAY_ROUND)
@example(here=(89.99, 0.0), points=[(89.99, 180.0), (90.0, 77.0)], radius=5.0)
@example(here=(0.0, 0.0), points=[(5e-324, 0.0)], radius=0.0)
def test_the_database_agrees_with_the_textbook(
    engine: Engine, here: tuple[float, float], points: list[tuple[float, float]], radius: float
) -> None:
    put(engine, *points)
    # Half a centimetre of arc about the other side of the Earth is where the haversine itself is blunt.
    blunt = 1e-6 if radius < HALF_WAY_ROUND - 1 else 1.0
    with read(engine) as connection:
        found = within(connection, *here, radius)
    away = {number: plain(*here, *point) for number, point in enumerate(points, start=1)}
    assert {near.id for near in found} >= {number for number, far in away.items() if far <= radius - blunt}
    assert all(away[near.id] <= radius + blunt for near in found)
    assert all(near.distance_km == pytest.approx(away[near.id], abs=blunt) for near in found)
    assert [near.distance_km for near in found] == sorted(near.distance_km for near in found)


@pytest.fixture
def stores(engine: Engine) -> Engine:
    """Both lists, imported twice."""
    for file, mapping in (("starbucks_stores_2017.csv.gz", "starbucks_stores"), ("ikea_stores.csv", "ikea_stores")):
        page = load_mapping(ROOT / "examples" / f"{mapping}.toml")
        first, again = (
            import_table(engine, LISTS / file, page, clock=CLOCK, hash_address=hash_address) for _ in range(2)
        )
        assert dict(first.skipped) == {}
        assert (dict(again.taken), dict(again.updated)) == ({}, {})
    return engine


def cities(*wanted: tuple[str, str]) -> dict[str, tuple[float, float]]:
    """Where GeoNames puts cities, by name and country; of several, the one with most people."""
    with gzip.open(LISTS / "geonames_cities15000.csv.gz", "rt", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if (row["name"], row["countrycode"]) in wanted]
    rows.sort(key=lambda row: int(row["population"]))
    return {row["name"]: (float(row["latitude"]), float(row["longitude"])) for row in rows}


@needs_lists
def test_the_store_lists_and_the_published_circles(
    stores: Engine, rows: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    """One number stands twice, once without a point: it is one store, at the point its other row gives."""
    assert rows("SELECT count(*), count(latitude), count(country) FROM location") == [(25_806, 25_806, 25_806)]
    assert rows(f"SELECT count(*), count(DISTINCT country) FROM location WHERE {OTHERS}") == [(207, 17)]  # noqa: S608
    assert rows(f"SELECT count(*), count(DISTINCT country) FROM location WHERE NOT {OTHERS}") == [(25_599, 73)]  # noqa: S608
    assert rows("SELECT count(*) FROM location WHERE country = 'US'") == [(13_608,)]
    assert rows("SELECT DISTINCT kind FROM location") == [("store",)]
    # The list's own words for zones: 2,942 of them name none that exists (`Asia/Beijing`), and are left out.
    assert rows("SELECT count(zone) FROM location") == [(25_599 - 2_942,)]
    others = {key for (key,) in rows(f"SELECT id FROM location WHERE {OTHERS}")}  # noqa: S608
    points = cities(("Paris", "FR"), ("London", "GB"), ("New York City", "US"), ("Milan", "IT"), ("Nairobi", "KE"))
    with read(stores) as connection:
        counted = {
            name: [
                sum(near.id not in others for near in within(connection, *point, radius, kinds=["store"]))
                for radius in (5, 10, 50)
            ]
            for name, point in points.items()
        }
        assert counted == {
            "Paris": [56, 66, 87], "London": [123, 181, 317], "New York City": [146, 262, 583],
            "Milan": [0, 0, 0], "Nairobi": [0, 0, 0],
        }  # fmt: skip
        for name, km in (("Milan", 188.84), ("Nairobi", 2_523.72)):
            first = next(near for near in nearest(connection, *points[name], limit=300) if near.id not in others)
            assert first.distance_km == pytest.approx(km, abs=0.005)
