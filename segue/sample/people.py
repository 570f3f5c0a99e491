"""The sample shop's customers, the first few of whom are the same in every shop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from segue.sample.catalogue import ALPHAS, HANDS, NUMBERS
from segue.sample.dice import chance, pick, weighted
from segue.sample.names import NAMES, mailbox
from segue.sample.places import CITIES, City
from segue.sample.rows import CustomerRow
from segue.sample.stages import NEW_YORK, Stage
from segue.sample.year import YEAR_END, YEAR_START, iso

SARAH: Final = "C-0001"
JUNE: Final = "C-0002"
CLARA: Final = "C-0003"

#: When Sarah first bought, in Brooklyn's evening.
MET_SARAH: Final = datetime(2026, 2, 20, 23, 41, 12, tzinfo=UTC)

#: Names that break careless templates: template and MIME syntax, quotes, right-to-left, emoji.
HOSTILE: Final = (
    ("[a] $5 #import {{ x }}", "Marlow", "marlow"),
    ('Zoë "Zed"', "O'Neill", "zed.oneill"),
    ("שירה", "בן־דוד", "shira"),
    ("Robin 🧶🌊", "Vale", "robin.vale"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer, with what the shop does not know: her sizes."""

    customer_id: str
    email: str
    phone: str
    first_name: str
    last_name: str
    locale: str
    #: Empty when the shop does not know it; then `region` and `zone` are empty too.
    country: str
    region: str
    zone: str
    birth_year: int | None
    latitude: float | None
    longitude: float | None
    source: str
    created_at: datetime
    number: str
    alpha: str
    hand: str
    #: Her name would break a careless template, and she agreed to everything, so mails carry it.
    has_hostile_name: bool = False

    @property
    def is_story(self) -> bool:
        """Whether her year is written down rather than rolled."""
        return self.customer_id in (SARAH, JUNE, CLARA)

    def size(self, sizes: tuple[str, ...]) -> str:
        """Return her size in a size run."""
        if sizes == NUMBERS:
            return self.number
        return self.alpha if sizes == ALPHAS else self.hand if sizes == HANDS else sizes[0]

    def row(self) -> CustomerRow:
        """Return her line in `customers.csv`."""
        return CustomerRow(
            self.customer_id, self.email, self.phone, self.first_name, self.last_name, self.locale, self.country,
            self.region, self.zone, str(self.birth_year or ""),
            "" if self.latitude is None else f"{self.latitude:.3f}",
            "" if self.longitude is None else f"{self.longitude:.3f}",
            self.source, iso(self.created_at),
        )  # fmt: skip


def make_people(rng: Random, count: int, stage: Stage = NEW_YORK) -> list[Person]:
    """Return `count` customers: the story's three on its stage, the hostile names, then everyone else by date."""
    phones = _Phones()
    people = list(_story_people(stage))
    taken = {person.email for person in people}
    for first, last, box in HOSTILE:
        taken.add(f"{box}@example.com")
        people.append(
            _roll(
                rng,
                f"C-{len(people) + 1:04d}",
                CITIES[len(people)],
                phones,
                (first, last, box),
                YEAR_START,
                hostile=True,
            )
        )
    dates = sorted(_first_met(rng) for _ in range(count - len(people)))
    for created_at in dates:
        city = rng.choices(CITIES, [c.share for c in CITIES])[0]
        names = NAMES[city.names]
        first, last = pick(rng, names["first"]), pick(rng, names["last"])
        box = base = mailbox(first, last)
        again = 1
        while f"{box}@example.com" in taken:
            again += 1
            box = f"{base}{again}"
        taken.add(f"{box}@example.com")
        people.append(_roll(rng, f"C-{len(people) + 1:04d}", city, phones, (first, last, box), created_at))
    return people


def _first_met(rng: Random) -> datetime:
    """Half were customers before the year began; the shop grows through it."""
    if chance(rng, 0.5):
        return YEAR_START - timedelta(seconds=int(rng.random() * 500 * 86400))
    return YEAR_START + timedelta(seconds=int(rng.random() ** 0.85 * (YEAR_END - YEAR_START).total_seconds()))


def _roll(
    rng: Random,
    customer_id: str,
    city: City,
    phones: _Phones,
    name: tuple[str, str, str],
    created_at: datetime,
    *,
    hostile: bool = False,
) -> Person:
    unknown_place = not hostile and chance(rng, 0.012)
    number = weighted(rng, {"2": 5, "4": 11, "6": 17, "8": 21, "10": 19, "12": 14, "14": 8, "16": 5})
    at = NUMBERS.index(number)
    first, last, box = name
    source = weighted(rng, {"web": 66, "instagram_shop": 12, "facebook_shop": 9, "store": 13})
    return Person(
        customer_id=customer_id,
        email=f"{box}@example.com",
        phone=phones.next(city) if hostile or chance(rng, 0.57) else "",
        first_name=first if not chance(rng, 0.02) or hostile else "",
        last_name=last,
        locale=city.locale,
        country="" if unknown_place else city.country,
        region="" if unknown_place else city.region,
        zone="" if unknown_place else city.zone,
        birth_year=None if chance(rng, 0.35) else min(2009, max(1942, round(rng.gauss(1986, 12)))),
        latitude=None if unknown_place else round(city.latitude + rng.uniform(-0.08, 0.08), 3),
        longitude=None if unknown_place else round(city.longitude + rng.uniform(-0.08, 0.08), 3),
        source=source,
        created_at=created_at,
        number=number,
        alpha=("XS", "S", "S", "M", "M", "L", "XL", "XL")[at],
        hand=("S", "S", "S", "M", "M", "M", "L", "L")[at],
        has_hostile_name=hostile,
    )


def _story_people(stage: Stage) -> Iterator[Person]:
    """Sarah, her friend June, and Clara, who does what Sarah does and never agreed to anything."""
    city = stage.city
    latitude, longitude = stage.home
    for (customer_id, first, last, source, created_at, number, birth_year), phone in zip(
        (
            (SARAH, "Sarah", "Whitfield", "facebook_shop", MET_SARAH, "8", 1991),
            (JUNE, "June", "Okafor", "web", datetime(2025, 10, 4, 16, 20, 5, tzinfo=UTC), "10", 1993),
            (CLARA, "Clara", "Whitfield", "facebook_shop", MET_SARAH, "8", 1991),
        ),
        stage.phones,
        strict=True,
    ):
        yield Person(
            customer_id=customer_id, email=f"{first.lower()}@example.com", phone=phone, first_name=first,
            last_name=last, locale=city.locale, country=city.country, region=city.region, zone=city.zone,
            birth_year=birth_year, latitude=latitude, longitude=longitude, source=source,
            created_at=created_at - stage.earlier, number=number, alpha="M", hand="M",
        )  # fmt: skip


class _Phones:
    """Hands out numbers that are kept for fiction, each once: 555-0100 to 0199 of an area, 07700 900000 to 900999."""

    def __init__(self) -> None:
        self._free = {city.area: _numbers(city.area) for city in CITIES}

    def next(self, city: City) -> str:
        """Return a number nobody has, or nothing where none is left."""
        return next(self._free[city.area], "")


def _numbers(area: str) -> Iterator[str]:
    if not area:
        return iter(())
    if area == "44":
        return (f"+447700900{n:03d}" for n in range(1000))
    first = 104 if area == "202" else 100  # the story's three have the ones before
    return (f"+1{area}5550{n:03d}" for n in range(first, 200))
