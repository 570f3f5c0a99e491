"""Where Sarah's year can be played: in New York, or in Berlin, where a yes by e-mail counts once it is confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from segue.sample.places import BERLIN_CITY, BROOKLYN, City


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A city, and what the story needs of it."""

    city: City
    #: Degrees; all three live in one street.
    home: tuple[float, float]
    #: Numbers kept for fiction: Sarah's, June's, Clara's.
    phones: tuple[str, str, str]
    popup: str
    popup_address: str
    popup_point: tuple[float, float]
    #: By how much earlier than in New York its clocks strike the same hour.
    earlier: timedelta
    #: Whether the law wants a second yes from the mailbox itself.
    has_double_opt_in: bool


NEW_YORK: Final = Stage(
    city=BROOKLYN,
    home=(40.672, -73.957),
    phones=("+12025550101", "+12025550102", "+12025550103"),
    popup="Saltmere Summer Pop-up, SoHo, New York NY",
    popup_address="88 Mercer Street, New York, NY 10012",
    popup_point=(40.7233, -74.0030),
    earlier=timedelta(0),
    has_double_opt_in=False,
)
BERLIN: Final = Stage(
    city=BERLIN_CITY,
    home=(52.498, 13.412),
    phones=("+493023125101", "+493023125102", "+493023125103"),
    popup="Saltmere Sommer-Pop-up, Mitte, Berlin",
    popup_address="Mulackstra\u00dfe 12, 10119 Berlin",
    popup_point=(52.5272, 13.4061),
    earlier=timedelta(hours=6),
    has_double_opt_in=True,
)
