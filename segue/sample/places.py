"""Where the sample shop's people live and where it keeps its wool."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from segue.sample.rows import LocationRow
from segue.sample.year import iso


@dataclass(frozen=True, slots=True)
class City:
    """A place to live, with how many of the shop's people do."""

    name: str
    country: str
    region: str
    zone: str
    latitude: float
    longitude: float
    #: Area code for the numbers kept for fiction; empty where no such range is used here.
    area: str
    locale: str
    share: float
    #: Which list of names people here have.
    names: str = "us"


_EAST, _MID, _WEST = "America/New_York", "America/Chicago", "America/Los_Angeles"

CITIES: Final = (
    City("Brooklyn", "US", "NY", _EAST, 40.678, -73.944, "718", "en-US", 9),
    City("New York", "US", "NY", _EAST, 40.754, -73.984, "212", "en-US", 9),
    City("Portland", "US", "ME", _EAST, 43.661, -70.255, "207", "en-US", 6),
    City("Boston", "US", "MA", _EAST, 42.360, -71.058, "617", "en-US", 7),
    City("Providence", "US", "RI", _EAST, 41.824, -71.413, "401", "en-US", 3),
    City("Burlington", "US", "VT", _EAST, 44.476, -73.212, "802", "en-US", 2),
    City("Philadelphia", "US", "PA", _EAST, 39.953, -75.164, "215", "en-US", 5),
    City("Washington", "US", "DC", _EAST, 38.907, -77.037, "202", "en-US", 4),
    City("Atlanta", "US", "GA", _EAST, 33.749, -84.388, "404", "en-US", 3),
    City("Miami", "US", "FL", _EAST, 25.762, -80.192, "305", "es-US", 3),
    City("Chicago", "US", "IL", _MID, 41.878, -87.630, "312", "en-US", 6),
    City("Minneapolis", "US", "MN", _MID, 44.978, -93.265, "612", "en-US", 3),
    City("Nashville", "US", "TN", _MID, 36.163, -86.782, "615", "en-US", 2),
    City("Austin", "US", "TX", _MID, 30.267, -97.743, "512", "en-US", 4),
    City("Denver", "US", "CO", "America/Denver", 39.739, -104.990, "303", "en-US", 4),
    City("Phoenix", "US", "AZ", "America/Phoenix", 33.448, -112.074, "602", "en-US", 2),
    City("Seattle", "US", "WA", _WEST, 47.606, -122.332, "206", "en-US", 5),
    City("Portland", "US", "OR", _WEST, 45.515, -122.678, "503", "en-US", 4),
    City("San Francisco", "US", "CA", _WEST, 37.775, -122.419, "415", "en-US", 5),
    City("Los Angeles", "US", "CA", _WEST, 34.052, -118.244, "213", "en-US", 5),
    City("Honolulu", "US", "HI", "Pacific/Honolulu", 21.307, -157.858, "808", "en-US", 1),
    City("Anchorage", "US", "AK", "America/Anchorage", 61.218, -149.900, "907", "en-US", 1),
    City("Toronto", "CA", "ON", "America/Toronto", 43.653, -79.383, "416", "en-CA", 2),
    City("London", "GB", "", "Europe/London", 51.507, -0.128, "44", "en-GB", 4, "gb"),
    City("Edinburgh", "GB", "", "Europe/London", 55.953, -3.188, "44", "en-GB", 1.5, "gb"),
    City("Dublin", "IE", "", "Europe/Dublin", 53.350, -6.260, "", "en-IE", 0.7, "gb"),
    City("Berlin", "DE", "", "Europe/Berlin", 52.520, 13.405, "", "de-DE", 1.6, "de"),
    City("Hamburg", "DE", "", "Europe/Berlin", 53.551, 9.994, "", "de-DE", 1, "de"),
    City("Vienna", "AT", "", "Europe/Vienna", 48.208, 16.373, "", "de-AT", 1, "de"),
    City("Paris", "FR", "", "Europe/Paris", 48.857, 2.352, "", "fr-FR", 0.8, "fr"),
    City("Amsterdam", "NL", "", "Europe/Amsterdam", 52.368, 4.904, "", "nl-NL", 0.7, "fr"),
)

BROOKLYN: Final = CITIES[0]
BERLIN_CITY: Final = next(city for city in CITIES if city.name == "Berlin")

WAREHOUSE: Final = "L-NJ"
STORE_MAINE: Final = "L-PWM"
STORE_BROOKLYN: Final = "L-BKN"
POPUP: Final = "L-POP-NYC"

POPUP_OPENS: Final = datetime(2026, 5, 14, 14, 0, tzinfo=UTC)
POPUP_CLOSES: Final = datetime(2026, 5, 31, 23, 0, tzinfo=UTC)

#: The till that people of a region walk to; others shop online.
STORES: Final = {"ME": STORE_MAINE, "VT": STORE_MAINE, "NY": STORE_BROOKLYN, "RI": STORE_MAINE}


_LOCATIONS: Final = """
L-NJ  | warehouse | Saltmere Warehouse, Newark NJ         | 40.7357 | -74.1724 |    | 310 Port St, Newark, NJ 07114
L-PWM | store     | Saltmere Old Port, Portland ME        | 43.6568 | -70.2553 | 40 | 41 Exchange St, Portland, ME 04101
L-BKN | store     | Saltmere Atlantic Avenue, Brooklyn NY | 40.6867 | -73.9866 | 35 | 365 Atlantic Av, Brooklyn NY 11217
"""
#: People the pop-up has room for, all its days together.
_POPUP_CAPACITY: Final = "60"


def location_rows(popup: LocationRow) -> Iterator[LocationRow]:
    """Yield the warehouse, both stores and the pop-up."""
    for line in _LOCATIONS.strip().splitlines():
        location_id, kind, name, latitude, longitude, capacity, address = (cell.strip() for cell in line.split("|"))
        yield LocationRow(
            location_id, kind, name, address, "US", _EAST, latitude, longitude, "", "", capacity
        )  # fmt: skip
    yield popup


def popup_row(name: str, address: str, city: City, point: tuple[float, float]) -> LocationRow:
    """Return the pop-up as it stands in a city, with its window and capacity."""
    latitude, longitude = (f"{degrees:.4f}" for degrees in point)
    return LocationRow(
        POPUP, "popup", name, address, city.country, city.zone, latitude, longitude, iso(POPUP_OPENS),
        iso(POPUP_CLOSES), _POPUP_CAPACITY,
    )  # fmt: skip
