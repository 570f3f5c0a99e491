"""Who and what is near a point: great circles on a sphere of 6,371.0088 km (the Earth's mean radius).

One question to the store each. It needs no extension: the sines a database has are enough (SQLite's are part of it
since 3.35). What lies beyond the band of latitudes within reach is passed over without a sine; longitudes need no such
care, so poles and the date line are places like any other. Who has no point is nowhere near.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import asin, cos, degrees, isfinite, pi, radians, sin, sqrt
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, FromClause, Select, func, literal, select

from segue.store.tables import location, profile

#: IUGG mean radius of the Earth.
EARTH_KM = 6_371.0088
#: Points are told apart by billionths of a degree, a tenth of a millimetre. Whatever is nearer is the same point:
#: products of lesser numbers would leave the range of numbers, at which PostgreSQL stops.
_PARTS = 1e9
#: A little more than rounding can cost, in degrees.
_SLACK = 2 / _PARTS


@dataclass(frozen=True, slots=True)
class Near:
    """Somebody or something, by id, and how far away."""

    id: int
    distance_km: float


def within(
    connection: Connection, latitude: float, longitude: float, radius_km: float, *, kinds: Collection[str] = ()
) -> list[Near]:
    """Return the locations at most `radius_km` from a point (degrees), the nearest first; of some `kinds`, else of all.

    Raises ValueError for what is no point or no radius.
    """
    reach = _Circle(latitude, longitude, radius_km)
    return _read(connection, _of_kinds(reach.question(location.c.id, location.c.latitude, location.c.longitude), kinds))


def people_within(connection: Connection, latitude: float, longitude: float, radius_km: float) -> list[Near]:
    """Return the profiles whose home is at most `radius_km` from a point (degrees), the nearest first.

    Raises ValueError for what is no point or no radius. A profile that was merged into another one is nobody.
    """
    return _read(connection, homes_within(latitude, longitude, radius_km))


def homes_within(latitude: float, longitude: float, radius_km: float) -> Select[Any]:
    """Return the question of `people_within`, to be asked as part of a greater one: its first column is the profile id.

    Raises ValueError for what is no point or no radius.
    """
    reach = _Circle(latitude, longitude, radius_km)
    found = reach.question(profile.c.id, profile.c.home_latitude, profile.c.home_longitude)
    return found.where(profile.c.merged_into.is_(None))


def homes_around(places: FromClause, radius_km: float) -> Select[Any]:
    """Return who lives at most `radius_km` from each of `places`, which have `id`, `latitude` and `longitude`.

    Asked as part of a greater question; its columns are `place_id`, `profile_id` and `haversine`, of which
    `haversine_of` tells the kilometres. Raises ValueError for what is no radius. A merged profile is nobody.
    """
    angle = _angle(radius_km)
    reach = degrees(angle) + _SLACK
    north, east = profile.c.home_latitude, profile.c.home_longitude
    across = func.sin((_parts(north) - _parts(places.c.latitude)) * _number(pi / 360 / _PARTS))
    along = func.sin((_parts(east) - _parts(places.c.longitude)) * _number(pi / 360 / _PARTS))
    shrunk = _cosine(north) * _cosine(places.c.latitude)
    haversine = across * across + shrunk * along * along
    return select(places.c.id.label("place_id"), profile.c.id.label("profile_id"), haversine.label("haversine")).where(
        profile.c.merged_into.is_(None),
        north.between(places.c.latitude - reach, places.c.latitude + reach),
        east.is_not(None),
        haversine <= _number(_widest(angle)),
    )


def haversine_of(km: float) -> float:
    """Return the haversine of an angle that spans so many kilometres: what `homes_around` compares."""
    return sin(_angle(km) / 2) ** 2


def nearest(
    connection: Connection, latitude: float, longitude: float, *, kinds: Collection[str] = (), limit: int = 1
) -> list[Near]:
    """Return the `limit` locations nearest to a point (degrees), however far.

    Raises ValueError for what is no point.
    """
    everywhere = _Circle(latitude, longitude, pi * EARTH_KM)
    question = everywhere.question(location.c.id, location.c.latitude, location.c.longitude)
    return _read(connection, _of_kinds(question, kinds).limit(limit))


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the great-circle distance of two points (degrees), in kilometres."""
    across = sin(radians(other_latitude - latitude) / 2) ** 2
    along = sin(radians(other_longitude - longitude) / 2) ** 2
    return _km(across + cos(radians(latitude)) * cos(radians(other_latitude)) * along)


class _Circle:
    """All that is at most so far from a point."""

    def __init__(self, latitude: float, longitude: float, radius_km: float) -> None:
        # Comparisons with what is not a number are false.
        if not (abs(latitude) <= 90 and abs(longitude) <= 180):
            raise ValueError("the point is outside latitudes -90 to 90 and longitudes -180 to 180 degrees")
        angle = _angle(radius_km)
        self._latitude, self._longitude = latitude, longitude
        self._angle = angle

    def question(
        self, key: ColumnElement[int], latitude: ColumnElement[float], longitude: ColumnElement[float]
    ) -> Select[Any]:
        """Ask for `key` and the haversine of the angle between, the smallest first."""
        haversine = self._haversine(latitude, longitude)
        reach = degrees(self._angle) + _SLACK
        return (
            select(key, haversine.label("haversine"))
            .where(
                latitude.between(self._latitude - reach, self._latitude + reach),
                longitude.is_not(None),
                haversine <= _number(_widest(self._angle)),
            )
            .order_by("haversine", key)
        )

    def _haversine(self, latitude: ColumnElement[float], longitude: ColumnElement[float]) -> ColumnElement[float]:
        across = func.sin(_apart(latitude, self._latitude) * _number(pi / 360 / _PARTS))
        along = func.sin(_apart(longitude, self._longitude) * _number(pi / 360 / _PARTS))
        shrunk = _cosine(latitude) * _number(cos(radians(self._latitude)))
        found: ColumnElement[float] = across * across + shrunk * along * along
        return found


def _angle(km: float) -> float:
    """The angle at the Earth's middle; no two points are further apart than its other side."""
    if not (isfinite(km) and km >= 0):
        raise ValueError("the radius must be a number of kilometres, 0 or more")
    return min(km / EARTH_KM, pi)


def _widest(angle: float) -> float:
    """The slack again: a point on the rim is inside, whichever way its sines were rounded."""
    return sin(min(angle + radians(_SLACK), pi) / 2) ** 2 if angle < pi else 2


def _cosine(latitude: ColumnElement[float]) -> ColumnElement[float]:
    return func.cos(_parts(latitude) * _number(pi / 180 / _PARTS))


def _apart(stored: ColumnElement[float], given: float) -> ColumnElement[float]:
    """How far a stored coordinate is from a given one, in whole billionths of a degree."""
    return _parts(stored) - _number(float(round(given * _PARTS)))


def _parts(stored: ColumnElement[float]) -> ColumnElement[float]:
    parts: ColumnElement[float] = func.round(stored * _number(_PARTS), type_=Float(53))
    return parts


def _number(value: float) -> ColumnElement[float]:
    return literal(value, Float(53))


def _of_kinds(question: Select[Any], kinds: Collection[str]) -> Select[Any]:
    return question.where(location.c.kind.in_(sorted(kinds))) if kinds else question


def _read(connection: Connection, question: Select[Any]) -> list[Near]:
    return [Near(key, _km(haversine)) for key, haversine in connection.execute(question)]


def _km(haversine: float) -> float:
    """Rounding may leave a haversine a little above 1, on the other side of the Earth."""
    return 2 * EARTH_KM * asin(sqrt(min(haversine, 1.0)))
