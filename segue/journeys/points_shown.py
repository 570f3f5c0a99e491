"""What a message says of somebody's points: how many, what they are worth, and where near her they can be spent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, or_, select

from segue.journeys.definition import Moment
from segue.journeys.nearby import homes_around
from segue.offers.loyalty import Balance, balances, book_points, running_out
from segue.settings.house import Loyalty
from segue.store.sql import listed
from segue.store.tables import location, profile

#: Points that run out within this time are worth a warning.
SOON = timedelta(days=30)
#: How far somebody goes to a shop, and how early a pop-up is worth a mention.
NEAR_KM = 50
POPUP_AHEAD = timedelta(days=30)


def book_shown(connection: Connection, moment: Moment) -> None:
    """Book what facts say of points by now, so that whatever a message says of them is so when it leaves."""
    book_points(connection, moment.now, moment.house.loyalty)


def points_shown(
    connection: Connection, people: Collection[int], now: datetime, loyalty: Loyalty
) -> list[dict[str, Any]]:
    """Return what a template may say of the points of `people`, in their order: `points` and `places`."""
    held = balances(connection, set(people), now)
    ending = running_out(connection, set(people), now + SOON)
    places = places_near(connection, set(people), now)
    return [
        {
            "points": _words(held[one], ending.get(one, 0), loyalty),
            "places": places.get(one, {"store": None, "popup": None}),
        }
        for one in people
    ]


def _words(balance: Balance, ending: int, loyalty: Loyalty) -> dict[str, Any]:
    rewards, rest = divmod(balance.available, loyalty.reward_points)
    return {
        "available": balance.available,
        "pending": balance.pending,
        "rewards": rewards,
        "worth": _amount(rewards * loyalty.reward_minor, loyalty),
        "reward": _amount(loyalty.reward_minor, loyalty),
        "missing": loyalty.reward_points - rest,
        "progress": 100 * rest // loyalty.reward_points,
        "ending": ending,
        "ends_at": balance.next_expiry_at.isoformat() if balance.next_expiry_at is not None and ending else None,
    }


def _amount(minor: int, loyalty: Loyalty) -> dict[str, Any]:
    """Money as a template's `worth` reads it."""
    return {"percent": None, "amount_minor": minor, "currency": loyalty.currency}


def places_near(
    connection: Connection, people: Collection[int], now: datetime
) -> dict[int, dict[str, Mapping[str, Any] | None]]:
    """Return the store and the pop-up nearest to each home, at most 50 km away; one that closed is nowhere."""
    columns = ("id", "kind", "name", "address", "zone", "latitude", "longitude", "opens_at", "closes_at")
    places = (
        select(*(location.c[name] for name in columns))
        .where(
            location.c.kind.in_(("store", "popup")),
            location.c.latitude.is_not(None),
            location.c.longitude.is_not(None),
            or_(location.c.opens_at.is_(None), location.c.opens_at <= now + POPUP_AHEAD),
            or_(location.c.closes_at.is_(None), location.c.closes_at > now),
        )
        .subquery("places")
    )
    known = {row.id: row for row in connection.execute(select(places))}
    found: dict[int, dict[str, Mapping[str, Any] | None]] = {}
    if not known:
        return found
    near = homes_around(places, NEAR_KM).where(listed(profile.c.id, "people")).order_by("haversine", "place_id")
    for row in connection.execute(near, {"people": sorted(people)}):
        place = known[row.place_id]
        mine = found.setdefault(row.profile_id, {"store": None, "popup": None})
        if mine[place.kind] is None:
            mine[place.kind] = {
                "name": place.name,
                "address": place.address,
                "zone": place.zone,
                "opens_at": place.opens_at.isoformat() if place.opens_at is not None else None,
                "closes_at": place.closes_at.isoformat() if place.closes_at is not None else None,
                "is_open": place.opens_at is None or place.opens_at <= now,
            }
    return found
