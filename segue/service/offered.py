"""What forms offer as drop-downs, as it stands in the store, and what is meant by a choice made there.

Asked for a form, the store of the installation that the settings describe is only read: no database is made, and
nothing is said of what is wrong with one, since the form must open all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Select, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from segue.clock import SystemClock
from segue.journeys.campaign_brief import FOLDER
from segue.journeys.definition import Journey
from segue.journeys.parcels import HOME_LOCATION
from segue.journeys.popup_places import popups_to_offer
from segue.offers import SuspectReferral, referrals_to_review
from segue.render import BrandError, load_brand
from segue.service import vocabulary
from segue.service.desk import Desk
from segue.settings import load_settings
from segue.store.engine import open_engine, read
from segue.store.tables import location, segment

_T = TypeVar("_T")
#: A name longer than this is cut: the id behind it tells which pop-up is meant.
_LONGEST_NAME = 60
#: So many referrals are offered at once; with each decided, the next one is.
_OFFERED = 100
#: So many places are named where one is not known.
_SOME = 12
_PLACES = (
    select(location.c.external_id, location.c.name, location.c.zone, location.c.opens_at, location.c.closes_at)
    .where(location.c.kind.in_(("popup", "store")))
    .order_by(location.c.name, location.c.id)
)


def segment_names() -> tuple[str, ...]:
    """The names of all segments; none where the store cannot be read."""
    return tuple(sorted(row.name for row in _rows(select(segment.c.name))))


def popup_choices() -> tuple[str, ...]:
    """The pop-ups that people can still be invited to, next opening first; none where the store cannot be read.

    Each ends with its id in the shop, in brackets: name and days are for people and may change.
    """
    now = load_settings().virtual_now or SystemClock().now()
    return tuple(_label(row) for row in _rows(popups_to_offer(now)))


def place_choices() -> tuple[str, ...]:
    """Every shop and pop-up by name, those that are over too; none where the store cannot be read."""
    return tuple(_label(row) for row in _rows(_PLACES))


def templates_of(journey: str) -> dict[str, tuple[str, ...]]:
    """The template folders of a journey, the shop's own among them, and the channels that each has words for."""
    from segue.render.spoken import channels_of

    folders = sorted(file.parent for file in (load_settings().templates / journey).glob("*/sample.json"))
    return {one.name: channels_of(one) for one in folders if re.fullmatch(FOLDER, one.name) and channels_of(one)}


def unprintable(picture: str) -> str | None:
    """Why a card cannot show a picture, which paper does not fetch, and what to do; None where it can."""
    from segue.render.page import found

    root = load_settings().pictures
    if root is None:
        return "no folder of pictures is set: name one as SEGUE_PICTURES and put it there"
    return (
        None if found(root, picture) else "it is not in the folder of pictures that SEGUE_PICTURES names: put it there"
    )


def template_languages() -> dict[str, str]:
    """The languages that any template speaks: English name -> code, by name."""
    from segue.render.voice import language_name

    settings = load_settings()
    codes = {file.stem for file in settings.templates.glob("*/*.po")}
    with suppress(BrandError, OSError):  # the form must open all the same
        codes.add(load_brand(settings.brand).template_lang)
    return dict(sorted((language_name(code), code) for code in codes))


def review_choices() -> tuple[str, ...]:
    """The referrals that wait for somebody, the most suspicious first; none where the store cannot be read.

    Each begins with its id. It names nobody.
    """
    settings = load_settings()
    now = settings.virtual_now or SystemClock().now()
    waiting = _asked(lambda connection: referrals_to_review(connection, now, settings.house.referral))
    return tuple(review_choice(one) for one in waiting[:_OFFERED])


def review_choice(one: SuspectReferral) -> str:
    """How a referral is called where it can be chosen."""
    said = ", ".join(name.replace("_", " ") for name in one.signals)
    return f"{one.id}: order {one.order_number}, score {one.score}, {said}"


def categories() -> tuple[str, ...]:
    """The garment categories of the shop's products."""
    return _words(vocabulary.CATEGORIES)


def size_systems() -> tuple[str, ...]:
    """The size systems of the shop's products."""
    return _words(vocabulary.SIZE_SYSTEMS)


def channels_listed_on() -> tuple[str, ...]:
    """The sales channels on which anything is or was listed."""
    return _words(vocabulary.LISTED_ON)


def channels_bought_on() -> tuple[str, ...]:
    """The sales channels of all orders."""
    return _words(vocabulary.BOUGHT_ON)


def sources() -> tuple[str, ...]:
    """The sales channels that people came from."""
    return _words(vocabulary.SOURCES)


def networks() -> tuple[str, ...]:
    """The networks on which somebody follows us."""
    return _words(vocabulary.NETWORKS)


def packing_places() -> tuple[str, ...]:
    """Where parcels are packed, as the shop calls it: cards are printed for each; the shop's own place comes first."""
    return (HOME_LOCATION, *(one for one in _words(vocabulary.PLACE_IDS) if one != HOME_LOCATION))


class OfferedVerbs(Desk):
    """What a choice means."""

    def place_called(self, choice: str) -> str:
        """Return the id of the shop or pop-up that a form's choice, or an id, means, over or not.

        Raises KeyError with some of the choice where there is none.
        """
        with read(self.engine) as connection:
            places = connection.execute(_PLACES).all()
        ids = [str(row.external_id) for row in places]
        if meant := [one for one in ids if choice == one or choice.endswith(f" ({one})")]:
            return max(meant, key=len)
        some = [_label(row) for row in places[:_SOME]] + (["..."] if len(places) > _SOME else [])
        raise KeyError(f"there is no shop or pop-up {choice}; there are {'; '.join(some) or 'none yet: import them'}")

    def speaking_of(self, journey: Journey, popup: str | None) -> Journey:
        """Return the pop-up invite with samples that speak of this pop-up; None: of the next one, if there is one."""
        now = self.clock.now()
        next_ones = popups_to_offer(now).with_only_columns(location)
        one = next_ones if popup is None else select(location).where(location.c.external_id == popup)
        with read(self.engine) as connection:
            place = connection.execute(one.limit(1)).first()
        if place is None or None in (place.opens_at, place.closes_at, place.latitude, place.longitude):
            return journey
        from segue.journeys.popup_invite import shown_with

        steps = tuple(replace(step, shows=shown_with(place, now)) for step in journey.steps)
        return replace(journey, steps=steps)


def _words(question: Select[Any]) -> tuple[str, ...]:
    return tuple(sorted(word for row in _rows(question) if (word := str(row.word)).strip()))


def _rows(question: Select[Any]) -> list[Row[Any]]:
    return _asked(lambda connection: list(connection.execute(question)))


def _asked(ask: Callable[[Connection], list[_T]]) -> list[_T]:
    settings = load_settings()
    try:
        url = make_url(settings.store_url)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            return []
        engine = open_engine(settings.store_url)
    except (ArgumentError, ImportError, ValueError):
        return []
    try:
        with read(engine) as connection:
            return ask(connection)
    except SQLAlchemyError:
        return []
    finally:
        engine.dispose()


def _label(row: Row[Any]) -> str:
    name = " ".join(row.name.split())
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 1].rstrip()}…"
    if row.opens_at is None or row.closes_at is None:
        return f"{name} ({row.external_id})"
    first, last = (_local(at, row.zone) for at in (row.opens_at, row.closes_at))
    begins = f"{first.day}" if (first.year, first.month) == (last.year, last.month) else f"{first.day} {first:%b}"
    days = f"{last.day} {last:%b}" if first.date() == last.date() else f"{begins} to {last.day} {last:%b}"
    return f"{name}, {days} ({row.external_id})"


def _local(at: datetime, zone: str | None) -> datetime:
    try:
        return at.astimezone(ZoneInfo(zone or "UTC"))
    except (KeyError, ValueError, OSError):  # a zone of which this machine has not heard
        return at.astimezone(UTC)
